/** The record of a load from what each of its threads recorded; pure. Counts add up, percentiles come from the sum. */
import { mergeHistograms } from '../../recording/histogram.ts';
import type { LatencyRecord, LoadSlot, LoadWindow, OutcomeRecord } from '../../recording/recording.ts';
import { stallsOf } from './stalls.ts';
import type { StampFacts } from './stamps.ts';
import { assertIdentity } from './tally.ts';

export interface MergedFacts {
  readonly windows: readonly LoadWindow[];
  readonly latencies: readonly LatencyRecord[];
  readonly outcomes: readonly OutcomeRecord[];
  readonly slots: readonly LoadSlot[];
  readonly stalls: ReturnType<typeof stallsOf>;
}

/** Every thread opened the same windows at the same instants. */
export function mergeFacts(threads: readonly StampFacts[]): MergedFacts {
  const tallies = threads.flatMap((facts) => facts.tallies);
  const windows = mergeBy(
    tallies.map(({ window }) => window),
    ({ window }) => window,
    addWindows,
  );
  for (const window of windows) assertIdentity(window);
  return {
    windows,
    latencies: mergeBy(
      tallies.flatMap(({ latencies }) => latencies),
      ({ operation, window, kind }) => JSON.stringify([operation, window, kind]),
      (one, other) => ({ ...one, histogram: mergeHistograms([one.histogram, other.histogram]) }),
    ),
    outcomes: mergeBy(
      tallies.flatMap(({ outcomes }) => outcomes),
      ({ operation, window, outcome, code, statement }) =>
        JSON.stringify([operation, window, outcome, code, statement]),
      addOutcomes,
    ),
    slots: mergeSlots(threads.map(({ slots }) => slots)),
    stalls: stallsOf(threads.map(({ gaps }) => gaps)),
  };
}

/** In the order in which the keys first occur. */
function mergeBy<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
  merge: (one: Item, other: Item) => Item,
): readonly Item[] {
  const merged = new Map<string, Item>();
  for (const item of items) {
    const key = keyOf(item);
    const known = merged.get(key);
    merged.set(key, known === undefined ? item : merge(known, item));
  }
  return [...merged.values()];
}

function addWindows(one: LoadWindow, other: LoadWindow): LoadWindow {
  return {
    window: one.window,
    due: one.due + other.due,
    completed: one.completed + other.completed,
    failed: one.failed + other.failed,
    dropped: one.dropped + other.dropped,
    inFlight: one.inFlight + other.inFlight,
    waitedInPool: one.waitedInPool + other.waitedInPool,
  };
}

/** The message is that of the earlier one. */
function addOutcomes(one: OutcomeRecord, other: OutcomeRecord): OutcomeRecord {
  const first = one.firstAtMs <= other.firstAtMs ? one : other;
  return { ...first, count: one.count + other.count };
}

/** Slots of all threads begin at the same instant. The sum of the highest levels is the most that all
 * together can have reached. */
function mergeSlots(threads: readonly (readonly LoadSlot[])[]): readonly LoadSlot[] {
  const [first = [], ...others] = threads.toSorted((one, other) => other.length - one.length);
  return first.map((slot, index) =>
    others.reduce((sum, slots) => {
      const other = slots[index];
      return other === undefined ? sum : addSlots(sum, other);
    }, slot),
  );
}

function addSlots(one: LoadSlot, other: LoadSlot): LoadSlot {
  return {
    atMs: one.atMs,
    due: one.due + other.due,
    completed: one.completed + other.completed,
    failed: one.failed + other.failed,
    dropped: one.dropped + other.dropped,
    maxResponseMs: Math.max(one.maxResponseMs, other.maxResponseMs),
    poolQueue: one.poolQueue + other.poolQueue,
    inFlight: one.inFlight + other.inFlight,
  };
}
