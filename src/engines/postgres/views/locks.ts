/**
 * Reads lock waits and the locks that the migration owns, without ever waiting for a lock itself: pg_locks,
 * pg_stat_activity and pg_blocking_pids look at shared memory only, and run on a session in another database.
 */
import type {
  EndedWait,
  LockReader,
  LockReading,
  SeenLock,
  SeenSession,
  SeenWait,
  Session,
  Watched,
} from '../../engine.ts';
import {
  type Activity,
  type BlockersRow,
  type GrantedRow,
  type LockQueries,
  openLockQueries,
  type WaitRow,
} from './lock-rows.ts';
import { createUsers } from './lock-users.ts';
import { openRelationNames, type RelationNames } from './relation-names.ts';

/** While a wait goes on, its blockers are read again this often: one may leave while another one stays. */
const LOOK_AGAIN_MS = 100;
const AGAIN_AT_ONCE = 3;

/** Words for pg_locks.locktype: https://www.postgresql.org/docs/current/view-pg-locks.html */
const TARGETS: Readonly<Record<string, string>> = {
  advisory: 'advisory lock',
  transactionid: 'transaction',
  virtualxid: 'virtual transaction',
  spectoken: 'speculative insertion',
  extend: 'extension of a relation',
};

/** A wait as followed from reading to reading. A session waits for one lock at a time. */
interface Followed {
  readonly key: string;
  readonly row: WaitRow;
  readonly blockers: readonly Blocker[];
  readonly queryStart: string | null;
  readonly lookedAtMs: number;
  /** As long had it waited for certain when its blockers were last read; null where the server tells no start. */
  readonly atLeastMs: number | null;
  /** Waits of another database are none of ours. */
  readonly ours: boolean;
}

interface Blocker {
  readonly pid: number;
  /** Start of its transaction when it was seen to block: in a later transaction it owns the lock anew. */
  readonly transactionStart: string | null;
}

export async function openLockReader(cluster: Session, inside: Session): Promise<LockReader> {
  const [database] = await inside.query<{ oid: number; name: string }>(
    'select oid, datname as name from pg_catalog.pg_database where datname = current_database()',
  );
  if (database === undefined) throw new Error('current_database() is not in pg_database');
  const queries = await openLockQueries(cluster, Number(database.oid));
  const names = await openRelationNames(inside);
  const users = createUsers(queries);
  const waits = createWaits(queries, database.name);

  let latest: readonly GrantedRow[] = [];

  async function read(holders: string): Promise<LockReading> {
    const startedAtMs = performance.now();
    const { waits: waiting, granted } = await queries.read(users.others(holders));
    latest = granted;
    const answeredAfterMs = performance.now() - startedAtMs;
    await names.learn(relationOids([...waiting, ...granted]));
    const changes = await waits.follow(waiting);
    return {
      answeredAfterMs,
      waits: changes.current.filter(({ ours }) => ours).map((wait) => seenWait(wait, granted, names)),
      ended: changes.ended,
      ...(await heldLocks(granted, holders)),
      sessions: changes.sessions,
    };
  }

  async function watch(holders: string): Promise<Watched> {
    const others = new Set(users.others(holders));
    const granted = latest.filter(({ lockType, pid }) => lockType !== 'relation' || !others.has(pid));
    return queries.watch?.(granted, [...others]) ?? { changed: true, looks: [] };
  }

  async function heldLocks(
    granted: readonly GrantedRow[],
    holders: string,
  ): Promise<Pick<LockReading, 'held' | 'holdNone'>> {
    const relations = granted.filter(({ lockType }) => lockType === 'relation');
    await users.learn(relations.map(({ pid }) => pid));
    const own = relations.filter(({ pid }) => users.isOf(pid, holders));
    const held = own.flatMap(({ pid, mode, relationOid }): readonly SeenLock[] => {
      const relation = names.get(relationOid ?? 0);
      if (relation === undefined || !relation.ofUser) return [];
      return [{ sessionId: pid, relation: relation.name, table: relation.table, mode }];
    });
    return { held, holdNone: own.length === 0 };
  }

  return {
    source: 'pg_locks',
    read,
    ...(queries.watch === undefined ? {} : { watch }),
    refreshNames: () => names.refresh(),
  };
}

