/** Texts that lie in the ranges of partitions, whichever of the usual collations orders them. */
import type { PartitionRange } from '../checks/partitions.ts';
import { hashBelow } from '../random.ts';
import { FALLBACKS, type Pools } from './pools.ts';
import { sourceOf, UNBOUNDED, type ValueSource } from './source.ts';

export interface RangedText {
  readonly ranges: readonly PartitionRange[];
  readonly maxLength: number | null;
  readonly seed: number;
  readonly pools: Pools;
}

/** So many words stand for a range. */
const WORDS = 64;
/** Digits that make a word differ in every row, and the hyphen in front of them. */
const DIGITS = 12;
const LAST = `-${'9'.repeat(DIGITS)}`;

/**
 * Words, or where none lies in a range its lower bound, with the number of the row behind them where they must differ. Null
 * where a range has none for sure.
 */
export function rangedTextSource({ ranges, maxLength, seed, pools }: RangedText): ValueSource | null {
  const stems = ranges.flatMap((range) => stemsIn(range, pools));
  const limit = maxLength ?? Number.POSITIVE_INFINITY;
  const plain = stems.filter((stem) => stem !== '' && stem.length <= limit);
  if (plain.length === 0) return null;
  const room = Math.max(0, Math.min(DIGITS, limit - Math.max(...plain.map(({ length }) => length)) - 1));
  const numbered = room > 0;
  return sourceOf({
    capacity: numbered ? Math.min(UNBOUNDED, 10 ** room) : new Set(plain).size,
    plain: (row) => plain[hashBelow(seed, row, plain.length)] ?? '',
    unique: (ordinal) => {
      const stem = plain[ordinal % plain.length] ?? '';
      return numbered ? `${stem}-${ordinal}` : stem;
    },
  });
}

function stemsIn(range: PartitionRange, pools: Pools): readonly string[] {
  const words = FALLBACKS.flatMap((kind) => pools.ofKind(kind)).flatMap((word) => {
    const [first = ''] = word.toLowerCase().split(/[^a-z]/);
    return [first, first.toUpperCase()];
  });
  const found = [...new Set(words)].filter((word) => isInside(range, word) && isInside(range, word + LAST));
  if (found.length > 0) return found.slice(0, WORDS);
  const { from } = range;
  return from !== null && isInside(range, from + LAST) ? [from] : [];
}

/** In the order of the bytes (collation C) and in that of the letters (en_US, ICU). */
function isInside({ from, to }: PartitionRange, text: string): boolean {
  const after = from === null || (text >= from && LETTERS.compare(text, from) >= 0);
  return text !== '' && after && (to === null || (text < to && LETTERS.compare(text, to) < 0));
}

const LETTERS = new Intl.Collator('en');
