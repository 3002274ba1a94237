/** Puts indexes, foreign keys and triggers back, several at once: the server checks every row meanwhile. */
import { availableParallelism } from 'node:os';
import {
  type RestoreTask,
  type SeenProgress,
  type Session,
  SqlError,
  type TableDescription,
} from '../engines/engine.ts';
import { UsageError } from '../errors.ts';
import { OF_NO_TABLE } from './filling-progress.ts';
import type { FillingRequest } from './seeder.ts';

/** Each builds with the whole maintenance memory of the filling profile. */
const SESSIONS_MAX = 4;

type Stages = readonly (readonly RestoreTask[])[];

/** Runs the stages one after the other. UsageError when the rows break a constraint; the other tasks are then cancelled. */
export async function restore(
  request: Pick<FillingRequest, 'engine' | 'administrator' | 'onProgress'> &
    Partial<Pick<FillingRequest, 'tables'>>,
  stages: Stages,
  signal: AbortSignal,
): Promise<void> {
  const most = Math.max(0, ...stages.map((tasks) => tasks.length));
  if (most === 0) return;
  const progress = createProgress(request, stages);
  await using opened = openedSessions();
  await using _watch = await watchServer(request, progress, signal);
  for (let count = Math.min(most, SESSIONS_MAX, availableParallelism()); count > 0; count -= 1) {
    const options = { applicationName: 'rehearse filling' };
    const session = await request.engine.connections.connect(request.administrator, options, signal);
    opened.sessions.push(session);
  }
  const { tables = [] } = request;
  for (const tasks of stages) await runStage(tasks, { sessions: opened.sessions, progress, tables, signal });
}

/** Node.js 22 has no AsyncDisposableStack. */
function openedSessions(): AsyncDisposable & { readonly sessions: Session[] } {
  const sessions: Session[] = [];
  return {
    sessions,
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(sessions.map((session) => session[Symbol.asyncDispose]()));
    },
  };
}

interface Stage {
  readonly sessions: readonly Session[];
  readonly progress: RestoreProgress;
  readonly tables: readonly TableDescription[];
  readonly signal: AbortSignal;
}

async function runStage(
  tasks: readonly RestoreTask[],
  { sessions, progress, tables, signal }: Stage,
): Promise<void> {
  const left = [...tasks];
  const failure = new AbortController();
  const stop = AbortSignal.any([signal, failure.signal]);
  const busy = new Set<string>();
  const work = async (session: Session): Promise<void> => {
    for (;;) {
      stop.throwIfAborted();
      const task = takeTask(left, busy);
      if (task === null) return;
      busy.add(task.table);
      progress.begin(task, session.id);
      try {
        for (const statement of task.statements) await executeUntil(session, statement, stop);
      } catch (error) {
        const told = error instanceof SqlError ? brokenBy(task, error, tables) : error;
        failure.abort(told);
        throw told;
      }
      busy.delete(task.table);
      progress.end(task);
    }
  };
  await Promise.allSettled(sessions.map(work));
  stop.throwIfAborted();
}

/** Tasks of one table often wait for each other's lock: one of another table first. */
function takeTask(left: RestoreTask[], busy: ReadonlySet<string>): RestoreTask | null {
  const other = left.findIndex(({ table }) => !busy.has(table));
  const [task] = left.splice(Math.max(0, other), 1);
  return task ?? null;
}

interface RestoreProgress {
  begin(task: RestoreTask, session: number): void;
  end(task: RestoreTask): void;
  /** What the server says of its sessions at work. */
  see(progress: readonly SeenProgress[]): void;
}

const WATCH_MS = 2_000;

/** Long ones are seen in the server's own views, where it has them; the user of a managed server may not. */
async function watchServer(
  { engine, administrator }: Pick<FillingRequest, 'engine' | 'administrator'>,
  progress: RestoreProgress,
  signal: AbortSignal,
): Promise<AsyncDisposable> {
  const watcher = await engine.connections.connect(
    administrator,
    { applicationName: 'rehearse progress' },
    signal,
  );
  let looking = Promise.resolve();
  const look = () => {
    looking = engine.views.readProgress(watcher).then(progress.see, () => undefined);
  };
  const timer = setInterval(look, WATCH_MS);
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await looking;
      await watcher[Symbol.asyncDispose]();
    },
  };
}

function createProgress({ onProgress }: Pick<FillingRequest, 'onProgress'>, stages: Stages): RestoreProgress {
  const total = stages.reduce((sum, tasks) => sum + tasks.length, 0);
  const running = new Map<RestoreTask, number>();
  let seen: readonly SeenProgress[] = [];
  let done = 0;
  const nameOf = ([{ what }, session]: readonly [RestoreTask, number]) => {
    const at = seen.find(({ sessionId }) => sessionId === session);
    const share = at === undefined || at.total === 0 ? '' : ` ${Math.floor((100 * at.done) / at.total)} %`;
    return at === undefined ? what : `${what} (${at.phase}${share})`;
  };
  const report = () => {
    const names = [...running].map(nameOf).join(', ');
    onProgress({
      ...OF_NO_TABLE,
      message: `indexes and keys: ${done} of ${total} done${names === '' ? '' : `; at ${names}`}`,
      rows: done,
      ofRows: total,
    });
  };
  return {
    begin(task, session) {
      running.set(task, session);
      seen = seen.filter(({ sessionId }) => sessionId !== session);
      report();
    },
    see(progress) {
      seen = progress;
      report();
    },
    end(task) {
      running.delete(task);
      done += 1;
      report();
    },
  };
}

/** Building an index of a large table can take minutes: an abort cancels it. */
async function executeUntil(session: Session, statement: string, signal: AbortSignal): Promise<void> {
  let cancelling: Promise<void> | null = null;
  const cancel = () => {
    cancelling = session.cancel();
    // The reason of the abort is told; that the statement had ended already is no news.
    cancelling.catch(() => undefined);
  };
  signal.addEventListener('abort', cancel, { once: true });
  try {
    await session.execute(statement);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', cancel);
    await cancelling;
  }
}

/** With the columns that the statement names; what is no violation of a constraint (class 23) is about the statement itself. */
function brokenBy(
  { table, what }: RestoreTask,
  error: SqlError,
  tables: readonly TableDescription[],
): UsageError {
  const statement = error.statement ?? '';
  if (error.code?.startsWith('23') === false)
    return new UsageError(
      `${table}: the server cannot make ${what} again with rows in the table: ${error.message} (${error.code}), told by ` +
        `"${statement}". Change or leave it out in the schema, or leave the table empty: data.tables."${table}".rows: 0`,
      { cause: error },
    );
  const words = new Set(statement.slice(statement.indexOf('(')).match(/[\w$\u0080-\uffff]+/g) ?? []);
  const columns = tables.find(({ name }) => name === table)?.columns ?? [];
  const [first, ...others] = columns.map(({ name }) => name).filter((name) => words.has(name));
  const setting = `data.tables."${table}".columns${first === undefined ? '' : `."${first}".values: { "...": 1 }`}`;
  const more = others.length === 0 ? '' : ` (and the same for ${others.join(', ')} where needed)`;
  return new UsageError(
    `${table}: the generated rows break a constraint of the schema, ${what}: ${error.message} (${error.code ?? 'no code'}), ` +
      `told by "${statement}". Say what its columns hold: ${setting}${more}, or set data.tables."${table}".rows to fewer.`,
    { cause: error },
  );
}
