/**
 * Stalls, from instants and not from slots. A stall begins when the first operation becomes due after the last
 * completion, and ends with the next completion (or with the load). Operations that failed or were dropped meanwhile
 * do not end it: nobody was served. It counts from {@link MIN_STALL_MS} on, however few operations were due, so
 * that "no stall" means at any rate that nobody waited alone for longer than that.
 *
 * Each load thread notes its own stretches without a completion; where all of them overlap, nothing completed at all.
 */
import type { Stall } from '../../recording/recording.ts';

export const MIN_STALL_MS = 100;

/** A stretch of at least {@link MIN_STALL_MS} between two completions of one thread. */
export interface Gap {
  /** The completion before; -Infinity when there was none. */
  readonly fromMs: number;
  readonly toMs: number;
  /** What became due in it, not before `fromMs`. */
  readonly dueMs: readonly number[];
}

export interface GapFinder {
  /** Instants must not descend by more than the lag between due and dispatch. */
  due(atMs: number): void;
  completed(atMs: number): void;
  /** The gaps so far; the last one ends at this instant. */
  gaps(endMs: number): readonly Gap[];
}

export function createGapFinder(): GapFinder {
  const found: Gap[] = [];
  let lastCompletedMs = Number.NEGATIVE_INFINITY;
  let dueMs: number[] = [];

  function gapUntil(toMs: number): readonly Gap[] {
    return toMs - lastCompletedMs < MIN_STALL_MS ? [] : [{ fromMs: lastCompletedMs, toMs, dueMs }];
  }

  return {
    due(atMs) {
      // Due before the last completion but dispatched after it: nothing was missing until that completion.
      dueMs.push(Math.max(atMs, lastCompletedMs));
    },
    completed(atMs) {
      found.push(...gapUntil(atMs));
      lastCompletedMs = atMs;
      if (dueMs.length > 0) dueMs = [];
    },
    gaps: (endMs) => [...found, ...gapUntil(endMs)],
  };
}

/** The stalls of a load, from the gaps of each of its threads. */
export function stallsOf(threads: readonly (readonly Gap[])[]): readonly Stall[] {
  const [first = [], ...others] = threads;
  return others.reduce(overlaps, first).flatMap(({ fromMs, toMs, dueMs }) => {
    const inside = dueMs.filter((atMs) => atMs >= fromMs);
    const startMs = inside.reduce((least, atMs) => Math.min(least, atMs), Number.POSITIVE_INFINITY);
    return toMs - startMs < MIN_STALL_MS ? [] : [{ fromMs: startMs, toMs, due: inside.length }];
  });
}

/** Where gaps of both overlap; both lists ascend, and their gaps do not overlap each other. */
function overlaps(one: readonly Gap[], other: readonly Gap[]): readonly Gap[] {
  const both: Gap[] = [];
  let left = 0;
  let right = 0;
  for (
    let a = one[left], b = other[right];
    a !== undefined && b !== undefined;
    a = one[left], b = other[right]
  ) {
    const fromMs = Math.max(a.fromMs, b.fromMs);
    const toMs = Math.min(a.toMs, b.toMs);
    if (toMs - fromMs >= MIN_STALL_MS) both.push({ fromMs, toMs, dueMs: duringBoth(a, b, toMs) });
    if (a.toMs < b.toMs) left += 1;
    else right += 1;
  }
  return both;
}

function duringBoth(one: Gap, other: Gap, toMs: number): readonly number[] {
  return [...one.dueMs, ...other.dueMs].filter((atMs) => atMs < toMs);
}
