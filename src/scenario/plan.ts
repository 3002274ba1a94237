/**
 * The plan: a scenario after defaults, look-ups and validation. Nothing in it is optional and every path is absolute.
 * Its types may be imported by every part.
 */
import type { Budgets } from '../recording/recording.ts';

export interface Plan {
  readonly name: string;
  /** Folder that relative paths of the scenario were resolved against. */
  readonly directory: string;
  readonly database: DatabasePlan;
  readonly data: DataPlan;
  /** `null` when the scenario asks for no load (`rate: 0`); load checks are then `inconclusive`. */
  readonly load: LoadSettings | null;
  readonly migrations: MigrationsPlan;
  readonly drills: readonly DrillPlan[];
  readonly budgets: Budgets;
  readonly reports: ReportsPlan;
  /** Path of expected.json beside the scenario; it may not exist. */
  readonly expectedFile: string;
}

export interface DatabasePlan {
  /** Name of an engine of engines/index.ts. */
  readonly engine: string;
  /** The engine's own word for the dialect: `postgres`, `mysql`, `mariadb`. */
  readonly flavor: string;
  /** Major (or major.minor) as written; `null` takes the provisioner's default. */
  readonly version: string | null;
  /** Name of a provisioner of provisioners/index.ts, or `automatic`: the first that can be used on this machine. */
  readonly provision: string;
  readonly image: string | null;
  /** Folder with the server's own binaries, for the embedded provisioner. */
  readonly binary: string | null;
  /** Connection URL for the external provisioner; it may hold a password and is never printed. */
  readonly url: string | null;
  readonly expendable: boolean;
  /** As the user wrote them; they win over the production-like profile. */
  readonly settings: Readonly<Record<string, string>>;
  readonly replica: boolean;
}

export interface DataPlan {
  /** SQL file with the state before the pending migrations, or `null`: then a dump, a profile or released migrations build it. */
  readonly schemaFile: string | null;
  /** A dump that is restored instead of generating rows; `null` generates them. */
  readonly restore: RestorePlan | null;
  /** Profile of production, from `rehearse capture`; `null` generates from the schema and `tables` alone. */
  readonly profileFile: string | null;
  /** Share of a dump's rows to keep, or multiplier of a profile's row counts. */
  readonly scale: number;
  /** Wear that the filled tables are given; `null` leaves them as a bulk load makes them. */
  readonly age: AgePlan | null;
  /** Rows of the largest table when no table says otherwise; `null` when every row count is given per table. */
  readonly rows: number | null;
  readonly tables: Readonly<Record<string, TableDataPlan>>;
  readonly randomSeed: number;
}

export interface RestorePlan {
  /** A file, or the folder of a directory dump. */
  readonly file: string;
  /** Folder with the client tools that restore it; `null` takes the server's own or those on PATH. */
  readonly clientDirectory: string | null;
  /** Columns by table whose values are replaced after restoring. */
  readonly mask: Readonly<Record<string, Readonly<Record<string, ColumnDataPlan>>>>;
}

/** Shares of each table's rows, 0..1, in random key order. */
export interface AgePlan {
  readonly updateShare: number;
  readonly deleteShare: number;
}

export interface TableDataPlan {
  readonly rows: number | null;
  readonly columns: Readonly<Record<string, ColumnDataPlan>>;
}

/** How a column is filled; whatever is `null` follows from the schema. */
export interface ColumnDataPlan {
  /** Literal values with their weights. */
  readonly values: readonly { readonly value: string; readonly weight: number }[] | null;
  /** Inclusive range, as text of the column's type (numbers, dates, timestamps). */
  readonly range: { readonly from: string; readonly to: string } | null;
  /** Path of a faker function such as `internet.email`. */
  readonly faker: string | null;
  /** Share of nulls, 0..1. */
  readonly nullFraction: number | null;
  /** Length of text in characters. */
  readonly width: number | null;
  /** Distribution of a foreign key over its parents. */
  readonly fanout: 'zipf' | 'uniform' | null;
}

export interface LoadSettings {
  readonly ratePerSecond: number;
  /** The scenario says it, so that no profile's rate takes its place. */
  readonly rateIsWritten: boolean;
  readonly arrivals: 'poisson' | 'uniform';
  readonly pool: {
    readonly size: number;
    readonly instances: number;
    /** `null` waits for ever, as node-postgres does by default. */
    readonly checkoutTimeoutMs: number | null;
    readonly maxQueue: number;
  };
  readonly statementTimeoutMs: number | null;
  readonly protocol: 'prepared' | 'unnamed' | 'simple';
  /** .sql file; `null` derives operations from the schema. */
  readonly operationsFile: string | null;
  /** The same of the version that is being deployed: checked between the migrations, never sent by the load. */
  readonly nextOperationsFile: string | null;
  /** Profile whose statements are the operations where there is no file of them. */
  readonly profileFile: string | null;
  /** A load generator of others that runs its own scripts; `null` is ours. */
  readonly program: LoadProgramSettings | null;
  readonly warmUpMs: number;
  readonly baselineMs: number;
  readonly recoveryMs: number;
  /** Load threads; each has whole instances of the pool, so that there are at most as many. */
  readonly threads: number;
}

export interface LoadProgramSettings {
  /** Name of a load program of the engine: `pgbench`. */
  readonly name: string;
  /** At least one; absolute paths, weights are whole numbers from 1 on. */
  readonly scripts: readonly { readonly file: string; readonly weight: number }[];
}

export interface MigrationsPlan {
  /** Name of a tool of tools/index.ts. */
  readonly tool: string;
  readonly directory: string;
  /** Last version that production has; `null` when the ledger in the schema tells, or when all are pending. */
  readonly released: string | null;
  /** `null` leaves the server's own value. */
  readonly lockTimeoutMs: number | null;
  /** Tries after the first one that ended in a lock timeout. */
  readonly retries: number;
  /** First pause before a retry; it doubles each time up to ten times itself. */
  readonly backoffMs: number;
  readonly statementTimeoutMs: number | null;
}

/** Times count from the start of the migration window; negative is before it. */
export type DrillPlan =
  | { readonly kind: 'longReader'; readonly table: string; readonly atMs: number; readonly forMs: number }
  | {
      readonly kind: 'idleInTransaction';
      readonly table: string;
      readonly atMs: number;
      readonly forMs: number;
    };

export interface ReportsPlan {
  /** reports/<scenario>/ of the working directory. */
  readonly directory: string;
}
