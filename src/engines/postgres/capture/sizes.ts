/** Rows, bytes and indexes of the user's tables, from the catalogs: nothing is counted or scanned. */
import type { Session } from '../../engine.ts';
import { USER_TABLES } from './user-tables.ts';

/** A table of the database, partitions included, with what the catalogs say of its size. */
export interface SizedTable {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** True for a table that only holds partitions. */
  readonly isParent: boolean;
  /** The partitioned table at the top; null unless this is a partition. */
  readonly root: number | null;
  /** Of a partition right below the table at the top, as the server prints it; null for every other table. */
  readonly bound: string | null;
  /** Null when no statistics tell. */
  readonly rows: number | null;
  /** Share of dead tuples, 0..1; null where the server has not counted. */
  readonly deadShare: number | null;
  readonly pages: number;
  readonly pageBytes: number;
  readonly tableBytes: number;
  readonly toastBytes: number;
  /** As set for the table; null when it is the default. */
  readonly fillfactor: number | null;
  /** May be selected from, as a whole or by some column. */
  readonly readable: boolean;
  /** Row security keeps its statistics from this user. */
  readonly secured: boolean;
}

export interface SizedIndex {
  readonly table: number;
  readonly name: string;
  readonly columns: readonly string[];
  readonly bytes: number;
  readonly fillfactor: number | null;
  /** reltuples and, of a unique index, as many different entries. */
  readonly unique: boolean;
  /** Numbers of the table's columns, 0 for an expression. */
  readonly attributes: readonly number[];
}

/**
 * The planner's own estimate: tuples per page when the table was last vacuumed or analysed, on the pages of now. Before
 * that (-1, and 0 with no page up to Postgres 13) what the cumulative statistics counted.
 * https://www.postgresql.org/docs/current/catalog-pg-class.html
 */
const TABLES = `
  with recursive tables as (${USER_TABLES}),
  roots (oid, root) as (
    select t.oid, t.oid from tables t where t.relkind = 'p' and not t.relispartition
    union all
    select i.inhrelid, r.root
    from roots r
      join pg_inherits i on i.inhparent = r.oid
      join pg_class p on p.oid = i.inhrelid and p.relispartition
  )
  select
    t.oid,
    t.nspname::text as schema,
    t.relname::text as name,
    t.relkind = 'p' as "isParent",
    case when t.relispartition then r.root end as root,
    (
      select pg_get_expr(c.relpartbound, c.oid)
      from pg_inherits i
      where i.inhrelid = t.oid and i.inhparent = r.root and t.relispartition
    ) as bound,
    case
      when t.relkind = 'p' or b.bytes = 0 then 0
      when c.relpages > 0 and c.reltuples >= 0 then c.reltuples::float8 / c.relpages * (b.bytes / z.page)
      when live.tuples > 0 then live.tuples
    end as rows,
    case when not pg_is_in_recovery() and live.tuples + live.dead > 0 then live.dead::float8 / (live.tuples + live.dead) end
      as "deadShare",
    (b.bytes / z.page)::float8 as pages,
    z.page::float8 as "pageBytes",
    b.bytes::float8 as "tableBytes",
    case when c.reltoastrelid = 0 then 0 else coalesce(pg_total_relation_size(c.reltoastrelid), 0) end::float8 as "toastBytes",
    (select o.option_value::int from pg_options_to_table(c.reloptions) o where o.option_name = 'fillfactor') as fillfactor,
    has_any_column_privilege(t.oid, 'select') as readable,
    row_security_active(t.oid) as secured
  from tables t
    join pg_class c on c.oid = t.oid
    left join roots r on r.oid = t.oid
    cross join (select current_setting('block_size')::int8 as page) z
    cross join lateral (
      select case when t.relkind = 'p' then 0 else coalesce(pg_relation_size(t.oid), 0) end as bytes
    ) b
    cross join lateral (
      select pg_stat_get_live_tuples(t.oid) as tuples, pg_stat_get_dead_tuples(t.oid) as dead
    ) live
  order by t.nspname, t.relname`;

export async function readSizedTables(
  session: Session,
  schemas: readonly string[],
): Promise<readonly SizedTable[]> {
  const tables = await session.query<SizedTable>(TABLES);
  return schemas.length === 0 ? tables : tables.filter(({ schema }) => schemas.includes(schema));
}

/** Bytes of an index of a partitioned table are those of all its partitions. */
const INDEXES = `
  with recursive tables as (${USER_TABLES}),
  trees (top, oid) as (
    select i.indexrelid, i.indexrelid from tables t join pg_index i on i.indrelid = t.oid
    union all
    select r.top, h.inhrelid from trees r join pg_inherits h on h.inhparent = r.oid
  ),
  sizes as (
    select r.top, sum(pg_relation_size(r.oid))::float8 as bytes
    from trees r
      join pg_class x on x.oid = r.oid and x.relkind = 'i'
    group by r.top
  )
  select
    t.oid as table,
    x.relname::text as name,
    (
      select json_agg(coalesce(a.attname, pg_get_indexdef(x.oid, k.position::int, true)) order by k.position)
      from unnest(i.indkey::int2[]) with ordinality k (attnum, position)
        left join pg_attribute a on a.attrelid = t.oid and a.attnum = k.attnum and k.attnum > 0
    ) as columns,
    coalesce(s.bytes, 0) as bytes,
    (select o.option_value::int from pg_options_to_table(x.reloptions) o where o.option_name = 'fillfactor') as fillfactor,
    i.indisunique as unique,
    array_to_json(i.indkey::int2[]) as attributes
  from tables t
    join pg_index i on i.indrelid = t.oid and (i.indisvalid or t.relkind = 'p')
    join pg_class x on x.oid = i.indexrelid
    left join sizes s on s.top = x.oid
  order by t.oid, x.relname`;

export function readSizedIndexes(session: Session): Promise<readonly SizedIndex[]> {
  return session.query<SizedIndex>(INDEXES);
}
