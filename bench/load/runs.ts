/** Runs of the shipped load for benchmarks of any engine: its own thread, pool, stamps, recorder and connections. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectionTarget, Engine } from '../../src/engines/engine.ts';
import { createInstants } from '../../src/load/arrivals/arrivals.ts';
import { startLoad } from '../../src/load/index.ts';
import type { LoadPlan, Operation, ParameterSource, RunningLoad } from '../../src/load/load.ts';
import type { Figure } from '../../src/recording/figure.ts';
import {
  countAboveMs,
  mergeHistograms,
  percentileMs,
  type StoredHistogram,
} from '../../src/recording/histogram.ts';
import type { LatencyKind, LoadRecord } from '../../src/recording/recording.ts';
import type { LoadSettings } from '../../src/scenario/plan.ts';

export const RANDOM_SEED = 42;

/** One statement that reads one row of `table`; `text` is in the engine's own dialect. */
export function pointSelect(table: string, text: string, parameter: ParameterSource): Operation {
  return {
    record: {
      name: 'point',
      statements: [text],
      weight: 1,
      kind: 'read',
      tables: [table],
      codeVersion: 'running',
    },
    transaction: false,
    statements: [{ name: 'point', text, written: text, references: ['$1'], parameters: [parameter] }],
  };
}

export interface PlanRequest {
  readonly engine: Engine;
  readonly target: ConnectionTarget;
  readonly operation: Operation;
  readonly settings?: Partial<LoadSettings>;
}

/** 1,000/s over one pool of 20 that waits for ever, unless `settings` says otherwise. */
export function planOf({ engine, target, operation, settings = {} }: PlanRequest): LoadPlan {
  return {
    engine: engine.name,
    target,
    settings: {
      ratePerSecond: 1000,
      arrivals: 'poisson',
      pool: { size: 20, instances: 1, checkoutTimeoutMs: null, maxQueue: 100_000 },
      statementTimeoutMs: null,
      protocol: 'prepared',
      operationsFile: null,
      nextOperationsFile: null,
      profileFile: null,
      rateIsWritten: true,
      program: null,
      warmUpMs: 0,
      baselineMs: 0,
      recoveryMs: 0,
      threads: 1,
      ...settings,
    },
    operations: [operation],
    keyPools: [],
    generator: { randomSeed: RANDOM_SEED, tables: [] },
    randomSeed: RANDOM_SEED,
    epochMs: performance.timeOrigin + performance.now(),
  };
}

/** On the recorder's clock of a plan. */
export function nowOf({ epochMs }: LoadPlan): number {
  return performance.timeOrigin + performance.now() - epochMs;
}

const PROBE_MS = 500;
/** First plans, connections and pages; not measured. */
export const WARM_UP_MS = 1500;

/**
 * Warms up, probes the ceiling as a rehearsal does (or does `before`), opens a window, does `during` in it, and ends the
 * load.
 */
export async function runLoad<Result>(
  plan: LoadPlan,
  signal: AbortSignal,
  during: (load: RunningLoad, openedMs: number) => Promise<Result>,
  before: (load: RunningLoad) => Promise<unknown> = (load) => load.probeCeiling(PROBE_MS),
): Promise<{ readonly record: LoadRecord; readonly result: Result }> {
  await using load = await startLoad(plan, signal);
  await delay(WARM_UP_MS, undefined, { signal });
  await before(load);
  const openedMs = await load.open('migration');
  const result = await during(load, openedMs);
  return { record: await load.finish(), result };
}

/** Takes a lock that blocks every operation, at an instant and for a time; engines differ in how. */
export interface Lock {
  take(): Promise<unknown>;
  release(): Promise<unknown>;
}

/** A lock of {@link STALL_MS} after {@link STALL_AT_MS} of a stretch of {@link STRETCH_MS}. */
export const STALL_AT_MS = 4000;
export const STALL_MS = 2000;
export const STRETCH_MS = 10_000;

export interface Stalled {
  readonly takenMs: number;
  readonly releasedMs: number;
}

/** Waits through a stretch that began at `zeroMs`, with the lock in it; instants are those of `now`. */
export async function stallWith(
  lock: Lock,
  { now, zeroMs }: { readonly now: () => number; readonly zeroMs: number },
  signal: AbortSignal,
): Promise<Stalled> {
  const until = (atMs: number) => delay(Math.max(0, zeroMs + atMs - now()), undefined, { signal });
  await until(STALL_AT_MS);
  await lock.take();
  const takenMs = now();
  await until(STALL_AT_MS + STALL_MS);
  await lock.release();
  const releasedMs = now();
  await until(STRETCH_MS);
  return { takenMs, releasedMs };
}

/** Instants at which the operations of a record's one window were due, from the plan and the zero of its list. */
export function arrivalsOf(plan: LoadPlan, record: LoadRecord, openedMs: number): readonly number[] {
  const count = record.windows[0]?.due ?? 0;
  const zeroMs = record.startedAtMs ?? Number.NaN;
  const instants = createInstants(plan.settings, plan.randomSeed);
  const arrivalsMs: number[] = [];
  while (arrivalsMs.length < count) {
    const dueMs = zeroMs + instants();
    if (!(dueMs < openedMs)) arrivalsMs.push(dueMs);
  }
  return arrivalsMs;
}

/** All operations and windows together. */
export function latencies(record: LoadRecord, kind: LatencyKind): StoredHistogram {
  return mergeHistograms(
    record.latencies.filter((each) => each.kind === kind).map(({ histogram }) => histogram),
  );
}

/** NaN where nothing was counted. */
export function percentileOf(record: LoadRecord, kind: LatencyKind, fraction: number): number {
  return percentileMs(latencies(record, kind), fraction) ?? Number.NaN;
}

/** Of plain values, as histograms give it: the smallest value that at least this share is at or below. */
export function percentileOfValues(values: readonly number[], fraction: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(sorted.length * fraction) - 1)] ?? Number.NaN;
}

export function countAbove(record: LoadRecord, kind: LatencyKind, milliseconds: number): number {
  return countAboveMs(latencies(record, kind), milliseconds);
}

/** NaN where it was not measured. */
export function numberOf(figure: Figure | undefined): number {
  return figure === undefined || 'notMeasured' in figure ? Number.NaN : figure.upper;
}