function relationOids(rows: readonly Pick<GrantedRow, 'relationOid'>[]): readonly number[] {
  return rows.flatMap(({ relationOid }) => (relationOid === null ? [] : [relationOid]));
}

function seenWait(wait: Followed, granted: readonly GrantedRow[], names: RelationNames): SeenWait {
  const { row } = wait;
  const oid = row.relationOid ?? rowLockRelation(row, granted);
  return {
    key: wait.key,
    waiterId: row.pid,
    blockerIds: wait.blockers.map(({ pid }) => pid),
    target: TARGETS[row.lockType] ?? row.lockType,
    relation: oid === null ? null : (names.get(oid)?.name ?? `relation ${oid}`),
    mode: row.mode,
    waitedMs: row.waitedMs,
    ...(wait.atLeastMs === null ? {} : { atLeastMs: wait.atLeastMs }),
  };
}

/** A wait for another transaction is one for a row that this session has already marked: its tuple lock tells where. */
function rowLockRelation({ pid, lockType }: WaitRow, granted: readonly GrantedRow[]): number | null {
  if (lockType !== 'transactionid') return null;
  return granted.find((row) => row.pid === pid && row.lockType === 'tuple')?.relationOid ?? null;
}

interface WaitChanges {
  readonly current: readonly Followed[];
  readonly ended: readonly EndedWait[];
  readonly sessions: readonly SeenSession[];
}

interface Waits {
  follow(rows: readonly WaitRow[]): Promise<WaitChanges>;
}

/** Follows waits from reading to reading; looks at blockers and sessions only when something has changed. */
function createWaits(queries: LockQueries, database: string): Waits {
  let followed = new Map<number, Followed>();
  let activity = new Map<number, Activity>();

  async function follow(rows: readonly WaitRow[]): Promise<WaitChanges> {
    if (rows.length === 0 && followed.size === 0) return { current: [], ended: [], sessions: [] };
    const before = followed;
    const gone = [...before.values()].filter((wait) => !rows.some((row) => continues(wait, row)));
    const stale = staleWaiters(rows, before, gone);
    const blockers = stale.length === 0 ? new Map<number, BlockersRow>() : await queries.blockers(stale);
    if (stale.length > 0 || gone.length > 0)
      await readActivity([...stale, ...gone.flatMap(sessionsOf)], blockers);
    followed = new Map(
      rows.map((row) => [row.pid, followRow(row, before.get(row.pid), blockers.get(row.pid))]),
    );
    const ended = await becomeOf(gone, rows);
    const sessions = [...activity.values()].map(({ session }) => session);
    if (followed.size === 0) activity = new Map();
    return { current: [...followed.values()], ended, sessions };
  }

  /** Sessions of this reading, and what is known of the others that still matter. */
  async function readActivity(
    pids: readonly number[],
    blockers: ReadonlyMap<number, BlockersRow>,
  ): Promise<void> {
    const theirs = [...blockers.values()].flatMap((row) => row.blockers);
    const wanted = new Set([...pids, ...theirs].filter((pid) => pid !== 0));
    for (const [pid, seen] of await queries.activity([...wanted])) activity.set(pid, seen);
    if (!theirs.includes(0)) return;
    const prepared = await queries.prepared([...blockers.keys()]);
    if (prepared !== null) activity.set(0, prepared);
  }

  function followRow(row: WaitRow, before: Followed | undefined, looked: BlockersRow | undefined): Followed {
    const known = before !== undefined && continues(before, row) ? before : null;
    const seen = activity.get(row.pid);
    const queryStart = known?.queryStart ?? seen?.queryStart ?? null;
    return {
      key: known?.key ?? keyOf(row, queryStart),
      row,
      // None are found when the wait ended before they were asked for; the last known ones are nearer to the truth.
      blockers:
        looked !== undefined && looked.blockers.length > 0
          ? looked.blockers.map(toBlocker)
          : (known?.blockers ?? []),
      queryStart,
      lookedAtMs: looked === undefined ? (known?.lookedAtMs ?? -Infinity) : performance.now(),
      atLeastMs: waitedBy(row, looked) ?? known?.atLeastMs ?? null,
      ours: known?.ours ?? (seen?.database ?? database) === database,
    };
  }

  function toBlocker(pid: number): Blocker {
    return { pid, transactionStart: activity.get(pid)?.transactionStart ?? null };
  }

  async function becomeOf(
    gone: readonly Followed[],
    waiting: readonly WaitRow[],
  ): Promise<readonly EndedWait[]> {
    if (gone.length === 0) return [];
    const granted = await queries.grantedTo([...new Set(gone.flatMap(sessionsOf))]);
    return gone
      .filter(({ ours }) => ours)
      .map((wait) => ({ key: wait.key, became: became(wait, { granted, waiting, activity }) }));
  }

  return { follow };
}

