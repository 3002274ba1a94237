/** What the migration means for the server's own upkeep: vacuum, statistics, checkpoints. */
import type { Figure } from './figure.ts';

export interface UpkeepRecord {
  readonly source: string;
  /** Time between two readings of the horizon and of the upkeep that runs. */
  readonly intervalMs: number;
  /** Row versions that no vacuum could take away meanwhile: the oldest snapshot, in transactions. */
  readonly horizon: HorizonRecord | { readonly notMeasured: string };
  /** Age of the oldest row version of the database, in transactions; at the limit of the server it stops taking writes. */
  readonly oldestRow: { readonly before: Figure; readonly after: Figure; readonly limit: number } | null;
  /** Tables whose dead row versions changed. */
  readonly deadRows: readonly DeadRows[];
  readonly lostStatistics: readonly LostStatistics[] | { readonly notMeasured: string };
  /** Work of the server itself that was seen to run on user tables. */
  readonly workers: readonly WorkerRecord[];
  /** Work of the server that gave way to somebody who waited for its lock; left out: the server did not tell. */
  readonly cancelled?: readonly CancelledWork[];
  readonly checkpoints: {
    /** Because the log had filled up, or a statement asked for one. */
    readonly requested: Figure;
    readonly timed: Figure;
  } | null;
}

export interface HorizonRecord {
  /** The largest that was seen, from the start of the migrations on. */
  readonly transactions: number;
  readonly atMs: number;
  /** Who held it then, in words: "session 4711 of the load", "replication slot a". */
  readonly holder: string;
}

export interface DeadRows {
  readonly table: string;
  readonly before: number;
  readonly after: number;
}

/** Columns that the planner knows nothing of after a step, until they are analysed. */
export interface LostStatistics {
  readonly statementId: string | null;
  readonly table: string;
  /** Had statistics before. */
  readonly lost: readonly string[];
  /** New columns of a table that has statistics otherwise. */
  readonly never: readonly string[];
}

export interface WorkerRecord {
  readonly sessionId: number;
  /** As the server describes it: "autovacuum: VACUUM public.orders (to prevent wraparound)". */
  readonly statement: string;
  /** The server will not give way to a migration with it. */
  readonly unyielding: boolean;
  readonly firstSeenAtMs: number;
  readonly lastSeenAtMs: number;
}

export interface CancelledWork {
  readonly sessionId: number;
  readonly work: 'vacuum' | 'analyze';
  readonly table: string;
  readonly atMs: number;
}
