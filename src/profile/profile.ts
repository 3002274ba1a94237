/**
 * A profile: what `rehearse capture` read of a production database, without a row of its data. Plain JSON; this file
 * imports nothing.
 */

export const PROFILE_VERSION = 1;

export interface Profile {
  /** Of this format: {@link PROFILE_VERSION}. */
  readonly version: number;
  readonly harnessVersion: string;
  /** ISO 8601. */
  readonly capturedAt: string;
  readonly engine: string;
  readonly flavor: string;
  readonly serverVersion: string;
  /** Settings that are not at their default, by name. */
  readonly settings: Readonly<Record<string, string>>;
  /** DDL that makes the captured schemas on an empty database. */
  readonly schema: string;
  readonly tables: readonly TableProfile[];
  /** What ran, from the server's own statistics of statements; empty when they could not be read (see `missing`). */
  readonly statements: readonly StatementProfile[];
  /** When the statement statistics began to count, ISO 8601; null when unknown. */
  readonly statementsSince: string | null;
  /** What could not be read, and why: tables without privilege or with row security, views that are off. */
  readonly missing: readonly { readonly what: string; readonly reason: string }[];
}

export interface TableProfile {
  /** As in TableDescription.name: qualified unless in the default schema. */
  readonly name: string;
  readonly rows: number;
  /** Bytes of the rows themselves: heap without indexes and without toast; clustered index on MySQL. */
  readonly tableBytes: number;
  /** Bytes kept out of line (toast); 0 where the engine has none. */
  readonly toastBytes: number;
  /** Share of the table's bytes that is dead or free space, 0..1; null when it could not be estimated. */
  readonly bloat: number | null;
  readonly fillfactor: number | null;
  readonly columns: readonly ColumnProfile[];
  readonly indexes: readonly IndexProfile[];
  readonly foreignKeys: readonly ForeignKeyProfile[];
  /** Of a partitioned table, whose figures above are those of all partitions together: the partitions that hold rows. */
  readonly partitions?: readonly PartitionProfile[];
}

export interface PartitionProfile {
  readonly name: string;
  readonly rows: number;
  readonly tableBytes: number;
  /** As in TableDescription.partitionBounds; absent where it is a partition of a partition. */
  readonly bound?: string;
}

export interface ColumnProfile {
  readonly name: string;
  /** 0..1. */
  readonly nullFraction: number;
  /** Number of different values, nulls left out; null when unknown. */
  readonly distinct: number | null;
  /** Bytes of a value that is not null, as stored; null when unknown. */
  readonly averageBytes: number | null;
  /** Of the physical order with the order of the values, -1..1; null when unknown. */
  readonly correlation: number | null;
  /** Shares of all rows, 0..1, that the most common values have, most common first. */
  readonly frequencies: readonly number[];
  /** The most common values themselves, beside `frequencies`; only with `--values`. */
  readonly values: readonly string[] | null;
  /** Bounds of buckets with equally many of the other values, ascending; only with `--values`. */
  readonly bounds: readonly string[] | null;
}

export interface IndexProfile {
  readonly name: string;
  /** Expressions are told as the engine prints them. */
  readonly columns: readonly string[];
  readonly bytes: number;
  readonly fillfactor: number | null;
  /** Number of different entries in the index's columns, when the engine keeps one. */
  readonly cardinality: number | null;
}

export interface ForeignKeyProfile {
  readonly columns: readonly string[];
  readonly references: string;
  /** Different parents that some child refers to; null when unknown. */
  readonly parentsReferred: number | null;
  /** Shares that the most referred parents have of the children with a parent (nulls left out), 0..1, descending. */
  readonly frequencies: readonly number[];
}

export interface StatementProfile {
  /** Normalised text: literals replaced by parameters or question marks. */
  readonly text: string;
  readonly calls: number;
  readonly rows: number;
  readonly meanMs: number;
}
