/**
 * The queries of the lock reader. The fast one reads pg_locks alone: a join with pg_stat_activity and
 * pg_blocking_pids at 10 ms cost a saturated server 20 to 40 % (measuring-locks-and-disk.md, 1.2).
 * https://www.postgresql.org/docs/current/view-pg-locks.html
 */
import type { SeenSession, Session, Watched } from '../../engine.ts';
import { openLockWatch } from './lock-watch.ts';

/** What is locked; equal for equal targets. */
export type Target = string;

export interface WaitRow {
  readonly pid: number;
  readonly mode: string;
  readonly target: Target;
  readonly lockType: string;
  readonly relationOid: number | null;
  /** Text that is the same for all readings of one wait; null where the server does not tell (yet). */
  readonly waitStart: string | null;
  readonly waitedMs: number | null;
}

export interface GrantedRow {
  readonly pid: number;
  readonly mode: string;
  readonly target: Target;
  readonly lockType: string;
  readonly relationOid: number | null;
  /** Text that is the same for the same lock of the same session, as lock-watch.ts has the server write it. */
  readonly digest: string;
}

/** `now()` of an autocommitted statement lies just before the locks are read, so that no wait is overstated. */
function waitColumns(serverVersion: number): string {
  if (serverVersion < WAITSTART_SINCE) return 'null::float8 as waited_ms, null::text as wait_start';
  return `extract(epoch from now() - l.waitstart)::float8 * 1000 as waited_ms,
    (extract(epoch from l.waitstart) * 1000000)::bigint::text as wait_start`;
}

/** server_version_num from which pg_locks has waitstart. */
export const WAITSTART_SINCE = 140_000;

const LOCK_COLUMNS = `l.locktype, l.database, l.relation, l.page, l.tuple, l.virtualxid,
    l.transactionid::text as transactionid, l.classid, l.objid, l.objsubid, l.pid, l.mode`;

/**
 * All waits that can concern one database, the row locks behind waits for a transaction, and the relation locks of
 * all but the sessions named.
 */
function locksQuery(serverVersion: number): string {
  return `
  select ${LOCK_COLUMNS}, l.granted,
    ${waitColumns(serverVersion)}
  from pg_catalog.pg_locks l
  where ${wanted('$1', '$2::int[]')}`;
}

function wanted(database: string, others: string): string {
  return `(not l.granted and coalesce(l.database, 0) in (0, ${database}))
    or (l.locktype = 'tuple' and l.database = ${database})
    or (l.locktype = 'relation' and l.database = ${database} and l.pid <> all (${others}))`;
}

const GRANTED_TO = `
  select ${LOCK_COLUMNS}
  from pg_catalog.pg_locks l
  where l.granted and l.pid = any ($1::int[])`;

/** https://www.postgresql.org/docs/current/functions-info.html: called only for sessions that wait. */
function blockersQuery(serverVersion: number): string {
  return `
  select w.pid, pg_catalog.pg_blocking_pids(w.pid) as blockers,
    ${waitColumns(serverVersion)}
  from unnest($1::int[]) as w(pid)
  left join pg_catalog.pg_locks l on l.pid = w.pid and not l.granted`;
}

/** https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW */
const ACTIVITY = `
  select pid, datname as database, usename as "user", application_name, backend_type,
    query as statement, state,
    query_start::text as query_start, xact_start::text as transaction_start
  from pg_catalog.pg_stat_activity
  where pid = any ($1::int[])`;

/**
 * Prepared transactions that hold a lock which one of the sessions waits for: pg_locks shows no process of them; what they hold
 * goes with the lock on their own number. https://www.postgresql.org/docs/current/view-pg-prepared-xacts.html
 */
const PREPARED = `
  select distinct p.gid, p.owner::text as owner, p.database::text as database
  from pg_catalog.pg_locks w
  join pg_catalog.pg_locks l
    on (l.locktype, l.database, l.relation, l.page, l.tuple, l.virtualxid, l.transactionid, l.classid, l.objid, l.objsubid)
      is not distinct from
      (w.locktype, w.database, w.relation, w.page, w.tuple, w.virtualxid, w.transactionid, w.classid, w.objid, w.objsubid)
  join pg_catalog.pg_locks own on own.virtualtransaction = l.virtualtransaction and own.locktype = 'transactionid'
  join pg_catalog.pg_prepared_xacts p on p.transaction = own.transactionid
  where not w.granted and w.pid = any ($1::int[])
    and l.granted and l.pid is null and own.granted and own.pid is null
  order by p.gid`;

/** Parallel workers run under their leader's user; only the leader is a session. */
const CLIENT_USERS = `
  select pid, usename as "user"
  from pg_catalog.pg_stat_activity
  where backend_type = 'client backend'`;

interface RawLock {
  readonly locktype: string;
  readonly database: number | null;
  readonly relation: number | null;
  readonly page: number | null;
  readonly tuple: number | null;
  readonly virtualxid: string | null;
  readonly transactionid: string | null;
  readonly classid: number | null;
  readonly objid: number | null;
  readonly objsubid: number | null;
  readonly pid: number | null;
  readonly mode: string;
}

interface RawStart {
  readonly waited_ms: number | null;
  readonly wait_start: string | null;
}

interface RawReading extends RawLock, RawStart {
  readonly granted: boolean;
}

export interface Activity {
  readonly session: SeenSession;
  readonly database: string | null;
  readonly queryStart: string | null;
  readonly transactionStart: string | null;
}

export interface BlockersRow {
  /** Direct ones. */
  readonly blockers: readonly number[];
  /** As in the row of a wait: the same one is still there, or another one, or (null) none that tells its start. */
  readonly waitStart: string | null;
  readonly waitedMs: number | null;
}

