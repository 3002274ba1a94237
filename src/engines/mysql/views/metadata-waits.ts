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
  isSystemSchema,
  keyOf,
  type Lock,
  readAround,
  readLocks,
  sameObject,
  TIMED_SOURCE,
  timedWaits,
} from './metadata-rows.ts';
import type { Threads } from './threads.ts';
import type { TimerScale } from './timer-scale.ts';
import { endedAs, readEndings } from './wait-endings.ts';

/** While a wait goes on, its blockers are read again this often: one may leave while another one stays. */
const LOOK_AGAIN_MS = 100;

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

/** A wait that has ended in a statement that had not: it may be about to fail. */
interface Unsettled {
  readonly key: string;
  readonly lock: Lock;
  readonly untilMs: number;
}

/** One that runs for longer after its wait got the lock. */
const SETTLED_MS = 1_000;

export interface MetadataReading {
  readonly pending: readonly Lock[];
  /** All locks on what is waited for, the pending ones too. */
  readonly around: readonly Lock[];
  readonly held: readonly SeenLock[];
}

export interface MetadataWaits {
  read(holders: string): Promise<MetadataReading>;
  /** `last`: nothing is read after this. */
  follow(reading: Pick<MetadataReading, 'pending' | 'around'>, last: boolean): Promise<WaitChanges>;
}

export interface MetadataWaitsOptions {
  /** The rehearsed one; waits for objects of others are none of ours. */
  readonly database: string;
  /** Called with each wait that is followed. */
  know(wait: Lock): void;
  readonly scale: TimerScale;
}

export function createMetadataWaits(
  session: Session,
  threads: Threads,
  { database, know, scale }: MetadataWaitsOptions,
): MetadataWaits {
  let followed = new Map<string, Followed>();
  let unsettled: readonly Unsettled[] = [];
  let settledAtMs = -Infinity;

  async function read(holders: string): Promise<MetadataReading> {
    const locks = await readLocks(session, holders);
    await threads.learn(locks.map(({ thread }) => thread));
    return {
      pending: locks.filter((lock) => !lock.granted && isOurs(lock)),
      around: locks,
      held: locks
        .filter(({ granted, objectType, ofHolder }) => granted && ofHolder && objectType === 'TABLE')
        .flatMap(heldLock),
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

  async function follow(
    { pending, around }: Pick<MetadataReading, 'pending' | 'around'>,
    last: boolean,
  ): Promise<WaitChanges> {
    if (pending.length === 0 && followed.size === 0 && unsettled.length === 0)
      return { current: [], ended: [], changed: [] };
    const before = followed;
    for (const lock of pending) know(lock);
    const present = new Map(pending.map((lock) => [keyOf(lock), lock]));
    const gone = [...before.values()].filter(({ key }) => !present.has(key));
    const stale = pending.filter((lock) => isStale(before.get(keyOf(lock)), gone));
    followed = new Map(
      pending.map((lock) => {
        const known = before.get(keyOf(lock));
        return [keyOf(lock), followLock(onOurClock(lock, known), known, stale, around)];
      }),
    );
    const ended = [...(await settle()), ...(await becomeOf(gone))];
    if (last && unsettled.length > 0) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
      ended.push(...(await settle()));
    }
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

  /** The server's timer tells when it began; from then on our own clock is the better one. */
  function onOurClock(lock: Lock, known: Followed | undefined): Lock {
    if (known !== undefined || lock.waitedMs === null) return { ...lock, waitedMs: null };
    const { lowerMs, upperMs } = scale.true(lock.waitedMs);
    return { ...lock, waitedMs: (lowerMs + upperMs) / 2 };
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

  async function becomeOf(gone: readonly Followed[]): Promise<readonly EndedWait[]> {
    if (gone.length === 0) return [];
    const locks = gone.map(({ lock }) => lock);
    const around = await locksAround(locks);
    const timed = await timedWaits(session, locks);
    const endings = await readEndings(session, locks);
    const atMs = performance.now();
    const isRunning = ({ lock }: Followed) => endings.get(eventKey(lock))?.outcome === 'running';
    unsettled = [
      ...unsettled,
      ...gone.filter(isRunning).map(({ key, lock }) => ({ key, lock, untilMs: atMs + SETTLED_MS })),
    ];
    return gone.map((wait) => {
      const span = timed.get(eventKey(wait.lock));
      const ending = endings.get(eventKey(wait.lock));
      if (span !== undefined && ending !== undefined && ending.outcome !== 'running')
        scale.learn(span, ending);
      const endedMs = span === undefined ? null : scale.true(span.endedMs).upperMs;
      const ended = { key: wait.key, ...endedAs(ending, endedMs, became(wait, around)) };
      if (span === undefined) return ended;
      return { ...ended, timed: { ...scale.true(span.endedMs - span.startedMs), source: TIMED_SOURCE } };
    });
  }

  /** What became of waits whose statement was still running when they ended. */
  async function settle(): Promise<readonly EndedWait[]> {
    const nowMs = performance.now();
    if (unsettled.length === 0 || nowMs - settledAtMs < LOOK_AGAIN_MS) return [];
    settledAtMs = nowMs;
    const locks = unsettled.map(({ lock }) => lock);
    const endings = await readEndings(session, locks);
    const timed = await timedWaits(session, locks);
    const settled = unsettled.flatMap(({ key, lock }) => {
      const ending = endings.get(eventKey(lock));
      const span = timed.get(eventKey(lock));
      if (ending === undefined || ending.outcome === 'running' || span === undefined) return [];
      scale.learn(span, ending);
      return [{ key, ...endedAs(ending, scale.true(span.endedMs).upperMs, 'unknown') }];
    });
    const keys = new Set(settled.map(({ key }) => key));
    unsettled = unsettled.filter(({ key, untilMs }) => !keys.has(key) && untilMs > nowMs);
    return settled;
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
