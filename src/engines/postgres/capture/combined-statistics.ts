/** Statistics of a partitioned table that was never analysed as a whole. */
import type { Session } from '../../engine.ts';
import type { ColumnStatistics } from './statistics.ts';
import { USER_TABLES } from './user-tables.ts';

export type CombinedStatistics = Omit<ColumnStatistics, 'name' | 'typeLength' | 'alignment' | 'readable'>;

/**
 * Autovacuum never analyses a partitioned table as a whole; where nobody did, its partitions' statistics are put together,
 * each by its rows. Values that are common in some partition are matched on the server, so that none leaves it.
 */
const COMBINED = `
  with recursive tables as (${USER_TABLES}),
  roots (root, oid) as (
    select t.oid, t.oid from tables t where t.relkind = 'p'
    union all
    select r.root, i.inhrelid
    from roots r
      join pg_inherits i on i.inhparent = r.oid
      join pg_class p on p.oid = i.inhrelid and p.relispartition
  ),
  leaves as (
    select r.root, t.nspname, t.relname, c.reltuples::float8 as tuples,
      c.reltuples / sum(c.reltuples) over (partition by r.root) as weight
    from roots r
      join tables t on t.oid = r.oid and t.relkind = 'r'
      join pg_class c on c.oid = t.oid and c.reltuples > 0
  ),
  known as (
    select l.root, l.tuples, l.weight, s.*
    from leaves l
      join pg_stats s on s.schemaname = l.nspname and s.tablename = l.relname and not s.inherited
  ),
  common as (
    select k.root, k.attname, m.value, sum(k.weight * m.frequency) as frequency
    from known k, unnest(k.most_common_vals::text::text[], k.most_common_freqs) m (value, frequency)
    group by k.root, k.attname, m.value
  ),
  lists as (
    select root, attname, jsonb_agg(frequency order by frequency desc) as frequencies,
      jsonb_agg(value order by frequency desc) as values
    from (
      select c.*, row_number() over (partition by root, attname order by frequency desc) as place from common c
    ) c
    where place <= 100
    group by root, attname
  )
  select
    k.root as table,
    a.attnum as attribute,
    sum(k.weight * k.null_frac)::float8 as "nullFraction",
    (case
      when bool_and(k.n_distinct < 0) then sum(-k.n_distinct * k.tuples)
      else max(case when k.n_distinct < 0 then -k.n_distinct * k.tuples else k.n_distinct end)
    end)::float8 as distinct,
    (sum(k.weight * k.avg_width) / sum(k.weight))::float8 as "averageBytes",
    sum(k.weight * k.correlation)::float8 as correlation,
    l.frequencies,
    VALUES as values,
    null as bounds
  from known k
    join pg_attribute a on a.attrelid = k.root and a.attname = k.attname
    left join lists l on l.root = k.root and l.attname = k.attname
  group by k.root, a.attnum, l.frequencies, l.values`;

export function readCombinedStatistics(
  session: Session,
  withValues: boolean,
): Promise<readonly CombinedStatistics[]> {
  return session.query<CombinedStatistics>(
    COMBINED.replace('VALUES as values', withValues ? 'l.values as values' : 'null as values'),
  );
}
