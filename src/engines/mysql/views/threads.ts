/**
 * Sessions by what the performance schema knows them by. It counts threads of its own; everything outside of this
 * folder knows a session by its connection id (PROCESSLIST_ID).
 * https://dev.mysql.com/doc/refman/8.4/en/performance-schema-threads-table.html
 */
import type { SeenSession, Session } from '../../engine.ts';

export interface Thread {
  /** Connection id; null for threads of the server itself. */
  readonly id: number | null;
  readonly database: string | null;
}

export interface Threads {
  /** Looks up threads that are not known yet; a thread number is never used again while the server runs. */
  learn(threads: readonly number[]): Promise<void>;
  get(thread: number): Thread | undefined;
  /** What the sessions of these connections do now. */
  activity(ids: readonly number[]): Promise<readonly SeenSession[]>;
}

/** Threads come and go with connections; those of long ago are forgotten together. */
const MOST_KNOWN = 10_000;

interface ThreadRow {
  readonly thread: number;
  readonly id: number | null;
  readonly db: string | null;
}

interface ActivityRow {
  readonly id: number;
  readonly user: string | null;
  readonly command: string | null;
  readonly state: string | null;
  readonly statement: string | null;
  readonly last_statement: string | null;
  readonly application: string | null;
  readonly in_transaction: number;
}

export function createThreads(session: Session): Threads {
  let known = new Map<number, Thread>();
  return {
    async learn(threads) {
      const unknown = [...new Set(threads)].filter((thread) => !known.has(thread));
      if (unknown.length === 0) return;
      if (known.size > MOST_KNOWN) known = new Map();
      const rows = await session.query<ThreadRow>(
        `select thread_id as thread, processlist_id as id, processlist_db as db
        from performance_schema.threads
        where thread_id in (${placeholders(unknown)})`,
        unknown,
      );
      for (const { thread, id, db } of rows)
        known.set(Number(thread), { id: id === null ? null : Number(id), database: db });
    },
    get: (thread) => known.get(thread),
    async activity(ids) {
      if (ids.length === 0) return [];
      return (await session.query<ActivityRow>(activityQuery(ids), ids)).map(seenSession);
    },
  };
}

/** The statement that an idle session ran last is kept by events_statements_current until its next one. */
function activityQuery(ids: readonly number[]): string {
  return `
  select t.processlist_id as id, t.processlist_user as user, t.processlist_command as command,
    t.processlist_state as state, t.processlist_info as statement,
    (
      select s.sql_text
      from performance_schema.events_statements_current s
      where s.thread_id = t.thread_id and s.nesting_event_level = 0
      limit 1
    ) as last_statement,
    (
      select a.attr_value
      from performance_schema.session_connect_attrs a
      where a.processlist_id = t.processlist_id and a.attr_name = 'program_name'
      limit 1
    ) as application,
    exists (
      select 1
      from performance_schema.events_transactions_current x
      where x.thread_id = t.thread_id and x.state = 'ACTIVE'
    ) as in_transaction
  from performance_schema.threads t
  where t.processlist_id in (${placeholders(ids)})`;
}

function seenSession(row: ActivityRow): SeenSession {
  const idle = row.command === 'Sleep';
  return {
    sessionId: Number(row.id),
    user: row.user,
    applicationName: row.application ?? '',
    statement: row.statement ?? row.last_statement,
    state: idle && Number(row.in_transaction) === 1 ? 'idle in transaction' : (row.state ?? row.command),
  };
}

/** One for each value. */
export function placeholders(values: readonly unknown[]): string {
  return values.map(() => '?').join(', ');
}
