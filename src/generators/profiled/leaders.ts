/** The rows of a pair by the values of its leading half: by its own frequencies, or by the numbers counted within it. */
import type { ColumnProfile } from '../../profile/profile.ts';
import type { GroupFacts } from '../keys/uniqueness.ts';
import type { Stretch } from './correlation.ts';
import { levelled } from './levels.ts';
import { permutation } from './permutation.ts';
import { type Occurrence, spectrum } from './spectrum.ts';

/** A column, or a foreign key, of the pair. */
export interface Half {
  readonly column: string;
  readonly group: GroupFacts['group'] | null;
  /** Values, or parents, there are. */
  readonly capacity: number;
  readonly profile: ColumnProfile;
  readonly distinct: number;
  readonly counts: readonly number[];
  readonly integer: boolean;
  /** Its values are those of `counts`, in that order. */
  readonly listed?: boolean;
  /** Rather no pair than one in which a value is rarer than in production. */
  readonly whole?: boolean;
}

/** Rows by the value of the leading half, each knowing how many of the same value come before it. */
export interface Leader {
  readonly distinct: number;
  readonly most: number;
  readonly stretches: readonly Stretch[];
  occurrenceAt(place: number): Occurrence;
}

/** Values of these frequencies, as far as none of them has more rows than `most`. Null where they are too few for that. */
export function plainLeader(
  { counts, distinct }: Pick<Half, 'counts' | 'distinct'>,
  { rows, most, seed }: { readonly rows: number; readonly most: number; readonly seed: number },
): Leader | null {
  const common = levelled({ counts, distinct, rows, most });
  if (common === null) return null;
  const scatter = permutation(seed ^ 0x3c6ef372, distinct);
  const ranks = common.map((_, index) => scatter(index));
  const values = spectrum({ present: rows, counts: common, distinct, ranks, even: true });
  const { stretches, occurrenceAt } = values;
  return {
    distinct: values.distinct,
    stretches,
    occurrenceAt,
    most: largest({ counts: common, distinct }, rows),
  };
}

/** Rows that one of its values has at most. */
export function largest({ counts, distinct }: Pick<Half, 'counts' | 'distinct'>, rows: number): number {
  const others = distinct - counts.length;
  const left = rows - counts.reduce((sum, count) => sum + count, 0);
  return Math.max(1, ...counts, others > 0 ? Math.ceil(left / others) : 0);
}

/** The server's estimate of how many values the first half has is no better than this share. */
const ALIKE = 0.3;
const MOST_NUMBERS = 1000;
const ROUNDED = 1.05;

/** True when the second half counts 1, 2, 3 within the first: as many rows have its first number as the first has values. */
export function isNumbered(leading: Half, { integer, distinct, counts }: Half, rows: number): boolean {
  const [first] = counts;
  if (
    !integer ||
    first === undefined ||
    counts.length > distinct ||
    distinct > MOST_NUMBERS ||
    counts.length < distinct * ALIKE
  )
    return false;
  // Numbers of which too few are told, or whose few rows are rounded up, say nothing of how many rows there are within one value.
  const told = counts.reduce((sum, count) => sum + count, 0);
  if (told < rows * (1 - ALIKE) || told > rows * ROUNDED) return false;
  return isAlike(first, leading.distinct) && leading.distinct * 1.2 < rows;
}

/** True when this many values may be those of which the server estimates that there are so many. */
export function isAlike(values: number, estimated: number): boolean {
  return Math.abs(values - estimated) <= estimated * ALIKE;
}

const TEMPLATE = 1000;

/** Sizes of the values of the leading half from the numbers within them: as many reach k as rows have the number k. */
export function numberedLeader(leading: Half, { counts }: Half, rows: number): Leader | null {
  const groups = Math.min(TEMPLATE, leading.distinct);
  const first = Math.max(1, counts[0] ?? 1);
  const sizes = Array.from({ length: groups }, () => 0);
  for (const count of counts) {
    const reaching = Math.round((groups * count) / first);
    for (let index = 0; index < reaching; index += 1) sizes[index] = (sizes[index] ?? 0) + 1;
  }
  const most = sizes[0] ?? 1;
  const room = leading.capacity;
  // There may be fewer parents, or values, than the numbers tell of: then the smallest ones get a row more.
  for (let index = 0; index <= groups * most; index += 1) {
    const leader = sizedLeader(sizes, rows);
    if (leader.distinct <= room) return { ...leader, most };
    const at = groups - 1 - (index % groups);
    if ((sizes[at] ?? 0) < most) sizes[at] = (sizes[at] ?? 0) + 1;
  }
  return null;
}

/** Values with these numbers of rows, mixed, again and again. */
function sizedLeader(sizes: readonly number[], rows: number): Omit<Leader, 'most'> {
  const groups = sizes.length;
  const scatter = permutation(7, groups);
  const mixed = sizes.map((_, index) => sizes[scatter(index)] ?? 1);
  const ends = new Float64Array(groups);
  const sum = mixed.reduce((end, size, index) => {
    ends[index] = end + size;
    return end + size;
  }, 0);
  const occurrenceAt = (place: number): Occurrence => {
    const turn = Math.floor(place / sum);
    const at = place - turn * sum;
    let low = 0;
    let high = groups - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ends[middle] ?? 0) > at) high = middle;
      else low = middle + 1;
    }
    const size = mixed[low] ?? 1;
    return { rank: turn * groups + low, before: at - ((ends[low] ?? 0) - size), all: size };
  };
  const distinct = occurrenceAt(rows - 1).rank + 1;
  return { distinct, stretches: [{ share: 1, values: distinct }], occurrenceAt };
}
