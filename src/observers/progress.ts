/** Progress of the migration's statements as the server tells it, every 250 ms, on a session in the rehearsed database. */
import type { ProgressRecord } from '../recording/recording.ts';
import type { ObserveRequest, Observer } from './observer.ts';
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
    const records: ProgressRecord[] = [];
    const lastSeen = new Map<number, string>();
    const timeLeft = createTimeLeft();

    const note = (seen: ProgressRecord): void => {
      const text = `${seen.phase} ${seen.done}/${seen.total}`;
      if (lastSeen.get(seen.sessionId) === text || records.length >= MOST_RECORDS) return;
      lastSeen.set(seen.sessionId, text);
      records.push(seen);
    };

    function take(seen: ProgressRecord): void {
      note(seen);
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
          async read() {
            for (const seen of await engine.views.readProgress(inside))
              take({ atMs: recorder.now(), ...seen });
            return INTERVAL_MS;
          },
          [Symbol.asyncDispose]: () => closeSessions(sessions),
        };
      },
      finish: () => record(request, records),
    });
  },
};

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
