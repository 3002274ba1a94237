/**
 * What became of the statement in which a wait was: the server keeps the last ten statements of each session, and events
 * of one session are numbered in their order, so that a statement has the waits that lie between its own two numbers.
 * https://dev.mysql.com/doc/refman/8.4/en/performance-schema-events-statements-history-table.html
 */
import type { EndedWait, Session } from '../../engine.ts';
import { eventKey } from './metadata-rows.ts';
import { placeholders } from './threads.ts';
import type { Timed } from './timer-scale.ts';

/** The statement that a wait was in. */
export interface Ending extends Timed {
  readonly outcome: 'ok' | 'running' | NonNullable<EndedWait['failed']>;
  /**
   * LOCK_TIME of the innermost statement with the wait in it, since that of a CALL or a trigger's statement counts there
   * alone: on MySQL all its waits for row locks together, and little else; MariaDB leaves them out. Null: it is not kept.
   */
  readonly lockMs: number | null;
}

/** By `eventKey`; a wait whose statement is not kept any more is absent. */
export type Endings = ReadonlyMap<string, Ending>;

interface StatementRow {
  readonly thread: number;
  readonly event_id: number;
  readonly end_event_id: number | null;
  readonly code: number;
  readonly message: string | null;
  readonly started_ms: number | string;
  readonly ended_ms: number | string | null;
  readonly lock_ms: number | string;
  readonly level: number;
}

interface Wait {
  readonly thread: number;
  readonly eventId: number;
}

/** A lock is asked for once a statement runs: of nested statements the outer one failed too. */
export async function readEndings(session: Session, waits: readonly Wait[]): Promise<Endings> {
  if (waits.length === 0) return new Map();
  const threads = [...new Set(waits.map(({ thread }) => thread))];
  const rows = await session.query<StatementRow>(statementsQuery(threads), [...threads, ...threads]);
  return new Map(
    waits.flatMap((wait) => {
      const row = rows.findLast((statement) => Number(statement.level) === 0 && contains(statement, wait));
      if (row === undefined) return [];
      return [[eventKey(wait), endingOf(row, lockTimeOf(row, rows, wait))]];
    }),
  );
}

/** From the end of a wait to that of the statement which it made fail... */
const FAILING_MS = 20;
/** ...on a machine with a load of 16 it took longer. Another wait that timed out would have taken a second: both limits are whole ones. */
const TIMING_OUT_MS = 900;
/** ER_LOCK_WAIT_TIMEOUT */
const TIMED_OUT = '1205';

/** Whether a statement that failed so long after a wait can have failed of it. */
export function mayFailOf(code: string, afterMs: number): boolean {
  return afterMs <= (code === TIMED_OUT ? TIMING_OUT_MS : FAILING_MS);
}

/**
 * `locks`: as what is owned and wanted now tells. A statement without an error got what it waited for, and so did one that
 * went on for a while after the wait.
 */
export function endedAs(
  ending: Ending | undefined,
  /** At the latest. */
  waitEndedMs: number | null,
  locks: EndedWait['became'],
): Pick<EndedWait, 'became' | 'failed'> {
  if (ending === undefined || ending.outcome === 'running') return { became: locks };
  if (ending.outcome === 'ok') return { became: 'granted' };
  const { code } = ending.outcome;
  if (waitEndedMs !== null && !mayFailOf(code, ending.endedMs - waitEndedMs)) return { became: 'granted' };
  return { became: 'gave up', failed: ending.outcome };
}

function statementsQuery(threads: readonly number[]): string {
  return ['events_statements_current', 'events_statements_history']
    .map(
      (view) => `
      select s.thread_id as thread, s.event_id as event_id, s.end_event_id as end_event_id, s.mysql_errno as code,
        s.message_text as message, s.timer_start / 1e9 as started_ms, s.timer_end / 1e9 as ended_ms,
        s.lock_time / 1e9 as lock_ms, s.nesting_event_level as level
      from performance_schema.${view} s
      where s.thread_id in (${placeholders(threads)})`,
    )
    .join(' union all ');
}

function contains({ thread, event_id: first, end_event_id: last }: StatementRow, wait: Wait): boolean {
  return (
    Number(thread) === wait.thread &&
    Number(first) <= wait.eventId &&
    (last === null || Number(last) >= wait.eventId)
  );
}

/** Statements inside of another one are kept after the ones before them: where any is, one with the wait may be gone. */
function lockTimeOf(outer: StatementRow, rows: readonly StatementRow[], wait: Wait): number | null {
  const inside = rows.filter(
    (row) =>
      Number(row.level) > 0 && contains(outer, { thread: Number(row.thread), eventId: Number(row.event_id) }),
  );
  const [innermost] = inside
    .filter((row) => contains(row, wait))
    .toSorted((one, other) => Number(other.level) - Number(one.level));
  if (innermost !== undefined) return Number(innermost.lock_ms);
  return inside.length > 0 ? null : Number(outer.lock_ms);
}

function endingOf(row: StatementRow, lockMs: number | null): Ending {
  const { end_event_id: last, code, message } = row;
  const outcome =
    last === null || row.ended_ms === null
      ? ('running' as const)
      : Number(code) === 0
        ? ('ok' as const)
        : { code: String(code), message: message ?? '' };
  const { started_ms: startedMs, ended_ms: endedMs } = row;
  return { startedMs: Number(startedMs), endedMs: Number(endedMs ?? 0), lockMs, outcome };
}
