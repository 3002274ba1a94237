/** Values of live rows, for the load's parameters. */
import type { KeyExpression, Session, TableDescription, ValueKind } from '../../engine.ts';
import { dialect } from '../text/dialect.ts';

/** Up to this size all rows are read and sorted: about 0.3 s, once. */
export const SMALL_TABLE_BYTES = 64 * 1024 * 1024;
/** A sampled page gives many rows of neighbouring values: this many times more are read than are kept. */
const OVERSAMPLING = 4;
const BLOCK_BYTES = 8192;

/** Kinds whose values have an order of their own; the others are ordered as text. */
const ORDERED: readonly ValueKind[] = ['integer', 'decimal', 'float', 'date', 'time', 'timestamp'];

/**
 * Up to `limit` distinct values of a column or expression, in order, the same for the same rows: evenly spread over all rows of a
 * small table; by steps through an index on a large integer key; else from pages that TABLESAMPLE picks with a fixed
 * seed.
 */
export async function sampleKeys(
  session: Session,
  table: TableDescription,
  key: string | KeyExpression,
  limit: number,
): Promise<readonly string[]> {
  if (typeof key === 'string') return sampleColumn(session, table, key, limit);
  const name = dialect.quoteName(table.parts);
  const value = `(${key.text})::text collate "C"`;
  const from = `${name} as ${dialect.quote(key.alias)}`;
  await session.execute('begin read only');
  try {
    const bytes = await sizeOf(session, name);
    if (bytes <= SMALL_TABLE_BYTES) return await keys(session, evenly(from, value), [limit]);
    return await keys(session, fromPages(from, value), [limit, percentFor(limit, bytes)]);
  } finally {
    await session.execute('rollback');
  }
}

async function sampleColumn(
  session: Session,
  table: TableDescription,
  column: string,
  limit: number,
): Promise<readonly string[]> {
  const name = dialect.quoteName(table.parts);
  const value = orderedValue(table, column);
  const bytes = await sizeOf(session, name);
  if (bytes <= SMALL_TABLE_BYTES) return keys(session, evenly(name, value), [limit]);
  const kind = table.columns.find((each) => each.name === column)?.type.kind;
  if (kind === 'integer' && (await hasIndex(session, name, column)))
    return keys(session, byIndex(name, dialect.quote(column)), [limit]);
  const percent = percentFor(limit, bytes);
  return keys(session, fromPages(name, value), [limit, percent]);
}

async function keys(session: Session, text: string, values: readonly number[]): Promise<readonly string[]> {
  return (await session.query<{ key: string }>(text, values)).map((row) => row.key);
}

function orderedValue(table: TableDescription, column: string): string {
  const type = table.columns.find((each) => each.name === column)?.type;
  const quoted = dialect.quote(column);
  const ordered = type !== undefined && type.element === null && ORDERED.includes(type.kind);
  return ordered ? quoted : `${quoted}::text collate "C"`;
}

function evenly(name: string, value: string): string {
  return `
    select key::text as key
    from (
      select key, row_number() over (order by key) - 1 as position, count(*) over () as total
      from (select distinct ${value} as key from ${name}) distinct_keys
      where key is not null
    ) numbered
    where position = 0 or position * $1::int8 / total <> (position - 1) * $1::int8 / total
    order by numbered.key`;
}

function byIndex(name: string, column: string): string {
  return `
    select distinct found.key, found.key::text as key
    from (select min(${column})::numeric as low, max(${column})::numeric as high from ${name}) bounds
      cross join lateral generate_series(low, high, greatest(1, ceil((high - low) / $1::int8))) step
      cross join lateral (
        select ${column} as key
        from ${name}
        where ${column} >= step::int8
        order by ${column}
        limit 1
      ) found
    order by found.key
    limit $1::int8`;
}

function fromPages(name: string, value: string): string {
  return `
    select key::text as key
    from (
      select key
      from (select distinct ${value} as key from ${name} tablesample system ($2::float8) repeatable (0)) distinct_keys
      where key is not null
      order by md5(key::text)
      limit $1::int8
    ) chosen
    order by chosen.key`;
}

/** At least one row a page is assumed, so that the sample never is too small on wide rows. */
export function percentFor(limit: number, bytes: number): number {
  const pages = bytes / BLOCK_BYTES;
  return Math.min(100, (limit * OVERSAMPLING * 100) / pages);
}

/** A partitioned table has no size of its own. */
export async function sizeOf(session: Session, name: string): Promise<number> {
  const [row] = await session.query<{ bytes: number }>(
    `with recursive tree (member) as (
       select $1::regclass::oid
       union all
       select i.inhrelid from tree t join pg_inherits i on i.inhparent = t.member
     )
     select coalesce(sum(pg_relation_size(member)), 0)::float8 as bytes from tree`,
    [name],
  );
  return row?.bytes ?? 0;
}

async function hasIndex(session: Session, name: string, column: string): Promise<boolean> {
  const [row] = await session.query(
    `select 1
     from pg_index i
       join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
       join pg_class c on c.oid = i.indexrelid
       join pg_am m on m.oid = c.relam
     where i.indrelid = $1::regclass and a.attname = $2
       and i.indisvalid and i.indpred is null and m.amname = 'btree'
     limit 1`,
    [name, column],
  );
  return row !== undefined;
}
