/**
 * The load: open-loop arrivals through a bounded pool, on a worker thread of its own. This file is what the pipeline
 * sees; the parts (arrivals, pool, operations, parameters, worker, ticker) stand beside it.
 */
import type { ConnectionTarget, LoadStatement } from '../engines/engine.ts';
import type { GeneratorSpec } from '../generators/generator.ts';
import type { LoadRecord, OperationRecord, WindowName } from '../recording/recording.ts';
import type { LoadSettings } from '../scenario/plan.ts';

/** Where the value of one parameter comes from; plain data. */
export type ParameterSource =
  /** A live key: index into LoadPlan.keyPools. */
  | { readonly from: 'key'; readonly pool: number; readonly pick: 'zipf' | 'uniform' | 'latest' }
  /** The value that the generator gives this column for a new row of the table: the operation's n-th insert. */
  | { readonly from: 'new row'; readonly table: string; readonly column: string }
  /** The value that the generator gives this column for some row: for SET and for predicates on plain columns. */
  | { readonly from: 'any row'; readonly table: string; readonly column: string }
  | { readonly from: 'integer'; readonly min: number; readonly max: number };

export interface OperationStatement extends LoadStatement {
  readonly parameters: readonly ParameterSource[];
}

export interface Operation {
  readonly record: OperationRecord;
  /** More than one statement run in a transaction. */
  readonly transaction: boolean;
  readonly statements: readonly OperationStatement[];
}

/** Everything a load worker needs; structured-cloneable, and it holds a password. */
export interface LoadPlan {
  readonly engine: string;
  readonly target: ConnectionTarget;
  readonly settings: LoadSettings;
  readonly operations: readonly Operation[];
  readonly keyPools: readonly (readonly string[])[];
  readonly generator: GeneratorSpec;
  readonly randomSeed: number;
  /** The recorder's zero as epoch milliseconds: instants = performance.timeOrigin + performance.now() - this. */
  readonly epochMs: number;
}

/** A look at the running load, for progress and for the end of the recovery. */
export interface LoadPulse {
  readonly due: number;
  readonly completed: number;
  readonly failed: number;
  readonly dropped: number;
  readonly inFlight: number;
  readonly poolQueue: number;
  /** p99 of the response time of the last second, including the age of what has not been answered; ms. */
  readonly recentP99Ms: number | null;
}

export interface RunningLoad extends AsyncDisposable {
  /** Operations due from the returned instant (recorder's clock) on belong to this window. */
  open(window: WindowName): Promise<number>;
  pulse(): LoadPulse;
  /** Stops arrivals, waits for what is in flight up to a limit, returns the facts. Safe to call twice. */
  finish(): Promise<LoadRecord>;
}
