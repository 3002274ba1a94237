/**
 * Lock waits of all sessions and the locks that the migration owns, from one reading: every 20 ms, every 2 ms while
 * anything waits. The cadence and what it costs are measured in measuring-locks-and-disk.md, 1.2.
 */
import type { LockReader, SeenLock, Session } from '../engines/engine.ts';
import { type DeadlockTracker, recordToldDeadlocks, trackDeadlocks } from './deadlock-tracker.ts';
import { type HeldTracker, trackHeldLocks } from './held-tracker.ts';
import { BUSY, type ObserveRequest, type Observer } from './observer.ts';
import { closeSessions, openSessions, type ReadingAccount, type Source, startSampling } from './sampling.ts';
import { describeSessions } from './sessions.ts';
import { runStatements } from './statements.ts';
import { withToldWaits } from './told-waits.ts';
import { trackWaits, type WaitTracker } from './wait-tracker.ts';

const INTERVAL_MS = 20;
const INTERVAL_WHILE_WAITING_MS = 2;
/** A renamed relation keeps its number: without this its old name would stay. */
const REFRESH_NAMES_MS = 5_000;

const NO_WAITS = { answeredAfterMs: 0, waits: [], ended: [], held: [], sessions: [] };

/** Trackers live as long as the observer; the reader as long as its sessions. */
interface Trackers {
  readonly waits: WaitTracker;
  readonly held: HeldTracker;
  readonly deadlocks: DeadlockTracker;
  /** Where they are read, or why they are not; undefined where nothing of them is said. */
  readonly deadlocksFrom: LockReader['deadlocks'];
  /** Times that the server kept fewer of the waits between readings than there were. */
  overruns: number;
}

export const lockWaits: Observer = {
  name: 'locks',
  async start(request) {
    const { recorder, engine, roles } = request;
    let trackers: Trackers | null = null;
    let reader: LockReader | null = null;
    let known: string | null = null;

    const sampling = await startSampling({
      name: lockWaits.name,
      intervalMs: INTERVAL_MS,
      observe: request,
      async open() {
        const { sessions, cluster, inside } = await openSessions(request, 'rehearse observer locks');
        try {
          const opened = await engine.views.openLockReader(cluster, inside);
          reader = opened;
          known = opened.between ?? null;
          trackers ??= {
            waits: trackWaits(opened.source, describeSessions(roles, engine.dialect), engine.dialect),
            held: trackHeldLocks(opened.source, request.ledgerTables),
            deadlocks: trackDeadlocks(describeSessions(roles, engine.dialect)),
            deadlocksFrom: opened.deadlocks,
            overruns: 0,
          };
          return sourceOf(opened, { trackers, request, sessions });
        } catch (error) {
          await closeSessions(sessions);
          throw error;
        }
      },
      finish(longestPauseMs) {
        if (trackers !== null) record(request, trackers, longestPauseMs);
      },
    });
    recorder.add(
      'notes',
      `lock waits and held locks are read every ${INTERVAL_MS} ms, every ${INTERVAL_WHILE_WAITING_MS} ms while anything ` +
        `waits: what begins and ends between two readings is not seen${known === null ? '' : `, but for ${known}`}`,
    );
    return {
      [Symbol.asyncDispose]: () => sampling[Symbol.asyncDispose](),
      beforeSteps: async () => sampling.pausesCount(),
      afterStep: async () => reader?.refreshNames(),
    };
  },
};

interface ReadingContext {
  readonly trackers: Trackers;
  readonly request: ObserveRequest;
  readonly sessions: readonly Session[];
}

