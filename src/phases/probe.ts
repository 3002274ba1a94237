/**
 * What each pending statement does, learned beside the filling on a small copy that no load is on:
 *
 *  1. a server of its own, with the schema and a few rows per table
 *  2. statement after statement: what it locks, rewrites, reads and keeps waiting; then it is run for good
 *
 * Nothing that fails here fails the rehearsal: it is `not measured`, with its reason.
 */
import type { Probe } from '../engines/engine.ts';
import { EnvironmentError, explain, firstError, redact } from '../errors.ts';
import type { Learned, ProbedStatement, ProbeRecord, StatementEffects } from '../recording/recording.ts';
import { sendsByPart } from '../tools/index.ts';
import type { Migration } from '../tools/tool.ts';
import {
  fillSmall,
  PROBE_ROWS,
  type ProbeServer,
  type ProbeServerRequest,
  startProbeServer,
} from './probe-server.ts';
import type { StartedServer } from './provision.ts';

/**
 * How long a rehearsal is kept waiting once its rows are there: a few statements take less than a second, and one that sleeps
 * or runs for long on a few thousand rows is not worth it.
 */
const GRACE_MS = 20_000;

export interface ProbeBeside extends AsyncDisposable {
  /** Begins with the statements, and does not wait. */
  start(pending: readonly Migration[], rehearsed: StartedServer): void;
  /** Waits for the rest, and writes down what was learned. */
  finished(): Promise<void>;
}

/** Starts the server at once, since the one of the rehearsal takes as long. REHEARSE_PROBE: on, off, or as the engine has it. */
export function probeBeside(request: ProbeServerRequest): ProbeBeside {
  if (!isWanted(request)) return withoutProbe;
  const { recorder, progress } = request;
  const given = new AbortController();
  const own = { ...request, signal: AbortSignal.any([request.signal, given.signal]) };
  const booting = bootServer(own);
  // Whoever learns awaits it; until then a failure must not count as unhandled.
  booting.catch(() => undefined);
  let running: Learning | null = null;
  return {
    start(pending, rehearsed) {
      running = startLearning(own, booting, { pending, rehearsed });
    },
    async finished() {
      if (running === null) return;
      if (!running.isOver())
        progress.say(recorder.phase, 'learning what each statement does on a small copy');
      recorder.setProbe(await running.endWithin(GRACE_MS));
      request.signal.throwIfAborted();
      // Nothing else runs on the machine when the load begins.
      await stop();
    },
    [Symbol.asyncDispose]: stop,
  };

  async function stop(): Promise<void> {
    given.abort();
    await running?.endWithin(0);
    const server = await booting.catch(() => null);
    await server?.[Symbol.asyncDispose]();
  }
}

function isWanted({ engine: { probing } }: ProbeServerRequest): boolean {
  const { REHEARSE_PROBE: wanted } = process.env;
  if (wanted === 'off' || wanted === 'on') return wanted === 'on';
  return 'missing' in probing || probing.besideFilling;
}

const withoutProbe: ProbeBeside = {
  start: () => undefined,
  finished: async () => undefined,
  [Symbol.asyncDispose]: async () => undefined,
};

async function bootServer(request: ProbeServerRequest): Promise<ProbeServer> {
  const { probing } = request.engine;
  if ('missing' in probing) throw new EnvironmentError(probing.missing);
  return startProbeServer(request, probing);
}

interface Learning {
  isOver(): boolean;
  /** Gives up what is not through by then. */
  endWithin(limitMs: number): Promise<Learned<ProbeRecord>>;
}

interface Subject {
  readonly pending: readonly Migration[];
  readonly rehearsed: StartedServer;
}

function startLearning(
  request: ProbeServerRequest,
  booting: Promise<ProbeServer>,
  { pending, rehearsed }: Subject,
): Learning {
  const limit = new AbortController();
  const limited = { ...request, signal: AbortSignal.any([request.signal, limit.signal]) };
  const statements = allOf(request, pending);
  const learned: ProbedStatement[] = [];
  let over = false;
  const work = async (): Promise<void> => {
    const server = await booting;
    await fillSmall(limited, server, rehearsed);
    await learnAll(limited, server, statements, learned);
  };
  const ended = work()
    .then(
      () => null,
      (error: unknown) =>
        limit.signal.aborted
          ? `the small copy was not through ${GRACE_MS / 1000} s after the rows were filled`
          : explain(error),
    )
    .then((trouble) => recordOf(learned, trouble, statements))
    .finally(() => {
      over = true;
    });
  return {
    isOver: () => over,
    async endWithin(limitMs) {
      const timer = setTimeout(() => limit.abort(), limitMs);
      try {
        return await ended;
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

async function learnAll(
  { engine, signal }: ProbeServerRequest,
  { roles }: ProbeServer,
  statements: readonly Statement[],
  learned: ProbedStatement[],
): Promise<void> {
  if ('missing' in engine.probing) throw new EnvironmentError(engine.probing.missing);
  await using probe = await engine.probing.open({ administrator: roles.administrator, signal });
  for (const statement of statements) {
    signal.throwIfAborted();
    learned.push({ ...statement, effects: await learnOne(probe, statement.text, signal) });
  }
}

type Statement = Omit<ProbedStatement, 'effects'>;

/** Transactions are left out: the copy has one of its own around each statement. */
function allOf({ engine }: ProbeServerRequest, pending: readonly Migration[]): readonly Statement[] {
  return pending.flatMap((migration) =>
    sendsByPart(migration, engine.dialect)
      .flat()
      .flatMap(({ statements }) => statements)
      .filter(({ text }) => engine.dialect.kindOf(text) !== 'transaction')
      .map(({ text, line, index }) => {
        const { version, file } = migration;
        return { version, file, index, line, text };
      }),
  );
}

async function learnOne(
  probe: Probe,
  statement: string,
  signal: AbortSignal,
): Promise<Learned<StatementEffects>> {
  const effects = await probe.measure(statement).catch((error: unknown) => {
    signal.throwIfAborted();
    return { notMeasured: reasonOf(error) };
  });
  try {
    await probe.execute(statement);
  } catch {
    // What was measured it has done, as PREPARE has, which no rollback takes back; what follows says itself what it misses.
    signal.throwIfAborted();
  }
  return effects;
}

function reasonOf(thrown: unknown): string {
  const error = firstError(thrown);
  return `on the small copy: ${redact(error instanceof Error ? error.message : String(error))}`;
}

function recordOf(
  learned: readonly ProbedStatement[],
  trouble: string | null,
  all: readonly Statement[],
): Learned<ProbeRecord> {
  if (trouble !== null && learned.length === 0) return { notMeasured: trouble };
  const rest = all
    .slice(learned.length)
    .map((statement) => ({ ...statement, effects: { notMeasured: trouble ?? 'it was not tried' } }));
  return { rowsPerTable: PROBE_ROWS, statements: [...learned, ...rest] };
}
