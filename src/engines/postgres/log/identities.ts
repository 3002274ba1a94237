/** Who the sessions are that a line of the log names by their process numbers. */
import type { Session, ToldSession } from '../../engine.ts';
import type { LogRecord } from './record.ts';

export interface KnownSessions {
  /** From a line that a session wrote itself. */
  note(record: LogRecord): void;
  /** Asks the server for those that wrote none; what has gone meanwhile stays unknown. */
  learn(sessionIds: readonly number[]): Promise<void>;
  of(sessionId: number): ToldSession;
}

/** https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW */
const SESSIONS = `
  select pid, usename as "user", application_name as "applicationName"
  from pg_catalog.pg_stat_activity
  where pid = any($1::int[])`;

export function knownSessions(session: Session): KnownSessions {
  const known = new Map<number, ToldSession>();
  return {
    note({ sessionId, user, applicationName }) {
      if (user !== null) known.set(sessionId, { sessionId, user, applicationName });
    },
    async learn(sessionIds) {
      const wanted = [...new Set(sessionIds)].filter((each) => !known.has(each));
      if (wanted.length === 0) return;
      const found = await session.query<{ pid: number; user: string | null; applicationName: string }>(
        SESSIONS,
        [`{${wanted.join(',')}}`],
      );
      for (const { pid, user, applicationName } of found)
        known.set(pid, { sessionId: pid, user, applicationName });
    },
    of: (sessionId) => known.get(sessionId) ?? { sessionId, user: undefined, applicationName: '' },
  };
}
