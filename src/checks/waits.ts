/** Lock waits as a reader needs them: which ones count, who the root is, and how much queued behind. */
import { exactly, isMeasured } from '../recording/figure.ts';
import type { LoadRecord, LockWait, Recording, SessionRecord } from '../recording/recording.ts';
import type { Detail } from './check.ts';
import { JUDGED_WINDOWS, judgedSpan, type PlacedStatement, statementAt, statementById } from './span.ts';

/** Name of the observer that sees lock waits. */
export const LOCK_OBSERVER = 'locks';

/** Waits of the load or the migration on the rehearsed server, from the migration window on, longest first. */
export function judgedWaits(recording: Recording): readonly LockWait[] {
  const span = judgedSpan(recording);
  if (span === null) return [];
  return recording.lockWaits
    .filter(({ server, waiter }) => server === 'rehearsal' && ['load', 'migration'].includes(waiter.owner))
    .filter((wait) => wait.startedAtMs < span.toMs && endOf(wait) > span.fromMs)
    .toSorted((one, other) => longest(other) - longest(one) || one.startedAtMs - other.startedAtMs);
}

export function endOf(wait: LockWait): number {
  return wait.startedAtMs + longest(wait);
}

/** The most that it may have been; 0 when it was not measured. */
export function longest({ waitedMs }: LockWait): number {
  return isMeasured(waitedMs) ? waitedMs.upper : 0;
}

/** The statement of the migration that waited itself or stands in the chain of blockers; null when none does. */
export function statementBehind(recording: Recording, wait: LockWait): PlacedStatement | null {
  if (wait.statementId !== null) return statementById(recording, wait.statementId);
  const sessions = new Set(migrationSessions(wait));
  if (sessions.size === 0) return null;
  return statementAt(recording, wait.startedAtMs, sessions) ?? statementAt(recording, endOf(wait), sessions);
}

/** Numbers of the migration's sessions among those that were in the way; a tool may have several. */
export function migrationSessions({ blockers }: LockWait): readonly number[] {
  return blockers.filter(({ owner }) => owner === 'migration').map(({ sessionId }) => sessionId);
}

/** Why some lock waits could not be seen at all, or null. */
export function unseenWaits({ notMeasured: lacks }: Recording): string | null {
  const reasons = lacks.filter(({ unseen }) => unseen === 'lock waits').map(({ reason }) => reason);
  return reasons.length === 0 ? null : reasons.join('; ');
}

/** A session in words: its role, what a drill calls it, and its number. */
export function sessionInWords(recording: Recording, session: SessionRecord | undefined): string {
  if (session === undefined) return 'a session that was not seen';
  if (session.sessionId === 0) return preparedInWords(session);
  const number = `session ${session.sessionId}`;
  switch (session.owner) {
    case 'migration':
      return 'the migration itself';
    case 'load':
      return `an operation of the load (${number})`;
    case 'drill': {
      const drill = recording.drills.find(({ sessionId }) => sessionId === session.sessionId);
      return `${number} (drill: ${drill?.description ?? session.applicationName})`;
    }
    case 'canary':
      return `${number}, a canary of this harness`;
    case 'server':
      return `${number} of the server (${session.applicationName || 'background worker'})`;
    case 'observer':
      return `${number} of this harness's own observers`;
    default:
      return session.applicationName === '' ? number : `${number} (${session.applicationName})`;
  }
}

/** It outlives its session and has no number; its own name is what ends it. */
function preparedInWords({ applicationName }: SessionRecord): string {
  return applicationName === '' ? 'a prepared transaction' : `the prepared transaction ${applicationName}`;
}

/** A wait, the chain above it and the crowd behind it: the story of an outage. */
export interface WaitStory {
  readonly wait: LockWait;
  /** Root blocker first, the waiter itself last. */
  readonly chain: readonly SessionRecord[];
  readonly statement: PlacedStatement | null;
  /** Waits of load operations that stood behind the migration (or behind the root when it is not in the chain). */
  readonly behind: readonly LockWait[];
  /** Most that waited in the application's pool at one time meanwhile; null when no load ran. */
  readonly poolQueuePeak: number | null;
}

/** The story of the longest wait, seen from the migration where it stands in the chain; null when nothing waited. */
export function worstStory(recording: Recording): WaitStory | null {
  const waits = judgedWaits(recording);
  const first = waits[0];
  if (first === undefined) return null;
  const wait = waits.find((other) => other.waiter.owner === 'migration' && sharesRoot(other, first)) ?? first;
  const chain = [...wait.blockers, wait.waiter];
  const pivot = chain.findLast(({ owner }) => owner === 'migration') ?? chain[0];
  const behind = waits.filter(
    (other) =>
      other !== wait &&
      other.waiter.owner === 'load' &&
      other.blockers.some(({ sessionId }) => sessionId === pivot?.sessionId) &&
      other.startedAtMs <= endOf(first) &&
      endOf(other) >= wait.startedAtMs,
  );
  const span = { fromMs: wait.startedAtMs, toMs: Math.max(endOf(wait), ...behind.map(endOf)) };
  return {
    wait,
    chain,
    statement: statementBehind(recording, wait),
    behind: wait.waiter.owner === 'load' ? [wait, ...behind] : behind,
    poolQueuePeak: 'notMeasured' in recording.load ? null : poolQueuePeak(recording.load, span),
  };
}

function sharesRoot(one: LockWait, other: LockWait): boolean {
  const rootOf = ({ blockers }: LockWait): number | undefined => blockers[0]?.sessionId;
  return (
    one === other ||
    (rootOf(one) === rootOf(other) && one.startedAtMs <= endOf(other) && endOf(one) >= other.startedAtMs)
  );
}

/** Most operations that waited in the application's pool at one time in a stretch of time. */
export function poolQueuePeak(
  load: LoadRecord,
  span: { readonly fromMs: number; readonly toMs: number },
): number {
  const slots = load.slots.filter(({ atMs }) => atMs + load.slotMs > span.fromMs && atMs < span.toMs);
  return slots.reduce((peak, { poolQueue }) => Math.max(peak, poolQueue), 0);
}

/** The two figures of blocked operations: in the database, and in the application's pool. */
export function blockedOperations(recording: Recording, loadWaits: readonly LockWait[]): readonly Detail[] {
  const inDatabase: Detail = {
    what: 'operations queued in the database',
    figure: exactly(loadWaits.length, 'lock waits of load sessions'),
    unit: 'count',
  };
  if ('notMeasured' in recording.load) return [inDatabase];
  const inPool = recording.load.windows
    .filter(({ window }) => JUDGED_WINDOWS.includes(window))
    .reduce((sum, { waitedInPool }) => sum + waitedInPool, 0);
  return [
    inDatabase,
    {
      what: 'operations queued in the pool',
      figure: exactly(inPool, 'load: waited in pool'),
      unit: 'count',
    },
  ];
}
