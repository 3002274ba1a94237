/** Who is in the way of a wait for a metadata lock, and what became of it as the locks tell. Pure. */
import type { EndedWait } from '../../engine.ts';
import { blocks } from './metadata-conflicts.ts';
import { type Lock, sameObject } from './metadata-rows.ts';

/** Where a blocker stood when it was seen: what it takes in a later transaction is another lock. */
export interface Blocker {
  readonly thread: number;
  readonly lastEventId: number;
}

export interface Blocked {
  readonly lock: Lock;
  readonly blockers: readonly Blocker[];
  /** The blockers are those who own an upgradable lock, as none of the modes shown is in the way. */
  readonly supposed: boolean;
}

export function isInTheWay(other: Lock, request: Lock): boolean {
  return other.thread !== request.thread && sameObject(other, request) && blocks(other, request);
}

/**
 * MariaDB 10.11 goes on showing the mode in which a lock was first granted after an ALTER has upgraded it. When no mode
 * that is shown is in the way, it must be one of those, and only an upgradable lock can be.
 */
export function mayBeUpgraded(other: Lock, request: Lock): boolean {
  return (
    other.granted &&
    other.mode === 'SHARED_UPGRADABLE' &&
    other.thread !== request.thread &&
    sameObject(other, request)
  );
}

export function blockersOf(locks: readonly Lock[]): readonly Blocker[] {
  const last = new Map<number, number>();
  for (const { thread, eventId } of locks) last.set(thread, Math.max(eventId, last.get(thread) ?? 0));
  return [...last].map(([thread, lastEventId]) => ({ thread, lastEventId }));
}

/**
 * A wait ends granted, or is given up while one that was in its way still is: owning or wanting the lock since no later
 * than it was seen to.
 */
export function became({ lock, blockers, supposed }: Blocked, around: readonly Lock[]): EndedWait['became'] {
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
