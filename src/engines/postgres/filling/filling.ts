/** Fills tables: counters, statistics. The rows are in bulk-load.ts, what is taken away while filling in deferred.ts. */
import { setTimeout as wait } from 'node:timers/promises';
import { EnvironmentError } from '../../../errors.ts';
import type { Filling, Session, TableDescription } from '../../engine.ts';
import { dialect } from '../text/dialect.ts';
import { bulkLoad } from './bulk-load.ts';
import { prepare } from './deferred.ts';
import { fitSizes } from './index-fill.ts';
import { vacuum } from './vacuum.ts';

/**
 * A stream that fills a table alone writes no log and leaves nothing for VACUUM. That two into one table would gain nothing
 * over it on two processors is reckoned, not measured: one stream keeps the server on one of them busy. Small pieces in
 * turn keep the order on disk close to that of the rows.
 */
const cutting = { fromStreams: 3, pieceRows: 4096 };

export const filling: Filling = { cutting, prepare, bulkLoad, advanceCounters, settle, sizes, fitSizes };

interface Counter {
  readonly sequence: string;
  readonly column: string;
  readonly ascending: boolean;
  readonly least: string;
  readonly most: string;
}

/**
 * Sequences that a column owns (serial, identity) or draws its default from:
 * https://www.postgresql.org/docs/current/catalog-pg-depend.html
 */
const COUNTERS = `
  select distinct
    format('%I.%I', n.nspname, s.relname) as sequence,
    a.attname::text as column,
    q.seqincrement > 0 as ascending,
    q.seqmin::text as least,
    q.seqmax::text as most
  from pg_depend d
    left join pg_attrdef e on d.classid = 'pg_attrdef'::regclass and e.oid = d.objid
    join pg_class s on s.oid = case when e.oid is null then d.objid else d.refobjid end and s.relkind = 'S'
    join pg_namespace n on n.oid = s.relnamespace
    join pg_sequence q on q.seqrelid = s.oid
    join pg_attribute a
      on a.attrelid = coalesce(e.adrelid, d.refobjid) and a.attnum = coalesce(e.adnum, d.refobjsubid)
  where a.attrelid = $1::regclass
    and a.attnum > 0
    and a.atttypid in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype)
    and (e.oid is not null or (d.classid = 'pg_class'::regclass and d.deptype in ('a', 'i')))`;

/** A counter whose bounds the rows have passed is put to its bound, from which it ends or begins again as it is made to. */
async function advanceCounters(session: Session, tables: readonly TableDescription[]): Promise<void> {
  for (const table of tables) {
    const name = dialect.quoteName(table.parts);
    for (const counter of await session.query<Counter>(COUNTERS, [name])) {
      const column = dialect.quote(counter.column);
      const [extreme, past] = counter.ascending ? ['max', '>='] : ['min', '<='];
      await session.query(
        `select setval($1::regclass, least(greatest(last_row.value, $2::int8), $3::int8))
         from (select ${extreme}(${column})::int8 as value from ${name}) last_row
           cross join ${counter.sequence} counter
         where last_row.value ${past} counter.last_value`,
        [counter.sequence, counter.least, counter.most],
      );
    }
  }
}

/** What autovacuum is still at is waited for this long; it had nothing to do that VACUUM has not done. */
const AUTOVACUUM_DEADLINE_MS = 120_000;
const AUTOVACUUM_POLL_MS = 100;

/** https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW */
const AUTOVACUUM_AT_WORK = `
  select query
  from pg_stat_activity
  where backend_type = 'autovacuum worker' and datname = current_database()`;

/** https://www.postgresql.org/docs/current/sql-checkpoint.html; pg_checkpoint is there since Postgres 15. */
const MAY_CHECKPOINT = `
  select r.rolsuper or exists (
    select from pg_roles p where p.rolname = 'pg_checkpoint' and pg_has_role(r.oid, p.oid, 'usage')
  ) as allowed
  from pg_roles r
  where r.rolname = current_user`;

/**
 * VACUUM (ANALYZE), then autovacuum has to be idle, then a checkpoint. A user of a managed server who may not ask for
 * a checkpoint goes without one. Worn tables have had their VACUUM, and keep the dead rows that came after it.
 */
async function settle(session: Session, tables: readonly TableDescription[], worn = false): Promise<void> {
  if (!worn) await vacuum(session, tables);
  const deadline = performance.now() + AUTOVACUUM_DEADLINE_MS;
  for (;;) {
    const [busy] = await session.query<{ query: string }>(AUTOVACUUM_AT_WORK);
    if (busy === undefined) break;
    if (performance.now() > deadline)
      throw new EnvironmentError(
        `autovacuum is still at work after ${AUTOVACUUM_DEADLINE_MS / 1000} s ("${busy.query}"), ` +
          'and would disturb the baseline: raise autovacuum_vacuum_cost_limit or fill less',
      );
    await wait(AUTOVACUUM_POLL_MS);
  }
  const [role] = await session.query<{ allowed: boolean }>(MAY_CHECKPOINT);
  if (role?.allowed) await session.execute('checkpoint');
}

/** Partitions count with their parent, and for themselves. */
const SIZES = `
  with recursive tree (root, member) as (
    select u.name, u.name::regclass::oid from unnest($1::text[]) u (name)
    union all
    select t.root, i.inhrelid from tree t join pg_inherits i on i.inhparent = t.member
  )
  select root, sum(pg_total_relation_size(member))::float8 as bytes
  from tree
  group by root`;

async function sizes(
  session: Session,
  tables: readonly TableDescription[],
): Promise<ReadonlyMap<string, number>> {
  const names = new Map(tables.map((table) => [dialect.quoteName(table.parts), table.name]));
  const rows = await session.query<{ root: string; bytes: number }>(SIZES, [[...names.keys()]]);
  return new Map(rows.map((row) => [names.get(row.root) ?? row.root, row.bytes]));
}
