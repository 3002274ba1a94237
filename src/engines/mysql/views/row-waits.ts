/**
 * Waits for row locks. A counter of the server tells whether there are any; only then the views of InnoDB are asked,
 * since they stop its lock system while they are read. They keep no times: a wait is known to within the readings, and
 * is at most what the statement that waited spent on locks (MySQL, LOCK_TIME), or took as a whole (MariaDB, whose monitor
 * tells besides how long a wait had lasted when it was first seen).
 */
import type { EndedWait, SeenWait, Session } from '../../engine.ts';
import type { ServerKind } from '../server/server-kind.ts';
import type { WaitChanges } from './followed.ts';
import { createLockedTables } from './locked-tables.ts';
import { eventKey } from './metadata-rows.ts';
import { type Counters, type LockRow, MARIADB, MYSQL, type PairRow } from './row-wait-queries.ts';
import type { Threads } from './threads.ts';
import { type Ending, type Endings, mayFailOf, readEndings } from './wait-endings.ts';
import { createWaitMonitor, type ToldWait } from './wait-monitor.ts';

/** The statement that waits, by one of the events of its thread. */
interface Place {
  readonly thread: number;
  readonly eventId: number;
}

/** A wait that is over, in a statement that is not. */
interface Unsettled {
  readonly key: string;
  readonly place: Place;
  readonly goneAtMs: number;
  /** When it was last seen to run. */
  readonly ranAtMs: number;
}

/** Target of a wait whose lock was gone before the server was asked what it is on. */
const UNNAMED = 'row of a table that was not told in time';

/** One that runs for longer after its wait got the lock. */
const SETTLED_MS = 1_000;
const LOOK_AGAIN_MS = 20;

interface Followed {
  readonly seen: SeenWait;
  /** Null where it is not known. */
  readonly place: Place | null;
  /** The monitor has told of it. */
  readonly told: boolean;
  /** Its table is known. */
  readonly named: boolean;
  readonly schema: string | null;
  readonly inTheWay: readonly string[];
}

export interface RowReading {
  /** Pairs of who waits for whom; empty without asking InnoDB when nobody waits. */
  readonly pairs: readonly PairRow[];
  /** Deadlocks that InnoDB has counted. */
  readonly deadlocks: number;
  /** What MariaDB's monitor tells of new waits, by the connection that waits. */
  readonly told: ReadonlyMap<number, ToldWait>;
}

export interface RowWaits {
  read(counters: Counters): Promise<RowReading>;
  /** `last`: nothing is read after this. */
  follow(reading: Pick<RowReading, 'pairs' | 'told'>, last: boolean): Promise<WaitChanges>;
  /** A statement whose wait is over may still tell how that ended: read on. */
  isUnsettled(): boolean;
  /** Tables may have been renamed since. */
  forgetNames(): void;
}

