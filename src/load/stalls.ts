/**
 * Stalls, from instants and not from slots. A stall begins when the first operation becomes due after the last
 * completion, and ends with the next completion (or with the load). Operations that failed or were dropped meanwhile
 * do not end it: nobody was served. It counts from {@link MIN_STALL_MS} on, however few operations were due, so
 * that "no stall" means at any rate that nobody waited alone for longer than that.
 */
import type { Stall } from '../recording/recording.ts';

export const MIN_STALL_MS = 100;

export interface StallFinder {
  /** Instants must not descend by more than the lag between due and dispatch. */
  due(atMs: number): void;
  completed(atMs: number): void;
  /** The stalls so far; one that is open ends at this instant. */
  stalls(endMs: number): readonly Stall[];
}

export function createStallFinder(): StallFinder {
  const found: Stall[] = [];
  let lastCompletedMs = Number.NEGATIVE_INFINITY;
  let fromMs: number | null = null;
  let due = 0;

  function stallUntil(toMs: number): Stall | null {
    if (fromMs === null || toMs - fromMs < MIN_STALL_MS) return null;
    return { fromMs, toMs, due };
  }

  return {
    due(atMs) {
      // Due before the last completion but dispatched after it: nothing was missing until that completion.
      if (fromMs === null) fromMs = Math.max(atMs, lastCompletedMs);
      due += 1;
    },
    completed(atMs) {
      const stall = stallUntil(atMs);
      if (stall !== null) found.push(stall);
      lastCompletedMs = atMs;
      fromMs = null;
      due = 0;
    },
    stalls(endMs) {
      const open = stallUntil(endMs);
      return open === null ? [...found] : [...found, open];
    },
  };
}
