/** Response times of the last second, in steps of a pulse. */
import {
  createHistogram,
  type Histogram,
  record,
  type StoredHistogram,
  storeHistogram,
} from '../recording/histogram.ts';

export const PULSE_MS = 100;
const PULSES_KEPT = 10;

export interface RecentResponses {
  answered(responseMs: number): void;
  /** Ends a step; `agesMs` are those of operations without an answer, which count too. */
  step(agesMs: Iterable<number>): StoredHistogram;
}

export function createRecentResponses(): RecentResponses {
  const kept: Histogram[] = [createHistogram()];
  const sum = createHistogram();
  return {
    answered(responseMs) {
      record(sum, responseMs * 1000);
      record(kept.at(-1) ?? sum, responseMs * 1000);
    },
    step(agesMs) {
      const withAges = sum.slice();
      for (const ageMs of agesMs) record(withAges, ageMs * 1000);
      const oldest = kept.length >= PULSES_KEPT ? kept.shift() : undefined;
      oldest?.forEach((count, bucket) => {
        sum[bucket] = (sum[bucket] ?? 0) - count;
      });
      kept.push(oldest?.fill(0) ?? createHistogram());
      return storeHistogram(withAges);
    },
  };
}
