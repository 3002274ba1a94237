/**
 * Statements of one database user out of the server's log, with these settings on its role: log_statement = all (a line
 * when a statement begins), log_min_duration_statement = 0 (one when it ends) and log_parser_stats = on. The last one
 * writes a line as each statement of a message is about to be analysed: that tells the statements of one message apart,
 * and those that run inside a block or a function, which have a context. log_executor_stats = on writes one when a query
 * (no utility statement) is through. Pure.
 */
import type { SqlFailure } from '../../../recording/recording.ts';
import type { ToldMessage, ToldStatement } from '../../engine.ts';
import { split } from '../text/split.ts';
import {
  around,
  blankStatement,
  type Ended,
  LINE_MS,
  lineInstant,
  type Mark,
  type Open,
  type Prepared,
  timesOf,
} from './message.ts';
import { severalStatements } from './pieces.ts';
import type { LogRecord } from './record.ts';

export interface StatementTracker {
  /** In the order of the log; gives the messages that ended. */
  add(record: LogRecord): readonly ToldMessage[];
  /** Those that have not ended. */
  unfinished(): readonly ToldMessage[];
}

export function trackStatements(user: string, database: string): StatementTracker {
  const open = new Map<number, Open>();
  const prepared = new Map<number, Prepared>();

  function begin(record: LogRecord, text: string): void {
    const before = prepared.get(record.sessionId) ?? null;
    prepared.delete(record.sessionId);
    open.set(record.sessionId, {
      record,
      text,
      prepared: before?.text === text ? before : null,
      marks: [],
    });
  }

  function end(record: LogRecord, ended: Ended): readonly ToldMessage[] {
    const message = open.get(record.sessionId);
    open.delete(record.sessionId);
    if (message !== undefined) return [toldMessage(message, ended)];
    return ended.error === null ? [] : [unread(record, ended.error)];
  }

  function add(record: LogRecord): readonly ToldMessage[] {
    if (record.user !== user || record.database !== database) return [];
    const { message, severity, sessionId } = record;
    if (severity === 'ERROR' || severity === 'FATAL' || severity === 'PANIC')
      return end(record, { record, tookMs: null, error: failureOf(record) });
    if (severity !== 'LOG') return [];
    if (message === 'PARSE ANALYSIS STATISTICS') {
      open.get(sessionId)?.marks.push(markOf(record));
      return [];
    }
    if (message === 'EXECUTOR STATISTICS') {
      const last = open.get(sessionId)?.marks.findLast(({ inside }) => inside === null);
      if (last !== undefined && record.context === null) last.done = true;
      return [];
    }
    const began = BEGAN.exec(message);
    if (began !== null) {
      begin(record, message.slice(began[0].length));
      return [];
    }
    const took = TOOK.exec(message);
    if (took === null) return [];
    const tookMs = Number(took[1]);
    if (took[2] === undefined) return end(record, { record, tookMs, error: null });
    prepare(prepared, { record, tookMs, what: took[2], text: message.slice(took[0].length) });
    return [];
  }

  return {
    add,
    unfinished: () => [...open.values()].map((message) => toldMessage(message, null)),
  };
}

const BEGAN = /^(?:statement|execute (?:fetch from )?[^:]+): /;
const TOOK = /^duration: ([\d.]+) ms(?: {2}(parse|bind) [^:]+: |$)/;

function prepare(
  prepared: Map<number, Prepared>,
  {
    record,
    tookMs,
    what,
    text,
  }: { readonly record: LogRecord; readonly tookMs: number; readonly what: string; readonly text: string },
): void {
  const known = prepared.get(record.sessionId);
  if (what === 'bind' && known?.text === text) known.tookMs += tookMs;
  else prepared.set(record.sessionId, { text, startedAtMs: record.atMs - tookMs, tookMs });
}

function markOf(record: LogRecord): Mark {
  const elapsedMs = Number(/([\d.]+) s elapsed/.exec(record.detail ?? '')?.[1] ?? 0) * 1000;
  const { virtualTransaction, transactionId, context } = record;
  const nested = context === null ? null : (INSIDE.exec(context)?.[1] ?? '');
  return {
    started: { notBeforeMs: record.atMs - elapsedMs, notAfterMs: record.atMs - elapsedMs + LINE_MS },
    inside: nested === null ? null : { text: nested },
    virtualTransaction,
    transactionId,
    done: false,
  };
}

/** The innermost context comes first; the text may hold quotes and line ends. */
const INSIDE = /^SQL statement "([\s\S]*?)"(?:\n(?:PL\/|SQL function|SQL statement|extension script)|$)/;

function failureOf({ sqlState, message, position }: LogRecord): SqlFailure {
  return { code: sqlState, message, statement: null, position };
}

/** What the server could not even read has no line of its beginning, and its text is in no line. */
function unread(record: LogRecord, error: SqlFailure): ToldMessage {
  const { sessionId, applicationName } = record;
  const blank = blankStatement('', lineInstant(record), record);
  return { sessionId, applicationName, statements: [{ ...blank, outcome: 'failed', error }] };
}

function toldMessage(message: Open, ended: Ended | null): ToldMessage {
  const { sessionId, applicationName } = message.record;
  const pieces = split(message.text);
  const marks = message.marks.filter(({ inside }) => inside === null);
  const statements =
    pieces.length <= 1
      ? [wholeStatement(message, ended, pieces[0]?.text ?? message.text.trim())]
      : severalStatements(message, ended, { pieces, marks });
  return { sessionId, applicationName, statements: [...statements, ...nestedStatements(message)] };
}

function wholeStatement(message: Open, ended: Ended | null, text: string): ToldStatement {
  const { record, prepared } = message;
  const transactionId = ended?.record.transactionId ?? record.transactionId;
  const { started, durationMs } = timesOf(message, ended);
  return {
    ...blankStatement(text, started, { ...record, transactionId }),
    ...(prepared === null ? {} : { started: around(prepared.startedAtMs) }),
    durationMs,
    outcome: ended === null ? 'unknown' : ended.error === null ? 'ok' : 'failed',
    error: ended?.error ?? null,
  };
}

/** What ran inside a block or a function, once for each text: a plan is kept, so that later runs leave no line. */
function nestedStatements({ marks }: Open): readonly ToldStatement[] {
  const found: ToldStatement[] = [];
  let outer = -1;
  for (const mark of marks) {
    if (mark.inside === null) outer += 1;
    else if (mark.inside.text !== '') {
      const blank = blankStatement(mark.inside.text.trim(), mark.started, mark);
      found.push({ ...blank, within: Math.max(0, outer) });
    }
  }
  return found;
}
