/**
 * Arrivals: when an operation is due and which one it is. Pure: the same seed gives the same list on every thread, so
 * that the ticker knows the instants without being told, and two rehearsals meet the same traffic.
 */
import type { LoadSettings } from '../../scenario/plan.ts';
import { createRandom, type Random } from './random.ts';

export type ArrivalSettings = Pick<LoadSettings, 'ratePerSecond' | 'arrivals'>;

/** Gives the next instant, in milliseconds since the load's start; never descending. */
export type Instants = () => number;

/**
 * Poisson: gaps of -ln(1 - u) / rate, as an open system of many users has them; uniform: one operation every 1 / rate,
 * each instant by multiplication, so that no error adds up.
 */
export function createInstants(settings: ArrivalSettings, randomSeed: number): Instants {
  const meanGapMs = 1000 / settings.ratePerSecond;
  let number = 0;
  if (settings.arrivals === 'uniform') {
    return () => {
      number += 1;
      return number * meanGapMs;
    };
  }
  const random = createRandom(randomSeed, 'instants');
  let atMs = 0;
  return () => {
    atMs -= Math.log(1 - random()) * meanGapMs;
    return atMs;
  };
}

/** Draws indexes by weight; weights are positive. */
export function createChooser(weights: readonly number[], random: Random): () => number {
  const sums: number[] = [];
  let total = 0;
  for (const weight of weights) {
    total += weight;
    sums.push(total);
  }
  return () => firstAbove(sums, random() * total);
}

/** Index of the first of ascending sums that is larger than the wanted one; the last index at most. */
export function firstAbove(sums: ArrayLike<number>, wanted: number): number {
  let low = 0;
  let high = sums.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sums[middle] ?? 0) > wanted) high = middle;
    else low = middle + 1;
  }
  return low;
}
