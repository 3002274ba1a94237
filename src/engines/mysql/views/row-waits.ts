/**
 * Waits for row locks. A counter of the server tells whether there are any; only then the views of InnoDB are asked,
 * since they stop its lock system while they are read. They keep no times: a wait is known to within the readings.
 *
 * MySQL: https://dev.mysql.com/doc/refman/8.4/en/performance-schema-data-lock-waits-table.html
 * MariaDB: https://mariadb.com/kb/en/information-schema-innodb_lock_waits-table/
 */
import type { EndedWait, SeenWait, Session } from '../../engine.ts';
import type { ServerKind } from '../server/server-kind.ts';
import type { WaitChanges } from './followed.ts';
import { placeholders, type Threads } from './threads.ts';

/** Needs PROCESS, as the views themselves do. */
const WAITING_NOW = `
  select m.count as waiting
  from information_schema.innodb_metrics m
  where m.name = 'lock_row_lock_current_waits'`;

/** One row for each pair of waiter and blocker, whatever the flavor. */
interface PairRow {
  readonly key: string;
  readonly waiter: number;
  readonly blocker: number | null;
  /** Lock that is waited for, and the one that is in the way. */
  readonly wanted: string;
  readonly in_the_way: string;
}

interface LockRow {
  readonly lock_id: string;
  readonly mode: string;
  readonly kind: string;
  readonly schema: string | null;
  readonly table: string | null;
  readonly index: string | null;
}

interface Flavor {
  readonly pairs: string;
  /** Says of a list of lock ids what they are on. */
  readonly locks: (ids: readonly unknown[]) => string;
  /** Which of these locks in the way are still there; `null` where only those of waits are shown. */
  readonly still: ((ids: readonly unknown[]) => string) | null;
  /** Of the connections themselves, or of threads that have to be looked up. */
  readonly sessions: 'threads' | 'connections';
  readonly staleMs: number;
}

