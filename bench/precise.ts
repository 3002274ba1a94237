/** When a median of ratios is known well enough; pure. */
import { median } from './ratios.ts';

/** An interval that holds the true median in 95 of 100 cases; both ends are ratios that were measured. */
export interface MedianInterval {
  readonly lower: number;
  readonly upper: number;
}

const CONFIDENCE = 0.95;

/**
 * From the order of the ratios alone, whatever they are distributed like: the k-th smallest and the k-th largest, with the
 * largest k for which the binomial distribution of n and 1/2 leaves at most 2.5 % below k on each side. Null for fewer than
 * six ratios, which cannot give it. https://en.wikipedia.org/wiki/Median#Confidence_interval ; Conover, Practical
 * Nonparametric Statistics, section 3.2.
 */
export function medianInterval(ratios: readonly number[]): MedianInterval | null {
  const sorted = ratios.toSorted((one, other) => one - other);
  const n = sorted.length;
  let rank = 0;
  let below = 0;
  let exactlyRank = 0.5 ** n;
  while (below + exactlyRank <= (1 - CONFIDENCE) / 2) {
    below += exactlyRank;
    exactlyRank *= (n - rank) / (rank + 1);
    rank += 1;
  }
  const [lower, upper] = [sorted[rank - 1], sorted[n - rank]];
  return rank === 0 || lower === undefined || upper === undefined ? null : { lower, upper };
}

/** Both ends are at most this far from the median, as a share of it. */
export function isWithin(ratios: readonly number[], share: number): boolean {
  const interval = medianInterval(ratios);
  if (interval === null) return false;
  const middle = median(ratios);
  return interval.upper <= middle * (1 + share) && interval.lower >= middle * (1 - share);
}

/** The whole interval is on one side of the bound. */
export function isDecided(ratios: readonly number[], bound: number): boolean {
  const interval = medianInterval(ratios);
  return interval !== null && (interval.upper <= bound || interval.lower > bound);
}
