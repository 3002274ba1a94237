/** The running and the next version of the application's code, held against the schema between the steps. */
import type { Session } from '../engines/engine.ts';
import { EnvironmentError } from '../errors.ts';
import { type Operation, readCode, readNextStatements, runningStatements } from '../load/index.ts';
import type { CodeMoment, CodeStatement, Step } from '../recording/recording.ts';
import type { WindowsRequest } from './windows.ts';

export interface CodeWatch extends AsyncDisposable {
  /** Right before the first step. */
  beforeSteps(): Promise<void>;
  /** After each step, while nothing of the migration runs. */
  afterStep(step: Step): Promise<void>;
  /** When the last step has ended. */
  afterSteps(): Promise<void>;
}

/** Locks that somebody holds for longer are his to answer for; the migration must not wait for our question. */
const LOCK_TIMEOUT_MS = 100;
/** Of one statement, and of all of them together: some 60 tables with four statements each take well below a second. */
const STATEMENT_TIMEOUT_MS = 1000;
const READING_LIMIT_MS = 5000;

/** Null without a load: then there is no code to look at. */
export async function watchCode(
  request: WindowsRequest,
  operations: readonly Operation[],
): Promise<CodeWatch | null> {
  const { plan, engine, tool, started, filled, recorder, signal } = request;
  if (plan.load === null) return null;
  const { nextOperationsFile } = plan.load;
  const statements: readonly CodeStatement[] = [
    ...runningStatements(operations),
    ...(nextOperationsFile === null ? [] : await readNextStatements(nextOperationsFile, engine.dialect)),
  ];
  const session = await engine.connections
    .connect(
      started.roles.administrator,
      {
        applicationName: 'rehearse code',
        lockTimeoutMs: LOCK_TIMEOUT_MS,
        statementTimeoutMs: STATEMENT_TIMEOUT_MS,
      },
      signal,
    )
    .catch((error: unknown) => {
      if (!(error instanceof EnvironmentError)) throw error;
      recorder.setCode({ notMeasured: error.message });
      return null;
    });
  if (session === null) return null;
  const rows = new Map(filled.filling.map(({ table, rows: count }) => [table, count]));
  return follow({ ...request, session, statements, rows, together: tool.bracket === 'all' });
}

interface Following extends WindowsRequest {
  readonly session: Session;
  readonly statements: readonly CodeStatement[];
  readonly rows: ReadonlyMap<string, number>;
  /** The tool runs every pending migration in one go. */
  readonly together: boolean;
}

function follow(following: Following): CodeWatch {
  const { engine, tool, recorder, session, statements, rows, signal, together } = following;
  const moments: CodeMoment[] = [];
  const reached: Step[] = [];

  async function read(afterStep: string | null): Promise<void> {
    const atMs = recorder.now();
    const readings = await readCode({
      engine,
      session,
      statements,
      rows,
      limitMs: READING_LIMIT_MS,
      signal,
    });
    moments.push({ afterStep, atMs, durationMs: recorder.now() - atMs, readings });
    recorder.setCode({ statements, moments: [...moments] });
  }

  return {
    beforeSteps: () => read(null),
    async afterStep(step) {
      reached.push(step);
      if (!together) await read(step.version);
    },
    async afterSteps() {
      const last = reached.at(-1);
      if (!together || last === undefined) return;
      for (const { version } of reached.slice(0, -1))
        moments.push({
          afterStep: version,
          notMeasured: `${tool.title} runs all pending migrations in one go: there is nothing between them`,
        });
      await read(last.version);
    },
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}
