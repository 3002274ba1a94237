/**
 * Statements of one database user out of the server's log, with these settings on its role: log_statement = all (a line
 * when a statement begins), log_min_duration_statement = 0 (one when it ends) and log_parser_stats = on. The last one
 * writes a line as each statement of a message is about to be analysed: that tells the statements of one message apart,
 * and those that run inside a block or a function, which have a context. log_executor_stats = on writes one when a query
 * (no utility statement) is through. Pure.
 */
import type { SqlFailure } from '../../../recording/recording.ts';
import { split } from '../text/split.ts';
import { insideStatements, noteInside } from './inside.ts';
import {
  around,
  blankStatement,
  type Ended,
  LINE_MS,
  lineInstant,
  type Mark,
  type Open,
  type Prepared,
  type TrackedMessage,
  type TrackedStatement,
  timesOf,
  withoutLogging,
} from './message.ts';
import { inTurn, linesInside, severalStatements } from './pieces.ts';
import type { LogRecord } from './record.ts';

export interface StatementTracker {
  /** In the order of the log; gives the messages that ended. */
  add(record: LogRecord): readonly TrackedMessage[];
  /** Those that have not ended. */
  unfinished(): readonly TrackedMessage[];
  /** Lines whose kind is in another language than English, so that they could not be told. */
  readonly foreign: number;
}

export interface TrackRequest {
  readonly user: string;
  readonly database: string;
  /** `server_version_num` */
  readonly version: number;
}

export function trackStatements({ user, database, version }: TrackRequest): StatementTracker {
  const open = new Map<number, Open>();
  const prepared = new Map<number, Prepared>();
  let foreign = 0;

  function begin(record: LogRecord, text: string): void {
    const before = prepared.get(record.sessionId) ?? null;
    prepared.delete(record.sessionId);
    open.set(record.sessionId, {
      record,
      text,
      prepared: before?.text === text ? before : null,
      marks: [],
      inside: new Map(),
      linesInside: new Map(),
      untoldInside: new Set(),
    });
  }

  function end(record: LogRecord, ended: Ended): readonly TrackedMessage[] {
    const message = open.get(record.sessionId);
    open.delete(record.sessionId);
    if (message !== undefined) return [toldMessage(message, ended, version)];
    return ended.error === null ? [] : [unread(record, ended.error)];
  }

  function add(record: LogRecord): readonly TrackedMessage[] {
    if (record.user !== user || record.database !== database) return [];
    const { message, severity, sessionId } = record;
    if (severity === 'ERROR' || severity === 'FATAL' || severity === 'PANIC')
      return end(record, { record, tookMs: null, error: failureOf(record) });
    if (!SEVERITIES.has(severity)) foreign += 1;
    if (severity !== 'LOG') return [];
    if (message === 'PARSE ANALYSIS STATISTICS') {
      const within = open.get(sessionId);
      if (within === undefined) return [];
      if (record.context === null) within.marks.push(markOf(record));
      else noteInside(within, record.context, markOf(record));
      return [];
    }
    if (message === 'EXECUTOR STATISTICS') {
      const last = open.get(sessionId)?.marks.at(-1);
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
    const what = took[2] ?? took[3];
    if (what === undefined) return end(record, { record, tookMs, error: null });
    if (what === 'statement' || what === 'execute') {
      // Its session does without log_statement: the text comes with the end.
      begin({ ...record, atMs: record.atMs - tookMs }, message.slice(took[0].length));
      return end(record, { record, tookMs, error: null });
    }
    prepare(prepared, { record, tookMs, what, text: message.slice(took[0].length) });
    return [];
  }

  return {
    add,
    unfinished: () => [...open.values()].map((message) => toldMessage(message, null, version)),
    get foreign() {
      return foreign;
    },
  };
}

const BEGAN = /^(?:statement|execute (?:fetch from )?[^:]+): /;
const TOOK = /^duration: ([\d.]+) ms(?: {2}(?:(parse|bind|execute) [^:]+|(statement)): |$)/;
/** https://www.postgresql.org/docs/current/runtime-config-logging.html#RUNTIME-CONFIG-SEVERITY-LEVELS */
const SEVERITIES = new Set([
  ...['DEBUG', 'DEBUG1', 'DEBUG2', 'DEBUG3', 'DEBUG4', 'DEBUG5', 'LOG', 'INFO', 'NOTICE', 'WARNING'],
  ...['ERROR', 'FATAL', 'PANIC'],
]);

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
  const { virtualTransaction, transactionId, queryId } = record;
  return {
    started: { notBeforeMs: record.atMs - elapsedMs, notAfterMs: record.atMs - elapsedMs + LINE_MS },
    virtualTransaction,
    transactionId,
    queryId,
    done: false,
  };
}

function failureOf({ sqlState, message, position }: LogRecord): SqlFailure {
  return { code: sqlState, message, statement: null, position };
}

/** What the server could not even read has no line of its beginning, and its text is in no line. */
function unread(record: LogRecord, error: SqlFailure): TrackedMessage {
  const { sessionId, applicationName } = record;
  const blank = blankStatement('', lineInstant(record), record);
  return { sessionId, applicationName, statements: [{ ...blank, outcome: 'failed', error }] };
}

function toldMessage(message: Open, ended: Ended | null, version: number): TrackedMessage {
  const { sessionId, applicationName } = message.record;
  const pieces = split(message.text);
  const inOrder = inTurn(pieces, message.marks, version);
  const isOne = pieces.length <= 1;
  const owners = isOne ? message.marks.map(() => 0) : inOrder.owners;
  const statements = isOne
    ? [wholeStatement(message, ended, pieces[0]?.text ?? message.text.trim())]
    : severalStatements(message, ended, inOrder);
  return {
    sessionId,
    applicationName,
    statements: [...statements, ...insideStatements(message.inside.values(), owners)],
  };
}

function wholeStatement(message: Open, ended: Ended | null, text: string): TrackedStatement {
  const { record, prepared, marks } = message;
  const transactionId = ended?.record.transactionId ?? record.transactionId;
  const { started, durationMs } = timesOf(message, ended);
  return {
    ...blankStatement(text, started, { ...record, transactionId }),
    ...(prepared === null ? {} : { started: around(prepared.startedAtMs) }),
    durationMs: withoutLogging(
      durationMs,
      linesInside(
        message,
        marks.map(() => 0),
        0,
      ),
    ),
    outcome: ended === null ? 'unknown' : ended.error === null ? 'ok' : 'failed',
    error: ended?.error ?? null,
    untoldInside: message.untoldInside.size > 0,
    queryId: marks[0]?.queryId ?? ended?.record.queryId ?? null,
  };
}
