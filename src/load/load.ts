/**
 * The load: open-loop arrivals through bounded pools, on worker threads of its own. This file is what the pipeline
 * sees; the parts (arrivals, pool, operations, parameters, worker, ticker) stand beside it.
 */
import type { ConnectionTarget, LoadStatement } from '../engines/engine.ts';
import type { GeneratorSpec } from '../generators/generator.ts';
import type { LoadRecord, OperationRecord, WindowName } from '../recording/recording.ts';
import type { LoadSettings } from '../scenario/plan.ts';
import type { Ceiling } from './probe.ts';

/** How a key is picked from its pool; `latest` prefers the highest keys, `zipf` some few keys anywhere. */
export type KeyPick = 'zipf' | 'uniform' | 'latest';

export interface KeySource {
  /** Index into LoadPlan.keyPools. */
  readonly pool: number;
  readonly table: string;
  readonly column: string;
  readonly pick: KeyPick;
  /** The values are what this makes of the column. */
  readonly expression?: string;
  /** Set where the pool has hexadecimal digits of what is bound. */
  readonly inHex?: true;
  /**
   * Set where the pool is one of several of which each holds a value of the same rows: parameters of one operation with
   * the same table and number take the same row.
   */
  readonly row?: number;
  /** The row (each key of a list) has the values of row 0 (of its row) in these pools. */
  readonly like?: readonly number[];
}

/** Where the value of one parameter comes from; plain data. */
export type ParameterSource =
  /** A live key; null when the pool is empty. */
  | ({ readonly from: 'key' } & KeySource)
  /** Several live keys as one array, in the text form of the engine's arrays. */
  | ({ readonly from: 'key list'; readonly count: number } & KeySource)
  /** The upper end of a range whose lower end is the 'key' of another parameter: `span` keys further up. */
  | {
      readonly from: 'next key';
      readonly statement: number;
      readonly parameter: number;
      readonly span: number;
    }
  /**
   * The value that the generator gives this column for a new row of the table: the load's n-th insert. `row` is the
   * 0-based number of the new row among those of this table in one operation.
   */
  | { readonly from: 'new row'; readonly table: string; readonly column: string; readonly row: number }
  /**
   * The value that the generator gives this column for some row. Parameters of one operation with the same table and
   * `draw` take the same row, so that a key of several columns exists.
   */
  | { readonly from: 'any row'; readonly table: string; readonly column: string; readonly draw: number }
  | { readonly from: 'integer'; readonly min: number; readonly max: number }
  /** One of these, each as often as the others. */
  | { readonly from: 'value'; readonly values: readonly string[] }
  /** The very value that an earlier parameter of the operation got. */
  | { readonly from: 'same'; readonly statement: number; readonly parameter: number };

export interface OperationStatement extends LoadStatement {
  readonly parameters: readonly ParameterSource[];
  /** As it stands in a workload file: `$1` or `:name` where `text` has the engine's placeholders. */
  readonly written: string;
  /** `$1` or `:name` of each parameter, in the order of `parameters`. */
  readonly references: readonly string[];
}

export interface Operation {
  readonly record: OperationRecord;
  /** The statements run between BEGIN and COMMIT; otherwise each commits by itself, on the same connection. */
  readonly transaction: boolean;
  readonly statements: readonly OperationStatement[];
}

/** Live values of columns, in ascending order; those of rows (`row` of a source) stand in the order of the rows, null where one has none. */
export type KeyPools = readonly (readonly (string | null)[])[];

/** Everything a load worker needs; structured-cloneable, and it holds a password. */
export interface LoadPlan {
  readonly engine: string;
  readonly target: ConnectionTarget;
  /** Where the operations of the replica go, over a pool of the same size; left out: no operation does. */
  readonly replicaTarget?: ConnectionTarget;
  readonly settings: LoadSettings;
  readonly operations: readonly Operation[];
  readonly keyPools: KeyPools;
  readonly generator: GeneratorSpec;
  readonly randomSeed: number;
  /** The recorder's zero as epoch milliseconds: instants = performance.timeOrigin + performance.now() - this. */
  readonly epochMs: number;
}

/** A look at the running load, for progress and for the end of the recovery; counted from its start, warm-up included. */
export interface LoadPulse {
  readonly due: number;
  readonly completed: number;
  readonly failed: number;
  readonly dropped: number;
  /** Due and neither answered nor dropped: those that wait in the pool and those that run. */
  readonly inFlight: number;
  readonly poolQueue: number;
  /** p99 of the response time of the last second, including the age of what has not been answered; ms. */
  readonly recentP99Ms: number | null;
}

export interface RunningLoad extends AsyncDisposable {
  /** Zero of the arrival list on the recorder's clock; a probe moves it. */
  readonly startedAtMs: number;
  /** Operations due after the returned instant (recorder's clock) belong to this window. */
  open(window: WindowName): Promise<number>;
  /**
   * Holds the arrivals, keeps every connection busy with reads for a while (default: two seconds), and goes on with
   * the list where it was. To be called in the warm-up.
   */
  probeCeiling(durationMs?: number): Promise<Ceiling>;
  pulse(): LoadPulse;
  /** Stops arrivals, waits for what is in flight up to a limit, returns the facts. Safe to call twice. */
  finish(): Promise<LoadRecord>;
}
