/**
 * The only randomness of the filling: integer hashes of (seed, row). No state, so that any thread makes any row.
 */

const GOLDEN = 0x9e3779b1;
const UINT32 = 4_294_967_296;

/**
 * A well mixed unsigned 32-bit number for this seed and row. For one seed it is a bijection of the rows below 2^32:
 * two such rows never share a hash, which makes uuids built on it unique.
 * Finaliser "triple32 round" constants: https://github.com/skeeto/hash-prospector (bias 0.107 of the ideal).
 */
export function hash(seed: number, row: number): number {
  let mixed = Math.imul(row | 0, GOLDEN) ^ seed;
  if (row >= UINT32) mixed ^= Math.imul(Math.floor(row / UINT32), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}

/**
 * One of the first `count` whole numbers, for a count of 1 to 2^32 - 1. Told that both are whole, the runtime divides them as
 * such: a remainder of doubles is a call that takes 20 ns.
 */
export function hashBelow(seed: number, row: number, count: number): number {
  return hash(seed, row) % (count >>> 0);
}

/** The hash as a number in [0, 1). */
export function unit(seed: number, row: number): number {
  return hash(seed, row) / UINT32;
}

/** A seed of its own for every purpose: FNV-1a over the names, mixed with the random seed. */
export function seedOf(randomSeed: number, ...names: readonly string[]): number {
  let mixed = 0x811c9dc5 ^ (randomSeed | 0);
  for (const name of names) {
    for (let index = 0; index < name.length; index += 1)
      mixed = Math.imul(mixed ^ name.charCodeAt(index), 0x01000193);
    mixed = Math.imul(mixed ^ 0xff, 0x01000193);
  }
  return hash(mixed, randomSeed) | 0;
}

const BLOCK = 1024;

/**
 * Shuffles ordinals without knowing how many there will be: within blocks of 1024, so that a larger volume extends a
 * smaller one. A block that would reach past `capacity` keeps its order, so that no value leaves the domain.
 */
export function shuffle(seed: number, ordinal: number, capacity: number): number {
  const block = Math.floor(ordinal / BLOCK);
  if ((block + 1) * BLOCK > capacity) return ordinal;
  let position = ordinal - block * BLOCK;
  position = (position * 421 + (hash(seed, block) & (BLOCK - 1))) & (BLOCK - 1);
  position ^= position >> 5;
  position = (position * 613) & (BLOCK - 1);
  return block * BLOCK + position;
}
