/** Orders of row numbers that can be asked for one at a time: each is a bijection, so that counts come out exactly. */
import { hash } from '../random.ts';

/** Numbers above this keep their high part; only what is below is permuted. */
const MAX_BITS = 31;

/** A pseudo-random bijection of 0..size-1. What falls outside of it is permuted again until it is inside. */
export function permutation(seed: number, size: number): (index: number) => number {
  if (size <= 1) return (index) => index;
  const bits = Math.min(MAX_BITS, Math.max(2, Math.ceil(Math.log2(size))));
  const width = 2 ** bits;
  const mask = width - 1;
  const shift = Math.ceil(bits / 2);
  const rounds = [1, 2, 3].map((round) => ({ factor: hash(seed, round) | 1, offset: hash(seed, round + 8) }));
  const once = (index: number): number => {
    const high = index < width ? 0 : Math.floor(index / width);
    let mixed = (index - high * width) | 0;
    for (const { factor, offset } of rounds) {
      mixed = (Math.imul(mixed, factor) + offset) & mask;
      mixed ^= mixed >>> shift;
    }
    return mixed + high * width;
  };
  return (index) => {
    let found = once(index);
    while (found >= size) found = once(found);
    return found;
  };
}

/** Part of the rows that lie in the order of their values; the others are shuffled among themselves. */
export interface Order {
  /** 0..1 */
  readonly share: number;
  readonly descending: boolean;
}

const PER_BLOCK = 1024;

/**
 * The place in the order of values that each row has. Of each 1024 rows as many as `share` says have the place of
 * their own number; the others swap their places over the whole table.
 */
export function placement(seed: number, size: number, { share, descending }: Order): (row: number) => number {
  const loose = Math.round((1 - share) * PER_BLOCK);
  const swap = permutation(seed, looseBefore(size, loose));
  const turn = turning(seed, size);
  const placeOf = (row: number): number => {
    const turned = turn(row, 1);
    const before = looseBefore(turned, loose);
    if (looseBefore(turned + 1, loose) === before) return row;
    const other = swap(before);
    const block = Math.floor(other / loose);
    return turn(block * PER_BLOCK + Math.ceil(((other - block * loose + 1) * PER_BLOCK) / loose) - 1, -1);
  };
  return descending ? (row) => size - 1 - placeOf(row) : placeOf;
}

/** Moves a row on within its block, or back: otherwise the same rows of every column would be those in order. */
function turning(seed: number, size: number): (row: number, by: 1 | -1) => number {
  const whole = Math.floor(size / PER_BLOCK) * PER_BLOCK;
  const steps = hash(seed, 77) & (PER_BLOCK - 1);
  return (row, by) => {
    if (row >= whole) return row;
    const start = row - (row % PER_BLOCK);
    return start + ((row - start + by * steps) & (PER_BLOCK - 1));
  };
}

function looseBefore(row: number, loose: number): number {
  const block = Math.floor(row / PER_BLOCK);
  return block * loose + Math.floor(((row - block * PER_BLOCK) * loose) / PER_BLOCK);
}

/** Below this many rows a volume is made for itself, exactly; from here on a larger one extends a smaller one. */
export const FEW_ROWS = 3000;

/** Which rows are null, and which place each other row has among those that are not. */
export interface NullPattern {
  readonly fraction: number;
  /** Rows of this volume that are not null. */
  readonly present: number;
  isNull(row: number): boolean;
  /** Number among the rows that are not null, each another one, below `present`. */
  placeOf(row: number): number;
  /** The same, give or take a few, but of a row in every volume from {@link FEW_ROWS} on; has no end. */
  ordinalOf(row: number): number;
}

const JITTER = 64;

/** Nulls are spread evenly, shuffled within stretches of 64 rows so that those of two columns do not coincide. */
export function nullPattern(seed: number, rows: number, fraction: number): NullPattern {
  if (fraction <= 0) {
    const same = (row: number): number => row;
    return { fraction: 0, present: rows, isNull: () => false, placeOf: same, ordinalOf: same };
  }
  const turn = hash(seed, 0) & (JITTER - 1);
  const factor = hash(seed, 1) | 1;
  const before = (row: number): number => Math.round(row * fraction);
  const few = rows < FEW_ROWS;
  const whole = rows - (rows % JITTER);
  const moved = (row: number): number => {
    const start = row - (row % JITTER);
    if (few && start >= whole) return row;
    return start + ((Math.imul(row - start, factor) + turn + hash(seed, start)) & (JITTER - 1));
  };
  const isNull = (row: number): boolean => {
    const at = moved(row);
    return before(at + 1) > before(at);
  };
  const ordinalOf = (row: number): number => {
    const at = moved(row);
    return at - before(at);
  };
  // Of the last stretch some rows are beyond the volume, so that those before a row have to be counted.
  const counted = (row: number): number => {
    let place = whole - before(whole);
    for (let other = whole; other < row; other += 1) if (!isNull(other)) place += 1;
    return place;
  };
  return {
    fraction,
    present: counted(rows),
    isNull,
    placeOf: (row) => (row < whole ? ordinalOf(row) : counted(Math.min(row, rows))),
    ordinalOf,
  };
}
