/**
 * The queries of row-lock waits.
 *
 * MySQL: https://dev.mysql.com/doc/refman/8.4/en/performance-schema-data-lock-waits-table.html
 * MariaDB: https://mariadb.com/kb/en/information-schema-innodb_lock_waits-table/
 */
import type { Session } from '../../engine.ts';
import { serverKind } from '../server/server-kind.ts';
import { placeholders } from './threads.ts';

/** Literals of SQL. */
export const COUNTER_NAMES = "'lock_row_lock_current_waits', 'lock_deadlocks'";

export interface Counters {
  /** Transactions that wait for a row lock now. */
  readonly waiting: number;
  /** That InnoDB has found so far. */
  readonly deadlocks: number;
}

/** Those of the two that are switched off (innodb_monitor_disable), and so stand still. */
export async function stoppedCounters(session: Session): Promise<readonly string[]> {
  const { flavor } = await serverKind(session);
  const off = flavor === 'mariadb' ? 'm.enabled = 0' : "m.status = 'disabled'";
  const rows = await session.query<{ name: string }>(`
    select m.name as name
    from information_schema.innodb_metrics m
    where m.name in (${COUNTER_NAMES}) and ${off}`);
  return rows.map(({ name }) => name);
}

/** One row for each pair of waiter and blocker, whatever the flavor. */
export interface PairRow {
  readonly key: string;
  readonly waiter: number;
  readonly blocker: number | null;
  /** Of the waiter's thread; null where the views do not tell. */
  readonly event_id: number | null;
  /** Lock that is waited for, and the one that is in the way. */
  readonly wanted: string;
  readonly in_the_way: string;
}

export interface LockRow {
  readonly lock_id: string;
  readonly mode: string;
  readonly kind: string;
  readonly schema: string | null;
  readonly table: string | null;
  readonly index: string | null;
}

export interface Flavor {
  readonly pairs: string;
  /** Says of a list of lock ids what they are on. */
  readonly locks: (ids: readonly unknown[]) => string;
  /** Which of these locks in the way are still there; `null` where only those of waits are shown. */
  readonly still: ((ids: readonly unknown[]) => string) | null;
  /** Of the connections themselves, or of threads that have to be looked up. */
  readonly sessions: 'threads' | 'connections';
  readonly staleMs: number;
}

export const MYSQL: Flavor = {
  pairs: `
    select concat(w.requesting_thread_id, ' ', w.requesting_event_id, ' ', w.requesting_engine_lock_id) as \`key\`,
      w.requesting_thread_id as waiter, w.blocking_thread_id as blocker, w.requesting_event_id as event_id,
      w.requesting_engine_lock_id as wanted, w.blocking_engine_lock_id as in_the_way
    from performance_schema.data_lock_waits w`,
  locks: (ids) => `
    select l.engine_lock_id as lock_id, l.lock_mode as mode, l.lock_type as kind, l.object_schema as \`schema\`,
      l.object_name as \`table\`, l.index_name as \`index\`
    from performance_schema.data_locks l
    where l.engine_lock_id in (${placeholders(ids)})`,
  still: (ids) => `
    select l.engine_lock_id as lock_id
    from performance_schema.data_locks l
    where l.engine_lock_id in (${placeholders(ids)})`,
  sessions: 'threads',
  staleMs: 0,
};

/** These views answer from a copy that InnoDB renews when it is older than 100 ms (CACHE_MIN_IDLE_TIME_NS). */
export const MARIADB: Flavor = {
  pairs: `
    select concat(w.requesting_trx_id, ' ', w.requested_lock_id, ' ', waiter.trx_wait_started) as \`key\`,
      waiter.trx_mysql_thread_id as waiter, blocker.trx_mysql_thread_id as blocker, null as event_id,
      w.requested_lock_id as wanted, w.blocking_lock_id as in_the_way
    from information_schema.innodb_lock_waits w
    join information_schema.innodb_trx waiter on waiter.trx_id = w.requesting_trx_id
    left join information_schema.innodb_trx blocker on blocker.trx_id = w.blocking_trx_id`,
  locks: (ids) => `
    select l.lock_id as lock_id, l.lock_mode as mode, l.lock_type as kind,
      replace(substring_index(l.lock_table, '.', 1), '\`', '') as \`schema\`,
      replace(substring(l.lock_table, length(substring_index(l.lock_table, '.', 1)) + 2), '\`', '') as \`table\`,
      l.lock_index as \`index\`
    from information_schema.innodb_locks l
    where l.lock_id in (${placeholders(ids)})`,
  still: null,
  sessions: 'connections',
  staleMs: 100,
};
