/** Progress of the migration's statements as the server tells it, every 250 ms, on a session in the rehearsed database. */
import type { ProgressRecord } from '../recording/recording.ts';
import { isIdle, type ObserveRequest, type Observer } from './observer.ts';
import { closeSessions, openSessions, startSampling } from './sampling.ts';
import { runStatements } from './statements.ts';
import { createTimeLeft } from './time-left.ts';

const INTERVAL_MS = 250;
/** More than an hour of change at the interval; what comes later is let go and said. */
const MOST_RECORDS = 20_000;

export const progress: Observer = {
  name: 'progress',
  async start(request) {
    const { recorder, engine } = request;
    const kept = keepChanges();
    let timeLeft = createTimeLeft();

    function take(seen: ProgressRecord): void {
      kept.add(seen);
      if (request.onUnderWay !== undefined && isOfMigration(request, seen))
        request.onUnderWay(timeLeft.add(seen));
    }

    return startSampling({
      name: progress.name,
      intervalMs: INTERVAL_MS,
      observe: request,
      async open() {
        const { sessions, inside } = await openSessions(request, 'rehearse observer progress');
        return {
          sessions,
          async read() {
            // Whatever has a progress has a relation locked.
            const all = isIdle(request) ? [] : await engine.views.readProgress(inside);
            kept.present(new Set(all.map(({ sessionId }) => sessionId)));
            // The next statement may go through the same phase, and is not as fast for what this one has done.
            if (all.length === 0) timeLeft = createTimeLeft();
            for (const seen of all) take({ atMs: recorder.now(), ...seen });
            return INTERVAL_MS;
          },
          [Symbol.asyncDispose]: () => closeSessions(sessions),
        };
      },
      finish: () => record(request, kept.all()),
    });
  },
};

/** Readings that differ from the one before them, and the last one of each stretch of equal ones. */
export function keepChanges() {
  const records: ProgressRecord[] = [];
  /** By session: what it showed last, and whether that is kept. */
  const last = new Map<number, { readonly seen: ProgressRecord; readonly kept: boolean }>();

  function keep(seen: ProgressRecord): void {
    if (records.length < MOST_RECORDS) records.push(seen);
  }

  function end(sessionId: number): void {
    const open = last.get(sessionId);
    if (open !== undefined && !open.kept) keep(open.seen);
    last.delete(sessionId);
  }

  return {
    add(seen: ProgressRecord): void {
      const open = last.get(seen.sessionId);
      const same =
        open !== undefined &&
        open.seen.phase === seen.phase &&
        open.seen.done === seen.done &&
        open.seen.total === seen.total;
      if (!same) {
        end(seen.sessionId);
        keep(seen);
      }
      last.set(seen.sessionId, { seen, kept: !same });
    },
    /** Sessions that are in a reading: the statements of all others have ended. */
    present(sessions: ReadonlySet<number>): void {
      for (const sessionId of [...last.keys()]) if (!sessions.has(sessionId)) end(sessionId);
    },
    all(): readonly ProgressRecord[] {
      this.present(new Set());
      return records;
    },
  };
}

/** While it runs, a statement is recorded already. */
function isOfMigration({ recorder }: ObserveRequest, { sessionId }: ProgressRecord): boolean {
  return recorder.steps.some(({ statements }) =>
    statements.some((statement) => statement.sessionId === sessionId),
  );
}

/** Sessions of the migration only; all of them where the tool does not tell its sessions. */
function record({ recorder }: ObserveRequest, records: readonly ProgressRecord[]): void {
  const sessions = new Set(runStatements(recorder.steps).map(({ record: statement }) => statement.sessionId));
  const known = sessions.size > 0 && !sessions.has(null);
  for (const seen of records) if (!known || sessions.has(seen.sessionId)) recorder.add('progress', seen);
  if (records.length >= MOST_RECORDS)
    recorder.add('notMeasured', {
      what: 'progress',
      reason: `only the first ${MOST_RECORDS} changes were kept`,
    });
}