const MYSQL: Flavor = {
  pairs: `
    select concat(w.requesting_thread_id, ' ', w.requesting_event_id, ' ', w.requesting_engine_lock_id) as \`key\`,
      w.requesting_thread_id as waiter, w.blocking_thread_id as blocker,
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
const MARIADB: Flavor = {
  pairs: `
    select concat(w.requesting_trx_id, ' ', w.requested_lock_id, ' ', waiter.trx_wait_started) as \`key\`,
      waiter.trx_mysql_thread_id as waiter, blocker.trx_mysql_thread_id as blocker,
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

interface Followed {
  readonly seen: SeenWait;
  readonly schema: string | null;
  readonly inTheWay: readonly string[];
}

export interface RowWaits {
  /** Pairs of who waits for whom; empty without asking InnoDB when nobody waits. */
  read(): Promise<readonly PairRow[]>;
  follow(pairs: readonly PairRow[]): Promise<WaitChanges>;
}

export function createRowWaits(
  session: Session,
  { kind, threads, database }: { kind: ServerKind; threads: Threads; database: string },
): RowWaits {
  const flavor = kind.flavor === 'mariadb' ? MARIADB : MYSQL;
  let followed = new Map<string, Followed>();

  async function read(): Promise<readonly PairRow[]> {
    const [row] = await session.query<{ waiting: number }>(WAITING_NOW);
    if (row === undefined || Number(row.waiting) === 0) return [];
    const pairs = await session.query<PairRow>(flavor.pairs);
    if (flavor.sessions === 'threads')
      await threads.learn(pairs.flatMap(({ waiter, blocker }) => [waiter, blocker ?? waiter]).map(Number));
    return pairs;
  }

  async function follow(pairs: readonly PairRow[]): Promise<WaitChanges> {
    if (pairs.length === 0 && followed.size === 0) return { current: [], ended: [], changed: [] };
    const before = followed;
    const byKey = groupedByKey(pairs);
    const locks = await describeLocks(
      [...byKey].filter(([key]) => !before.has(key)).flatMap(([, group]) => group),
    );
    followed = new Map(
      [...byKey].flatMap(([key, group]) => {
        const wait = followWait(group, before.get(key), locks);
        return wait === null ? [] : [[key, wait]];
      }),
    );
    const gone = [...before].filter(([key]) => !byKey.has(key)).map(([, wait]) => wait);
    const fresh = [...followed].filter(([key]) => !before.has(key)).map(([, wait]) => wait);
    return {
      current: [...followed.values()].filter(({ schema }) => schema === database).map(({ seen }) => seen),
      ended: await becomeOf(gone),
      changed: [...gone, ...fresh].map(({ seen }) => seen.waiterId),
    };
  }

  function followWait(
    group: readonly PairRow[],
    known: Followed | undefined,
    locks: ReadonlyMap<string, LockRow>,
  ): Followed | null {
    const [first] = group;
    if (first === undefined) return null;
    const blockerIds = [...new Set(group.map(({ blocker }) => connectionOf(blocker)))];
    const inTheWay = group.map((pair) => pair.in_the_way);
    if (known !== undefined) return { ...known, seen: { ...known.seen, blockerIds }, inTheWay };
    const lock = locks.get(first.wanted);
    const seen: SeenWait = {
      key: `row ${first.key}`,
      waiterId: connectionOf(first.waiter),
      blockerIds,
      target: lock?.kind === 'TABLE' ? 'table' : 'row',
      relation: lock?.table ?? null,
      mode: modeOf(lock),
      waitedMs: null,
    };
    return {
      seen: flavor.staleMs === 0 ? seen : { ...seen, staleMs: flavor.staleMs },
      // A lock that was gone when it was asked for is taken for one of ours: better a wait too many than one too few.
      schema: lock === undefined ? database : lock.schema,
      inTheWay,
    };
  }

  /** 0 where a prepared transaction, which belongs to no connection, is in the way. */
  function connectionOf(session: number | null): number {
    if (session === null) return 0;
    return flavor.sessions === 'connections' ? Number(session) : (threads.get(Number(session))?.id ?? 0);
  }

  async function describeLocks(pairs: readonly PairRow[]): Promise<ReadonlyMap<string, LockRow>> {
    const ids = [...new Set(pairs.map(({ wanted }) => wanted))];
    if (ids.length === 0) return new Map();
    const rows = await session.query<LockRow>(flavor.locks(ids), ids);
    return new Map(rows.map((row) => [row.lock_id, row]));
  }

  /** Given up when what was in the way still is: InnoDB keeps row locks to the end of their transaction. */
  async function becomeOf(gone: readonly Followed[]): Promise<readonly EndedWait[]> {
    const ids = [...new Set(gone.flatMap(({ inTheWay }) => inTheWay))];
    if (ids.length === 0) return [];
    if (flavor.still === null) return gone.map(({ seen }) => ({ key: seen.key, became: 'unknown' }));
    const still = new Set(
      (await session.query<{ lock_id: string }>(flavor.still(ids), ids)).map(({ lock_id: id }) => id),
    );
    return gone.map(({ seen, inTheWay }) => ({
      key: seen.key,
      became: inTheWay.some((id) => still.has(id)) ? 'gave up' : 'granted',
    }));
  }

  return { read, follow };
}

/** "X,REC_NOT_GAP on PRIMARY": the mode in InnoDB's words, and the index that the lock is in. */
function modeOf(lock: LockRow | undefined): string {
  if (lock === undefined) return 'row lock';
  return lock.index === null ? lock.mode : `${lock.mode} on ${lock.index.replaceAll('`', '')}`;
}

function groupedByKey(pairs: readonly PairRow[]): ReadonlyMap<string, readonly PairRow[]> {
  const groups = new Map<string, PairRow[]>();
  for (const pair of pairs) groups.set(pair.key, [...(groups.get(pair.key) ?? []), pair]);
  return groups;
}
