/** Which statement of the migration a fact belongs to, by the session and the time. Pure. */
import { isMeasured } from '../recording/figure.ts';
import type { StatementRecord, Step } from '../recording/recording.ts';

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface RunStatement extends Span {
  readonly record: StatementRecord;
}

/** Statements that were sent, with the time in which they ran; one without a measured duration ran to its step's end. */
export function runStatements(steps: readonly Step[]): readonly RunStatement[] {
  return steps.flatMap((step) =>
    step.statements
      .filter(({ outcome }) => outcome !== 'not run')
      .map((record) => ({
        record,
        fromMs: record.startedAtMs,
        toMs: isMeasured(record.durationMs) ? record.startedAtMs + record.durationMs.upper : step.endedAtMs,
      })),
  );
}

/** The statement of a session that ran in a span; of several the one that shares most of it, or null for a tie. */
export function statementIn(
  statements: readonly RunStatement[],
  sessionId: number,
  span: Span,
): RunStatement | null {
  const shares = statements
    .filter(({ record }) => record.sessionId === sessionId)
    .map((statement) => ({ statement, share: overlap(statement, span) }))
    .filter(({ share }) => share >= 0)
    .sort((one, other) => other.share - one.share);
  const [first, second] = shares;
  if (first === undefined || first.share === second?.share) return null;
  return first.statement;
}

/** The one statement of a session that ran in a span; null when none did, or when it may have been either of two. */
export function onlyStatementIn(
  statements: readonly RunStatement[],
  sessionId: number,
  span: Span,
): RunStatement | null {
  const [first, second] = statements.filter(
    (statement) => statement.record.sessionId === sessionId && overlap(statement, span) >= 0,
  );
  return first === undefined || second !== undefined ? null : first;
}

/** Length of what two spans share; negative when they do not touch. */
export function overlap(one: Span, other: Span): number {
  return Math.min(one.toMs, other.toMs) - Math.max(one.fromMs, other.fromMs);
}

/** A step's changes can be pinned on a statement when it is the only one that may have changed a relation. */
export function soleStatement(step: Step, kindOf: (statement: string) => string): string | null {
  const [first, second] = ableStatements(step, kindOf);
  return first === undefined || second !== undefined ? null : first.id;
}

/**
 * The only statement of a step that names a table, where a table changes by statements alone that name it. Null as soon as
 * one may do anything (CALL, EXECUTE).
 */
export function soleNaming(step: Step, kindOf: (statement: string) => string, table: string): string | null {
  const able = ableStatements(step, kindOf);
  if (able.some(({ text }) => kindOf(text) === 'other')) return null;
  const [first, second] = able.filter(({ text }) => names(text, table));
  return first === undefined || second !== undefined ? null : first.id;
}

/** As a word of its own, in whatever case. */
function names(text: string, table: string): boolean {
  const [within, name] = [text.toLowerCase(), table.toLowerCase()];
  for (let at = within.indexOf(name); at >= 0; at = within.indexOf(name, at + 1)) {
    const around = within.charAt(at - 1) + within.charAt(at + name.length);
    if (!/[\w$\u0080-\uffff]/.test(around)) return true;
  }
  return false;
}

function ableStatements(step: Step, kindOf: (statement: string) => string): readonly StatementRecord[] {
  return step.statements.filter(
    ({ effect, text }) =>
      effect !== 'rolled back' && effect !== 'none' && ['ddl', 'other'].includes(kindOf(text)),
  );
}