export function createRowWaits(
  session: Session,
  { kind, threads, database }: { kind: ServerKind; threads: Threads; database: string },
): RowWaits {
  const flavor = kind.flavor === 'mariadb' ? MARIADB : MYSQL;
  let followed = new Map<string, Followed>();
  let unsettled: readonly Unsettled[] = [];
  let settledAtMs = -Infinity;
  const monitor = createWaitMonitor(session);
  const tables = createLockedTables(kind.flavor);

  async function read({ waiting, deadlocks }: Counters): Promise<RowReading> {
    if (waiting === 0) return { pairs: [], deadlocks, told: new Map() };
    const pairs = await session.query<PairRow>(flavor.pairs);
    if (flavor.sessions === 'threads')
      await threads.learn(pairs.flatMap(({ waiter, blocker }) => [waiter, blocker ?? waiter]).map(Number));
    // Also of waits that came while the monitor had just been read.
    const isNew = kind.flavor === 'mariadb' && pairs.some(({ key }) => followed.get(key)?.told !== true);
    return { pairs, deadlocks, told: isNew ? await monitor.read(pairs) : new Map() };
  }

  async function follow(
    { pairs, told }: Pick<RowReading, 'pairs' | 'told'>,
    last: boolean,
  ): Promise<WaitChanges> {
    if (pairs.length === 0 && followed.size === 0 && unsettled.length === 0)
      return { current: [], ended: [], changed: [] };
    const before = followed;
    const byKey = groupedByKey(pairs);
    const locks = await describeLocks(
      [...byKey].filter(([key]) => before.get(key)?.named !== true).flatMap(([, group]) => group),
    );
    followed = new Map(
      [...byKey].flatMap(([key, group]) => {
        const wait = followWait(group, before.get(key), { locks, told });
        return wait === null ? [] : [[key, wait]];
      }),
    );
    const gone = [...before].filter(([key]) => !byKey.has(key)).map(([, wait]) => wait);
    const fresh = [...followed].filter(([key]) => !before.has(key)).map(([, wait]) => wait);
    return {
      current: [...followed.values()].filter(({ schema }) => schema === database).map(({ seen }) => seen),
      ended: [...(await settle(last)), ...(await becomeOf(gone))],
      changed: [...gone, ...fresh].map(({ seen }) => seen.waiterId),
    };
  }

  function followWait(
    group: readonly PairRow[],
    known: Followed | undefined,
    { locks, told }: { readonly locks: ReadonlyMap<string, LockRow>; readonly told: RowReading['told'] },
  ): Followed | null {
    const [first] = group;
    if (first === undefined) return null;
    const blockerIds = [...new Set(group.map(({ blocker }) => connectionOf(blocker)))];
    const inTheWay = group.map((pair) => pair.in_the_way);
    const waiterId = connectionOf(first.waiter);
    const exact = told.get(waiterId);
    const lock = locks.get(first.wanted);
    const table = lock ?? exact?.lock ?? tables.get(first.wanted);
    // One that was gone when it was asked for may be told at the next reading.
    if (known !== undefined && (known.named || table === undefined)) {
      const now = exactly(known, exact);
      return { ...known, ...now, seen: { ...now.seen, blockerIds }, inTheWay };
    }
    const seen: SeenWait = {
      key: `row ${first.key}`,
      waiterId,
      blockerIds,
      target: lock?.kind === 'TABLE' ? 'table' : table === undefined ? UNNAMED : 'row',
      relation: table?.table ?? null,
      mode: modeOf(lock),
      waitedMs: null,
    };
    const wait = {
      told: known?.told ?? false,
      named: table !== undefined,
      seen: flavor.staleMs === 0 ? seen : { ...seen, staleMs: flavor.staleMs },
      // A lock of which nothing is told is taken for one of ours: better a wait too many than one too few.
      schema: table === undefined ? database : table.schema,
      inTheWay,
      place: known?.place ?? placeOf(first),
    };
    return { ...wait, ...exactly(wait, exact) };
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
    for (const row of rows) tables.learn(row);
    return new Map(rows.map((row) => [row.lock_id, row]));
  }

  async function becomeOf(gone: readonly Followed[]): Promise<readonly EndedWait[]> {
    if (gone.length === 0) return [];
    const endings = await readEndings(
      session,
      gone.flatMap(({ place }) => place ?? []),
    );
    const still = await stillThere(gone.flatMap(({ inTheWay }) => inTheWay));
    unsettled = [...unsettled, ...gone.flatMap((wait) => unsettledOf(wait, endings))];
    return gone.map(({ seen, place, inTheWay }): EndedWait => {
      const locks = still === null ? 'unknown' : inTheWay.some((id) => still.has(id)) ? 'gave up' : 'granted';
      const ending = place === null ? undefined : endings.get(eventKey(place));
      return endedAs(seen.key, ending, { locks, mariadb: kind.flavor === 'mariadb' });
    });
  }

  /** A statement ends in the performance schema after its client was answered, and one of many rows goes on. */
  function unsettledOf({ seen, place }: Followed, endings: Endings): readonly Unsettled[] {
    if (place === null || endings.get(eventKey(place))?.outcome !== 'running') return [];
    const nowMs = performance.now();
    return [{ key: seen.key, place, goneAtMs: nowMs, ranAtMs: nowMs }];
  }

  async function settle(last: boolean): Promise<readonly EndedWait[]> {
    const nowMs = performance.now();
    if (unsettled.length === 0 || (!last && nowMs - settledAtMs < LOOK_AGAIN_MS)) return [];
    settledAtMs = nowMs;
    const endings = await readEndings(
      session,
      unsettled.map(({ place }) => place),
    );
    const settled = unsettled.flatMap(({ key, place, goneAtMs, ranAtMs }) => {
      const ending = endings.get(eventKey(place));
      if (ending === undefined || ending.outcome === 'running') return [];
      // What failed a while after the wait failed of something else.
      const { outcome } = ending;
      if (outcome !== 'ok' && !mayFailOf(outcome.code, ranAtMs - goneAtMs))
        return [{ key, became: 'granted' as const }];
      return [endedAs(key, ending, { locks: 'unknown', mariadb: kind.flavor === 'mariadb' })];
    });
    const keys = new Set(settled.map(({ key }) => key));
    unsettled = unsettled
      .filter(({ key, goneAtMs }) => !keys.has(key) && nowMs - goneAtMs < SETTLED_MS)
      .map((wait) => ({ ...wait, ranAtMs: nowMs }));
    return settled;
  }

  /** InnoDB keeps row locks to the end of their transaction: what is still in the way was given up. Null: not shown. */
  async function stillThere(locks: readonly string[]): Promise<ReadonlySet<string> | null> {
    if (flavor.still === null) return null;
    const ids = [...new Set(locks)];
    if (ids.length === 0) return new Set();
    const rows = await session.query<{ lock_id: string }>(flavor.still(ids), ids);
    return new Set(rows.map(({ lock_id: id }) => id));
  }

  return { read, follow, isUnsettled: () => unsettled.length > 0, forgetNames: tables.forget };
}

