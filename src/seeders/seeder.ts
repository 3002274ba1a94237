/** A seeder fills an empty schema. This file is what the pipeline sees; implementations stand beside it. */
import type { ConnectionTarget, Engine, TableDescription } from '../engines/engine.ts';
import type { GeneratorSpec } from '../generators/generator.ts';
import type { Profile } from '../profile/profile.ts';
import type { TableFilling } from '../recording/recording.ts';
import type { DataPlan } from '../scenario/plan.ts';

export interface FillingRequest {
  readonly engine: Engine;
  /** The migrator, who owns the tables and loads the rows. */
  readonly target: ConnectionTarget;
  /** May take away what slows a bulk load; connected to the same database. */
  readonly administrator: ConnectionTarget;
  /** As described before filling, the ledger of the migration tool left out. */
  readonly tables: readonly TableDescription[];
  readonly data: DataPlan;
  /** What production's tables are like; left out or null without one. */
  readonly profile?: Profile | null;
  /** Connections that load rows at once; left out: as many as there are processors. */
  readonly streams?: number;
  readonly onProgress: (progress: FillingProgress) => void;
}

/** A line for the user, with the figures behind it. */
export interface FillingProgress {
  readonly message: string;
  /** 0..1 of all rows; null while it cannot be known. */
  readonly fraction: number | null;
  /** Table that is being filled; null while keys and indexes come back. */
  readonly table: string | null;
  readonly rows: number;
  readonly ofRows: number;
  /** Since the table was begun; null at its first report. */
  readonly rowsPerSecond: number | null;
  /** As they travel to the server. */
  readonly bytesPerSecond: number | null;
  /** Until the last row of this table is handed over, at the speed so far. */
  readonly secondsLeft: number | null;
  /** The same of all tables; null while nothing is known. */
  readonly secondsLeftOfAll: number | null;
}

export interface FillingResult {
  readonly filling: readonly TableFilling[];
  /** From which the load makes the rows that it inserts. */
  readonly generator: GeneratorSpec;
}

/** Fills the tables; UsageError names the table, the constraint and the setting that helps. */
export type Seeder = (request: FillingRequest, signal: AbortSignal) => Promise<FillingResult>;
