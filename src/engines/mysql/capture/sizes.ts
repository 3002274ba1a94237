/** Rows, bytes and indexes of the tables of the current database, as InnoDB estimates them: nothing is counted. */
import type { Session } from '../../engine.ts';
import { isRefused } from '../views/instruments.ts';

export interface SizedTable {
  readonly name: string;
  /** An estimate of InnoDB from a few pages; within half of the truth for most tables. */
  readonly rows: number;
  /** Of the clustered index, which holds the rows. */
  readonly tableBytes: number;
  readonly indexBytes: number;
  /** Whole extents of the file that nothing uses. */
  readonly freeBytes: number;
}

export interface SizedIndex {
  readonly table: string;
  readonly name: string;
  /** Expressions are told as the server prints them. */
  readonly columns: readonly string[];
  readonly unique: boolean;
  /** Different entries in the leading column, in the first two, and so on; null where the server has not looked. */
  readonly distinct: readonly (number | null)[];
  /** Null when this user may not read them, or for an index that has none (full text). */
  readonly bytes: number | null;
}

/** https://dev.mysql.com/doc/refman/8.4/en/information-schema-tables-table.html */
const TABLES = `
  select
    table_name as name,
    coalesce(table_rows, 0) as \`rows\`,
    coalesce(data_length, 0) as tableBytes,
    coalesce(index_length, 0) as indexBytes,
    coalesce(data_free, 0) as freeBytes
  from information_schema.tables
  where table_schema = database() and table_type in ('BASE TABLE', 'SYSTEM VERSIONED')
  order by table_name`;

export async function readSizedTables(session: Session): Promise<readonly SizedTable[]> {
  const rows = await session.query<Record<keyof SizedTable, string | number>>(TABLES);
  return rows.map((row) => ({
    name: String(row.name),
    rows: Number(row.rows),
    tableBytes: Number(row.tableBytes),
    indexBytes: Number(row.indexBytes),
    freeBytes: Number(row.freeBytes),
  }));
}

interface PartitionRow {
  readonly table: string;
  readonly name: string;
  readonly rows: string | number;
  readonly bytes: string | number;
}

/** https://dev.mysql.com/doc/refman/8.4/en/information-schema-partitions-table.html */
const PARTITIONS = `
  select
    table_name as \`table\`,
    coalesce(subpartition_name, partition_name) as name,
    coalesce(table_rows, 0) as \`rows\`,
    coalesce(data_length, 0) as bytes
  from information_schema.partitions
  where table_schema = database() and partition_name is not null
  order by table_name, partition_ordinal_position, subpartition_ordinal_position`;

export interface SizedPartition {
  readonly table: string;
  readonly name: string;
  readonly rows: number;
  readonly tableBytes: number;
}

export async function readSizedPartitions(session: Session): Promise<readonly SizedPartition[]> {
  const rows = await session.query<PartitionRow>(PARTITIONS);
  return rows.map(({ table, name, rows, bytes }) => ({
    table,
    name: `${table}#${name}`,
    rows: Number(rows),
    tableBytes: Number(bytes),
  }));
}

interface IndexRow {
  readonly table: string;
  readonly name: string;
  readonly column: string | null;
  readonly expression: string | null;
  readonly distinct: string | number | null;
  readonly nonUnique: string | number;
}

/** https://dev.mysql.com/doc/refman/8.4/en/information-schema-statistics-table.html; MariaDB has no expressions. */
const INDEXES = `
  select
    table_name as \`table\`,
    index_name as name,
    column_name as \`column\`,
    EXPRESSION as expression,
    cardinality as \`distinct\`,
    non_unique as nonUnique
  from information_schema.statistics
  where table_schema = database()
  order by table_name, index_name, seq_in_index`;

export interface ReadIndexes {
  readonly indexes: readonly SizedIndex[];
  readonly missing: readonly { readonly what: string; readonly reason: string }[];
}

export async function readSizedIndexes(session: Session, hasExpressions: boolean): Promise<ReadIndexes> {
  const query = INDEXES.replace('EXPRESSION', hasExpressions ? 'expression' : 'null');
  const bytes = await readIndexBytes(session);
  const indexes = new Map<string, SizedIndex>();
  for (const row of await session.query<IndexRow>(query)) {
    const key = `${row.table}\n${row.name}`;
    const before = indexes.get(key);
    indexes.set(key, {
      table: row.table,
      name: row.name,
      columns: [...(before?.columns ?? []), row.column ?? row.expression ?? '?'],
      unique: Number(row.nonUnique) === 0,
      distinct: [...(before?.distinct ?? []), row.distinct === null ? null : Number(row.distinct)],
      bytes: bytes?.get(key) ?? null,
    });
  }
  const missing = {
    what: 'bytes of each index',
    reason:
      'this user may not read mysql.innodb_index_stats: grant select on it. Those of all indexes of a table were divided evenly',
  };
  return { indexes: [...indexes.values()], missing: bytes === null ? [missing] : [] };
}

/** https://dev.mysql.com/doc/refman/8.4/en/innodb-persistent-stats.html; a partition is "table#P#name", "table#p#name". */
const INDEX_BYTES = `
  select
    substring_index(substring_index(table_name, '#P#', 1), '#p#', 1) as \`table\`,
    index_name as name,
    sum(stat_value) * @@innodb_page_size as bytes
  from mysql.innodb_index_stats
  where database_name = database() and stat_name = 'size'
  group by 1, 2`;

/** By table and index; null when they may not be read. */
async function readIndexBytes(session: Session): Promise<ReadonlyMap<string, number> | null> {
  try {
    const rows = await session.query<{ table: string; name: string; bytes: string | number }>(INDEX_BYTES);
    return new Map(rows.map(({ table, name, bytes }) => [`${table}\n${name}`, Number(bytes)]));
  } catch (error) {
    if (!isRefused(error)) throw error;
    return null;
  }
}
