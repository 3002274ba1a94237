/**
 * Makes the facts of a load out of the lines of another generator's log, which come when an operation is over. Pure.
 *
 *     response     = over - due, as logged
 *     pool wait    = until the client that took the operation was free: from due to the end of its operation before
 *     schedule lag = from then, or from due, to the start
 *     service      = over - start
 *
 * An operation belongs to the window in which it was due. What is logged without its due instant gets the best that
 * is known: skipped ones stand evenly between the last due instant before them and the limit after which they are
 * skipped; failed ones stand at their end.
 */
import type { LoggedOperation } from '../../engines/engine.ts';
import type { LoadSlot, Stall, WindowName } from '../../recording/recording.ts';
import { createTimeline, SLOT_MS, type SlotTimeline } from '../stamps/slots.ts';
import { MIN_STALL_MS } from '../stamps/stalls.ts';
import { createTally, type Failure, type Tally, type TallyFacts } from '../stamps/tally.ts';
import { createLevels, type Levels } from './levels.ts';

export interface LogTally {
  /** Operations due from here on belong to the window. Instants must ascend. */
  open(window: WindowName, atMs: number): void;
  /** `atMs`: the end of the operation on the recorder's clock. Lines must come in the order of the log. */
  logged(operation: LoggedOperation, atMs: number): void;
  /** An operation that failed, and its client with it. */
  failed(script: number, failure: Failure, atMs: number): void;
  readonly counts: LogCounts;
  /** `agesMs`: of those that run at the end, whose script nobody knows: the last name stands for it. Call it once. */
  finish(endMs: number, agesMs: readonly number[], names: readonly string[]): LogFacts;
}

export interface LogCounts {
  readonly due: number;
  readonly completed: number;
  readonly failed: number;
  readonly dropped: number;
  /** End of the last operation that completed; null when none did. */
  readonly lastCompletedMs: number | null;
}

export interface LogFacts {
  readonly tallies: readonly TallyFacts[];
  readonly slots: readonly LoadSlot[];
  readonly stalls: readonly Stall[];
  /** The latest due instant of an operation that some client took; null when there is none. */
  readonly lastDueMs: number | null;
}

interface OpenWindow {
  readonly atMs: number;
  readonly tally: Tally;
}

/** A stretch without a completion, and the first operation that was due in it. */
interface Gap {
  readonly afterMs: number;
  readonly untilMs: number;
  firstDueMs: number;
  due: number;
}

