/** The observers on a real server; each test makes the lock that it measures. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, sqlCode, startTestServer, type TestServer } from '../../tests/server.ts';
import type { Session } from '../engines/engine.ts';
import { isMeasured } from '../recording/figure.ts';
import { createRecorder, type Recorder } from '../recording/recorder.ts';
import type { DiskReading, LockWait, Recording, StatementRecord, Step } from '../recording/recording.ts';
import { sumBytes } from './disk-samples.ts';
import { type Observers, startObservers } from './index.ts';

let started: TestServer;
const sessions: Session[] = [];
let migrator: Session;
let drill: Session;
let load: Session;
let administrator: Session;

beforeAll(async () => {
  started = await startTestServer();
  migrator = await started.connect('migrator');
  drill = await started.connect('drill', 'test long reader');
  load = await started.connect('load');
  administrator = await started.connect('administrator');
  sessions.push(migrator, drill, load, administrator);
  await migrator.execute('create table orders (id bigint primary key, total int, note text)');
  await migrator.execute(
    "insert into orders select i, i % 1000, repeat('x', 100) from generate_series(1, 100000) i",
  );
});

afterAll(async () => {
  for (const session of sessions) await session[Symbol.asyncDispose]();
  await started[Symbol.asyncDispose]();
});

interface Watched {
  readonly recorder: Recorder;
  readonly observers: Observers;
}

/** Runs something under observation and gives the recording of it. */
async function observe(
  work: (watched: Watched) => Promise<void>,
  ledgerTables: ReadonlySet<string> = new Set(),
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

/** Until the server shows that the session waits for a lock. */
function waiting(session: Session): Promise<true> {
  return eventually(`session ${session.id} waits`, async () => {
    const rows = await administrator.query('select 1 from pg_locks where not granted and pid = $1', [
      session.id,
    ]);
    return rows.length > 0 ? true : null;
  });
}

/** Until locks were read after this call: on a busy machine a wait of 30 ms can begin and end between two readings. */
async function locksRead(): Promise<true> {
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
}

function until(recorder: Recorder, atMs: number): Promise<true> {
  return eventually('the time comes', () => (recorder.now() >= atMs ? true : null));
}

function boundsOf({ waitedMs }: Pick<LockWait, 'waitedMs'>): { lower: number; upper: number } {
  if ('notMeasured' in waitedMs) throw new Error(waitedMs.notMeasured);
  return waitedMs;
}

function waitOf(recording: Recording, session: Session): LockWait {
  const found = recording.lockWaits.filter(({ waiter }) => waiter.sessionId === session.id);
  expect(found).toHaveLength(1);
  const [first] = found;
  if (first === undefined) throw new Error('no wait');
  return first;
}

test.each([30, 200, 1500])(
  'a reader that holds on for %i ms, an ALTER, a SELECT behind it',
  async (heldMs) => {
    const times = {
      alterSent: 0,
      alterWaits: 0,
      selectSent: 0,
      selectWaits: 0,
      commitSent: 0,
      alterDone: 0,
      selectDone: 0,
    };
    const recording = await observe(async ({ recorder }) => {
      await drill.execute('begin');
      await drill.query('select 1 from orders limit 1');
      times.alterSent = recorder.now();
      const alter = migrator.execute(`alter table orders add column held_${heldMs} int`);
      await waiting(migrator);
      times.alterWaits = recorder.now();
      times.selectSent = recorder.now();
      const select = load.query('select 4711 from orders limit 1');
      await waiting(load);
      times.selectWaits = recorder.now();
      await locksRead();
      await until(recorder, times.alterSent + heldMs);
      times.commitSent = recorder.now();
      await drill.execute('commit');
      await alter;
      times.alterDone = recorder.now();
      await select;
      times.selectDone = recorder.now();
    });
    const alter = waitOf(recording, migrator);
    expect(alter).toMatchObject({
      waiter: { owner: 'migration', statement: `alter table orders add column held_${heldMs} int` },
      target: 'relation',
      relation: 'orders',
      mode: 'AccessExclusiveLock',
    });
    const select = waitOf(recording, load);
    expect(select).toMatchObject({
      waiter: { owner: 'load', statement: 'select ? from orders limit ?' },
      mode: 'AccessShareLock',
    });
    // Who blocks is read once a wait is seen: on a busy machine a short one is over by then.
    if (heldMs >= 200) {
      const reader = {
        sessionId: drill.id,
        owner: 'drill',
        applicationName: 'test long reader',
        state: 'idle in transaction',
      };
      expect(alter).toMatchObject({ blockers: [reader], ended: 'granted' });
      expect(select).toMatchObject({
        blockers: [reader, { sessionId: migrator.id, owner: 'migration' }],
        ended: 'granted',
      });
    }
    // The truth lies between these, and so must the interval share something with it.
    expect(boundsOf(alter).upper).toBeGreaterThanOrEqual(times.commitSent - times.alterWaits);
    expect(boundsOf(alter).lower).toBeLessThanOrEqual(times.alterDone - times.alterSent);
    expect(boundsOf(select).upper).toBeGreaterThanOrEqual(times.commitSent - times.selectWaits);
    expect(boundsOf(select).lower).toBeLessThanOrEqual(times.selectDone - times.selectSent);
    // The log times the load's waits from 10 ms on: by the server's own timer, to be found between the client's stamps.
    if (times.commitSent - times.selectWaits > 20) {
      expect(select.waitedMs).toMatchObject({ source: 'server log: log_lock_waits' });
      expect(boundsOf(select).lower).toBeGreaterThanOrEqual(times.commitSent - times.selectWaits - 1);
      expect(boundsOf(select).upper).toBeLessThanOrEqual(times.selectDone - times.selectSent + 1);
    }
    expect(alter.startedAtMs).toBeGreaterThanOrEqual(times.alterSent - 20);
    expect(alter.startedAtMs).toBeLessThanOrEqual(times.alterDone);
  },
);

test('a lock timeout is a wait that gave up, as long as the timeout', async () => {
  const recording = await observe(async ({ recorder }) => {
    await drill.execute('begin');
    await drill.query('select 1 from orders limit 1');
    await migrator.execute("set lock_timeout = '150ms'");
    const startedAtMs = recorder.now();
    expect(await sqlCode(migrator.execute('alter table orders add column never int'))).toBe('55P03');
    recorder.setStep(stepOf(failedStatement(startedAtMs, recorder.now(), '55P03')));
    await migrator.execute('reset lock_timeout');
    await drill.execute('commit');
  });
  const found = waitOf(recording, migrator);
  expect(found).toMatchObject({
    ended: 'lock timeout',
    statementId: '1#1.0',
    blockers: [{ sessionId: drill.id }],
  });
  expect(boundsOf(found).upper).toBeGreaterThanOrEqual(150);
});

test('a reload of the configuration in the middle of a wait leaves it one wait', async () => {
  const recording = await observe(async () => {
    await drill.execute('begin');
    await drill.query('lock table orders in access exclusive mode');
    const select = load.query('select 1 from orders limit 1');
    await waiting(load);
    await secondsPassed(0.05);
    for (let time = 0; time < 3; time += 1) {
      await administrator.query('select pg_reload_conf()');
      await secondsPassed(0.05);
    }
    await drill.execute('commit');
    await select;
  });
  const wait = waitOf(recording, load);
  expect(wait).toMatchObject({ ended: 'granted', waitedMs: { source: 'server log: log_lock_waits' } });
  expect(boundsOf(wait).lower).toBeGreaterThanOrEqual(200);
});

test('a convoy: a long reader, an ALTER behind it, twenty operations behind that', async () => {
  const crowd = await Promise.all(Array.from({ length: 20 }, () => started.connect('load')));
  const recording = await observe(async ({ recorder }) => {
    await drill.execute('begin');
    await drill.query('select 1 from orders limit 1');
    const alter = migrator.execute('alter table orders add column convoy int');
    await waiting(migrator);
    const selects = crowd.map((session) => session.query('select 1 from orders limit 1'));
    for (const session of crowd) await waiting(session);
    await until(recorder, recorder.now() + 200);
    await drill.execute('commit');
    await Promise.all([alter, ...selects]);
  });
  for (const session of crowd) await session[Symbol.asyncDispose]();
  expect(waitOf(recording, migrator)).toMatchObject({
    blockers: [{ sessionId: drill.id }],
    ended: 'granted',
  });
  const behind = recording.lockWaits.filter(({ waiter }) => waiter.owner === 'load');
  expect(behind.map(({ waiter }) => waiter.sessionId).sort()).toEqual(crowd.map(({ id }) => id).sort());
  for (const wait of behind) {
    expect(wait).toMatchObject({
      blockers: [{ sessionId: drill.id }, { sessionId: migrator.id }],
      relation: 'orders',
      ended: 'granted',
    });
    expect(boundsOf(wait).lower).toBeGreaterThanOrEqual(200);
  }
});

test('a row lock is a wait for a transaction, and its table is known', async () => {
  const recording = await observe(async () => {
    await drill.execute('begin');
    await drill.query('update orders set total = 1 where id = 7');
    const update = load.query('update orders set total = 2 where id = 7');
    await waiting(load);
    await eventually('the wait is read', async () => (await secondsPassed(0.1)) || null);
    await drill.execute('rollback');
    await update;
  });
  expect(waitOf(recording, load)).toMatchObject({
    target: 'transaction',
    relation: 'orders',
    mode: 'ShareLock',
    ended: 'granted',
    blockers: [{ sessionId: drill.id }],
  });
});

test('while an ACCESS EXCLUSIVE lock is held no observer waits for a lock, and all go on reading', async () => {
  const recording = await observe(async ({ recorder, observers }) => {
    await observers.beforeSteps();
    await migrator.execute('begin');
    await migrator.execute('alter table orders alter column total type bigint');
    await migrator.execute('drop index if exists nothing');
    const heldFromMs = recorder.now();
    while (recorder.now() - heldFromMs < 1500) {
      const rows = await administrator.query(`
        select l.pid
        from pg_locks l
        join pg_stat_activity a using (pid)
        where not l.granted and a.application_name like 'rehearse observer%'`);
      expect(rows).toEqual([]);
    }
    // The catalogs are read between the steps of a migration; another one may hold a lock then.
    await observers.afterStep(stepOf());
    await migrator.execute('rollback');
  });
  expect(recording.lockWaits.filter(({ waiter }) => waiter.owner === 'observer')).toEqual([]);
  expect(recording.notMeasured).toEqual([]);
  expect(recording.observers.map(({ name, trouble }) => [name, trouble])).toEqual([
    ['journal', []],
    ['progress', []],
    ['disk', []],
    ['locks', []],
    ['upkeep', []],
  ]);
  const held = recording.heldLocks.find(
    ({ mode, relation }) => mode === 'AccessExclusiveLock' && relation === 'orders',
  );
  expect(held?.sessionId).toBe(migrator.id);
  expect(held !== undefined && isMeasured(held.heldMs) && held.heldMs.upper).toBeGreaterThanOrEqual(1500);
  expect(held !== undefined && isMeasured(held.heldMs) && held.heldMs.lower).toBeGreaterThan(0);
});

test('CREATE INDEX CONCURRENTLY is never made to wait by the observers', async () => {
  const recording = await observe(async ({ observers }) => {
    await observers.beforeSteps();
    await migrator.execute('create index concurrently orders_note on orders (note, id)');
    await observers.afterStep(stepOf());
  });
  expect(
    recording.lockWaits.filter(({ blockers }) => blockers.some(({ owner }) => owner === 'observer')),
  ).toEqual([]);
  expect(recording.changes).toEqual([
    {
      statementId: null,
      relation: 'orders_note',
      algorithm: 'index built',
      detail: 'on orders',
      source: 'pg_index, pg_class.relfilenode',
      validity: 'valid',
    },
  ]);
  expect(recording.heldLocks.some(({ mode }) => mode === 'ShareUpdateExclusiveLock')).toBe(true);
});

test('what a tool does to its ledger is no change of the statement beside it', async () => {
  await migrator.execute('create table schema_migrations (version bigint primary key)');
  await migrator.execute('insert into schema_migrations values (1)');
  const recording = await observe(
    async ({ recorder, observers }) => {
      await observers.beforeSteps();
      await migrator.execute('begin');
      await migrator.execute('truncate schema_migrations');
      await migrator.execute('insert into schema_migrations values (2)');
      await locksRead();
      await migrator.execute('commit');
      const startedAtMs = recorder.now();
      const text = 'alter table orders rename column note to remark';
      await migrator.execute(text);
      const failed = failedStatement(startedAtMs, recorder.now(), '');
      await observers.afterStep(
        stepOf({ ...failed, text, outcome: 'ok', effect: 'took effect', error: null }),
      );
    },
    new Set(['schema_migrations']),
  );
  await migrator.execute('alter table orders rename column remark to note');
  await migrator.execute('drop table schema_migrations');
  expect(
    recording.changes.map(({ statementId, relation, algorithm }) => [statementId, relation, algorithm]),
  ).toEqual([[failedStatement(0, 0, '').id, 'orders', 'catalog only']]);
  // Neither the table nor its index.
  expect(recording.heldLocks.filter(({ relation }) => relation.startsWith('schema_migrations'))).toEqual([]);
});

test('the disk grows while a table is rewritten, and its areas add up to what du finds', async () => {
  const recording = await observe(async ({ recorder, observers }) => {
    await observers.beforeSteps();
    await migrator.execute('begin');
    await migrator.execute('alter table orders alter column total type numeric using total + 0.5');
    // Readings come less often on a busy machine, and one has to see both files.
    await until(recorder, recorder.now() + 1500);
    await migrator.execute('commit');
    await observers.afterStep(stepOf());
  });
  const { disk } = recording;
  if ('notMeasured' in disk) throw new Error(disk.notMeasured);
  const tables = (reading: DiskReading): number => reading.areas.tables ?? 0;
  expect(sumBytes(disk.peak)).toBeGreaterThanOrEqual(sumBytes(disk.after));
  expect(sumBytes(disk.peak)).toBeGreaterThanOrEqual(sumBytes(disk.before));
  const orders = disk.relations.find(({ relation }) => relation === 'orders');
  expect(orders?.kind).toBe('table');
  // The old and the new file are both there before the commit.
  expect(tables(disk.peak) - tables(disk.before)).toBeGreaterThan((orders?.beforeBytes ?? 0) / 2);
  expect(disk.relations.find(({ relation }) => relation === 'orders_pkey')?.kind).toBe('index');
  expect(isMeasured(disk.logWrittenBytes) && disk.logWrittenBytes.lower).toBeGreaterThan(
    orders?.beforeBytes ?? 0,
  );
  expect(recording.changes[0]).toMatchObject({ relation: 'orders', algorithm: 'rewrite' });
  const found = await bytesOnDisk();
  expect(Math.abs(sumBytes(disk.after) - found)).toBeLessThan(found * 0.05);
});

test('growth belongs to the statement whose file it is', async () => {
  const recording = await observe(async ({ recorder, observers }) => {
    const ran = async (index: number, text: string): Promise<StatementRecord> => {
      const startedAtMs = recorder.now();
      await migrator.execute(text);
      const failed = failedStatement(startedAtMs, recorder.now(), '');
      return {
        ...failed,
        id: `1#1.${index}`,
        index,
        text,
        outcome: 'ok',
        effect: 'took effect',
        error: null,
      };
    };
    await observers.beforeSteps();
    await migrator.execute('begin');
    const rewritten = await ran(0, 'alter table orders alter column total type bigint');
    const built = await ran(1, 'create index orders_total on orders (total, note)');
    await migrator.execute('commit');
    const step = stepOf(rewritten, built);
    recorder.setStep(step);
    await observers.afterStep(step);
  });
  const { disk } = recording;
  if ('notMeasured' in disk || disk.growth === undefined) throw new Error('the growth was not measured');
  const bytesOf = (relation: string) =>
    disk.relations.find((each) => each.relation === relation)?.afterBytes ?? 0;
  const grewBy = (statementId: string, relation: string) =>
    disk.growth?.find((each) => each.statementId === statementId && each.relation === relation);
  for (const [statementId, relation, kind] of [
    ['1#1.0', 'orders', 'table'],
    ['1#1.1', 'orders_total', 'index'],
  ] as const) {
    const found = grewBy(statementId, relation);
    expect(found).toMatchObject({ kind, newFile: true });
    expect(found !== undefined && isMeasured(found.grewBytes) && found.grewBytes.upper).toBeGreaterThan(
      bytesOf(relation) * 0.95,
    );
  }
  // The first reading after its end may have seen the next statement's file: at most so much, and at least nothing.
  const early = grewBy('1#1.0', 'orders_total');
  expect(early === undefined || (isMeasured(early.grewBytes) && early.grewBytes.lower === 0)).toBe(true);
});

test('sessions that are killed are opened again, and the gap is told', async () => {
  const recording = await observe(async ({ recorder }) => {
    await administrator.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'rehearse observer locks'`,
    );
    const startedAtMs = recorder.now();
    await until(recorder, startedAtMs + 100);
    await eventually('the observer is back', async () => {
      const rows = await administrator.query(
        "select 1 from pg_stat_activity where application_name = 'rehearse observer locks' and state = 'idle'",
      );
      return rows.length === 2 ? true : null;
    });
    await drill.execute('begin');
    await drill.query('select 1 from orders limit 1');
    const alter = migrator.execute('alter table orders add column after_gap int');
    await waiting(migrator);
    await until(recorder, recorder.now() + 100);
    await drill.execute('commit');
    await alter;
  });
  expect(waitOf(recording, migrator).relation).toBe('orders');
  const locks = recording.observers.find(({ name }) => name === 'locks');
  expect(locks?.trouble).toHaveLength(1);
  expect(locks?.trouble[0]).toMatch(/^no reading from \d+ ms to \d+ ms: /);
});

/** Independent of our own walk. */
async function bytesOnDisk(): Promise<number> {
  if ('missing' in started.server.dataDirectory) throw new Error(started.server.dataDirectory.missing);
  const found = await promisify(execFile)(
    'find',
    [started.server.dataDirectory.path, '-type', 'f', '-printf', '%b\n'],
    {
      maxBuffer: 2 ** 26,
    },
  );
  return found.stdout.split('\n').reduce((sum, blocks) => sum + Number(blocks) * 512, 0);
}

async function secondsPassed(seconds: number): Promise<boolean> {
  await administrator.query('select pg_sleep($1)', [seconds]);
  return true;
}

function failedStatement(startedAtMs: number, endedAtMs: number, code: string): StatementRecord {
  const durationMs = { lower: endedAtMs - startedAtMs, upper: endedAtMs - startedAtMs, source: 'clock' };
  return {
    id: '1#1.0',
    index: 0,
    attempt: 1,
    text: 'alter table orders add column never int',
    line: 1,
    startedAtMs,
    durationMs,
    sessionId: migrator.id,
    outcome: 'failed',
    effect: 'none',
    rows: null,
    error: { code, message: 'canceling statement due to lock timeout', statement: null, position: null },
  };
}

function stepOf(...statements: readonly StatementRecord[]): Step {
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
