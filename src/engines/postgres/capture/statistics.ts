/** What ANALYZE knows of the columns: https://www.postgresql.org/docs/current/view-pg-stats.html */
import type { Session } from '../../engine.ts';
import { USER_TABLES } from './user-tables.ts';

export interface ColumnStatistics {
  readonly table: number;
  readonly attribute: number;
  readonly name: string;
  /** Fixed length of the type; -1 for one of variable length. */
  readonly typeLength: number;
  /** In bytes. */
  readonly alignment: number;
  readonly readable: boolean;
  /** Null when there are no statistics, or none that this user may read. */
  readonly nullFraction: number | null;
  /** As pg_stats has it: negative for a share of the rows, 0 for unknown. */
  readonly distinct: number | null;
  readonly averageBytes: number | null;
  readonly correlation: number | null;
  readonly frequencies: readonly number[] | null;
  readonly values: readonly string[] | null;
  readonly bounds: readonly string[] | null;
}

/**
 * Of a partitioned table the statistics of all its partitions together, of every other table those of its own rows. Single
 * precision goes by way of its text, which is as short as it can be.
 */
const COLUMNS = `
  with tables as (${USER_TABLES})
  select
    t.oid as table,
    a.attnum as attribute,
    a.attname::text as name,
    a.attlen as "typeLength",
    case a.attalign when 'd' then 8 when 'i' then 4 when 's' then 2 else 1 end as alignment,
    has_column_privilege(t.oid, a.attnum, 'select') as readable,
    s.null_frac::text::float8 as "nullFraction",
    s.n_distinct::text::float8 as distinct,
    s.avg_width as "averageBytes",
    s.correlation::text::float8 as correlation,
    to_json(s.most_common_freqs) as frequencies
    VALUES
  from tables t
    join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
    left join pg_stats s
      on s.schemaname = t.nspname and s.tablename = t.relname and s.attname = a.attname
        and s.inherited = (t.relkind = 'p')
  order by t.oid, a.attnum`;

/** Values of the rows: asked of the server only with \`--values\`. */
const WITH_VALUES = `,
    to_json(s.most_common_vals::text::text[]) as values,
    to_json(s.histogram_bounds::text::text[]) as bounds`;
const WITHOUT_VALUES = `,
    null as values,
    null as bounds`;

export function readColumnStatistics(
  session: Session,
  withValues: boolean,
): Promise<readonly ColumnStatistics[]> {
  return session.query<ColumnStatistics>(
    COLUMNS.replace('VALUES', withValues ? WITH_VALUES : WITHOUT_VALUES),
  );
}

export interface ForeignKeyColumns {
  readonly table: number;
  readonly references: number;
  readonly attributes: readonly number[];
}

/** A partition's copy of its parent's key is left out. */
const FOREIGN_KEYS = `
  with tables as (${USER_TABLES})
  select t.oid as table, c.confrelid as references, array_to_json(c.conkey) as attributes
  from tables t
    join pg_constraint c on c.conrelid = t.oid and c.contype = 'f'
    join tables r on r.oid = c.confrelid
  where coalesce((to_jsonb(c) ->> 'conparentid')::oid, 0) = 0
  order by t.oid, c.conname`;

export function readForeignKeyColumns(session: Session): Promise<readonly ForeignKeyColumns[]> {
  return session.query<ForeignKeyColumns>(FOREIGN_KEYS);
}

export interface DistinctGroup {
  readonly table: number;
  readonly attributes: readonly number[];
  readonly distinct: number;
}

interface ExtendedRow {
  readonly table: number;
  readonly distinct: string | Readonly<Record<string, number>>;
}

/** The view, which keeps to the rights of its reader, is there since Postgres 12. */
const EXTENDED = `
  with tables as (${USER_TABLES})
  select t.oid as table, s.n_distinct::text as distinct
  from pg_stats_ext s
    join tables t on t.nspname = s.schemaname and t.relname = s.tablename
  where s.n_distinct is not null`;

const EXTENDED_SINCE = 120_000;

/** Different combinations of columns where CREATE STATISTICS (ndistinct) was asked for them. */
export async function readDistinctGroups(
  session: Session,
  version: number,
): Promise<readonly DistinctGroup[]> {
  if (version < EXTENDED_SINCE) return [];
  const rows = await session.query<ExtendedRow>(EXTENDED);
  return rows.flatMap(({ table, distinct }) =>
    [...String(distinct).matchAll(/"([\d, -]+)": (\d+)/g)].map(([, attributes = '', count]) => ({
      table,
      attributes: attributes.split(',').map(Number),
      distinct: Number(count),
    })),
  );
}
