/**
 * The application behind each statement of the migration: how many of its operations queued, and what that cost them.
 * Pure, from the lock waits of a recording.
 */
import { between, type Figure, isMeasured } from '../recording/figure.ts';
import type { LoadRecord, LockWait, Recording, SessionRecord } from '../recording/recording.ts';
import { grouped } from './finding.ts';
import { slowestOperationMs, timedFromMs } from './load-quality.ts';
import { judgedSpan, type PlacedStatement, statementsOf } from './span.ts';
import {
  endOf,
  judgedWaits,
  LOCK_OBSERVER,
  longest,
  migrationSessions,
  poolQueuePeak,
  statementBehind,
  unseenWaits,
} from './waits.ts';

/**
 * A statement, all its attempts; or the migration's transaction while none of its statements was known to run; or a session of
 * the migration's user that ran none of its statements; or, where it was not seen who blocked an operation while a migration
 * ran, nobody that could be named.
 */
export type Behind = PlacedStatement | 'between statements' | 'another session' | 'blocker not seen';

export interface BlockedFigures {
  /**
   * Operations of the load. Successive waits of one session may be those of one operation, unless they lie further apart
   * than any operation took, or the earlier one failed: the upper bound is the waits, the lower one what remains.
   */
  readonly operations: Figure;
  /** What they waited, added up. */
  readonly lostMs: Figure;
  /** The longest that one of them stood still. */
  readonly longestMs: Figure;
}

export interface BlockedBehind extends BlockedFigures {
  readonly behind: Behind;
  /** By what was waited for (a relation, or the target where there is none), most time lost first; never empty. */
  readonly tables: readonly (BlockedFigures & { readonly table: string })[];
  /** The blockers at the end of the chains, most time lost first; undefined: it was not seen. */
  readonly roots: readonly (SessionRecord | undefined)[];
  /** Most operations at once in the application's pool from the first of the waits to the end of the last one. */
  readonly poolQueuePeak: number;
}

export interface BlockedApplication {
  /** Statements that nothing was seen to wait behind are left out; the order is that of the statements. */
  readonly statements: readonly BlockedBehind[];
  /** Why there may have been more than was seen, or null; the figures are then the least that there was. */
  readonly doubt: string | null;
}

/**
 * An operation counts behind a statement when the migration stood anywhere in the chain of blockers for most of its
 * wait, also where the migration waited itself. The statement is the one that ran when the wait began, else at its end.
 * Each wait counts once. Null where no load ran or the migrations were not reached: nothing could queue.
 */
export function blockedApplication(recording: Recording): BlockedApplication | null {
  const { load } = recording;
  if ('notMeasured' in load || judgedSpan(recording) === null) return null;
  const placed = judgedWaits(recording).flatMap((wait) => {
    const behind = wait.waiter.owner === 'load' ? behindOf(recording, wait) : null;
    return behind === null ? [] : [{ wait, behind }];
  });
  const statements = grouped(placed, ({ behind }) => keyOf(behind)).map((group) =>
    blockedBehind(
      { load, timedFromMs: timedFromMs(recording) },
      group[0]?.behind ?? 'blocker not seen',
      group.map(({ wait }) => wait),
    ),
  );
  return { statements: statements.toSorted(inOrder), doubt: doubtOf(recording) };
}

function behindOf(recording: Recording, wait: LockWait): Behind | null {
  const sessions = migrationSessions(wait);
  if (sessions.length > 0)
    return (
      statementBehind(recording, wait) ??
      (ranSteps(recording, sessions) ? 'between statements' : 'another session')
    );
  if (wait.blockers.length > 0) return null;
  const meanwhile = recording.steps.some(
    ({ startedAtMs, endedAtMs }) => wait.startedAtMs <= endedAtMs && endOf(wait) >= startedAtMs,
  );
  return meanwhile ? 'blocker not seen' : null;
}

function ranSteps(recording: Recording, sessions: readonly number[]): boolean {
  return statementsOf(recording).some(
    ({ statement: { sessionId } }) => sessionId === null || sessions.includes(sessionId),
  );
}

function keyOf(behind: Behind): string {
  return typeof behind === 'string' ? behind : JSON.stringify([behind.step.version, behind.statement.index]);
}

interface TimedLoad {
  readonly load: LoadRecord;
  readonly timedFromMs: number;
}

