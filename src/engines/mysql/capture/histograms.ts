/**
 * What the servers know of columns beyond their indexes: the histograms of MySQL, the engine-independent statistics of
 * MariaDB. Both hold values of rows, which are left on the server unless they are asked for.
 */
import type { Session } from '../../engine.ts';
import type { Flavor } from '../connections/client.ts';
import { isRefused } from '../views/instruments.ts';

export interface ColumnHistogram {
  readonly table: string;
  readonly name: string;
  readonly nullFraction: number;
  /** Null when unknown. */
  readonly distinct: number | null;
  /** Bytes of a value without its length bytes; null when unknown. */
  readonly contentBytes: number | null;
  /** Of all rows, descending, each of one value. */
  readonly frequencies: readonly number[];
  /** As the histogram writes them: an enum by its number on MySQL. */
  readonly values: readonly string[] | null;
  readonly bounds: readonly string[] | null;
}

export interface ReadHistograms {
  readonly histograms: readonly ColumnHistogram[];
  readonly missing: readonly { readonly what: string; readonly reason: string }[];
}

/** [position, share or cumulative share, different values, 1 for one value only, bytes, first, last] */
type Bucket = readonly [number, number, number, number, number | null, (string | null)?, (string | null)?];

interface HistogramRow {
  readonly table: string;
  readonly name: string;
  readonly nullFraction: string | number;
  /** MariaDB: different values. */
  readonly distinct: string | number | null;
  /** MariaDB */
  readonly contentBytes: string | number | null;
  /** MariaDB: of its histogram. */
  readonly form?: string | null;
  /** JSON text, or parsed. */
  readonly buckets: unknown;
}

/** Strings are "base64:type254:..." */
const decoded = (value: string) => `if(
  ${value} like 'base64:type%:%',
  convert(from_base64(substring_index(${value}, ':', -1)) using utf8mb4),
  ${value}
)`;

/**
 * Singleton: [value, cumulative share]; equi-height: [lowest, highest, cumulative share, different values].
 * https://dev.mysql.com/doc/refman/8.4/en/optimizer-statistics.html. JSON_TABLE takes a column of that view only from a
 * table of its own, which the LIMIT makes of it.
 */
const mysqlHistograms = (withValues: boolean) => `
  with histograms as (
    select table_name, column_name, histogram
    from information_schema.column_statistics
    where schema_name = database()
    limit 18446744073709551615
  )
  select
    h.table_name as \`table\`,
    h.column_name as name,
    json_extract(h.histogram, '$."null-values"') as nullFraction,
    null as \`distinct\`,
    null as contentBytes,
    json_arrayagg(json_array(
      b.position,
      if(b.singleton, b.second + 0, b.third),
      if(b.singleton, 1, b.fourth),
      if(b.singleton or b.first = b.second, 1, 0),
      if(b.first_text like 'base64:type%:%', octet_length(from_base64(substring_index(b.first_text, ':', -1))), null)
      ${withValues ? `, ${decoded('b.first_text')}, ${decoded('if(b.singleton, b.first_text, b.second_text)')}` : ''}
    )) as buckets
  from histograms h
    join lateral (
      select
        json_unquote(json_extract(h.histogram, '$."histogram-type"')) = 'singleton' as singleton,
        t.position, t.first, t.second, t.third, t.fourth,
        json_unquote(t.first) as first_text, json_unquote(t.second) as second_text
      from json_table(h.histogram, '$.buckets[*]' columns (
        position for ordinality,
        first json path '$[0]',
        second json path '$[1]',
        third double path '$[2]',
        fourth double path '$[3]'
      )) t
    ) b
  group by h.table_name, h.column_name, nullFraction
  order by 1, 2`;

/** How many rows have one value on average, and the rows there were: https://mariadb.com/kb/en/mysqlcolumn_stats-table/ */
const MARIADB_COLUMNS = `
  select
    s.table_name as \`table\`,
    s.column_name as name,
    s.nulls_ratio as nullFraction,
    (1 - coalesce(s.nulls_ratio, 0)) * t.cardinality / nullif(s.avg_frequency, 0) as \`distinct\`,
    s.avg_length as contentBytes,
    s.hist_type as form,
    null as buckets
  from mysql.column_stats s
    left join mysql.table_stats t on t.db_name = s.db_name and t.table_name = s.table_name
  where s.db_name = database()
  order by 1, 2`;

/** {"start", "end", "size", "ndv"}; the end is that of the next one's start where it is left out. */
const mariadbHistograms = (withValues: boolean) => `
  select
    s.table_name as \`table\`,
    s.column_name as name,
    json_arrayagg(json_array(
      b.position, b.size, b.ndv, if(b.ndv = 1, 1, 0), null ${withValues ? ', b.low, coalesce(b.high, b.low)' : ''}
    )) as buckets
  from mysql.column_stats s,
    json_table(convert(s.histogram using utf8mb4), '$.histogram_hb[*]' columns (
      position for ordinality,
      size double path '$.size',
      ndv double path '$.ndv',
      low longtext path '$.start',
      high longtext path '$.end'
    )) b
  where s.db_name = database() and s.hist_type = 'JSON_HB'
  group by s.table_name, s.column_name`;