/** Errors with which a wait for a row lock ends: ER_LOCK_WAIT_TIMEOUT, ER_LOCK_DEADLOCK, and those of KILL and timeouts. */
const GIVING_UP = ['1205', '1213', '1317', '3024', '1969'];

/** `locks`: as those that are there now tell. What the statement came to says more. */
function endedAs(
  key: string,
  ending: Ending | undefined,
  { locks, mariadb }: { readonly locks: EndedWait['became']; readonly mariadb: boolean },
): EndedWait {
  if (ending === undefined || ending.outcome === 'running') return { key, became: locks };
  const upperMs = mariadb ? ending.endedMs - ending.startedMs : ending.lockMs;
  const source = mariadb
    ? 'innodb_lock_waits and monitor: readings of it, no longer than its statement'
    : 'data_lock_waits: readings of it, no longer than LOCK_TIME of its statement';
  const ended = { key, ...(upperMs === null ? {} : { timed: { lowerMs: 0, upperMs, source } }) };
  if (ending.outcome === 'ok' || !GIVING_UP.includes(ending.outcome.code))
    return { ...ended, became: 'granted' };
  return { ...ended, became: 'gave up', failed: ending.outcome };
}

/** With what the monitor told of the wait; how long that was is so at this reading alone. */
function exactly(
  { seen, place, told }: Pick<Followed, 'seen' | 'place' | 'told'>,
  exact: ToldWait | undefined,
): Pick<Followed, 'seen' | 'place' | 'told'> {
  if (exact === undefined) return { seen: { ...seen, waitedMs: null }, place, told };
  const mode = inIndex(exact.lock.mode, exact.lock.index);
  return { seen: { ...seen, mode, waitedMs: exact.waitedMs }, place: exact.place ?? place, told: true };
}

function placeOf({ waiter, event_id: eventId }: PairRow): Place | null {
  // The number that the thread's next event will have: the last one before it is in the statement.
  if (eventId !== null) return { thread: Number(waiter), eventId: Number(eventId) - 1 };
  return null;
}

/** "X,REC_NOT_GAP on PRIMARY": the mode in InnoDB's words, and the index that the lock is in. */
function modeOf(lock: LockRow | undefined): string {
  return lock === undefined ? 'row lock' : inIndex(lock.mode, lock.index);
}

function inIndex(mode: string, index: string | null): string {
  return index === null ? mode : `${mode} on ${index.replaceAll('`', '')}`;
}

function groupedByKey(pairs: readonly PairRow[]): ReadonlyMap<string, readonly PairRow[]> {
  const groups = new Map<string, PairRow[]>();
  for (const pair of pairs) groups.set(pair.key, [...(groups.get(pair.key) ?? []), pair]);
  return groups;
}
