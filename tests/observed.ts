/** A server under observation for tests: a table of 100,000 orders, a session of each kind, and what they did as a recording. */
import type { Session } from '../src/engines/engine.ts';
import { type Observers, startObservers } from '../src/observers/index.ts';
import { createRecorder, type Recorder } from '../src/recording/recorder.ts';
import type { LockWait, Recording, StatementRecord, Step } from '../src/recording/recording.ts';
import { eventually, startTestServer, type TestServer } from './server.ts';

export interface Watched {
  readonly recorder: Recorder;
  readonly observers: Observers;
}

export interface Observed extends AsyncDisposable {
  readonly started: TestServer;
  readonly migrator: Session;
  /** Of the application "test long reader". */
  readonly drill: Session;
  readonly load: Session;
  readonly administrator: Session;
  /** Runs something under observation and gives the recording of it. */
  observe(work: (watched: Watched) => Promise<void>, ledgerTables?: ReadonlySet<string>): Promise<Recording>;
  /** Until the server shows that the session waits for a lock. */
  waiting(session: Session): Promise<true>;
  /** Until locks were read after this call: on a busy machine a wait of 30 ms can begin and end between two readings. */
  locksRead(): Promise<true>;
  secondsPassed(seconds: number): Promise<true>;
}

export async function startObserved(): Promise<Observed> {
  const started = await startTestServer();
  const migrator = await started.connect('migrator');
  const drill = await started.connect('drill', 'test long reader');
  const load = await started.connect('load');
  const administrator = await started.connect('administrator');
  await migrator.execute('create table orders (id bigint primary key, total int, note text)');
  await migrator.execute(
    "insert into orders select i, i % 1000, repeat('x', 100) from generate_series(1, 100000) i",
  );
  return {
    started,
    migrator,
    drill,
    load,
    administrator,
    observe: (work, ledgerTables = new Set()) => observe(started, work, ledgerTables),
    waiting: (session) =>
      eventually(`session ${session.id} waits`, async () => {
        const rows = await administrator.query('select 1 from pg_locks where not granted and pid = $1', [
          session.id,
        ]);
        return rows.length > 0 ? true : null;
      }),
    async locksRead() {
      const [now] = await administrator.query<{ at: string }>('select clock_timestamp()::text as at');
      return eventually('the locks are read', async () => {
        const rows = await administrator.query(
          `select 1 from pg_stat_activity
          where application_name = 'rehearse observer locks' and query like '%pg_locks%'
            and query_start > $1::timestamptz and state = 'idle'`,
          [now?.at],
        );
        return rows.length > 0 ? true : null;
      });
    },
    async secondsPassed(seconds) {
      await administrator.query('select pg_sleep($1)', [seconds]);
      return true;
    },
    async [Symbol.asyncDispose]() {
      for (const session of [migrator, drill, load, administrator]) await session[Symbol.asyncDispose]();
      await started[Symbol.asyncDispose]();
    },
  };
}

async function observe(
  started: TestServer,
  work: (watched: Watched) => Promise<void>,
  ledgerTables: ReadonlySet<string>,
): Promise<Recording> {
  const recorder = createRecorder({
    harnessVersion: '0',
    scenario: 'test',
    randomSeed: 1,
    budgets: {
      lockWaitMs: null,
      stallMs: null,
      durationMs: null,
      diskGrowthPeak: null,
      failedOperations: null,
      latencyP99: null,
      replicaLagMs: null,
    },
    migrations: { tool: 'plain', directory: '', lockTimeoutMs: null, applied: [], pending: [] },
  });
  const observers = await startObservers({ ...started, recorder, ledgerTables });
  try {
    await work({ recorder, observers });
  } finally {
    await observers[Symbol.asyncDispose]();
  }
  return recorder.recording({ how: 'completed' });
}

export function until(recorder: Recorder, atMs: number): Promise<true> {
  return eventually('the time comes', () => (recorder.now() >= atMs ? true : null));
}

/** Throws where it was not measured. */
export function boundsOf({ waitedMs }: Pick<LockWait, 'waitedMs'>): { lower: number; upper: number } {
  if ('notMeasured' in waitedMs) throw new Error(waitedMs.notMeasured);
  return waitedMs;
}

/** The one wait of a session; throws for none and for several. */
export function waitOf(recording: Recording, session: Session): LockWait {
  const [first, ...others] = recording.lockWaits.filter(({ waiter }) => waiter.sessionId === session.id);
  if (first === undefined || others.length > 0) throw new Error(`${others.length} waits too many, or none`);
  return first;
}

/** An ALTER that gave up; the session is the migration's. */
export function failedStatement(
  { id: sessionId }: Session,
  {
    startedAtMs,
    endedAtMs,
    code,
  }: { readonly startedAtMs: number; readonly endedAtMs: number; readonly code: string },
): StatementRecord {
  const durationMs = { lower: endedAtMs - startedAtMs, upper: endedAtMs - startedAtMs, source: 'clock' };
  return {
    id: '1#1.0',
    index: 0,
    attempt: 1,
    text: 'alter table orders add column never int',
    line: 1,
    startedAtMs,
    durationMs,
    sessionId,
    outcome: 'failed',
    effect: 'none',
    rows: null,
    error: { code, message: 'canceling statement due to lock timeout', statement: null, position: null },
  };
}

export function stepOf(...statements: readonly StatementRecord[]): Step {
  return {
    version: '1',
    name: 'step',
    file: '1.sql',
    outcome: 'applied',
    transaction: 'one',
    startedAtMs: 0,
    endedAtMs: 1,
    attempts: 1,
    statements,
    error: null,
  };
}
