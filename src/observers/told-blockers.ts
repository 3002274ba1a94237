/** The chain of blockers of a wait that no reading of the locks saw, from what the server told of the lock. Pure. */
import type { ToldSession, ToldWait } from '../engines/engine.ts';
import { isMeasured } from '../recording/figure.ts';
import type { HeldLock, LockWait, SessionRecord } from '../recording/recording.ts';
import type { Describe } from './sessions.ts';

export interface KnownLocks {
  readonly describe: Describe;
  /** Waits that the readings saw, on the recorder's clock. */
  readonly seen: readonly LockWait[];
  readonly told: readonly ToldWait[];
  /** Of the migration's sessions. */
  readonly held: readonly HeldLock[];
  /** Its user; left out: the sessions that hold those locks are not told as anybody's. */
  readonly migrator?: string;
}

export interface Blockers {
  /** Root first. */
  readonly chain: readonly SessionRecord[];
  /** All that may have blocked it; empty where the chain is known. */
  readonly among: readonly SessionRecord[];
}

/** As many as the readings name. */
const LONGEST_CHAIN = 32;

/**
 * The server lists all holders of the lock, also those whose mode is not in the way, and all that wait for it, in no
 * order. A blocker for certain is:
 *
 *  - who waited for it before, for a mode that excludes the wanted one, by a wait that was seen or told
 *  - a holder known to hold a mode that excludes the wanted one
 *  - every holder, where the wanted mode excludes all
 *  - the only holder: whoever is first in the queue waits for it, and the others wait for those before them
 *  - where the line that lists them is missing, who held it in such a mode when the wait began: the locks of the migration are
 *    known from its own waits too
 *
 * Those that waited themselves have the chain of their own wait before them. Where nobody is certain the holders are told
 * as those among whom the blockers were.
 */
export function toldBlockers(wait: ToldWait, known: KnownLocks): Blockers {
  const chain = chainOf(wait, known, new Set([wait.sessionId])).slice(0, LONGEST_CHAIN);
  if (chain.length > 0 || wait.lock === undefined) return { chain, among: [] };
  const { holders, waiters } = wait.lock;
  return {
    chain,
    among: [...holders, ...waiters].map((each) => recordOf(each, known)).slice(0, LONGEST_CHAIN),
  };
}

function chainOf(wait: ToldWait, known: KnownLocks, visited: Set<number>): readonly SessionRecord[] {
  const chain: SessionRecord[] = [];
  for (const blocker of certain(wait, known)) {
    if (visited.has(blocker.sessionId)) continue;
    visited.add(blocker.sessionId);
    const seen = known.seen.find(
      (each) => each.waiter.sessionId === blocker.sessionId && isDuring(spanOfSeen(each), wait),
    );
    const told = known.told.find(
      (each) => each.sessionId === blocker.sessionId && each.mode !== '' && isDuring(spanOfTold(each), wait),
    );
    const before =
      seen !== undefined && seen.blockers.length > 0
        ? seen.blockers
        : told === undefined
          ? []
          : chainOf(told, known, visited);
    chain.push(...before.filter(({ sessionId }) => !chain.some((each) => each.sessionId === sessionId)));
    chain.push(seen?.waiter ?? recordOf(blocker, known));
  }
  return chain;
}

function certain(wait: ToldWait, known: KnownLocks): readonly ToldSession[] {
  const { lock, relation } = wait;
  if (lock === undefined) return [];
  const { holders, waiters, conflicting } = lock;
  const before = waiters.flatMap((waiter) => {
    const mode = modeWaitedFor(waiter, wait, known);
    return mode === null ? [] : [{ waiter, isInTheWay: mode !== 'later' && conflicting.includes(mode) }];
  });
  const inTheWay = before.filter(({ isInTheWay }) => isInTheWay).map(({ waiter }) => waiter);
  const inItsWay = known.held.filter(
    (each) =>
      each.sessionId !== wait.sessionId && each.relation === relation && conflicting.includes(each.mode),
  );
  if (holders.length === 0 && waiters.length === 0) return unlisted(wait, inItsWay, known.migrator);
  const holding = holders.filter(({ sessionId }) =>
    inItsWay.some((each) => each.sessionId === sessionId && isDuring(spanOfHeld(each), wait)),
  );
  const excludesAll = conflicting.includes('AccessShareLock');
  return [...(excludesAll || holders.length === 1 ? holders : holding), ...inTheWay];
}

/** It was granted in the instant between the end of deadlock_timeout and the line. */
function unlisted(
  { started, relation, target }: ToldWait,
  held: readonly HeldLock[],
  user: string | undefined,
): readonly ToldSession[] {
  if (relation === null || target !== 'relation') return [];
  const during = held.filter((each) => {
    const [fromMs, toMs] = spanOfHeld(each);
    return fromMs <= started.notAfterMs && toMs >= started.notBeforeMs;
  });
  return [...new Set(during.map(({ sessionId }) => sessionId))].map((sessionId) => ({
    sessionId,
    user,
    applicationName: '',
  }));
}

/** "later": it began to wait after the wait; null: it is not known for what it waited. */
function modeWaitedFor({ sessionId }: ToldSession, wait: ToldWait, known: KnownLocks): string | null {
  const startedAtMs = wait.started.notBeforeMs;
  const told = known.told.find(
    (each) => each.sessionId === sessionId && isSameLock(each, wait) && isDuring(spanOfTold(each), wait),
  );
  if (told !== undefined) return told.started.notBeforeMs <= startedAtMs ? told.mode : 'later';
  const seen = known.seen.find(
    (each) =>
      each.waiter.sessionId === sessionId && isSameLock(each, wait) && isDuring(spanOfSeen(each), wait),
  );
  if (seen === undefined) return null;
  return seen.startedAtMs <= wait.started.notAfterMs ? seen.mode : 'later';
}

function isSameLock(
  one: Pick<LockWait, 'target' | 'relation'>,
  other: Pick<LockWait, 'target' | 'relation'>,
): boolean {
  return one.target === other.target && one.relation === other.relation;
}

type Span = readonly [fromMs: number, toMs: number];

function isDuring([fromMs, toMs]: Span, { started, ended }: ToldWait): boolean {
  return fromMs <= ended.notAfterMs && toMs >= started.notBeforeMs;
}

function spanOfTold({ started, ended }: ToldWait): Span {
  return [started.notBeforeMs, ended.notAfterMs];
}

function spanOfSeen({ startedAtMs, waitedMs }: LockWait): Span {
  return [startedAtMs, startedAtMs + (isMeasured(waitedMs) ? waitedMs.upper : 0)];
}

function spanOfHeld({ firstSeenAtMs, heldMs }: HeldLock): Span {
  return [firstSeenAtMs, firstSeenAtMs + (isMeasured(heldMs) ? heldMs.upper : 0)];
}

function recordOf(
  { sessionId, user, applicationName }: ToldSession,
  { describe }: KnownLocks,
): SessionRecord {
  if (user === undefined) return describe(sessionId, undefined);
  return describe(sessionId, { sessionId, user, applicationName, statement: null, state: null });
}