function sourceOf(reader: LockReader, { trackers, request, sessions }: ReadingContext): Source {
  const { recorder, roles } = request;
  let namesReadAtMs = recorder.now();
  let held: readonly SeenLock[] = [];
  /** As of the latest reading. */
  let waiting = true;

  /** Adds what the server has seen by itself; true when there is nothing new. */
  async function watched(account: ReadingAccount): Promise<boolean> {
    if (reader.watch === undefined) return false;
    const askedAtMs = recorder.now();
    const { changed, looks } = await account.aside(reader.watch(roles.migrator.user));
    for (const { askedAfterMs, answeredAfterMs } of looks) {
      const look = { askedAtMs: askedAtMs + askedAfterMs, answeredAtMs: askedAtMs + answeredAfterMs };
      account.looked(look);
      trackers.waits.add({ ...look, reading: NO_WAITS });
      trackers.held.add({ ...look, reading: held });
    }
    if (changed) return false;
    if (request.migration.idleAtMs !== null) request.migration.idleAtMs = recorder.now();
    await refreshNames(recorder.now());
    return true;
  }

  function tellMigration(idleAtMs: number | null): void {
    const { migration } = request;
    const begins = migration.idleAtMs !== null && idleAtMs === null;
    migration.idleAtMs = idleAtMs;
    if (begins) migration.changes.dispatchEvent(new Event(BUSY));
  }

  async function refreshNames(nowMs: number): Promise<void> {
    if (nowMs - namesReadAtMs < REFRESH_NAMES_MS) return;
    await reader.refreshNames();
    namesReadAtMs = nowMs;
  }

  return {
    sessions,
    async read(last, account) {
      if (!waiting && !last && (await watched(account))) return 0;
      const askedAtMs = recorder.now();
      const reading = await reader.read(roles.migrator.user, last);
      const answeredAtMs = askedAtMs + reading.answeredAfterMs;
      account.looked({ askedAtMs, answeredAtMs });
      trackers.waits.add({ askedAtMs, answeredAtMs, reading });
      if (reading.missedOverran === true) trackers.overruns += 1;
      held = reading.held;
      tellMigration(reading.holdNone === true ? answeredAtMs : null);
      trackers.held.add({ askedAtMs, answeredAtMs, reading: held });
      trackers.deadlocks.add({ askedAtMs, answeredAtMs, reading });
      // Where so many locks are held that reading them takes long, half of the time is left to those who need them.
      waiting = reading.waits.length > 0;
      if (waiting) return Math.max(INTERVAL_WHILE_WAITING_MS, reading.answeredAfterMs);
      await refreshNames(answeredAtMs);
      return reader.watch === undefined ? INTERVAL_MS : 0;
    },
    [Symbol.asyncDispose]: () => closeSessions(sessions),
  };
}

function record(
  { recorder, roles, engine, toldWaits, told }: ObserveRequest,
  { waits, held, overruns, deadlocks, deadlocksFrom }: Trackers,
  longestPauseMs: number,
): void {
  const endedAtMs = recorder.now();
  const facts = waits.finish(endedAtMs, recorder.steps);
  const describe = describeSessions(roles, engine.dialect);
  const heldLocks = held.finish(endedAtMs, recorder.steps);
  const context = {
    describe,
    statements: runStatements(recorder.steps),
    held: heldLocks,
    starts: facts.starts,
    // Some of those that were seen may be among those that were let go.
    longestPauseMs: facts.leftOut.count > 0 ? null : longestPauseMs,
    tellsAll: told.waits,
    transactions: told.transactions,
    migrator: roles.migrator.user,
  };
  for (const wait of withToldWaits(facts.waits, toldWaits, context)) recorder.add('lockWaits', wait);
  for (const lock of heldLocks) recorder.add('heldLocks', lock);
  if (deadlocksFrom === undefined && told.deadlocks !== null)
    recorder.setDeadlocks(recordToldDeadlocks(told.deadlocks, describe, recorder.steps));
  if (deadlocksFrom !== undefined)
    recorder.setDeadlocks(
      'source' in deadlocksFrom ? deadlocks.finish(deadlocksFrom.source, recorder.steps) : deadlocksFrom,
    );
  if (overruns > 0) {
    recorder.add('notMeasured', {
      what: 'lock waits that began and ended between two readings',
      reason: `there were more in a second than the server keeps, ${overruns} times`,
    });
  }
  if (facts.leftOut.count > 0) {
    recorder.add('notMeasured', {
      what: `${facts.leftOut.count} lock waits in which the migration had no part`,
      reason: `there were too many to keep; the longest of those left out took ${facts.leftOut.longestMs.toFixed(0)} ms`,
    });
  }
}
