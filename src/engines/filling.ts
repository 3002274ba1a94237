/** How an engine is filled. */
import { EnvironmentError } from '../errors.ts';
import type { TableProfile } from '../profile/profile.ts';
import type { ConnectionTarget, Session } from './connections.ts';
import type { TableDescription } from './schema.ts';

/** A value of a row for a bulk load: text in the engine's input form, bytes, or null. */
export type CellValue = string | Uint8Array | null;

/**
 * What the texts of a column's cells are made of:
 * - number: a whole number of ticks, NaN for null. `perUnit` ticks are 1 of a number, one second of a date or timestamp
 *   (since 1970, UTC), of a time (of the day) and of an interval (of days of 24 hours).
 * - choice: place of one of a few thousand texts, -1 for null.
 * - words: the 128 bits of a uuid as four unsigned words; false for null.
 */
export type RawCells =
  | { readonly kind: 'number'; readonly perUnit: number; at(row: number): number }
  | { readonly kind: 'choice'; values(): readonly string[]; at(row: number): number }
  | { readonly kind: 'words'; read(row: number, into: Uint32Array): boolean };

/** The cells of one column by the number of the row. */
export interface CellSource {
  text(row: number): CellValue;
  /** Leads to the same cells; null where there is nothing behind the text. */
  readonly raw: RawCells | null;
}

/** Rows by their numbers, for an engine that has a shorter way to its own form than through text. */
export interface NumberedRows {
  /** From the first number up to the second one, which is left out. Pulled as `rows` are, and as often. */
  readonly ranges: Iterable<readonly [from: number, to: number]>;
  /** In the order of the columns. */
  readonly cells: readonly CellSource[];
}

export interface BulkLoadRequest {
  readonly target: ConnectionTarget;
  readonly table: TableDescription;
  readonly columns: readonly string[];
  /** Pulled as fast as the server takes them, so that memory stays flat. The same array may come again and again. */
  readonly rows: Iterable<readonly CellValue[]>;
  /** The same rows by their numbers, where they are generated; an engine takes one or the other. */
  readonly numbered?: NumberedRows;
  /** This call alone fills the table, which is empty: the engine may take a shorter way that locks out all others. */
  readonly alone: boolean;
  /** Rows and bytes handed to the server so far by this call. */
  readonly onProgress: (rows: number, bytes: number) => void;
  readonly signal: AbortSignal;
  /** What the {@link LostRows} of the call before, for the same rows, carried; left out: the rows are begun with. */
  readonly broken?: BrokenLoad | null;
}

/** Where a bulk load stood when its connection broke; for the engine that wrote it. */
export interface BrokenLoad {
  /** Rows of the call that the server had confirmed; the next ones it may or may not have taken. */
  readonly confirmedRows: number;
  /** Instant at which the server was started, seconds since 1970, within a second or two. */
  readonly serverStartedAt: number;
  /** Name of a lock that the broken session holds as long as the server keeps it. */
  readonly heldLock: string;
}

/**
 * The connection broke, and the call can be made again, with `broken`: without it, no row of the call is there; with it,
 * the next call finds out which are.
 */
export class LostRows extends EnvironmentError {
  readonly broken: BrokenLoad | null;

  constructor(message: string, options: ErrorOptions, broken: BrokenLoad | null = null) {
    super(message, options);
    this.broken = broken;
  }
}

export interface Filling {
  /** How a table is cut that several streams fill at once. */
  readonly cutting: {
    /** With fewer streams each table is filled by one of them, `alone`. */
    readonly fromStreams: number;
    /** Rows that a stream takes at a time; null: each stream gets one range of the rows. */
    readonly pieceRows: number | null;
  };

  /** Takes away what slows a bulk load (secondary indexes, foreign keys, triggers); returns how to put it back. */
  prepare(session: Session, tables: readonly TableDescription[]): Promise<DeferredObjects>;
  /** Streams rows through COPY or LOAD DATA; returns the number of rows. */
  bulkLoad(request: BulkLoadRequest): Promise<number>;
  /** Puts counters (sequences, auto_increment) past the loaded rows. */
  advanceCounters(session: Session, tables: readonly TableDescription[]): Promise<void>;
  /**
   * Statistics, visibility, checkpoint, purge: nothing of the filling may run on into the baseline. `worn` tables have
   * been aged, and stay so; default false.
   */
  settle(session: Session, tables: readonly TableDescription[], worn?: boolean): Promise<void>;
  /** Makes the statistics of columns that production has by the profile; left out where `settle` makes them anyhow. */
  collectStatistics?(session: Session, table: TableDescription, profile: TableProfile): Promise<void>;
  /** Bytes per table with its indexes. */
  sizes(session: Session, tables: readonly TableDescription[]): Promise<ReadonlyMap<string, number>>;
  /**
   * Rebuilds the indexes that have another size with as much free space as these sizes take; true when one was rebuilt.
   * Left out where an index cannot be told how full it shall be.
   */
  fitSizes?(session: Session, sizes: SizesToFit): Promise<boolean>;
}

export interface SizesToFit {
  readonly table: TableDescription;
  /** By their own names, without the schema. */
  readonly indexes: readonly { readonly name: string; readonly bytes: number }[];
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
