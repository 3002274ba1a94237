/** A message as the log has it: when it began, what ran in it, how it ended. Pure. */
import { between, exactly, type Figure, notMeasured } from '../../../recording/figure.ts';
import type { SqlFailure } from '../../../recording/recording.ts';
import type { ServerInstant, ToldMessage, ToldStatement } from '../../engine.ts';
import type { LogRecord } from './record.ts';

/** The server cuts the time of a line off at a millisecond. */
export const LINE_MS = 1;
const SOURCE = 'server log: duration';
export const LINES = 'server log: times of its lines';
const NOT_TOLD = 'the server log does not tell it';

/** A statement, and what it is found by among what pg_stat_statements counts. */
export interface TrackedStatement extends ToldStatement {
  /** Before 14, and where the log does not tell it: null. */
  readonly queryId: string | null;
  /** It may never have been executed: the server evaluates simple expressions by itself. */
  readonly expression: boolean;
  /** It ran statements of which the log has no text: those of functions in SQL. */
  readonly untoldInside: boolean;
}

export interface TrackedMessage extends Omit<ToldMessage, 'statements'> {
  readonly statements: readonly TrackedStatement[];
}

/** A statement that a client sent is analysed. */
export interface Mark {
  readonly started: ServerInstant;
  readonly virtualTransaction: string | null;
  readonly transactionId: string | null;
  readonly queryId: string | null;
  /** It is known to be through; never known of utility statements. */
  done: boolean;
}

/** What a statement runs inside is analysed, for the first time or each time; by the shape of its text. */
export interface InsideMark {
  readonly text: string;
  readonly expression: boolean;
  readonly first: Mark;
  /** Number of marks before it of statements that a client sent. */
  readonly after: number;
}

export interface Open {
  readonly record: LogRecord;
  readonly text: string;
  /** Parsing and binding came in messages of their own before it. */
  readonly prepared: Prepared | null;
  readonly marks: Mark[];
  readonly inside: Map<string, InsideMark>;
  /** Of marks whose statements ran others without a text. */
  readonly untoldInside: Set<number>;
  /** Lines that the log has of what ran inside, for each mark, and before the first one. */
  readonly linesInside: Map<number, number>;
}

export interface Prepared {
  readonly text: string;
  readonly startedAtMs: number;
  tookMs: number;
}

export interface Ended {
  readonly record: LogRecord;
  /** By the server's own timer; null after an error. */
  readonly tookMs: number | null;
  readonly error: SqlFailure | null;
}

export function lineInstant({ atMs }: LogRecord): ServerInstant {
  return { notBeforeMs: atMs, notAfterMs: atMs + LINE_MS };
}

export function blankStatement(
  text: string,
  started: ServerInstant,
  { virtualTransaction, transactionId }: Pick<Mark, 'virtualTransaction' | 'transactionId'>,
): TrackedStatement {
  return {
    text,
    within: null,
    started,
    durationMs: notMeasured(NOT_TOLD),
    outcome: 'unknown',
    error: null,
    transaction: virtualTransaction,
    transactionId,
    rows: notMeasured(NOT_TOLD),
    logBytes: notMeasured(NOT_TOLD),
    queryId: null,
    expression: false,
    untoldInside: false,
  };
}

export function around(atMs: number): ServerInstant {
  return { notBeforeMs: atMs, notAfterMs: atMs + LINE_MS };
}

export function timesOf(
  { record, prepared }: Open,
  ended: Ended | null,
): { readonly started: ServerInstant; readonly durationMs: Figure } {
  const began = lineInstant(record);
  if (ended === null) return { started: began, durationMs: notMeasured('it was still running') };
  const beforeMs = prepared?.tookMs ?? 0;
  if (ended.tookMs === null) {
    const durationMs = spanBetween(began, lineInstant(ended.record));
    return { started: began, durationMs: longer(durationMs, beforeMs) };
  }
  const timed = around(ended.record.atMs - ended.tookMs);
  // The line of the beginning follows it.
  const started = { ...timed, notAfterMs: Math.min(timed.notAfterMs, began.notAfterMs) };
  const contradicts = started.notAfterMs < started.notBeforeMs;
  return {
    started: contradicts ? timed : started,
    durationMs: exactly(ended.tookMs + beforeMs, SOURCE),
  };
}

/**
 * The log has three lines of each statement inside that is analysed, and writing them takes time that production does not
 * spend: 0.04 to 0.1 ms were measured for the three, on two busy cores. From so many on it is told.
 */
const INSIDE_LINES_MS = 0.2;
const FEW_INSIDE = 10;

/** What a statement took without what the log took of it. */
export function withoutLogging(figure: Figure, inside: number): Figure {
  if ('notMeasured' in figure || inside < FEW_INSIDE) return figure;
  const lower = Math.max(0, figure.lower - inside * INSIDE_LINES_MS);
  return between(
    lower,
    figure.upper,
    `${figure.source}, less what logging ${inside} statements inside may have taken`,
  );
}

function longer(figure: Figure, byMs: number): Figure {
  return 'notMeasured' in figure ? figure : between(figure.lower + byMs, figure.upper + byMs, figure.source);
}

export function spanBetween(from: ServerInstant, to: ServerInstant): Figure {
  return between(
    Math.max(0, to.notBeforeMs - from.notAfterMs),
    Math.max(0, to.notAfterMs - from.notBeforeMs),
    LINES,
  );
}
