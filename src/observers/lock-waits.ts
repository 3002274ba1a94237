/**
 * Lock waits of all sessions and the locks that the migration owns, from one reading: every 20 ms, every 2 ms while
 * anything waits. The cadence and what it costs are measured in measuring-locks-and-disk.md, 1.2.
 */
import type { LockReader } from '../engines/engine.ts';
import { type DeadlockTracker, trackDeadlocks } from './deadlock-tracker.ts';
import { type HeldTracker, trackHeldLocks } from './held-tracker.ts';
import type { ObserveRequest, Observer } from './observer.ts';
import { closeSessions, openSessions, type Source, startSampling } from './sampling.ts';
import { describeSessions } from './sessions.ts';
import { runStatements } from './statements.ts';
import { withToldWaits } from './told-waits.ts';
import { trackWaits, type WaitTracker } from './wait-tracker.ts';

const INTERVAL_MS = 20;
const INTERVAL_WHILE_WAITING_MS = 2;
/** A renamed relation keeps its number: without this its old name would stay. */
const REFRESH_NAMES_MS = 5_000;

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
          return sourceOf(opened, { trackers, request, close: () => closeSessions(sessions) });
        } catch (error) {
          await closeSessions(sessions);
          throw error;
        }
      },
      finish() {
        if (trackers !== null) record(request, trackers);
      },
    });
    recorder.add(
      'notes',
      `lock waits and held locks are read every ${INTERVAL_MS} ms, every ${INTERVAL_WHILE_WAITING_MS} ms while anything ` +
        `waits: what begins and ends between two readings is not seen${known === null ? '' : `, but for ${known}`}`,
    );
    return {
      [Symbol.asyncDispose]: () => sampling[Symbol.asyncDispose](),
      afterStep: async () => reader?.refreshNames(),
    };
  },
};

interface ReadingContext {
  readonly trackers: Trackers;
  readonly request: ObserveRequest;
  close(): Promise<void>;
}

function sourceOf(reader: LockReader, { trackers, request, close }: ReadingContext): Source {
  const { recorder, roles } = request;
  let namesReadAtMs = recorder.now();
  return {
    async read(last) {
      const askedAtMs = recorder.now();
      const reading = await reader.read(roles.migrator.user, last);
      const answeredAtMs = askedAtMs + reading.answeredAfterMs;
      trackers.waits.add({ askedAtMs, answeredAtMs, reading });
      if (reading.missedOverran === true) trackers.overruns += 1;
      trackers.held.add({ askedAtMs, answeredAtMs, reading: reading.held });
      trackers.deadlocks.add({ askedAtMs, answeredAtMs, reading });
      // Where so many locks are held that reading them takes long, half of the time is left to those who need them.
      if (reading.waits.length > 0) return Math.max(INTERVAL_WHILE_WAITING_MS, reading.answeredAfterMs);
      if (answeredAtMs - namesReadAtMs >= REFRESH_NAMES_MS) {
        await reader.refreshNames();
        namesReadAtMs = answeredAtMs;
      }
      return INTERVAL_MS;
    },
    [Symbol.asyncDispose]: close,
  };
}

function record(
  { recorder, roles, engine, toldWaits }: ObserveRequest,
  { waits, held, overruns, deadlocks, deadlocksFrom }: Trackers,
): void {
  const endedAtMs = recorder.now();
  const facts = waits.finish(endedAtMs, recorder.steps);
  const describe = describeSessions(roles, engine.dialect);
  const heldLocks = held.finish(endedAtMs, recorder.steps);
  const context = { describe, statements: runStatements(recorder.steps), held: heldLocks };
  for (const wait of withToldWaits(facts.waits, toldWaits, context)) recorder.add('lockWaits', wait);
  for (const lock of heldLocks) recorder.add('heldLocks', lock);
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