function blockedBehind(
  { load, timedFromMs: fromMs }: TimedLoad,
  behind: Behind,
  waits: readonly LockWait[],
): BlockedBehind {
  const timed = waits.every(({ startedAtMs }) => startedAtMs >= fromMs);
  const slowestMs = timed ? longestOperationMs(load) : Number.POSITIVE_INFINITY;
  const tables = grouped(waits, ({ relation, target }) => relation ?? target).toSorted(mostLostFirst);
  const roots = grouped(waits, ({ blockers: [root] }) => String(root?.sessionId)).toSorted(mostLostFirst);
  const span = {
    fromMs: Math.min(...waits.map(({ startedAtMs }) => startedAtMs)),
    toMs: Math.max(...waits.map(endOf)),
  };
  return {
    behind,
    ...figuresOf(waits, slowestMs),
    tables: tables.map((group) => ({
      table: group[0]?.relation ?? group[0]?.target ?? '',
      ...figuresOf(group, slowestMs),
    })),
    roots: roots.map((group) => group[0]?.blockers[0]),
    poolQueuePeak: poolQueuePeak(load, span),
  };
}

function mostLostFirst(one: readonly LockWait[], other: readonly LockWait[]): number {
  const lost = (waits: readonly LockWait[]): number => waits.reduce((sum, wait) => sum + longest(wait), 0);
  return lost(other) - lost(one);
}

function figuresOf(waits: readonly LockWait[], slowestMs: number): BlockedFigures {
  const operations = between(fewestOperations(waits, slowestMs), waits.length, 'lock waits of load sessions');
  const measured = waits.map(({ waitedMs }) => waitedMs).filter(isMeasured);
  const unmeasured = waits.find(({ waitedMs }) => !isMeasured(waitedMs))?.waitedMs;
  if (unmeasured !== undefined) return { operations, lostMs: unmeasured, longestMs: unmeasured };
  const lowers = measured.map(({ lower }) => lower);
  const uppers = measured.map(({ upper }) => upper);
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  return {
    operations,
    lostMs: between(sum(lowers), sum(uppers), 'sum of lock waits'),
    longestMs: between(Math.max(...lowers), Math.max(...uppers), 'longest of the lock waits'),
  };
}

function fewestOperations(waits: readonly LockWait[], slowestMs: number): number {
  return grouped(waits, ({ waiter }) => String(waiter.sessionId)).reduce((sum, own) => {
    const inTime = own.toSorted((one, other) => one.startedAtMs - other.startedAtMs);
    let operations = 0;
    let first: LockWait | null = null;
    let before: LockWait | null = null;
    for (const wait of inTime) {
      if (
        first === null ||
        before === null ||
        FAILED.has(before.ended) ||
        leastSpanMs(first, wait) > slowestMs
      ) {
        operations += 1;
        first = wait;
      }
      before = wait;
    }
    return sum + operations;
  }, 0);
}

/** From the start of one wait to the end of a later one at the least: a start is known as well as its length is. */
function leastSpanMs(first: LockWait, last: LockWait): number {
  return last.startedAtMs + shortest(last) - first.startedAtMs - (spread(first) + spread(last)) / 2;
}

function shortest({ waitedMs }: LockWait): number {
  return isMeasured(waitedMs) ? waitedMs.lower : 0;
}

function spread(wait: LockWait): number {
  return longest(wait) - shortest(wait);
}

/** Longer than any operation can have taken; infinite when not every operation was timed to its end. */
function longestOperationMs(load: LoadRecord): number {
  const slowestMs = slowestOperationMs(load);
  if (slowestMs === null || load.windows.some(({ inFlight }) => inFlight > 0))
    return Number.POSITIVE_INFINITY;
  return slowestMs * HISTOGRAM_ERROR + CLOCKS_MS;
}

/** Buckets of the oldest recordings are as wide as this. */
const HISTOGRAM_ERROR = 1.01;
/** Between the clock of the load and the readings of the locks. */
const CLOCKS_MS = 5;

/** Endings after which an operation is over. */
const FAILED: ReadonlySet<LockWait['ended']> = new Set([
  'lock timeout',
  'statement timeout',
  'cancelled',
  'deadlock',
]);

function inOrder(one: BlockedBehind, other: BlockedBehind): number {
  return rankOf(one) - rankOf(other);
}

function rankOf({ behind }: BlockedBehind): number {
  if (behind === 'between statements' || behind === 'another session') return Number.MAX_VALUE;
  return behind === 'blocker not seen' ? Number.POSITIVE_INFINITY : behind.statement.startedAtMs;
}

function doubtOf(recording: Recording): string | null {
  const unseen = unseenWaits(recording);
  if (unseen !== null) return unseen;
  const observer = recording.observers.find(({ name }) => name === LOCK_OBSERVER);
  if (observer === undefined || observer.samples === 0) return 'lock waits were not observed';
  const trouble = observer.trouble[0];
  return trouble === undefined ? null : `the observer of locks missed readings: ${trouble}`;
}
