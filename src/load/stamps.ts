/**
 * The recorder of the load: takes the five stamps of each operation (due, dispatched, connection acquired, sent, done)
 * and keeps what the recording wants of them.
 *
 *     schedule lag = dispatched - due      ours
 *     pool wait    = acquired - dispatched the application's
 *     service      = done - sent           the database's
 *     response     = done - due            what a user waits for
 *
 * Failed operations count in every latency that they have; dropped ones in the schedule lag only. What is in flight at
 * the end is recorded with its age. Nothing of the warm-up is kept but the counts of the pulse.
 */
import type { LoadSlot, Stall, WindowName } from '../recording/recording.ts';
import type { LoadPulse } from './load.ts';
import { createRecentResponses } from './recent.ts';
import { createTimeline, type SlotTimeline } from './slots.ts';
import { createStallFinder } from './stalls.ts';
import { createTally, type Failure, type Tally, type TallyFacts } from './tally.ts';

/** One operation on its way; NaN is a stamp that it has not reached. */
export interface Stamps {
  readonly operation: number;
  /** Null in the warm-up. */
  readonly tally: Tally | null;
  readonly dueMs: number;
  readonly dispatchedMs: number;
  acquiredMs: number;
  sentMs: number;
}

export interface StampRecorder {
  /** Operations dispatched from now on with a due instant after this one belong to the window. */
  open(window: WindowName, atMs: number): void;
  due(operation: number, dueMs: number, dispatchedMs: number): Stamps;
  queued(stamps: Stamps): void;
  acquired(stamps: Stamps, atMs: number): void;
  completed(stamps: Stamps, atMs: number): void;
  failed(stamps: Stamps, failure: Failure, atMs: number): void;
  dropped(stamps: Stamps, failure: Failure, atMs: number): void;
  /** The pool's queue is known by others; told after each change. */
  levels(atMs: number, poolQueue: number): void;
  readonly inFlight: number;
  pulse(atMs: number, poolQueue: number): LoadPulse;
  /** Counts what is left as in flight, and gives everything; call it once. */
  finish(endMs: number, operationNames: readonly string[]): StampFacts;
}

export interface StampFacts {
  readonly tallies: readonly TallyFacts[];
  readonly slots: readonly LoadSlot[];
  readonly stalls: readonly Stall[];
}

export function createStampRecorder(): StampRecorder {
  const totals = { due: 0, completed: 0, failed: 0, dropped: 0 };
  const flying = new Set<Stamps>();
  const tallies: Tally[] = [];
  const stalls = createStallFinder();
  const recent = createRecentResponses();
  let timeline: SlotTimeline | null = null;
  let current: Tally | null = null;

  function answered(stamps: Stamps, atMs: number): void {
    flying.delete(stamps);
    recent.answered(atMs - stamps.dueMs);
    recordLatencies(stamps, atMs);
  }

  function recordLatencies(stamps: Stamps, atMs: number): void {
    const { tally, operation, dueMs, dispatchedMs, acquiredMs, sentMs } = stamps;
    if (tally === null) return;
    tally.latency(operation, 'response', atMs - dueMs);
    tally.latency(operation, 'pool wait', (Number.isNaN(acquiredMs) ? atMs : acquiredMs) - dispatchedMs);
    if (!Number.isNaN(sentMs)) tally.latency(operation, 'service', atMs - sentMs);
    timeline?.responded(dueMs, atMs - dueMs);
  }

  return {
    get inFlight() {
      return flying.size;
    },
    open(window, atMs) {
      timeline ??= createTimeline(atMs);
      current = tallies.find((tally) => tally.window === window) ?? createTally(window);
      if (!tallies.includes(current)) tallies.push(current);
    },
    due(operation, dueMs, dispatchedMs) {
      const stamps = {
        operation,
        tally: current,
        dueMs,
        dispatchedMs,
        acquiredMs: Number.NaN,
        sentMs: Number.NaN,
      };
      flying.add(stamps);
      totals.due += 1;
      if (current === null) return stamps;
      current.due += 1;
      current.latency(operation, 'schedule lag', dispatchedMs - dueMs);
      timeline?.countDue('due', dueMs);
      stalls.due(dueMs);
      return stamps;
    },
    queued({ tally }) {
      if (tally !== null) tally.waitedInPool += 1;
    },
    acquired(stamps, atMs) {
      stamps.acquiredMs = atMs;
    },
    completed(stamps, atMs) {
      answered(stamps, atMs);
      totals.completed += 1;
      stalls.completed(atMs);
      timeline?.completed(atMs);
      if (stamps.tally !== null) stamps.tally.completed += 1;
    },
    failed(stamps, failure, atMs) {
      answered(stamps, atMs);
      totals.failed += 1;
      const { tally, operation, dueMs } = stamps;
      if (tally === null) return;
      tally.failed += 1;
      tally.outcome(operation, failure, atMs);
      timeline?.countDue('failed', dueMs);
    },
    dropped(stamps, failure, atMs) {
      flying.delete(stamps);
      totals.dropped += 1;
      const { tally, operation, dueMs } = stamps;
      if (tally === null) return;
      tally.dropped += 1;
      tally.outcome(operation, failure, atMs);
      timeline?.countDue('dropped', dueMs);
    },
    levels(atMs, poolQueue) {
      timeline?.levels(atMs, poolQueue, flying.size);
    },
    pulse(atMs, poolQueue) {
      const recentP99Ms = recent.step([...flying].map(({ dueMs }) => atMs - dueMs));
      return { ...totals, inFlight: flying.size, poolQueue, recentP99Ms };
    },
    finish(endMs, operationNames) {
      for (const stamps of flying) {
        if (stamps.tally === null) continue;
        stamps.tally.inFlight += 1;
        recordLatencies(stamps, endMs);
      }
      return {
        tallies: tallies.map((tally) => tally.facts(operationNames)),
        slots: timeline?.slots(endMs) ?? [],
        stalls: stalls.stalls(endMs),
      };
    },
  };
}
