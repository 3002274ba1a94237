/** What of a migration travels to the server together, and how it is written down: pure. */
import type { Dialect } from '../engines/engine.ts';
import { exactly, notMeasured } from '../recording/figure.ts';
import type { SqlFailure, StatementRecord } from '../recording/recording.ts';
import type { Migration, ScriptPart } from './tool.ts';

/** One message to the server. */
export interface Send {
  readonly sql: string;
  /** 1-based line of the file at which `sql` starts. */
  readonly line: number;
  /** What the server will find in it. */
  readonly statements: readonly NumberedStatement[];
}

export interface NumberedStatement {
  readonly text: string;
  readonly line: number;
  /** 0-based character offset in the message. */
  readonly offset: number;
  /** Within the migration, over all its parts. */
  readonly index: number;
}

/** The messages of a part; `firstIndex` is the number of statements in the parts before it. */
export function sendsOf(part: ScriptPart, firstIndex: number, dialect: Dialect): readonly Send[] {
  const statements = dialect.split(part.sql).map(({ text, line, offset }, index) => ({
    text,
    line: part.line + line - 1,
    offset,
    index: firstIndex + index,
  }));
  if (part.message === 'whole') return [{ sql: part.sql, line: part.line, statements }];
  return statements.map((statement) => ({
    sql: statement.text,
    line: statement.line,
    statements: [{ ...statement, offset: 0 }],
  }));
}

/** The messages of each part of a migration. */
export function sendsByPart(migration: Migration, dialect: Dialect): readonly (readonly Send[])[] {
  let firstIndex = 0;
  return migration.parts.map((part) => {
    const sends = sendsOf(part, firstIndex, dialect);
    firstIndex += sends.reduce((sum, { statements }) => sum + statements.length, 0);
    return sends;
  });
}

/** Who sent a message, and when. */
export interface Sending {
  readonly version: string;
  readonly attempt: number;
  readonly sessionId: number;
  readonly startedAtMs: number;
}

/** Statements that were never sent. */
export function recordsNotRun(
  version: string,
  sends: readonly Send[],
  atMs: number,
): readonly StatementRecord[] {
  return sends.flatMap(({ statements }) =>
    statements.map((statement) => ({
      ...blankRecord(statement, { version, attempt: 1, sessionId: 0, startedAtMs: atMs }),
      sessionId: null,
      durationMs: notMeasured('it was not run'),
      outcome: 'not run' as const,
      effect: 'none' as const,
    })),
  );
}

/** The message while it runs: kept when the rehearsal ends before it does. */
export function recordRunning(send: Send, sending: Sending): readonly StatementRecord[] {
  return [{ ...messageRecord(send, sending), durationMs: notMeasured('it was still running') }];
}

/** What came back. */
export interface Answer {
  readonly endedAtMs: number;
  readonly rows: number | null;
  readonly failure: SqlFailure | null;
  /** Statements of the message that the server completed before the failing one, where it tells. */
  readonly completed: number | null;
}

export interface Answered {
  readonly records: readonly StatementRecord[];
  /** As the server would name it: with the failing statement and the position in it, as far as they are known. */
  readonly failure: SqlFailure | null;
  /** False when it is not known which statement of the message failed: then there is one record for all of them. */
  readonly told: boolean;
}

const CLOCK = 'recorder clock, around the message';

/** The records of a message that was answered. Effects are filled in when its transaction has ended. */
export function recordAnswered(send: Send, sending: Sending, answer: Answer): Answered {
  const { statements } = send;
  const duration = exactly(answer.endedAtMs - sending.startedAtMs, CLOCK);
  const failed = answer.failure === null ? -1 : failingIndex(send, answer);
  if (answer.failure !== null && failed === null) {
    const record = { ...messageRecord(send, sending), durationMs: duration, error: answer.failure };
    return { records: [record], failure: answer.failure, told: false };
  }
  const at = failed ?? -1;
  const failure = answer.failure === null ? null : failureWithin(send, at, answer.failure);
  const others = `it was sent in one message of ${statements.length} statements; the step has the time of them all`;
  const records = statements.map((statement, index): StatementRecord => {
    const notRun = at >= 0 && index > at;
    return {
      ...blankRecord(statement, sending),
      durationMs: statements.length === 1 ? duration : notMeasured(notRun ? 'it was not run' : others),
      outcome: index === at ? 'failed' : notRun ? 'not run' : 'ok',
      rows: index === statements.length - 1 && at < 0 ? answer.rows : null,
      error: index === at ? failure : null,
    };
  });
  return { records, failure, told: true };
}

/** Index in the message of the statement that failed; null when neither count nor position tells. */
function failingIndex({ sql, statements }: Send, { completed, failure }: Answer): number | null {
  if (statements.length === 1) return 0;
  if (completed !== null && completed < statements.length) return completed;
  if (failure === null || failure.position === null) return null;
  const offset = unitsBefore(sql, failure.position - 1);
  const found = statements.findLastIndex((statement) => statement.offset <= offset);
  return found < 0 ? null : found;
}

function failureWithin({ sql, statements }: Send, index: number, failure: SqlFailure): SqlFailure {
  const statement = statements[index];
  if (statement === undefined) return failure;
  if (failure.position === null) return { ...failure, statement: statement.text };
  const before = [...sql.slice(0, statement.offset)].length;
  return { ...failure, statement: statement.text, position: failure.position - before };
}

/** Servers count characters, JavaScript counts UTF-16 units. */
function unitsBefore(text: string, characters: number): number {
  let units = 0;
  let left = characters;
  for (const character of text) {
    if (left <= 0) break;
    units += character.length;
    left -= 1;
  }
  return units;
}

function messageRecord(send: Send, sending: Sending): StatementRecord {
  const [first] = send.statements;
  const text = send.statements.length === 1 && first !== undefined ? first.text : send.sql.trim();
  return blankRecord({ text, line: first?.line ?? send.line, index: first?.index ?? 0 }, sending);
}

/** A failed record of unknown effect, to be filled in. */
function blankRecord(
  { text, line, index }: Pick<NumberedStatement, 'text' | 'line' | 'index'>,
  { version, attempt, sessionId, startedAtMs }: Sending,
): StatementRecord {
  return {
    id: `${version}#${attempt}.${index}`,
    index,
    attempt,
    text,
    line,
    startedAtMs,
    durationMs: notMeasured('unknown'),
    sessionId,
    outcome: 'failed',
    effect: 'unknown',
    rows: null,
    error: null,
  };
}