/** `skipAfterMs`: see LoadProgramRun. */
export function createLogTally(skipAfterMs: number | null): LogTally {
  const counts = { due: 0, completed: 0, failed: 0, dropped: 0, lastCompletedMs: null as number | null };
  const windows: OpenWindow[] = [];
  const freeSinceMs = new Map<number, number>();
  const gaps: Gap[] = [];
  const skipped: { readonly script: number; readonly atMs: number }[] = [];
  let timeline: SlotTimeline | null = null;
  let levels: Levels | null = null;
  let lastDueMs: number | null = null;

  function windowAt(dueMs: number): OpenWindow | undefined {
    return windows.findLast(({ atMs }) => atMs <= dueMs);
  }

  /** Whatever is due in a gap and over after it makes it a stall. */
  function dueIn(dueMs: number): void {
    for (let index = gaps.length - 1; index >= 0; index -= 1) {
      const gap = gaps[index];
      if (gap === undefined || gap.untilMs <= dueMs) break;
      gap.firstDueMs = Math.min(gap.firstDueMs, Math.max(dueMs, gap.afterMs));
      gap.due += 1;
    }
  }

  function beginDue(dueMs: number): Tally | null {
    counts.due += 1;
    lastDueMs = Math.max(lastDueMs ?? dueMs, dueMs);
    const tally = windowAt(dueMs)?.tally ?? null;
    if (tally === null) return null;
    tally.due += 1;
    timeline?.countDue('due', dueMs);
    dueIn(dueMs);
    return tally;
  }

  function completed(operation: LoggedOperation, atMs: number, responseMs: number, lagMs: number): void {
    const dueMs = atMs - responseMs;
    const previousMs = counts.lastCompletedMs;
    if (previousMs !== null && atMs - previousMs >= MIN_STALL_MS)
      gaps.push({ afterMs: previousMs, untilMs: atMs, firstDueMs: Number.POSITIVE_INFINITY, due: 0 });
    const tally = beginDue(dueMs);
    counts.completed += 1;
    counts.lastCompletedMs = Math.max(previousMs ?? atMs, atMs);
    if (windows[0] !== undefined && atMs >= windows[0].atMs) timeline?.completed(atMs);
    if (tally === null) return;
    const poolMs = Math.min(lagMs, Math.max(0, (freeSinceMs.get(operation.client) ?? dueMs) - dueMs));
    tally.completed += 1;
    if (poolMs > 0) tally.waitedInPool += 1;
    tally.latency(operation.script, 'response', responseMs);
    tally.latency(operation.script, 'pool wait', poolMs);
    tally.latency(operation.script, 'schedule lag', lagMs - poolMs);
    tally.latency(operation.script, 'service', responseMs - lagMs);
    timeline?.responded(dueMs, responseMs);
    levels?.waited(dueMs, dueMs + poolMs);
    levels?.ran(dueMs, atMs);
  }

  function failed(script: number, failure: Failure, atMs: number): void {
    const tally = beginDue(atMs);
    counts.failed += 1;
    if (tally === null) return;
    tally.failed += 1;
    tally.outcome(script, failure, atMs);
    timeline?.countDue('failed', atMs);
  }

  function countSkipped(): void {
    const run = skipped.splice(0);
    const last = run.at(-1);
    if (last === undefined) return;
    const toMs = last.atMs - (skipAfterMs ?? 0);
    const fromMs = Math.min(lastDueMs ?? toMs, toMs);
    const message = `skipped: no client was free within ${skipAfterMs} ms`;
    run.forEach(({ script, atMs }, index) => {
      const dueMs = fromMs + ((index + 1) / (run.length + 1)) * (toMs - fromMs);
      const tally = beginDue(dueMs);
      counts.dropped += 1;
      if (tally === null) return;
      tally.dropped += 1;
      tally.outcome(script, { outcome: 'dropped', code: null, message }, atMs);
      timeline?.countDue('dropped', dueMs);
    });
  }

  return {
    counts,
    open(window, atMs) {
      timeline ??= createTimeline(atMs);
      levels ??= createLevels(atMs, SLOT_MS);
      windows.push({ atMs, tally: createTally(window) });
    },
    logged(operation, atMs) {
      const { ended, script, client } = operation;
      if (ended.how === 'skipped') {
        skipped.push({ script, atMs });
        return;
      }
      countSkipped();
      if (ended.how === 'completed') completed(operation, atMs, ended.responseMs, ended.lagMs);
      else failed(script, { outcome: ended.outcome, code: ended.code, message: ended.message }, atMs);
      freeSinceMs.set(client, atMs);
    },
    failed,
    finish(endMs, agesMs, names) {
      countSkipped();
      const previousMs = counts.lastCompletedMs;
      if (previousMs !== null && endMs - previousMs >= MIN_STALL_MS)
        gaps.push({ afterMs: previousMs, untilMs: endMs, firstDueMs: Number.POSITIVE_INFINITY, due: 0 });
      for (const ageMs of agesMs) {
        const tally = beginDue(endMs - ageMs);
        if (tally === null) continue;
        tally.inFlight += 1;
        tally.latency(names.length - 1, 'response', ageMs);
        levels?.ran(endMs - ageMs, endMs);
      }
      const slots = timeline?.slots(endMs) ?? [];
      return {
        tallies: windows.map(({ tally }) => tally.facts(names)),
        slots: levels === null ? slots : levels.over(slots),
        stalls: gaps.flatMap(stallOf),
        lastDueMs,
      };
    },
  };
}

function stallOf({ firstDueMs, untilMs, due }: Gap): readonly Stall[] {
  return due > 0 && untilMs - firstDueMs >= MIN_STALL_MS ? [{ fromMs: firstDueMs, toMs: untilMs, due }] : [];
}
