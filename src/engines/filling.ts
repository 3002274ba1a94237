/** How an engine is filled. */
import type { ConnectionTarget, Session } from './connections.ts';
import type { TableDescription } from './schema.ts';

/** A value of a row for a bulk load: text in the engine's input form, bytes, or null. */
export type CellValue = string | Uint8Array | null;

export interface BulkLoadRequest {
  readonly target: ConnectionTarget;
  readonly table: TableDescription;
  readonly columns: readonly string[];
  /** Pulled as fast as the server takes them, so that memory stays flat. */
  readonly rows: Iterable<readonly CellValue[]>;
  readonly onProgress: (rows: number) => void;
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
  /** In the order in which they must run; each is one statement. */
  readonly restore: readonly string[];
}
