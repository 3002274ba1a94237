/** Lock waits that were seen in the readings, made exact by what the server told of the same waits. Pure. */
import type { ToldWait } from '../engines/engine.ts';
import { between, exactly, type Figure, isMeasured } from '../recording/figure.ts';
import type { HeldLock, LockWait, SessionOwner } from '../recording/recording.ts';
import type { ToldCompletely, ToldTransaction } from './observer.ts';
import type { Describe } from './sessions.ts';
import { type RunStatement, statementIn } from './statements.ts';
import { type KnownLocks, toldBlockers } from './told-blockers.ts';
import type { WaitStart } from './wait-record.ts';

/** Two clocks, and a slice of the scheduler between an instant and its stamp. */
const SLACK_MS = 5;
const LOG = 'server log: log_lock_waits';
const LINES = 'server log: first line of the wait and the error that ended it';
const ERROR = 'as it began by the readings, and the error in the server log that ended it';
/** As many as the readings keep. */
const MOST_ADDED = 10_000;

export interface ToldContext {
  readonly describe: Describe;
  readonly statements: readonly RunStatement[];
  /** Locks that the migration was seen to hold; left out: none. */
  readonly held?: readonly HeldLock[];
  /** When the waits that were seen began; left out: not known better than by the waits themselves. */
  readonly starts?: ReadonlyMap<LockWait, WaitStart>;
  /** What began and ended between two readings was shorter; null or left out: some that were seen may be missing. */
  readonly longestPauseMs?: number | null;
  /** Which waits are told for certain; null or left out: none. */
  readonly tellsAll?: ToldCompletely | null;
  /** Of the migration; left out: none is known. */
  readonly transactions?: readonly ToldTransaction[];
  /** User of the migration; left out: not needed. */
  readonly migrator?: string;
}

/**
 * A told wait that the readings saw gives it its length and its end; one that they did not see becomes a wait of its
 * own, with the blockers that the server told. No wait of the migration is longer than its statement.
 */
export function withToldWaits(
  seen: readonly LockWait[],
  told: readonly ToldWait[],
  context: ToldContext,
): readonly LockWait[] {
  const waits = [...seen];
  const held = [...(context.held ?? []), ...keptLocks(seen, context.transactions ?? [])];
  const { describe, migrator } = context;
  const known = { describe, seen, told, held, ...(migrator === undefined ? {} : { migrator }) };
  const matched = new Set<number>();
  const bySession = new Map<number, number[]>();
  for (const [index, { waiter }] of seen.entries())
    bySession.set(waiter.sessionId, [...(bySession.get(waiter.sessionId) ?? []), index]);
  for (const wait of told) {
    const index = bySession
      .get(wait.sessionId)
      ?.find((each) => !matched.has(each) && seen[each] !== undefined && isSame(wait, seen[each]));
    const same = index === undefined ? undefined : waits[index];
    if (index !== undefined && same !== undefined) {
      matched.add(index);
      waits[index] = merged(same, wait, { known, start: context.starts?.get(same) });
    } else if (wait.mode !== '' && waits.length - seen.length < MOST_ADDED)
      waits.push(added(wait, context, known));
  }
  return waits
    .map((wait, index) => (index < seen.length && !matched.has(index) ? untold(wait, context) : wait))
    .map((wait) => withinStatement(wait, context))
    .sort((one, other) => one.startedAtMs - other.startedAtMs);
}

/** A lock that the migration waited for and got is its own to the end of the transaction, whether a reading saw it or not. */
function keptLocks(seen: readonly LockWait[], transactions: readonly ToldTransaction[]): readonly HeldLock[] {
  return seen.flatMap(({ waiter, relation, mode, startedAtMs, waitedMs, ended, statementId }) => {
    if (waiter.owner !== 'migration' || relation === null || ended !== 'granted' || !isMeasured(waitedMs))
      return [];
    const { sessionId } = waiter;
    const grantedAtMs = startedAtMs + waitedMs.upper;
    const during = transactions.find(
      (each) => each.sessionId === sessionId && each.fromMs <= grantedAtMs && grantedAtMs <= each.toMs,
    );
    if (during === undefined) return [];
    const heldMs = exactly(during.toMs - grantedAtMs, 'from the end of the wait to that of the transaction');
    return [
      { server: 'rehearsal', sessionId, relation, mode, heldMs, firstSeenAtMs: grantedAtMs, statementId },
    ];
  });
}

/** The server writes of a wait that was granted, not of one that goes on; who opened the session has its deadlock_timeout. */
function untold(wait: LockWait, { tellsAll = null }: ToldContext): LockWait {
  const { waiter, waitedMs, ended, startedAtMs } = wait;
  if (tellsAll === null || !OPENED_HERE.has(waiter.owner) || ended !== 'granted' || !isMeasured(waitedMs))
    return wait;
  const { fromLengthMs, untilMs } = tellsAll;
  if (startedAtMs + waitedMs.upper > untilMs || waitedMs.lower <= fromLengthMs) return wait;
  return { ...wait, untoldMs: between(0, fromLengthMs, 'server log: nothing of it') };
}

