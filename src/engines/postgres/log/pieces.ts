/** The statements of one message, told apart by the marks that the log has of them. Pure. */
import { notMeasured } from '../../../recording/figure.ts';
import type { SqlFailure } from '../../../recording/recording.ts';
import { dialect } from '../text/dialect.ts';
import {
  blankStatement,
  type Ended,
  lineInstant,
  type Mark,
  type Open,
  spanBetween,
  type TrackedStatement,
  timesOf,
  withoutLogging,
} from './message.ts';

const EITHER = 'the server log does not tell whether it failed or its neighbour';

export interface Pieces {
  readonly pieces: readonly { readonly text: string; readonly offset: number }[];
  /** One of each statement, as far as they were begun. */
  readonly marks: readonly Mark[];
  /** Statement of each mark of the message; more than one belong to PREPARE, and to COPY of a query. */
  readonly owners: readonly number[];
}

/** Which mark is which statement's, as a server of this version (`server_version_num`) writes them. */
export function inTurn(pieces: Pieces['pieces'], found: readonly Mark[], version: number): Pieces {
  const twice = version >= PREPARE_TWICE_SINCE ? ANALYSED_TWICE : COPY_OF_QUERY;
  const marks: Mark[] = [];
  const owners: number[] = [];
  for (const [index, { text }] of pieces.entries()) {
    const mark = found[owners.length];
    if (mark === undefined) break;
    marks.push(mark);
    owners.push(index);
    if (owners.length < found.length && twice.test(dialect.blank(text))) owners.push(index);
  }
  // More of them than statements: none is to be believed.
  return owners.length < found.length
    ? { pieces, marks: found, owners: found.map(() => 0) }
    : { pieces, marks, owners };
}

/** The query in it is analysed by itself too: pg_analyze_and_rewrite_* in src/backend/commands/copy.c and prepare.c. */
const COPY_OF_QUERY = /^\s*copy\s*\(/i;
const ANALYSED_TWICE = /^\s*(?:copy\s*\(|prepare\s+(?!transaction\b))/i;
const PREPARE_TWICE_SINCE = 150_000;

/** Each begins where its mark is and ends where the next one begins; as many marks as statements, or none is believed. */
export function severalStatements(
  message: Open,
  ended: Ended | null,
  { pieces, marks, owners }: Pieces,
): readonly TrackedStatement[] {
  const failed = ended?.error ?? null;
  const failing = failed === null ? null : failingPieces(failed, { pieces, marks, owners });
  const failedAt = failing?.at(-1) ?? null;
  const told =
    marks.length === pieces.length || (marks.length < pieces.length && (ended === null || failed !== null));
  const whole = timesOf(message, ended);
  return pieces.map(({ text }, index) => {
    const mark = told ? marks[index] : undefined;
    const blank = {
      ...blankStatement(text, mark?.started ?? whole.started, mark ?? message.record),
      queryId: mark?.queryId ?? null,
      untoldInside: [...message.untoldInside].some((after) => owners[after - 1] === index),
    };
    const inside = linesInside(message, owners, index);
    if (failedAt !== null && index > failedAt)
      return { ...blank, outcome: 'not run', durationMs: notMeasured('it was not run') };
    if (failing !== null && failing.length > 1 && failing.includes(index))
      return { ...blank, error: failed, durationMs: notMeasured(EITHER) };
    const isLast = index === (failedAt ?? (ended === null ? marks.length - 1 : pieces.length - 1));
    const next = isLast ? (ended === null ? null : lineInstant(ended.record)) : marks[index + 1]?.started;
    return {
      ...blank,
      durationMs:
        next === undefined || next === null || (mark === undefined && failedAt !== index)
          ? notMeasured(
              `the server log does not tell the ${pieces.length} statements of its message apart (${marks.length} seen)`,
            )
          : withoutLogging(spanBetween(mark?.started ?? next, next), inside),
      outcome:
        failedAt === index ? 'failed' : ended === null && (isLast || mark === undefined) ? 'unknown' : 'ok',
      error: failedAt === index ? failed : null,
    };
  });
}

/** Statements that the log has inside one of a message. */
export function linesInside({ linesInside: lines }: Open, owners: readonly number[], index: number): number {
  return [...lines].reduce(
    (sum, [after, count]) => sum + (Math.max(0, owners[after - 1] ?? 0) === index ? count : 0),
    0,
  );
}

/**
 * Index of the statement that failed; two where it may have been either: the last one that was begun is a utility
 * statement, of which the log does not tell whether it was through, and the next one's names may have been wrong.
 */
function failingPieces({ code }: SqlFailure, { pieces, marks }: Pieces): readonly number[] {
  const begun = Math.min(marks.length, pieces.length) - 1;
  const next = pieces[begun + 1];
  if (begun < 0) return [0];
  if (next === undefined) return [begun];
  if (marks[begun]?.done === true) return [begun + 1];
  if (isQuery(pieces[begun]?.text ?? '')) return [begun];
  return isQuery(next.text) && code !== null && FOUND_IN_ANALYSIS.test(code) ? [begun, begun + 1] : [begun];
}

/** What the server plans and executes, and does not hand over to a utility. */
function isQuery(text: string): boolean {
  return /^\s*\(*\s*(?:select|insert|update|delete|merge|with|values|table)\b/i.test(dialect.blank(text));
}

/** Feature not supported, data exceptions of literals, syntax and names. */
const FOUND_IN_ANALYSIS = /^(?:0A|22|42)/;
