/** Response times of the last second, in steps of a pulse: each load thread counts, the pipeline's thread adds up. */
import {
  bucketOf,
  mergeHistograms,
  percentileMs,
  type StoredHistogram,
  storeCounts,
} from '../../recording/histogram.ts';

export const PULSE_MS = 100;
const PULSES_KEPT = 10;

/** One step of one thread. */
export interface RecentStep {
  readonly answered: StoredHistogram;
  /** Ages of what had no answer at the end of the step. */
  readonly waiting: StoredHistogram;
}

export interface RecentResponses {
  answered(responseMs: number): void;
  /** Ends a step. */
  step(agesMs: Iterable<number>): RecentStep;
}

/** Only what a pulse holds is touched: a whole histogram every 100 ms would make operations late. */
export function createRecentResponses(): RecentResponses {
  let counts = new Map<number, number>();
  function count(into: Map<number, number>, milliseconds: number): void {
    const bucket = bucketOf(milliseconds * 1000);
    into.set(bucket, (into.get(bucket) ?? 0) + 1);
  }
  return {
    answered: (responseMs) => count(counts, responseMs),
    step(agesMs) {
      const waiting = new Map<number, number>();
      for (const ageMs of agesMs) count(waiting, ageMs);
      const answered = storeCounts(counts);
      counts = new Map();
      return { answered, waiting: storeCounts(waiting) };
    },
  };
}

/** The steps of one thread over the last second. */
export interface RecentSecond {
  add(step: RecentStep): void;
  clear(): void;
  /** The answered ones, and the ages of what still waits. */
  histograms(): readonly StoredHistogram[];
}

export function createRecentSecond(): RecentSecond {
  let kept: RecentStep[] = [];
  return {
    add(step) {
      kept = [...kept.slice(1 - PULSES_KEPT), step];
    },
    clear() {
      kept = [];
    },
    histograms: () => [
      ...kept.map(({ answered }) => answered),
      ...kept.slice(-1).map(({ waiting }) => waiting),
    ],
  };
}

/** Of all threads; null when nothing was answered and nothing waits. */
export function recentP99Ms(threads: readonly RecentSecond[]): number | null {
  return percentileMs(mergeHistograms(threads.flatMap((thread) => thread.histograms())), 0.99);
}
