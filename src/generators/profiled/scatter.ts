/**
 * Values of rows that lie in no order, the same in every volume: each stretch of rows has each common value as often as
 * its share says, and the others one after the other.
 */
import { hash } from '../random.ts';
import type { Falling } from './falling.ts';
import { permutation } from './permutation.ts';

export interface ScatterRequest {
  readonly seed: number;
  /** Rows with a value, of which `counts` and `distinct` tell; later ones go on in the same way. */
  readonly present: number;
  /** Rows of the most common values. */
  readonly counts: readonly number[];
  /** Ranks of them, 0-based among all different values. */
  readonly ranks: readonly number[];
  readonly distinct: number;
  /** How the rows of the other values fall off; null where all have as many. */
  readonly tail: Falling | null;
  /** The number of different values grows with the rows; otherwise all of them come as early as they can. */
  readonly grows: boolean;
}

/** Rank of the value of a row, by its number among the rows that have one. */
export function scatter(request: ScatterRequest): (ordinal: number) => number {
  const { seed, present, counts, ranks, distinct } = request;
  const common = ends(counts);
  const commonRows = common.at(-1) ?? 0;
  const otherValues = distinct - counts.length;
  const otherRows = otherValues > 0 ? Math.max(0, present - commonRows) : 0;
  const share = commonRows + otherRows === 0 ? 0 : otherRows / (commonRows + otherRows);
  const otherOf = otherRows === 0 ? () => 0 : others(request, { rows: otherRows, values: otherValues });
  const mixed = permutation(seed ^ 0x1b873593, Math.max(1, otherValues));
  const rankOf = ranksBeside(ranks);
  const othersBefore = (block: number): number => Math.round(block * BLOCK * share);
  return (ordinal) => {
    const block = Math.floor(ordinal / BLOCK);
    const at = mixedIn(seed, block, ordinal - block * BLOCK);
    const before = othersBefore(block);
    const room = BLOCK - (othersBefore(block + 1) - before);
    if (at >= room) return rankOf(mixed(otherOf(before + at - room)));
    const place = ((at + reversed(block, seed)) / room) * commonRows;
    return ranks[firstAbove(common, place)] ?? 0;
  };
}

const BLOCK = 1024;
const GROUP_BITS = 5;
const GROUP = 2 ** GROUP_BITS;

/**
 * A bijection of 0..1023 for each block in which each 32 rows take one place of each 32nd, so that shares hold in any
 * stretch. Seeded by column and block: two columns do not go together.
 */
function mixedIn(seed: number, block: number, row: number): number {
  const [group, member] = [row >>> GROUP_BITS, row & (GROUP - 1)];
  const high = mixed32(hash(seed ^ 0x7f4a7c15, block * GROUP + group), member);
  return high * GROUP + mixed32(hash(seed ^ 0x2c1b3c6d, block * GROUP + high), group);
}

/** A bijection of 0..31 that 30 bits choose. */
function mixed32(choice: number, member: number): number {
  let found = (Math.imul(member, (choice << 1) | 1) + (choice >>> 4)) & (GROUP - 1);
  found ^= (found >>> 3) ^ ((choice >>> 9) & 3);
  found = (Math.imul(found, (choice >>> 10) | 1) + (choice >>> 15)) & (GROUP - 1);
  found ^= found >>> 2;
  return (Math.imul(found, (choice >>> 19) | 1) + (choice >>> 24)) & (GROUP - 1);
}

/** Radical inverse (van der Corput), turned by the seed: over the blocks each part of a place comes up as often. */
function reversed(block: number, seed: number): number {
  let bits = block >>> 0;
  bits = ((bits >>> 1) & 0x55555555) | ((bits & 0x55555555) << 1);
  bits = ((bits >>> 2) & 0x33333333) | ((bits & 0x33333333) << 2);
  bits = ((bits >>> 4) & 0x0f0f0f0f) | ((bits & 0x0f0f0f0f) << 4);
  bits = ((bits >>> 8) & 0x00ff00ff) | ((bits & 0x00ff00ff) << 8);
  bits = (bits >>> 16) | (bits << 16);
  return ((bits ^ hash(seed, 1)) >>> 0) / 4_294_967_296;
}

/** Which of the other values the row with this number among theirs has, before they are mixed. */
function others(
  { tail, grows }: ScatterRequest,
  { rows, values }: { readonly rows: number; readonly values: number },
): (row: number) => number {
  const inside = (value: number): number => Math.min(values - 1, value);
  if (grows)
    return tail === null
      ? (row) => inside(Math.floor(((row % rows) * values) / rows))
      : (row) => inside(tail.valueOf(row % rows));
  if (tail === null) return (row) => (row % rows) % values;
  // Every value once, then once more each that has a second row, and so on.
  const turns = ends(tail.more.map((share) => Math.round(share * values)).filter((count) => count > 0));
  const all = turns.at(-1) ?? 1;
  return (row) => {
    const at = row % all;
    const turn = firstAbove(turns, at);
    return inside(at - (turns[turn - 1] ?? 0));
  };
}

function ends(counts: readonly number[]): Float64Array {
  let sum = 0;
  return Float64Array.from(counts, (count) => {
    sum += count;
    return sum;
  });
}

/** Index of the first end beyond this place; of the last one when none is. */
function firstAbove(ascending: Float64Array, place: number): number {
  let low = 0;
  let high = ascending.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] ?? 0) > place) high = middle;
    else low = middle + 1;
  }
  return Math.max(0, low);
}

/** Ranks that are not taken, by their number. */
function ranksBeside(taken: readonly number[]): (index: number) => number {
  const free = Float64Array.from(
    taken.toSorted((one, other) => one - other),
    (rank, before) => rank - before,
  );
  return (index) => {
    let low = 0;
    let high = free.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((free[middle] ?? 0) <= index) low = middle + 1;
      else high = middle;
    }
    return index + low;
  };
}
