/** Deadlocks from reading to reading, turned into records. Pure: time comes with the readings. */
import type { LockReading, SeenDeadlockParty, SeenSession } from '../engines/engine.ts';
import type { Deadlock, DeadlockRecord, Step } from '../recording/recording.ts';
import type { Told } from './observer.ts';
import type { Describe } from './sessions.ts';
import { type RunStatement, runStatements, statementIn } from './statements.ts';
import type { Timed } from './wait-tracker.ts';

export interface DeadlockTracker {
  add(reading: Timed<LockReading>): void;
  finish(source: string, steps: readonly Step[]): DeadlockRecord;
}

/** A recording is read as a whole; a load that deadlocks all the time would make it gigabytes. */
const MOST_KEPT = 1_000;

interface Kept extends Pick<Deadlock, 'notBeforeMs' | 'notAfterMs'> {
  readonly parties: readonly SeenDeadlockParty[];
  readonly sessions: ReadonlyMap<number, SeenSession>;
}

export function trackDeadlocks(describe: Describe): DeadlockTracker {
  const kept: Kept[] = [];
  let previous: number | null = null;
  let found = 0;

  return {
    add({ answeredAtMs, reading: { deadlocks, sessions } }) {
      if (deadlocks === undefined) return;
      if (previous !== null) {
        // Below the last count is one that began anew with its server.
        const more = deadlocks.found - previous;
        found += more < 0 ? deadlocks.found : more;
      }
      const bySession = new Map(sessions.map((session) => [session.sessionId, session]));
      for (const { parties, foundAgoMs } of deadlocks.latest)
        if (kept.length < MOST_KEPT)
          kept.push({
            parties,
            notBeforeMs: answeredAtMs - foundAgoMs.upper,
            notAfterMs: answeredAtMs - foundAgoMs.lower,
            sessions: bySession,
          });
      previous = deadlocks.found;
    },
    finish(source, steps) {
      const statements = runStatements(steps);
      const seen = kept.map((each) => toRecord(each, describe, statements));
      return { source, found: Math.max(found, seen.length), seen };
    },
  };
}

function toRecord(
  { parties, notBeforeMs, notAfterMs, sessions }: Kept,
  describe: Describe,
  statements: readonly RunStatement[],
): Deadlock {
  return {
    server: 'rehearsal',
    notBeforeMs,
    notAfterMs,
    parties: parties.map((party) => {
      const session = describe(party.sessionId ?? 0, sessionOf(party, sessions));
      const span = { fromMs: notBeforeMs, toMs: notAfterMs };
      const ran = session.owner === 'migration' ? statementIn(statements, session.sessionId, span) : null;
      const { statementCut, waitedFor, held, victim } = party;
      return { session, statementCut, waitedFor, held, victim, statementId: ran?.record.id ?? null };
    }),
  };
}

/** Those that the server's journal told, each with all that took part. */
export function recordToldDeadlocks(
  { source, all }: NonNullable<Told['deadlocks']>,
  describe: Describe,
  steps: readonly Step[],
): DeadlockRecord {
  const statements = runStatements(steps);
  const seen = all.slice(0, MOST_KEPT).map(({ parties, sessions, at }) => {
    const known = sessions.flatMap(
      ({ sessionId, user, applicationName }): readonly [number, SeenSession][] =>
        user === undefined
          ? []
          : [[sessionId, { sessionId, user, applicationName, statement: null, state: null }]],
    );
    return toRecord({ ...at, parties, sessions: new Map(known) }, describe, statements);
  });
  return { source, found: all.length, seen };
}

/** The victim has gone on since: what the deadlock says it ran counts, and who it is even where it has left. */
function sessionOf(
  { sessionId, user, statement }: SeenDeadlockParty,
  sessions: ReadonlyMap<number, SeenSession>,
): SeenSession | undefined {
  if (sessionId === null) return { sessionId: 0, user: null, applicationName: '', statement, state: null };
  const seen = sessions.get(sessionId);
  if (seen === undefined && user === null) return undefined;
  return { sessionId, user, applicationName: '', ...seen, statement, state: null };
}
