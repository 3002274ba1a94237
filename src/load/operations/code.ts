/**
 * Whether the code of the application fits the schema as it stands: each statement is prepared and explained, none is
 * run. Between two steps of the migrations that tells which of them breaks which version of the code.
 */
import { type Dialect, type Engine, type Session, SqlError } from '../../engines/engine.ts';
import { UsageError } from '../../errors.ts';
import type { CodeReading, CodeStatement } from '../../recording/recording.ts';
import type { Operation } from '../load.ts';
import { renderReferences } from './references.ts';
import { parseWorkload } from './workload.ts';
import { readWorkload } from './workload-file.ts';

/** The statements of operations that the load sends. */
export function runningStatements(operations: readonly Operation[]): readonly CodeStatement[] {
  return operations.flatMap(({ record: { name, statements, codeVersion } }) =>
    statements.map((text) => ({ codeVersion, operation: name, text })),
  );
}

/**
 * The statements of the version that is being deployed, from its workload file. They need not fit the schema yet, so
 * only what no schema could mend is refused: UsageError with file and line.
 */
export async function readNextStatements(file: string, dialect: Dialect): Promise<readonly CodeStatement[]> {
  const text = await readWorkload(file, 'load.nextOperations');
  const problems: string[] = [];
  const statements = parseWorkload(text, file, dialect).flatMap(({ name, statements: drafts }) =>
    drafts.flatMap(({ written, line }): readonly CodeStatement[] => {
      const rendered = renderReferences(written, dialect);
      if (typeof rendered !== 'string')
        return [{ codeVersion: 'next', operation: name, text: rendered.text }];
      problems.push(`${file}:${line}: ${name}: ${rendered}`);
      return [];
    }),
  );
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
  return statements;
}

export interface CodeRequest {
  readonly engine: Engine;
  /** With a short lock timeout: the next step waits for the reading. */
  readonly session: Session;
  readonly statements: readonly CodeStatement[];
  /** Rows by table, as filled. */
  readonly rows: ReadonlyMap<string, number>;
  /** The reading ends after so long; what is left is not measured. */
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

/** One reading for each statement, in their order. */
export async function readCode(request: CodeRequest): Promise<readonly CodeReading[]> {
  const { statements, limitMs, signal } = request;
  const deadline = performance.now() + limitMs;
  const readings: CodeReading[] = [];
  for (const { text } of statements) {
    if (signal.aborted) readings.push({ outcome: 'not measured', reason: 'the rehearsal was interrupted' });
    else if (performance.now() < deadline) readings.push(await readOne(request, text));
    else
      readings.push({
        outcome: 'not measured',
        reason: `the statements before it took ${limitMs / 1000} s, which is the longest that a step is held up`,
      });
  }
  return readings;
}

async function readOne({ engine, session, rows }: CodeRequest, text: string): Promise<CodeReading> {
  try {
    const { fullScans } = await engine.schema.inspect(session, text);
    return {
      outcome: 'works',
      fullScans:
        'notMeasured' in fullScans
          ? fullScans
          : fullScans.map((table) => ({ table, rows: rows.get(table) ?? null })),
    };
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    const { code, message, position } = error;
    const outcome = engine.dialect.classify(code, message);
    // What says nothing about the statement itself: it did not come to be read.
    if (['lock timeout', 'statement timeout', 'deadlock', 'connection lost'].includes(outcome))
      return { outcome: 'not measured', reason: `${outcome} (${code ?? 'no code'}): ${message}` };
    return { outcome: 'breaks', error: { code, message, statement: text, position } };
  }
}
