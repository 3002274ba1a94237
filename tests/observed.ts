/** A server under observation for tests: a table of 100,000 orders, a session of each kind, and what they did as a recording. */

import type { Session } from '../src/engines/engine.ts';
import { type Observers, startObservers } from '../src/observers/index.ts';
import type { ObservationRequest } from '../src/observers/observer.ts';
import type { Recorder } from '../src/recording/recorder.ts';
import type { LockWait, Recording, StatementRecord, Step } from '../src/recording/recording.ts';
import { bareRecorder } from './recorder.ts';
import { eventually, postgresServer, startTestServer, type TestServer } from './server.ts';

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
  observe(
    work: (watched: Watched) => Promise<void>,
    changes?: Partial<ObservationRequest>,
  ): Promise<Recording>;
  /** Until the server shows that the session waits for a lock. */
  waiting(session: Session): Promise<true>;
  /** Until locks were read after this call: on a busy machine a wait of 30 ms can begin and end between two readings. */
  locksRead(): Promise<true>;
  secondsPassed(seconds: number): Promise<true>;
}

/** What the observer of the locks asks, or asked last. */
interface ReadingSeen {
  readonly start: string;
  /** It looks from within the server. */
  readonly watching: boolean;
  readonly ended: boolean;
}

export async function startObserved(): Promise<Observed> {
  const started = await startTestServer(postgresServer(), { max_prepared_transactions: '2' });
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
    observe: (work, changes = {}) => observe(started, work, changes),
    waiting: (session) =>
      eventually(`session ${session.id} waits`, async () => {
        const rows = await administrator.query('select 1 from pg_locks where not granted and pid = $1', [
          session.id,
        ]);
        return rows.length > 0 ? true : null;
      }),
    async locksRead() {
      const [now] = await administrator.query<{ at: string }>('select clock_timestamp()::text as at');
      let first: ReadingSeen | null = null;
      return eventually('the locks are read', async () => {
        const [seen] = await administrator.query<ReadingSeen>(
          `select query_start::text as start, query like '%rehearse_watch%' as watching, state = 'idle' as ended
          from pg_stat_activity
          where application_name = 'rehearse observer locks' and query similar to '%(pg_locks|rehearse_watch)%'
            and query_start > $1::timestamptz`,
          [now?.at],
        );
        if (seen === undefined) return null;
        first ??= seen;
        // What a look from within has seen to be new is read after it: until that is done, or until it looks again.
        if (!seen.watching && seen.ended) return true;
        return seen.start !== first.start && (seen.watching || !first.watching) ? true : null;
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
  changes: Partial<ObservationRequest>,
): Promise<Recording> {
  const recorder = bareRecorder();
  const observers = await startObservers({ ...started, recorder, ...changes });
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