const OPENED_HERE: ReadonlySet<SessionOwner> = new Set(['load', 'canary']);

/** An error tells no lock: the wait that its session was in when it came is meant. */
function isSame(told: ToldWait, { mode, target, startedAtMs, waitedMs }: LockWait): boolean {
  if (!isMeasured(waitedMs)) return false;
  const endedAtMs = startedAtMs + waitedMs.upper;
  if (told.mode === '')
    return endedAtMs >= told.ended.notBeforeMs - 4 * SLACK_MS && startedAtMs <= told.ended.notAfterMs;
  if (told.mode !== mode || told.target !== target) return false;
  return startedAtMs <= told.ended.notAfterMs + SLACK_MS && endedAtMs >= told.started.notBeforeMs - SLACK_MS;
}

interface SeenBeside {
  readonly known: KnownLocks;
  readonly start: WaitStart | undefined;
}

function merged(seen: LockWait, told: ToldWait, { known, start }: SeenBeside): LockWait {
  const waitedMs = lengthOf(told);
  if (waitedMs === null)
    return { ...seen, waitedMs: untilError(seen.waitedMs, told, start), ended: told.ending };
  const startedAtMs = (told.started.notBeforeMs + told.started.notAfterMs) / 2;
  const chain = seen.blockers.length > 0 ? {} : blockersIn(told, known);
  return { ...seen, ...chain, startedAtMs, waitedMs, seenMs: seen.waitedMs, ended: told.ending };
}

/** The readings tell when it began, the error to the millisecond when it was over; should they disagree, the readings count. */
function untilError(seenMs: Figure, { ended }: ToldWait, start: WaitStart | undefined): Figure {
  if (start === undefined || !isMeasured(seenMs)) return seenMs;
  const lower = Math.max(seenMs.lower, ended.notBeforeMs - start.notAfterMs);
  const upper = Math.min(seenMs.upper, ended.notAfterMs - start.notBeforeMs);
  return lower > upper ? seenMs : between(lower, upper, `${seenMs.source.split(':')[0]}: ${ERROR}`);
}

/** Null where it waited for too short a time to have a line of its own. */
function lengthOf({ started, ended, waitedMs }: ToldWait): Figure | null {
  if (waitedMs !== null) return exactly(waitedMs, LOG);
  if (!Number.isFinite(started.notBeforeMs)) return null;
  const lower = Math.max(0, ended.notBeforeMs - started.notAfterMs);
  return between(lower, Math.max(lower, ended.notAfterMs - started.notBeforeMs), LINES);
}

function blockersIn(told: ToldWait, known: KnownLocks): Pick<LockWait, 'blockers' | 'blockersAmong'> {
  const { chain, among } = toldBlockers(told, known);
  return { blockers: chain, ...(among.length === 0 ? {} : { blockersAmong: among }) };
}

function added(
  told: ToldWait,
  { describe, statements, longestPauseMs = null }: ToldContext,
  known: KnownLocks,
): LockWait {
  const { sessionId, user, applicationName, statement } = told;
  const waiter = describe(sessionId, { sessionId, user, applicationName, statement, state: null });
  const startedAtMs = (told.started.notBeforeMs + told.started.notAfterMs) / 2;
  const span = { fromMs: startedAtMs, toMs: told.ended.notAfterMs };
  const ran = waiter.owner === 'migration' ? statementIn(statements, sessionId, span) : null;
  return {
    server: 'rehearsal',
    waiter,
    ...blockersIn(told, known),
    target: told.target,
    relation: told.relation,
    mode: told.mode,
    startedAtMs,
    waitedMs: lengthOf(told) ?? { notMeasured: 'the server told its end alone' },
    ...(longestPauseMs === null
      ? {}
      : { seenMs: between(0, longestPauseMs, 'no reading of the locks showed it') }),
    ended: told.ending,
    statementId: ran?.record.id ?? null,
  };
}

function withinStatement(wait: LockWait, { statements }: ToldContext): LockWait {
  const { waitedMs, statementId } = wait;
  const record = statements.find((each) => each.record.id === statementId)?.record;
  if (record === undefined || !isMeasured(record.durationMs) || !isMeasured(waitedMs)) return wait;
  const { upper } = record.durationMs;
  if (upper >= waitedMs.upper || upper < waitedMs.lower) return wait;
  return {
    ...wait,
    waitedMs: between(waitedMs.lower, upper, `${waitedMs.source}; no longer than the statement`),
  };
}
