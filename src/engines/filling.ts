/** How an engine is filled. */
import type { ConnectionTarget, Session } from './connections.ts';
import type { TableDescription } from './schema.ts';

/** A value of a row for a bulk load: text in the engine's input form, bytes, or null. */
export type CellValue = string | Uint8Array | null;

export interface BulkLoadRequest {
  readonly target: ConnectionTarget;
  readonly table: TableDescription;
  readonly columns: readonly string[];
  /** Pulled as fast as the server takes them, so that memory stays flat. The same array may come again and again. */
  readonly rows: Iterable<readonly CellValue[]>;
  /** This call alone fills the table, which is empty: the engine may take a shorter way that locks out all others. */
  readonly alone: boolean;
  /** Rows and bytes handed to the server so far by this call. */
  readonly onProgress: (rows: number, bytes: number) => void;
  readonly signal: AbortSignal;
}

export interface Filling {
  /** Takes away what slows a bulk load (secondary indexes, foreign keys, triggers); returns how to put it back. */
  prepare(session: Session, tables: readonly TableDescription[]): Promise<DeferredObjects>;
  /** Streams rows through COPY or LOAD DATA; returns the number of rows. */
  bulkLoad(request: BulkLoadRequest): Promise<number>;
  /** Puts counters (sequences, auto_increment) past the loaded rows. */
  advanceCounters(session: Session, tables: readonly TableDescription[]): Promise<void>;
  /** Statistics, visibility, checkpoint, purge: nothing of the filling may run on into the baseline. */
  settle(session: Session, tables: readonly TableDescription[]): Promise<void>;
  /** Bytes per table with its indexes. */
  sizes(session: Session, tables: readonly TableDescription[]): Promise<ReadonlyMap<string, number>>;
}

export interface DeferredObjects {
  /** Stages, one after the other; the tasks of one stage may run at once, each on a session of its own. */
  readonly restore: readonly (readonly RestoreTask[])[];
}

/** Puts something back that was taken away. */
export interface RestoreTask {
  /** As in TableDescription.name; of a partition, its own. */
  readonly table: string;
  /** For the user: "index orders_at_idx", "foreign key orders_customer_id_fkey". */
  readonly what: string;
  /** One after the other on one session. */
  readonly statements: readonly string[];
}
