/**
 * Statements as the performance schema keeps them once they have ended: the last ten of each session that is still there,
 * found at once by the number of its thread, and the last ones of all sessions in a ring, whose 10,000 rows the server needs
 * some 30 ms to go through.
 * https://dev.mysql.com/doc/refman/8.4/en/performance-schema-events-statements-history-long-table.html
 */
import type { Session } from '../../engine.ts';
import { placeholders } from '../views/threads.ts';

export interface StatementEvent {
  readonly thread: number;
  readonly eventId: number;
  /** Of the last event that it contains, its own where it contains none; null while it runs. */
  readonly endEventId: number | null;
  /** "statement/sql/select", "statement/sp/stmt", "statement/com/Ping". */
  readonly name: string;
  readonly text: string | null;
  readonly textBytes: number;
  /** On the server's timer, in milliseconds. */
  readonly startedMs: number;
  readonly endedMs: number | null;
  readonly lockMs: number;
  readonly affected: number;
  readonly sent: number;
  readonly warnings: number;
  /** Errno, null without an error. */
  readonly error: { readonly code: string; readonly message: string } | null;
  /** Of the statement that ran this one; null: a client sent it. */
  readonly parentEventId: number | null;
  /** Event of the transaction that was open when it began. */
  readonly transactionEventId: number | null;
}

const COLUMNS = `s.thread_id as thread, s.event_id as event_id, s.end_event_id as end_event_id, s.event_name as name,
    s.sql_text as text, octet_length(s.sql_text) as text_bytes, s.timer_start / 1e9 as started_ms,
    s.timer_end / 1e9 as ended_ms, s.lock_time / 1e9 as lock_ms, s.rows_affected as affected, s.rows_sent as sent,
    s.warnings as warnings, s.errors as errors, s.mysql_errno as errno, s.message_text as message,
    s.nesting_event_id as parent, s.nesting_event_type as parent_type`;

interface EventRow {
  readonly thread: number;
  readonly event_id: number;
  readonly end_event_id: number | null;
  readonly name: string;
  readonly text: string | null;
  readonly text_bytes: number | null;
  readonly started_ms: number | string;
  readonly ended_ms: number | string | null;
  readonly lock_ms: number | string;
  readonly affected: number;
  readonly sent: number;
  readonly warnings: number;
  readonly errors: number;
  readonly errno: number;
  readonly message: string | null;
  readonly parent: number | null;
  readonly parent_type: string | null;
}

/** The last ten of each of these threads, as far as they ended after an instant of the timer. */
export async function lastOfThreads(
  session: Session,
  threads: readonly number[],
  afterMs: number,
): Promise<readonly StatementEvent[]> {
  if (threads.length === 0) return [];
  const rows = await session.query<EventRow>(
    `select ${COLUMNS}
    from performance_schema.events_statements_history s
    where s.thread_id in (${placeholders(threads)}) and s.timer_end / 1e9 > ?`,
    [...threads, afterMs],
  );
  return rows.map(toEvent);
}

/** All of the ring that ended after an instant of the timer. */
export async function lastOfAll(session: Session, afterMs: number): Promise<readonly StatementEvent[]> {
  const rows = await session.query<EventRow>(
    `select ${COLUMNS}
    from performance_schema.events_statements_history_long s
    where s.timer_end / 1e9 > ?`,
    [afterMs],
  );
  return rows.map(toEvent);
}

/** What these threads run now. */
export async function runningIn(
  session: Session,
  threads: readonly number[],
): Promise<readonly StatementEvent[]> {
  if (threads.length === 0) return [];
  const rows = await session.query<EventRow>(
    `select ${COLUMNS}
    from performance_schema.events_statements_current s
    where s.thread_id in (${placeholders(threads)}) and s.end_event_id is null`,
    threads,
  );
  return rows.map(toEvent);
}

/**
 * Statements of a user that have ended since the server started, those that others ran inside included, and connections that
 * anybody ever made.
 */
const COUNTED = `
  select
    (
      select coalesce(sum(e.count_star), 0)
      from performance_schema.events_statements_summary_by_user_by_event_name e
      where e.user = ?
    ) as statements,
    (
      select coalesce(sum(u.total_connections), 0)
      from performance_schema.users u
    ) as connections`;

export interface Counted {
  readonly statements: number;
  readonly connections: number;
}

export async function countOf(session: Session, user: string): Promise<Counted> {
  const [row] = await session.query<Record<keyof Counted, number | string>>(COUNTED, [user]);
  return { statements: Number(row?.statements ?? 0), connections: Number(row?.connections ?? 0) };
}

function toEvent(row: EventRow): StatementEvent {
  return {
    thread: Number(row.thread),
    eventId: Number(row.event_id),
    endEventId: row.end_event_id === null ? null : Number(row.end_event_id),
    name: row.name,
    text: row.text,
    textBytes: Number(row.text_bytes ?? 0),
    startedMs: Number(row.started_ms),
    endedMs: row.ended_ms === null ? null : Number(row.ended_ms),
    lockMs: Number(row.lock_ms),
    affected: Number(row.affected),
    sent: Number(row.sent),
    warnings: Number(row.warnings),
    error: Number(row.errors) === 0 ? null : { code: String(row.errno), message: row.message ?? '' },
    parentEventId: row.parent_type === 'STATEMENT' && row.parent !== null ? Number(row.parent) : null,
    transactionEventId: row.parent_type === 'TRANSACTION' && row.parent !== null ? Number(row.parent) : null,
  };
}
