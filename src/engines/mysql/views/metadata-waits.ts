/**
 * Waits for metadata locks, followed from reading to reading. metadata_locks tells who waits and who owns, the conflict
 * matrices who is in whose way, and the wait events how long: their clock runs in the server, so that a wait seen once
 * is known to its end.
 * https://dev.mysql.com/doc/refman/8.4/en/performance-schema-metadata-locks-table.html
 */
import type { EndedWait, SeenLock, SeenWait, Session } from '../../engine.ts';
import type { WaitChanges } from './followed.ts';
import { blocks } from './metadata-conflicts.ts';
import {
  eventKey,
  keyOf,
  type Lock,
  readAround,
  readLocks,
  sameObject,
  TIMED_SOURCE,
  timedWaits,
} from './metadata-rows.ts';
import type { Threads } from './threads.ts';

/** While a wait goes on, its blockers are read again this often: one may leave while another one stays. */
const LOOK_AGAIN_MS = 100;

/**
 * The timer of waits counts processor cycles, and the server measures their length once, when it starts: 0.1 % and
 * 0.15 % off were seen on MySQL 9.7 and MariaDB 11.8. Over a long wait our own clock is the better one.
 */
export const TIMER_ERROR = 0.005;
const TIMER_TRUSTED_MS = 1_000;

/** Where a blocker stood when it was seen: what it takes in a later transaction is another lock. */
interface Blocker {
  readonly thread: number;
  readonly lastEventId: number;
}

interface Followed {
  readonly key: string;
  readonly lock: Lock;
  readonly blockers: readonly Blocker[];
  /** The blockers are those who own an upgradable lock, as none of the modes shown is in the way. */
  readonly supposed: boolean;
  readonly lookedAtMs: number;
}

export interface MetadataReading {
  readonly pending: readonly Lock[];
  readonly held: readonly SeenLock[];
}

export interface MetadataWaits {
  read(holders: string): Promise<MetadataReading>;
  follow(pending: readonly Lock[]): Promise<WaitChanges>;
}

export interface MetadataWaitsOptions {
  /** The rehearsed one; waits for objects of others are none of ours. */
  readonly database: string;
  /** Called with each wait that is followed. */
  know(wait: Lock): void;
}

export function createMetadataWaits(
  session: Session,
  threads: Threads,
  { database, know }: MetadataWaitsOptions,
): MetadataWaits {
  let followed = new Map<string, Followed>();

  async function read(holders: string): Promise<MetadataReading> {
    const locks = await readLocks(session, holders);
    await threads.learn(locks.map(({ thread }) => thread));
    return {
      pending: locks.filter((lock) => !lock.granted && isOurs(lock)),
      held: locks.filter(({ granted }) => granted).flatMap(heldLock),
    };
  }

  function isOurs({ schema, thread }: Lock): boolean {
    return schema === database || threads.get(thread)?.database === database;
  }

  function heldLock({ thread, mode, schema, name }: Lock): readonly SeenLock[] {
    const id = threads.get(thread)?.id ?? null;
    // What an ALTER builds beside the table belongs to it alone.
    if (id === null || name === null || name.startsWith('#sql') || isSystemSchema(schema)) return [];
    return [{ sessionId: id, relation: relationName(schema, name), mode }];
  }

  function relationName(schema: string | null, name: string): string {
    return schema === null || schema === database ? name : `${schema}.${name}`;
  }

  async function follow(pending: readonly Lock[]): Promise<WaitChanges> {
    if (pending.length === 0 && followed.size === 0) return { current: [], ended: [], changed: [] };
    const before = followed;
    for (const lock of pending) know(lock);
    const present = new Map(pending.map((lock) => [keyOf(lock), lock]));
    const gone = [...before.values()].filter(({ key }) => !present.has(key));
    const stale = pending.filter((lock) => isStale(before.get(keyOf(lock)), gone));
    const around = await locksAround([...stale, ...gone.map(({ lock }) => lock)]);
    followed = new Map(
      pending.map((lock) => {
        const known = before.get(keyOf(lock));
        return [keyOf(lock), followLock(known === undefined ? lock : trusted(lock), known, stale, around)];
      }),
    );
    const ended = await becomeOf(gone, around);
    return {
      current: [...followed.values()].flatMap(seenWait),
      ended,
      changed: idsOf([...stale, ...gone.map(({ lock }) => lock)].map(({ thread }) => thread)),
    };
  }

  function followLock(
    lock: Lock,
    known: Followed | undefined,
    stale: readonly Lock[],
    around: readonly Lock[],
  ): Followed {
    if (!stale.some((other) => keyOf(other) === keyOf(lock))) return { ...(known ?? fresh(lock)), lock };
    const looked = { key: keyOf(lock), lock, lookedAtMs: performance.now() };
    const inTheWay = around.filter((other) => isInTheWay(other, lock));
    if (inTheWay.length > 0) return { ...looked, blockers: blockersOf(inTheWay), supposed: false };
    // None are found when the wait ended before they were asked for; the last known ones are nearer to the truth.
    if (known !== undefined && known.blockers.length > 0) return { ...known, ...looked };
    const upgradable = around.filter((other) => mayBeUpgraded(other, lock));
    return { ...looked, blockers: blockersOf(upgradable), supposed: upgradable.length > 0 };
  }

  /** Every lock on the objects that these wait for. */
  async function locksAround(locks: readonly Lock[]): Promise<readonly Lock[]> {
    if (locks.length === 0) return [];
    const found = await readAround(session, locks);
    await threads.learn(found.map(({ thread }) => thread));
    return found;
  }

  function seenWait({ key, lock, blockers }: Followed): readonly SeenWait[] {
    const waiterId = threads.get(lock.thread)?.id ?? null;
    if (waiterId === null) return [];
    return [
      {
        key,
        waiterId,
        blockerIds: blockers.map(({ thread }) => threads.get(thread)?.id ?? 0),
        target: targetOf(lock),
        relation:
          lock.objectType === 'TABLE' && lock.name !== null ? relationName(lock.schema, lock.name) : null,
        mode: lock.mode,
        waitedMs: lock.waitedMs,
      },
    ];
  }

  function idsOf(numbers: readonly number[]): readonly number[] {
    return numbers.flatMap((thread) => threads.get(thread)?.id ?? []);
  }

  async function becomeOf(gone: readonly Followed[], around: readonly Lock[]): Promise<readonly EndedWait[]> {
    if (gone.length === 0) return [];
    const timed = await timedWaits(
      session,
      gone.map(({ lock }) => lock),
    );
    return gone.map((wait) => {
      const waitedMs = timed.get(eventKey(wait.lock));
      const ended = { key: wait.key, became: became(wait, around) };
      if (waitedMs === undefined) return ended;
      const [lowerMs, upperMs] = [waitedMs * (1 - TIMER_ERROR), waitedMs * (1 + TIMER_ERROR)];
      return { ...ended, timed: { lowerMs, upperMs, source: TIMED_SOURCE } };
    });
  }

  return { read, follow };
}

