/** Text of a wanted average length: words of the column's kind in sorted order, a code where they must differ, letters. */

import { hash, unit } from '../random.ts';
import { LETTERS } from '../types/pools.ts';

export interface TextShape {
  readonly seed: number;
  /** Different texts that are made at least. */
  readonly distinct: number;
  /** Mean of characters over all rows. */
  readonly length: number;
  readonly limit: number;
  readonly pool: () => readonly string[];
  /** An address: what makes it differ stands before the @. */
  readonly address: boolean;
  /** Characters by rank where they are not left to chance. */
  readonly lengths: ReadonlyMap<number, number>;
  /** All texts have the same length, give or take one. */
  readonly even: boolean;
}

/** Lengths lie this far around the mean, as a part of it. */
export const SPREAD = 0.25;

/** A different text for each rank; ascending with it as far as words and codes go. */
export function profiledText(shape: TextShape): (rank: number) => string {
  const { seed, distinct, limit } = shape;
  const digits = Math.max(1, Math.ceil(Math.log(distinct) / Math.log(36)));
  let words: readonly string[] = [];
  return (rank) => {
    if (words.length === 0) words = sortedWords(shape);
    const length = lengthOf(shape, rank);
    const word = words[Math.min(words.length - 1, Math.floor((rank * words.length) / distinct))] ?? '';
    if (distinct <= words.length && word.length <= length && !shape.address)
      return word + padding(seed, rank, length - word.length);
    const code = rank.toString(36).padStart(digits, '0');
    if (code.length >= length - 1) return code.padEnd(Math.min(limit, Math.floor(length)), 'x');
    if (shape.address) return address({ seed, rank, length, limit, code, word });
    const head = word.slice(0, Math.max(0, length - code.length - 1));
    const text = `${head}${head === '' ? '' : '-'}${code}`;
    return text + padding(seed, rank, length - text.length);
  };
}

function sortedWords({ pool }: TextShape): readonly string[] {
  const words = [...new Set(pool())].sort();
  return words.length === 0 ? ['x'] : words;
}

function lengthOf({ seed, length, limit, lengths, even }: TextShape, rank: number): number {
  const known = lengths.get(rank);
  if (known !== undefined) return known;
  // As far below the mean as above it, so that the mean stays where it is.
  const room = even ? 0 : Math.min(SPREAD * length, limit - length, length - 1);
  const wanted = length + Math.max(0, room) * (2 * unit(seed ^ 0x51ed270b, rank) - 1);
  return Math.min(limit, Math.max(1, Math.floor(wanted + unit(seed ^ 0x2545f491, rank))));
}

interface AddressParts {
  readonly seed: number;
  readonly rank: number;
  readonly length: number;
  readonly limit: number;
  readonly code: string;
  readonly word: string;
}

/** An address is one also where it has to be longer for it. */
const SHORT_END = '@x.io';

function address({ seed, rank, length, limit, code, word }: AddressParts): string {
  const [local = '', domain = 'x.io'] = word.split('@');
  const end = length - code.length > domain.length + 4 ? `@${domain}` : SHORT_END;
  const room = length - code.length - end.length - 1;
  if (room <= 0)
    return code.length + SHORT_END.length <= limit ? `${code}${SHORT_END}` : code.padEnd(length, 'x');
  const head = local.slice(0, room);
  return `${head}.${code}${letters(seed, rank, room - head.length)}${end}`;
}

/** With a space in front where there is room for it. */
function padding(seed: number, rank: number, length: number): string {
  if (length <= 1) return 'x'.repeat(Math.max(0, length));
  return ` ${letters(seed, rank, length - 1)}`;
}

/** Power of two; longer texts take several pieces, each from a place of its own. */
const STOCK = 65_536;
const PIECE = 4096;
const stocks = new Map<number, string>();
const MAX_STOCKS = 16;

/** Letters that do not compress away. */
function letters(seed: number, rank: number, length: number): string {
  if (length <= 0) return '';
  const stock = stockOf(seed);
  if (length <= PIECE) {
    const at = hash(seed, rank) % (STOCK - PIECE);
    return stock.slice(at, at + length);
  }
  const pieces: string[] = [];
  for (let made = 0; made < length; made += PIECE) {
    const at = hash(seed + 1 + made, rank) % (STOCK - PIECE);
    pieces.push(stock.slice(at, at + Math.min(PIECE, length - made)));
  }
  return pieces.join('');
}

function stockOf(seed: number): string {
  const known = stocks.get(seed);
  if (known !== undefined) return known;
  const made = Array.from({ length: STOCK }, (_, index) => LETTERS.charAt(hash(seed, index) % 62)).join('');
  if (stocks.size >= MAX_STOCKS) stocks.clear();
  stocks.set(seed, made);
  return made;
}
