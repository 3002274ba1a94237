/**
 * Seeded randomness of the load: sfc32 (Chris Doty-Humphrey's PractRand; https://pracrand.sourceforge.net/RNG_engines.txt),
 * one independent stream per purpose, so that the instants do not depend on how many values an operation draws.
 */

/** Gives the next number in [0, 1). */
export type Random = () => number;

/** Enough for sfc32 to forget its seed, as its author does. */
const WARM_UP_ROUNDS = 12;

/** The stream of this name under a seed; the same two always give the same numbers. */
export function createRandom(seed: number, stream: string): Random {
  let a = hashOf(stream, 0x9e3779b9);
  let b = seed | 0;
  let c = Math.floor(seed / 2 ** 32) | 0;
  let counter = 1;
  function next(): number {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  }
  for (let round = 0; round < WARM_UP_ROUNDS; round += 1) next();
  return next;
}

/** FNV-1a over UTF-16 units: only to tell streams apart. */
function hashOf(text: string, start: number): number {
  let hash = start | 0;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash;
}