function fresh(lock: Lock): Followed {
  return { key: keyOf(lock), lock, blockers: [], supposed: false, lookedAtMs: -Infinity };
}

/** New, behind a wait that is gone, without a known blocker, or not looked at for a while. */
function isStale(known: Followed | undefined, gone: readonly Followed[]): boolean {
  if (known === undefined || known.blockers.length === 0) return true;
  if (performance.now() - known.lookedAtMs >= LOOK_AGAIN_MS) return true;
  return known.blockers.some(({ thread }) => gone.some(({ lock }) => lock.thread === thread));
}

/** From the second reading on only while the timer cannot be far off; the first one has no other start to go by. */
function trusted(lock: Lock): Lock {
  return lock.waitedMs === null || lock.waitedMs < TIMER_TRUSTED_MS ? lock : { ...lock, waitedMs: null };
}

function isInTheWay(other: Lock, request: Lock): boolean {
  return other.thread !== request.thread && sameObject(other, request) && blocks(other, request);
}

/**
 * MariaDB 10.11 goes on showing the mode in which a lock was first granted after an ALTER has upgraded it. When no mode
 * that is shown is in the way, it must be one of those, and only an upgradable lock can be.
 */
function mayBeUpgraded(other: Lock, request: Lock): boolean {
  return (
    other.granted &&
    other.mode === 'SHARED_UPGRADABLE' &&
    other.thread !== request.thread &&
    sameObject(other, request)
  );
}

function blockersOf(locks: readonly Lock[]): readonly Blocker[] {
  const last = new Map<number, number>();
  for (const { thread, eventId } of locks) last.set(thread, Math.max(eventId, last.get(thread) ?? 0));
  return [...last].map(([thread, lastEventId]) => ({ thread, lastEventId }));
}

/**
 * A wait ends granted, or is given up while one that was in its way still is: owning or wanting the lock since no later
 * than it was seen to.
 */
function became({ lock, blockers, supposed }: Followed, around: readonly Lock[]): EndedWait['became'] {
  const mine = around.filter(({ thread }) => thread === lock.thread);
  if (mine.some((own) => own.granted && sameObject(own, lock) && own.mode === lock.mode)) return 'granted';
  if (blockers.length === 0) return 'unknown';
  const still = around.some(
    (other) =>
      (supposed ? mayBeUpgraded(other, lock) : isInTheWay(other, lock)) &&
      blockers.some(({ thread, lastEventId }) => thread === other.thread && other.eventId <= lastEventId),
  );
  if (still && supposed) return 'unknown'; // it may have been downgraded as unseen as it was upgraded
  return still ? 'gave up' : 'granted';
}

/** Words for OBJECT_TYPE; a lock on a table is the metadata lock that everybody means. */
function targetOf({ objectType, name }: Lock): string {
  if (objectType === 'TABLE') return 'metadata';
  const scope = objectType.toLowerCase().replaceAll('_', ' ');
  return name === null ? `metadata of ${scope}` : `metadata of ${scope} ${name}`;
}

const SYSTEM_SCHEMAS = new Set(['performance_schema', 'information_schema', 'mysql', 'sys', 'dummy_sdi_db']);

/** True for schemas that belong to the server. */
export function isSystemSchema(schema: string | null): boolean {
  return schema !== null && SYSTEM_SCHEMAS.has(schema);
}
