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

import type { LoadSlot, WindowName } from '../../recording/recording.ts';
import type { ThreadPulse } from '../threads/messages.ts';
import { createFlying, type Placed } from './flying.ts';
import { createRecentResponses, type RecentResponses } from './recent.ts';
import { createTimeline, type SlotTimeline } from './slots.ts';
import { createGapFinder, type Gap, type GapFinder } from './stalls.ts';
import { createTally, type Failure, type Tally, type TallyFacts } from './tally.ts';

/** One operation on its way; NaN is a stamp that it has not reached. */
export interface Stamps extends Placed {
  readonly operation: number;
  /** Null in the warm-up; one that is thrown away while the ceiling is probed. */
  readonly tally: Tally | null;
  readonly dueMs: number;
  readonly dispatchedMs: number;
  acquiredMs: number;
  sentMs: number;
}

export interface StampRecorder {
  /** Operations dispatched from now on with a due instant after this one belong to the window. */
  open(window: WindowName, atMs: number): void;
  /** What is due from now on is recorded as in a window, and counts as warm-up. */
  beginProbe(): void;
  /** Back to the warm-up, and nothing of the probe is among the recent responses. */
  endProbe(): void;
  due(operation: number, dueMs: number, dispatchedMs: number): Stamps;
  queued(stamps: Stamps): void;
  acquired(stamps: Stamps, atMs: number): void;
  completed(stamps: Stamps, atMs: number): void;
  failed(stamps: Stamps, failure: Failure, atMs: number): void;
  dropped(stamps: Stamps, failure: Failure, atMs: number): void;
  /** The pool's queue is known by others; told after each change. */
  levels(atMs: number, poolQueue: number): void;
  readonly inFlight: number;
  /** From the start on, warm-up and probe included. */
  readonly counts: { readonly completed: number; readonly failed: number };
  pulse(atMs: number, poolQueue: number): ThreadPulse;
  /** Counts what is left as in flight, and gives everything; call it once. */
  finish(endMs: number, operationNames: readonly string[]): StampFacts;
}

export interface StampFacts {
  readonly tallies: readonly TallyFacts[];
  readonly slots: readonly LoadSlot[];
  readonly gaps: readonly Gap[];
}

export function createStampRecorder(): StampRecorder {
  const totals = { due: 0, completed: 0, failed: 0, dropped: 0 };
  const flying = createFlying<Stamps>();
  const tallies: Tally[] = [];
  let recent: RecentResponses = createRecentResponses();
  let gaps: GapFinder | null = null;
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
    get counts() {
      return { ...totals };
    },
    open(window, atMs) {
      timeline ??= createTimeline(atMs);
      gaps ??= createGapFinder();
      current = tallies.find((tally) => tally.window === window) ?? createTally(window);
      if (!tallies.includes(current)) tallies.push(current);
    },
    beginProbe() {
      current = createTally('baseline');
    },
    endProbe() {
      current = null;
      recent = createRecentResponses();
    },
    due(operation, dueMs, dispatchedMs) {
      const stamps = {
        operation,
        tally: current,
        dueMs,
        dispatchedMs,
        acquiredMs: Number.NaN,
        sentMs: Number.NaN,
        place: -1,
      };
      flying.add(stamps);
      totals.due += 1;
      if (current === null) return stamps;
      current.due += 1;
      current.latency(operation, 'schedule lag', dispatchedMs - dueMs);
      timeline?.countDue('due', dueMs);
      gaps?.due(dueMs);
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
      gaps?.completed(atMs);
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
      const responses = recent.step(flying.items.map(({ dueMs }) => atMs - dueMs));
      return { ...totals, inFlight: flying.size, poolQueue, recent: responses };
    },
    finish(endMs, operationNames) {
      for (const stamps of flying.items) {
        if (stamps.tally === null) continue;
        stamps.tally.inFlight += 1;
        recordLatencies(stamps, endMs);
      }
      return {
        tallies: tallies.map((tally) => tally.facts(operationNames)),
        slots: timeline?.slots(endMs) ?? [],
        gaps: gaps?.gaps(endMs) ?? [],
      };
    },
  };
}
