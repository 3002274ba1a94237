/**
 * Lock waits out of the server's log: log_lock_waits tells each one that is longer than the waiting session's
 * deadlock_timeout, to within a millisecond. Pure. The lines are those of ProcSleep in src/backend/storage/lmgr/proc.c.
 */
import type { WaitEnding } from '../../../recording/recording.ts';
import type { ServerInstant } from '../../engine.ts';
import type { LogRecord } from './record.ts';
import { relationIn, targetOf } from './targets.ts';

export interface LoggedWait {
  readonly record: LogRecord;
  readonly mode: string;
  readonly target: string;
  /** Of the relation in the target, by its number; null for a transaction and the like. */
  readonly relationOid: number | null;
  readonly databaseOid: number | null;
  readonly started: ServerInstant;
  readonly waitedMs: number | null;
  readonly ended: ServerInstant;
  readonly ending: WaitEnding;
  readonly sessions: LockSessions;
}

/** As the first line of a wait lists them, by their process numbers. */
export interface LockSessions {
  /** Of the same lock, in whatever mode. */
  readonly holders: readonly number[];
  /** Who waits for it, the waiter itself left out; the order is not that of the queue. */
  readonly waiters: readonly number[];
}

export interface LoggedWaits {
  /** In the order of the log; gives the waits that ended. */
  add(record: LogRecord): readonly LoggedWait[];
}

const LINE_MS = 1;

interface Waiting
  extends Pick<LoggedWait, 'mode' | 'target' | 'relationOid' | 'databaseOid' | 'started' | 'sessions'> {
  readonly on: string;
  readonly lineAtMs: number;
}

export function trackLoggedWaits(): LoggedWaits {
  const open = new Map<number, Waiting>();

  function ended(
    record: LogRecord,
    wait: Waiting,
    how: Pick<LoggedWait, 'waitedMs' | 'ending'>,
  ): readonly LoggedWait[] {
    open.delete(record.sessionId);
    const { mode, target, relationOid, databaseOid, started, sessions } = wait;
    const at = { notBeforeMs: record.atMs, notAfterMs: record.atMs + LINE_MS };
    return [{ record, mode, target, relationOid, databaseOid, started, ended: at, sessions, ...how }];
  }

  return {
    add(record) {
      const { sessionId } = record;
      const line = LINE.exec(record.message);
      if (line !== null && Number(line[1]) === sessionId) {
        const waitedMs = Number(line[5]);
        const wait = waitingOf(record, { mode: line[3] ?? '', on: line[4] ?? '', waitedMs });
        const known = open.get(sessionId);
        const again =
          known !== undefined &&
          known.on === wait.on &&
          known.mode === wait.mode &&
          // It began before its earlier line was written; how long after the count a line comes, a busy machine decides.
          wait.started.notBeforeMs <= known.lineAtMs + LINE_MS;
        // Its last line lists nobody. A line comes after the count, so that the earliest start is the nearest to the truth.
        const whole = again
          ? { ...wait, sessions: known.sessions, started: earlier(known.started, wait.started) }
          : wait;
        if (line[2] === 'acquired') return ended(record, whole, { waitedMs, ending: 'granted' });
        if (line[2] === 'detected deadlock while waiting for')
          return ended(record, whole, { waitedMs, ending: 'deadlock' });
        // Before 19 a reload of the configuration repeats the line: it is the same wait, known better from its first line.
        if (!again) open.set(sessionId, wait);
        return [];
      }
      const ending = endingOf(record);
      if (ending === null) return [];
      const known = open.get(sessionId);
      return ended(record, known ?? unknownWait(record), { waitedMs: null, ending });
    },
  };
}

const LINE =
  /^process (\d+) (still waiting for|acquired|avoided deadlock for|detected deadlock while waiting for) (\w+) on (.+) after ([\d.]+) ms/;

function earlier(one: ServerInstant, other: ServerInstant): ServerInstant {
  return one.notBeforeMs <= other.notBeforeMs ? one : other;
}

/** DETAIL of a wait that goes on: "Process holding the lock: 12. Wait queue: 13, 14.", or "Processes holding". */
function sessionsIn({ detail, sessionId }: LogRecord): LockSessions {
  const [, holders = '', waiters = ''] =
    /^Process(?:es)? holding the lock: ([\d, ]*)\. Wait queue: ([\d, ]*)\.$/.exec(detail ?? '') ?? [];
  const numbers = (list: string): readonly number[] =>
    list.split(',').flatMap((each) => (each.trim() === '' ? [] : [Number(each)]));
  return { holders: numbers(holders), waiters: numbers(waiters).filter((each) => each !== sessionId) };
}

function waitingOf(
  record: LogRecord,
  { mode, on, waitedMs }: { readonly mode: string; readonly on: string; readonly waitedMs: number },
): Waiting {
  const relation = relationIn(on);
  const startedAtMs = record.atMs - waitedMs;
  return {
    sessions: sessionsIn(record),
    lineAtMs: record.atMs,
    on,
    mode,
    target: targetOf(on),
    relationOid: relation?.relationOid ?? null,
    databaseOid: relation?.databaseOid ?? null,
    started: { notBeforeMs: startedAtMs, notAfterMs: startedAtMs + LINE_MS },
  };
}

/** It waited for less than deadlock_timeout, if it waited at all. */
function unknownWait({ atMs }: LogRecord): Waiting {
  return {
    sessions: { holders: [], waiters: [] },
    lineAtMs: atMs,
    on: '',
    mode: '',
    target: '',
    relationOid: null,
    databaseOid: null,
    started: { notBeforeMs: Number.NEGATIVE_INFINITY, notAfterMs: atMs + LINE_MS },
  };
}

/** How an error may have ended a wait; https://www.postgresql.org/docs/current/errcodes-appendix.html */
function endingOf({ severity, sqlState, message }: LogRecord): WaitEnding | null {
  if (severity !== 'ERROR' && severity !== 'FATAL') return null;
  if (sqlState === '40P01') return 'deadlock';
  if (sqlState === '55P03') return message.includes('timeout') ? 'lock timeout' : null;
  if (sqlState === '57014') return message.includes('statement timeout') ? 'statement timeout' : 'cancelled';
  return sqlState === '57P01' ? 'cancelled' : null;
}