export interface LockQueries {
  readonly serverVersion: number;
  /** `others`: sessions whose relation locks are not wanted. */
  read(others: readonly number[]): Promise<{ waits: readonly WaitRow[]; granted: readonly GrantedRow[] }>;
  /** Looks again and again until there is a wait, or there are other granted locks than these; left out: it cannot. */
  watch?(granted: readonly GrantedRow[], others: readonly number[]): Promise<Watched>;
  grantedTo(pids: readonly number[]): Promise<readonly GrantedRow[]>;
  blockers(pids: readonly number[]): Promise<ReadonlyMap<number, BlockersRow>>;
  activity(pids: readonly number[]): Promise<ReadonlyMap<number, Activity>>;
  /** Prepared transactions that those sessions wait for, as one session with the number 0; null for none. */
  prepared(waiters: readonly number[]): Promise<Activity | null>;
  /** User of every client session. */
  clientUsers(): Promise<ReadonlyMap<number, string | null>>;
}

/** `databaseOid`: the rehearsed database; the session itself is connected to another one. */
export async function openLockQueries(cluster: Session, databaseOid: number): Promise<LockQueries> {
  const [version] = await cluster.query<{ version: string }>(
    "select current_setting('server_version_num') as version",
  );
  const serverVersion = Number(version?.version);
  const locks = locksQuery(serverVersion);
  const blockers = blockersQuery(serverVersion);
  // What a wait needs is planned before there is one: the first time took as long as a short wait.
  await cluster.query(blockers, [asArray([])]);
  await cluster.query(ACTIVITY, [asArray([])]);
  await cluster.query(GRANTED_TO, [asArray([])]);
  const watching = await openLockWatch(cluster, databaseOid, wanted('db', 'others'));
  return {
    serverVersion,
    ...(watching === null ? {} : { watch: (granted, others) => watching.watch(granted, asArray(others)) }),
    read: async (others) => {
      const rows = await cluster.query<RawReading>(locks, [databaseOid, asArray(others)]);
      return {
        waits: rows.filter(({ granted }) => !granted).map(waitOf),
        granted: rows.filter(({ granted, pid }) => granted && pid !== null).map(grantedOf),
      };
    },
    grantedTo: async (pids) => (await cluster.query<RawLock>(GRANTED_TO, [asArray(pids)])).map(grantedOf),
    blockers: async (pids) => {
      const rows = await cluster.query<RawBlockers>(blockers, [asArray(pids)]);
      return new Map(rows.map((row) => [row.pid, blockersOf(row)]));
    },
    activity: async (pids) => {
      const rows = await cluster.query<RawActivity>(ACTIVITY, [asArray(pids)]);
      return new Map(rows.map((row) => [row.pid, activityOf(row)]));
    },
    prepared: async (waiters) => preparedOf(await cluster.query<RawPrepared>(PREPARED, [asArray(waiters)])),
    clientUsers: async () => {
      const rows = await cluster.query<{ pid: number; user: string | null }>(CLIENT_USERS);
      return new Map(rows.map(({ pid, user }) => [pid, user]));
    },
  };
}

interface RawBlockers extends RawStart {
  readonly pid: number;
  readonly blockers: readonly number[];
}

function blockersOf({ blockers, wait_start, waited_ms }: RawBlockers): BlockersRow {
  return {
    blockers: [...new Set(blockers)],
    waitStart: wait_start,
    waitedMs: waited_ms === null ? null : Math.max(0, Number(waited_ms)),
  };
}

interface RawActivity {
  readonly pid: number;
  readonly database: string | null;
  readonly user: string | null;
  readonly application_name: string | null;
  readonly backend_type: string | null;
  readonly statement: string | null;
  readonly state: string | null;
  readonly query_start: string | null;
  readonly transaction_start: string | null;
}

function activityOf(row: RawActivity): Activity {
  const ofClient = row.backend_type === 'client backend' || row.backend_type === 'parallel worker';
  return {
    session: {
      sessionId: row.pid,
      user: ofClient ? row.user : null,
      applicationName: row.application_name || (ofClient ? '' : (row.backend_type ?? '')),
      statement: row.statement || null,
      state: row.state,
    },
    database: row.database,
    queryStart: row.query_start,
    transactionStart: row.transaction_start,
  };
}

interface RawPrepared {
  readonly gid: string;
  readonly owner: string;
  readonly database: string;
}

function preparedOf(rows: readonly RawPrepared[]): Activity | null {
  const [first] = rows;
  if (first === undefined) return null;
  return {
    session: {
      sessionId: 0,
      user: first.owner,
      applicationName: [...new Set(rows.map(({ gid }) => gid))].join(', '),
      statement: null,
      state: 'prepared',
    },
    database: first.database,
    queryStart: null,
    transactionStart: null,
  };
}

function asArray(pids: readonly number[]): string {
  return `{${pids.join(',')}}`;
}

function waitOf(row: RawReading): WaitRow {
  return {
    ...grantedOf(row),
    waitStart: row.wait_start,
    waitedMs: row.waited_ms === null ? null : Math.max(0, Number(row.waited_ms)),
  };
}

function grantedOf(row: RawLock): GrantedRow {
  const parts = [
    row.locktype,
    row.database,
    row.relation,
    row.page,
    row.tuple,
    row.virtualxid,
    row.transactionid,
    row.classid,
    row.objid,
    row.objsubid,
  ];
  return {
    pid: row.pid ?? 0,
    mode: row.mode,
    target: parts.map((part) => part ?? '').join('/'),
    lockType: row.locktype,
    relationOid: row.relation === null ? null : Number(row.relation),
    digest: [row.pid, row.mode, row.relation, row.page, row.tuple].filter((part) => part !== null).join(' '),
  };
}
