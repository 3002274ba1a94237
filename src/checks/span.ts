/** Which stretch of a recording counts against the budgets, which statement ran when, and what was left undone. */
import type { Recording, StatementRecord, Step, Window, WindowName } from '../recording/recording.ts';

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

export function windowOf(recording: Recording, name: WindowName): Window | null {
  return recording.windows.find((window) => window.name === name) ?? null;
}

/** From the start of the migration window to the end of the recovery; null when the migrations were not reached. */
export function judgedSpan(recording: Recording): Span | null {
  const migration = windowOf(recording, 'migration');
  if (migration === null) return null;
  const recovery = windowOf(recording, 'recovery');
  return { fromMs: migration.startedAtMs, toMs: Math.max(migration.endedAtMs, recovery?.endedAtMs ?? 0) };
}

/** Windows whose operations count against the budgets. */
export const JUDGED_WINDOWS: readonly WindowName[] = ['migration', 'recovery'];

export interface PlacedStatement {
  readonly step: Step;
  readonly statement: StatementRecord;
}

export function statementsOf(recording: Recording): readonly PlacedStatement[] {
  return recording.steps.flatMap((step) => step.statements.map((statement) => ({ step, statement })));
}

export function statementById(recording: Recording, id: string | null): PlacedStatement | null {
  return statementsOf(recording).find(({ statement }) => statement.id === id) ?? null;
}

/** The statement of the migration that ran at an instant, in one of those sessions where they are named; null when none did. */
export function statementAt(
  recording: Recording,
  atMs: number,
  sessions?: ReadonlySet<number>,
): PlacedStatement | null {
  const isTheirs = ({ sessionId }: StatementRecord): boolean =>
    sessions === undefined || sessionId === null || sessions.has(sessionId);
  return (
    statementsOf(recording).find(({ statement }) => isTheirs(statement) && runsAt(statement, atMs)) ?? null
  );
}

function runsAt({ startedAtMs, durationMs, outcome }: StatementRecord, atMs: number): boolean {
  if (outcome === 'not run') return false;
  const lastsMs = 'upper' in durationMs ? durationMs.upper : 0;
  return startedAtMs <= atMs && atMs <= startedAtMs + lastsMs;
}

/** Why figures of the whole migration are not complete, or null when every pending step was applied. */
export function unfinished(recording: Recording): string | null {
  const stopped = recording.steps.find(({ outcome }) => outcome !== 'applied');
  if (stopped !== undefined)
    return `${stopped.file} was not applied, so this is only what was seen until then`;
  return recording.ended.how === 'completed' ? null : 'the rehearsal was not completed';
}
