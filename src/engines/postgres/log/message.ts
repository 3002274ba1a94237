/** A message as the log has it: when it began, what ran in it, how it ended. Pure. */
import { between, exactly, type Figure, notMeasured } from '../../../recording/figure.ts';
import type { SqlFailure } from '../../../recording/recording.ts';
import type { ServerInstant, ToldStatement } from '../../engine.ts';
import type { LogRecord } from './record.ts';

/** The server cuts the time of a line off at a millisecond. */
export const LINE_MS = 1;
const SOURCE = 'server log: duration';
const LINES = 'server log: times of its lines';
const NOT_TOLD = 'the server log does not tell it';

export interface Mark {
  readonly started: ServerInstant;
  /** Of the statement that ran it; null: a client sent it. */
  readonly inside: { readonly text: string } | null;
  readonly virtualTransaction: string | null;
  readonly transactionId: string | null;
  /** It is known to be through; never known of utility statements. */
  done: boolean;
}

export interface Open {
  readonly record: LogRecord;
  readonly text: string;
  /** Parsing and binding came in messages of their own before it. */
  readonly prepared: Prepared | null;
  readonly marks: Mark[];
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
): ToldStatement {
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