/** How long it had waited when its blockers were read, if it was still in the same wait: a second sighting. */
function waitedBy({ waitStart }: WaitRow, looked: BlockersRow | undefined): number | null {
  return waitStart === null || looked?.waitStart !== waitStart ? null : looked.waitedMs;
}

/** The waiter and its blockers; 0 stands for a prepared transaction. */
function sessionsOf({ row, blockers }: Followed): readonly number[] {
  return [row.pid, ...blockers.map(({ pid }) => pid)].filter((pid) => pid !== 0);
}

/** Where the server tells no start, the start of the session's statement stands in for it. */
function keyOf(row: WaitRow, queryStart: string | null): string {
  return `${row.pid} ${row.target} ${row.mode} ${row.waitStart ?? `statement of ${queryStart ?? performance.now()}`}`;
}

/** True when the row shows the wait followed; waitstart may be absent for an instant after a wait began. */
function continues({ row: before }: Followed, row: WaitRow): boolean {
  return (
    row.pid === before.pid &&
    row.target === before.target &&
    row.mode === before.mode &&
    (row.waitStart === before.waitStart || before.waitStart === null)
  );
}

/**
 * Waiters whose blockers must be read: new ones, those behind a wait that is gone, and of those not seen for a while the few that
 * were not for the longest: with all of a convoy at once a wait that ended meanwhile was told 7 ms wide.
 */
function staleWaiters(
  rows: readonly WaitRow[],
  before: ReadonlyMap<number, Followed>,
  gone: readonly Followed[],
): readonly number[] {
  const lateMs = performance.now() - LOOK_AGAIN_MS;
  const gonePids = new Set(gone.map(({ row }) => row.pid));
  const knownOf = (row: WaitRow): Followed | null => {
    const known = before.get(row.pid);
    const isKnown = known !== undefined && continues(known, row) && known.blockers.length > 0;
    return isKnown && !known.blockers.some(({ pid }) => gonePids.has(pid)) ? known : null;
  };
  const again = rows
    .flatMap((row) => knownOf(row) ?? [])
    .filter(({ lookedAtMs }) => lookedAtMs <= lateMs)
    .toSorted((one, other) => one.lookedAtMs - other.lookedAtMs)
    .slice(0, AGAIN_AT_ONCE);
  return [...rows.filter((row) => knownOf(row) === null), ...again.map(({ row }) => row)].map(
    ({ pid }) => pid,
  );
}

interface AfterWait {
  readonly granted: readonly GrantedRow[];
  readonly waiting: readonly WaitRow[];
  readonly activity: ReadonlyMap<number, Activity>;
}

/**
 * It was granted when the session owns the lock, when it goes on with the statement that waited, or when none of its
 * blockers owns or wants the lock any longer. When one still does in the same transaction, the wait was given up.
 */
function became(wait: Followed, { granted, waiting, activity }: AfterWait): EndedWait['became'] {
  const { pid, target, mode } = wait.row;
  if (granted.some((row) => row.pid === pid && row.target === target && row.mode === mode)) return 'granted';
  const now = activity.get(pid);
  if (now?.session.state === 'active' && now.queryStart === wait.queryStart && wait.queryStart !== null)
    return 'granted';
  if (wait.blockers.length === 0 || wait.blockers.some((blocker) => blocker.pid === 0)) return 'unknown';
  const inTheWay = wait.blockers.filter(
    (blocker) =>
      activity.get(blocker.pid)?.transactionStart === blocker.transactionStart &&
      [...granted, ...waiting].some((row) => row.target === target && row.pid === blocker.pid),
  );
  return inTheWay.length > 0 ? 'gave up' : 'granted';
}
