/** Runs of the shipped load for benchmarks of any engine: its own thread, pool, stamps, recorder and connections. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectionTarget, Engine } from '../src/engines/engine.ts';
import { startLoad } from '../src/load/index.ts';
import type { LoadPlan, Operation, ParameterSource, RunningLoad } from '../src/load/load.ts';
import { mergeHistograms, percentileMs, type StoredHistogram } from '../src/recording/histogram.ts';
import type { LatencyKind, LoadRecord } from '../src/recording/recording.ts';
import type { LoadSettings } from '../src/scenario/plan.ts';

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

/** First plans, connections and pages; not measured. */
const WARM_UP_MS = 1500;

/** Warms up, opens a window, does `during` in it, and ends the load. */
export async function runLoad(
  plan: LoadPlan,
  signal: AbortSignal,
  during: (load: RunningLoad) => Promise<void>,
): Promise<LoadRecord> {
  await using load = await startLoad(plan, signal);
  await delay(WARM_UP_MS, undefined, { signal });
  await load.open('migration');
  await during(load);
  return await load.finish();
}

/** Takes a lock that blocks every operation, at an instant and for a time; engines differ in how. */
export interface Lock {
  take(): Promise<void>;
  release(): Promise<void>;
}

/** A lock of {@link STALL_MS} after {@link STALL_AT_MS} of a stretch of {@link STRETCH_MS}. */
export const STALL_AT_MS = 4000;
export const STALL_MS = 2000;
export const STRETCH_MS = 10_000;

/** Waits through the stretch with the lock in it; instants are milliseconds since the call. */
export async function stallWith(
  lock: Lock,
  signal: AbortSignal,
): Promise<{ takenMs: number; releasedMs: number }> {
  const startMs = performance.now();
  const until = (atMs: number) =>
    delay(Math.max(0, startMs + atMs - performance.now()), undefined, { signal });
  await until(STALL_AT_MS);
  await lock.take();
  const takenMs = performance.now() - startMs;
  await until(takenMs + STALL_MS);
  await lock.release();
  const releasedMs = performance.now() - startMs;
  await until(STRETCH_MS);
  return { takenMs, releasedMs };
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
