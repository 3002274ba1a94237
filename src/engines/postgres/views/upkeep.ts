/**
 * Autovacuum, the horizon of dead rows, statistics of columns, checkpoints. Plain selects of views and catalogs, none of which
 * waits behind a lock (measuring-locks-and-disk.md, 1.3).
 */
import type { Session, TableStatistics, Upkeep, UpkeepReading, UpkeepState } from '../../engine.ts';
import { relationName } from './relation-names.ts';

export const upkeep: Upkeep = { openReader };

/** server_version_num from which checkpoints have a view of their own. */
const CHECKPOINTER_SINCE = 170_000;

/**
 * Who keeps dead rows from being vacuumed: snapshots and transactions of sessions, slots, prepared transactions. Those of
 * other databases keep no row of this one, and autovacuum is left out.
 * https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-BASICS
 */
const HORIZON = `
  select transactions::float8 as transactions, holder
  from (
    select greatest(age(backend_xmin), age(backend_xid)) as transactions,
      'session ' || pid || ' (' || coalesce(nullif(application_name, ''), usename, backend_type) || ')' as holder
    from pg_catalog.pg_stat_activity
    where pid <> pg_backend_pid() and backend_type <> 'autovacuum worker'
      and (datname is null or datname = $1)
    union all
    select greatest(age(xmin), age(catalog_xmin)), 'replication slot ' || slot_name
    from pg_catalog.pg_replication_slots
    union all
    select age(transaction), 'prepared transaction ' || gid
    from pg_catalog.pg_prepared_xacts
  ) as held
  where transactions is not null
  order by transactions desc
  limit 1`;

/** https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW */
const WORKERS = `
  select pid, query
  from pg_catalog.pg_stat_activity
  where backend_type = 'autovacuum worker' and datname = $1 and query like 'autovacuum: %'
    and query !~ ' pg_(catalog|toast)\\.'`;

const DEAD_ROWS = `
  select schemaname as schema, relname as name, n_dead_tup::float8 as dead
  from pg_catalog.pg_stat_user_tables`;

const OLDEST_ROW = `
  select age(datfrozenxid)::float8 as transactions, current_setting('autovacuum_freeze_max_age')::float8 as maximum
  from pg_catalog.pg_database
  where datname = current_database()`;

const MAY_READ_STATISTICS = `
  select has_column_privilege('pg_catalog.pg_statistic', 'starelid', 'select')
    and has_column_privilege('pg_catalog.pg_statistic', 'staattnum', 'select') as may`;

/** Which columns have statistics, never what they say: https://www.postgresql.org/docs/current/catalog-pg-statistic.html */
const STATISTICS = `
  select c.oid, n.nspname as schema, c.relname as name, a.attname as column,
    exists (select from pg_catalog.pg_statistic s where s.starelid = c.oid and s.staattnum = a.attnum) as analysed
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_attribute a on a.attrelid = c.oid
  where c.relkind in ('r', 'm', 'p') and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
    and a.attnum > 0 and not a.attisdropped
  order by c.oid, a.attnum`;

const CHECKPOINTS = {
  old: 'select checkpoints_req::float8 as requested, checkpoints_timed::float8 as timed from pg_catalog.pg_stat_bgwriter',
  new: 'select num_requested::float8 as requested, num_timed::float8 as timed from pg_catalog.pg_stat_checkpointer',
} as const;

async function openReader(cluster: Session, inside: Session) {
  const [facts] = await inside.query<{ version: number; may: boolean }>(
    `select current_setting('server_version_num')::int as version, (${MAY_READ_STATISTICS}) as may`,
  );
  if (facts === undefined) throw new Error('current_setting() gave no row');
  const checkpoints = facts.version < CHECKPOINTER_SINCE ? CHECKPOINTS.old : CHECKPOINTS.new;
  return {
    source: 'pg_stat_activity, pg_replication_slots, pg_stat_user_tables, pg_statistic',
    read: () => read(cluster, inside.target.database),
    state: async (): Promise<UpkeepState> => {
      const [row] = await inside.query<{ transactions: number; maximum: number }>(OLDEST_ROW);
      const [counted] = await inside.query<{ requested: number; timed: number }>(checkpoints);
      return {
        oldestRow:
          row === undefined ? null : { transactions: Number(row.transactions), limit: Number(row.maximum) },
        deadRows: await deadRows(inside),
        statistics: facts.may ? await statistics(inside) : null,
        checkpoints:
          counted === undefined
            ? null
            : { requested: Number(counted.requested), timed: Number(counted.timed) },
      };
    },
  };
}

async function read(cluster: Session, database: string): Promise<UpkeepReading> {
  const [horizon] = await cluster.query<{ transactions: number; holder: string }>(HORIZON, [database]);
  const workers = await cluster.query<{ pid: number; query: string }>(WORKERS, [database]);
  return {
    horizon:
      horizon === undefined ? null : { transactions: Number(horizon.transactions), holder: horizon.holder },
    workers: workers.map(({ pid, query }) => ({
      sessionId: pid,
      statement: query,
      // The server never cancels such a worker for a lock: src/backend/storage/lmgr/proc.c, ProcSleep.
      unyielding: query.includes('(to prevent wraparound)'),
    })),
  };
}

async function deadRows(inside: Session): Promise<ReadonlyMap<string, number>> {
  const rows = await inside.query<{ schema: string; name: string; dead: number }>(DEAD_ROWS);
  return new Map(rows.map(({ schema, name, dead }) => [relationName(schema, name), Number(dead)]));
}

async function statistics(inside: Session): Promise<ReadonlyMap<string, TableStatistics>> {
  const tables = new Map<string, { table: string; columns: string[]; analysed: string[] }>();
  const rows = await inside.query<{
    oid: number | string;
    schema: string;
    name: string;
    column: string;
    analysed: boolean;
  }>(STATISTICS);
  for (const { oid, schema, name, column, analysed } of rows) {
    const entry = tables.get(String(oid)) ?? { table: relationName(schema, name), columns: [], analysed: [] };
    entry.columns.push(column);
    if (analysed) entry.analysed.push(column);
    tables.set(String(oid), entry);
  }
  return tables;
}