export async function readHistograms(
  session: Session,
  flavor: Flavor,
  withValues: boolean,
): Promise<ReadHistograms> {
  try {
    if (flavor === 'mariadb') return await readMariadb(session, withValues);
    const rows = await session.query<HistogramRow>(mysqlHistograms(withValues));
    return { histograms: rows.map((row) => fromMysql(row, withValues)), missing: [] };
  } catch (error) {
    if (!isRefused(error)) throw error;
    const where =
      flavor === 'mysql'
        ? 'information_schema.column_statistics'
        : 'mysql.column_stats and mysql.table_stats';
    return {
      histograms: [],
      missing: [{ what: 'column statistics', reason: `this user may not read ${where}: grant select on it` }],
    };
  }
}

function fromMysql(row: HistogramRow, withValues: boolean): ColumnHistogram {
  let before = 0;
  const buckets = bucketsOf(row.buckets).map((bucket): Bucket => {
    const [position, cumulative, ...rest] = bucket;
    const share = Math.max(0, cumulative - before);
    before = cumulative;
    return [position, share, ...rest];
  });
  const distinct = Math.round(buckets.reduce((sum, [, , ndv]) => sum + ndv, 0));
  return {
    table: row.table,
    name: row.name,
    nullFraction: Number(row.nullFraction),
    distinct,
    contentBytes: averageLength(buckets),
    ...listsOf(buckets, withValues),
  };
}

/** Shares are of the rows with a value there. */
async function readMariadb(session: Session, withValues: boolean): Promise<ReadHistograms> {
  const rows = await session.query<HistogramRow>(MARIADB_COLUMNS);
  const lists = new Map<string, readonly Bucket[]>();
  for (const row of await session.query<HistogramRow>(mariadbHistograms(withValues)))
    lists.set(`${row.table}\n${row.name}`, bucketsOf(row.buckets));
  const histograms = rows.map((row): ColumnHistogram => {
    const nullFraction = Number(row.nullFraction ?? 0);
    const buckets = (lists.get(`${row.table}\n${row.name}`) ?? []).map(
      ([position, share, ...rest]): Bucket => [position, share * (1 - nullFraction), ...rest],
    );
    return {
      table: row.table,
      name: row.name,
      nullFraction,
      distinct: row.distinct === null ? null : Math.round(Number(row.distinct)),
      contentBytes: row.contentBytes === null ? null : Number(row.contentBytes),
      ...listsOf(buckets, withValues),
    };
  });
  const older = rows.filter(({ form }) => form !== null && form !== 'JSON_HB');
  const missing = {
    what: `frequencies of ${older.length} columns, such as ${older[0]?.table}.${older[0]?.name}`,
    reason:
      `a histogram of the form ${older[0]?.form} does not tell them. ` +
      'Run: set histogram_type = JSON_HB, then analyze table again (MariaDB 10.8 and later)',
  };
  return { histograms, missing: older.length === 0 ? [] : [missing] };
}

function bucketsOf(value: unknown): readonly Bucket[] {
  const list: unknown = typeof value === 'string' ? JSON.parse(value) : value;
  if (!Array.isArray(list)) return [];
  return (list as Bucket[]).toSorted(([one], [other]) => one - other);
}

/** The server cuts strings in histograms to this many characters: a longer one is not known by its length. */
const CUT_TO_CHARACTERS = 42;

/** The first value of each bucket stands for all of it. */
function averageLength(buckets: readonly Bucket[]): number | null {
  const known = buckets.flatMap(([, share, , , bytes]) => (bytes === null ? [] : [{ share, bytes }]));
  const total = known.reduce((sum, { share }) => sum + share, 0);
  if (total === 0 || known.some(({ bytes }) => bytes >= CUT_TO_CHARACTERS)) return null;
  return known.reduce((sum, { share, bytes }) => sum + share * bytes, 0) / total;
}

/** Differences of cumulative shares have digits that mean nothing. */
const SHARE_DIGITS = 1e6;

/** A bucket of one value is a common value; the others are the histogram of the rest. */
function listsOf(
  buckets: readonly Bucket[],
  withValues: boolean,
): Pick<ColumnHistogram, 'frequencies' | 'values' | 'bounds'> {
  const common = buckets.filter(([, , , isOne]) => isOne === 1).toSorted(([, one], [, other]) => other - one);
  const others = buckets.filter(([, , , isOne]) => isOne !== 1);
  const last = others.at(-1)?.[6];
  const bounds = [...others.map(([, , , , , low]) => low), last].filter((each) => typeof each === 'string');
  return {
    frequencies: common.map(([, share]) => Math.round(share * SHARE_DIGITS) / SHARE_DIGITS),
    values: withValues ? common.map(([, , , , , value]) => value ?? '') : null,
    bounds: withValues && others.length > 0 ? bounds : null,
  };
}
