/**
 * Waits for metadata locks, followed from reading to reading. metadata_locks tells who waits and who owns, the conflict
 * matrices who is in whose way, and the wait events how long: their clock runs in the server, so that a wait seen once
 * is known to its end.
 * https://dev.mysql.com/doc/refman/8.4/en/performance-schema-metadata-locks-table.html
 */
import type { EndedWait, SeenLock, SeenWait, Session } from '../../engine.ts';
import type { WaitChanges } from './followed.ts';
import { type Blocked, became, blockersOf, isInTheWay, mayBeUpgraded } from './metadata-blockers.ts';
import {
  eventKey,
  isSystemSchema,
  keyOf,
  type Lock,
  readAround,
  readLocks,
  TABLE_FLUSH,
  TIMED_SOURCE,
  targetOf,
  timedWaits,
} from './metadata-rows.ts';
import type { Counters } from './row-wait-queries.ts';
import type { Threads } from './threads.ts';
import type { TimerScale } from './timer-scale.ts';
import { endedAs, readEndings } from './wait-endings.ts';

/** While a wait goes on, its blockers are read again this often: one may leave while another one stays. */
const LOOK_AGAIN_MS = 100;

interface Followed extends Blocked {
  readonly key: string;
  readonly lookedAtMs: number;
  /** The server knew of a wait, or more than one reading showed it. */
  readonly waits: boolean;
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
  /** Null where they were not asked for. */
  readonly counters: Counters | null;
}

export interface MetadataWaits {
  /** `counted`: with InnoDB's counters of row locks. */
  read(holders: string, counted: boolean): Promise<MetadataReading>;
  /** `last`: nothing is read after this. */
  follow(reading: Pick<MetadataReading, 'pending' | 'around'>, last: boolean): Promise<WaitChanges>;
  /** A statement whose wait is over may still tell how that ended: read on. */
  isUnsettled(): boolean;
}

export interface MetadataWaitsOptions {
  /** The rehearsed one; waits for objects of others are none of ours. */
  readonly database: string;
  /** Called with each wait that is followed. */
  know(wait: Lock): void;
  readonly scale: TimerScale;
  /** The server keeps each wait with its length. */
  readonly timesWaits: boolean;
}

export function createMetadataWaits(
  session: Session,
  threads: Threads,
  { database, know, scale, timesWaits }: MetadataWaitsOptions,
): MetadataWaits {
  let followed = new Map<string, Followed>();
  let unsettled: readonly Unsettled[] = [];
  let settledAtMs = -Infinity;

  async function read(holders: string, counted: boolean): Promise<MetadataReading> {
    const { locks, counters } = await readLocks(session, holders, counted);
    await threads.learn(locks.map(({ thread }) => thread));
    return {
      counters,
      pending: locks.filter((lock) => !lock.granted && isOurs(lock)),
      around: locks,
      held: locks
        .filter(({ granted, objectType, ofHolder }) => granted && ofHolder && objectType === 'TABLE')
        .flatMap(heldLock),
    };
  }

  function leavesEvent({ objectType }: Lock): boolean {
    return timesWaits && objectType !== TABLE_FLUSH;
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
    for (const lock of pending) if (lock.objectType !== TABLE_FLUSH) know(lock);
    const present = new Map(pending.map((lock) => [keyOf(lock), lock]));
    const gone = [...before.values()].filter(({ key }) => !present.has(key));
    const stale = pending.filter((lock) => isStale(before.get(keyOf(lock)), gone));
    followed = new Map(
      pending.map((lock) => {
        const known = before.get(keyOf(lock));
        const waits = known !== undefined || lock.waitedMs !== null || !leavesEvent(lock);
        return [keyOf(lock), { ...followLock(onOurClock(lock, known), known, stale, around), waits }];
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
    const looked = { key: keyOf(lock), lock, lookedAtMs: performance.now(), waits: true };
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
      // A lock is pending for the instant in which it is made.
      if (span === undefined && !wait.waits) return { key: wait.key, became: 'no wait' };
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

  return { read, follow, isUnsettled: () => unsettled.length > 0 };
}

function fresh(lock: Lock): Followed {
  return { key: keyOf(lock), lock, blockers: [], supposed: false, lookedAtMs: -Infinity, waits: true };
}

/** New, behind a wait that is gone, without a known blocker, or not looked at for a while. */
function isStale(known: Followed | undefined, gone: readonly Followed[]): boolean {
  if (known === undefined || known.blockers.length === 0) return true;
  if (performance.now() - known.lookedAtMs >= LOOK_AGAIN_MS) return true;
  return known.blockers.some(({ thread }) => gone.some(({ lock }) => lock.thread === thread));
}
