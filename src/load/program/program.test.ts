import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, startTestServer, type TestServer } from '../../../tests/server.ts';
import { findEngine } from '../../engines/index.ts';
import { EnvironmentError, UsageError } from '../../errors.ts';
import { countOf, mergeHistograms, percentileMs } from '../../recording/histogram.ts';
import type { LoadRecord } from '../../recording/recording.ts';
import type { LoadSettings } from '../../scenario/plan.ts';
import { findLoadProgram, refuseWrongScripts } from './find.ts';
import { startProgramLoad } from './start.ts';

const engine = findEngine('postgres');
const running = new AbortController().signal;
const missing = await findLoadProgram(engine, { name: 'pgbench', scripts: [] }, running).then(
  () => null,
  (error: Error) => error.message,
);
if (missing !== null && process.env.REHEARSE_REQUIRE_CONTAINERS) throw new Error(missing);

/** Skipped with the reason where there is no pgbench. */
function withProgram(name: string, work: () => Promise<void>): void {
  test(name, async (context) => {
    if (missing !== null) context.skip(missing);
    await work();
  });
}

const READ = `\\set id random(1, 1000)
select total from orders where id = :id;
`;
const PAY = `\\set id random(1, 1000)
begin;
update orders set total = total + 1 where id = :id;
commit;
`;

let server: TestServer;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rehearse-pgbench-'));
  if (missing !== null) return;
  server = await startTestServer();
  await using migrator = await server.connect('migrator');
  await migrator.execute(
    'create table orders (id int primary key, total int); insert into orders select n, n from generate_series(1, 1000) n',
  );
}, 60_000);
afterAll(async () => {
  await rm(folder, { recursive: true });
  await server?.[Symbol.asyncDispose]();
});

async function script(name: string, text: string, weight = 1) {
  const file = join(folder, name);
  await writeFile(file, text);
  return { file, weight };
}

type Scripts = readonly { readonly file: string; readonly weight: number }[];

function settingsOf(scripts: Scripts, change: Partial<LoadSettings> = {}): LoadSettings {
  return {
    ratePerSecond: 200,
    arrivals: 'poisson',
    pool: { size: 5, instances: 1, checkoutTimeoutMs: null, maxQueue: 1000 },
    statementTimeoutMs: null,
    protocol: 'prepared',
    operationsFile: null,
    nextOperationsFile: null,
    profileFile: null,
    rateIsWritten: true,
    threads: 1,
    program: { name: 'pgbench', scripts },
    warmUpMs: 0,
    baselineMs: 0,
    recoveryMs: 0,
    ...change,
  };
}

function start(settings: LoadSettings, signal = running) {
  const { program } = settings;
  if (program === null) throw new Error('no program');
  const zero = performance.now();
  const now = (): number => performance.now() - zero;
  return startProgramLoad(
    { engine, target: server.roles.load, settings, program, randomSeed: 7, now },
    signal,
  );
}

function expectIdentity(record: LoadRecord): void {
  for (const { due, completed, failed, dropped, inFlight } of record.windows)
    expect(completed + failed + dropped + inFlight).toBe(due);
}

function responses(record: LoadRecord) {
  return mergeHistograms(
    record.latencies.filter(({ kind }) => kind === 'response').map(({ histogram }) => histogram),
  );
}

withProgram('each logged transaction is an operation of its window, by its script', async () => {
  const scripts = [await script('read.sql', READ, 9), await script('pay.sql', PAY, 1)];
  await using load = await start(settingsOf(scripts));
  await load.open('baseline');
  await eventually('150 operations', () => load.pulse().completed >= 150);
  await load.open('migration');
  const { due } = load.pulse();
  await eventually('150 more', () => load.pulse().due >= due + 150);
  const record = await load.finish();

  expectIdentity(record);
  expect(record.windows.map(({ window }) => window)).toEqual(['baseline', 'migration']);
  expect(record.windows.every(({ completed }) => completed > 50)).toBe(true);
  const count = (name: string) =>
    countOf(
      mergeHistograms(
        record.latencies
          .filter(({ kind, operation }) => kind === 'response' && operation === name)
          .map(({ histogram }) => histogram),
      ),
    );
  expect(count('read.sql')).toBeGreaterThan(count('pay.sql'));
  expect(count('pay.sql')).toBeGreaterThan(0);
  expect(record.operations.map(({ kind }) => kind)).toEqual(['read', 'write']);
  const completed = record.windows.reduce((sum, each) => sum + each.completed, 0);
  expect(count('read.sql') + count('pay.sql')).toBe(completed);
  expect(record.slots.reduce((sum, slot) => sum + slot.due, 0)).toBe(
    record.windows.reduce((sum, each) => sum + each.due, 0),
  );
  expect(record.generator).toMatchObject({ died: null, limits: [] });
  expect('upper' in record.selfCheck.scheduleLagMsP99).toBe(true);
});

withProgram('a lock that is held for a second is a stall of that length', async () => {
  await using load = await start(settingsOf([await script('read.sql', READ)]));
  await load.open('baseline');
  await eventually('50 operations', () => load.pulse().completed >= 50);
  await load.open('migration');
  await using holder = await server.connect('migrator');
  await holder.query('begin');
  await holder.query('lock table orders in access exclusive mode');
  const heldFrom = performance.now();
  await holder.query('select pg_sleep(1)');
  const heldMs = performance.now() - heldFrom;
  await holder.query('commit');
  const { due } = load.pulse();
  await eventually('operations after it', () => load.pulse().due >= due + 200);
  const record = await load.finish();

  expectIdentity(record);
  const longest = Math.max(...record.stalls.map(({ fromMs, toMs }) => toMs - fromMs));
  // The first operation that queues is due some milliseconds after the lock is taken.
  expect(longest).toBeGreaterThan(heldMs - 200);
  expect(percentileMs(responses(record), 1)).toBeGreaterThan(heldMs - 200);
  expect(record.windows.find(({ window }) => window === 'migration')?.waitedInPool).toBeGreaterThan(50);
  expect(Math.max(...record.slots.map(({ poolQueue }) => poolQueue))).toBeGreaterThan(50);
});

withProgram('operations without a client in time are dropped, and the counts still add up', async () => {
  const pool = { size: 2, instances: 1, checkoutTimeoutMs: 200, maxQueue: 1000 };
  await using load = await start(settingsOf([await script('read.sql', READ)], { pool }));
  await load.open('migration');
  await using holder = await server.connect('migrator');
  await holder.query('begin');
  await holder.query('lock table orders in access exclusive mode');
  await holder.query('select pg_sleep(0.8)');
  await holder.query('commit');
  await eventually('skipped operations', () => load.pulse().dropped > 50);
  const record = await load.finish();
  expectIdentity(record);
  expect(record.outcomes).toMatchObject([{ operation: 'read.sql', outcome: 'dropped' }]);
  expect(record.windows[0]?.dropped).toBeGreaterThan(50);
});

withProgram('what runs at the end is in flight with its age, and nothing is left behind', async () => {
  await using holder = await server.connect('migrator');
  const scratch = tmpdir();
  const before = (await readdir(scratch)).filter((name) => name.startsWith('rehearse-load-'));
  const stop = new AbortController();
  {
    await using load = await start(settingsOf([await script('read.sql', READ)]), stop.signal);
    await load.open('migration');
    await eventually('an operation', () => load.pulse().completed > 0);
    await holder.query('begin');
    await holder.query('lock table orders in access exclusive mode');
    await eventually('all clients wait', async () => {
      const [row] = await holder.query<{ n: number }>(
        "select count(*)::int as n from pg_locks where not granted and relation = 'orders'::regclass",
      );
      return row?.n === 5;
    });
    stop.abort(new Error('Ctrl-C'));
    const record = await load.finish();
    expectIdentity(record);
    expect(record.windows[0]?.inFlight).toBe(5);
    expect(record.generator?.died).toBeNull();
  }
  await holder.query('rollback');
  const rows = await holder.query<{ n: number }>(
    "select count(*)::int as n from pg_stat_activity where application_name = 'rehearse load'",
  );
  expect(rows[0]?.n).toBe(0);
  expect((await readdir(scratch)).filter((name) => name.startsWith('rehearse-load-'))).toEqual(before);
});

withProgram('clients that end at an error are told, and when all have ended the load has died', async () => {
  await using load = await start(settingsOf([await script('read.sql', READ)]));
  await load.open('baseline');
  await eventually('an operation', () => load.pulse().completed > 0);
  await load.open('migration');
  await using migrator = await server.connect('migrator');
  await migrator.query('alter table orders rename to purchases');
  await eventually('all clients ended', () => load.pulse().failed === 5);
  const record = await load.finish();
  await migrator.query('alter table purchases rename to orders');
  expectIdentity(record);
  expect(record.outcomes).toMatchObject([
    { operation: 'read.sql', outcome: 'undefined object', count: 5, window: 'migration' },
  ]);
  expect(record.generator?.died?.message).toMatch(/aborted/);
  expect(record.generator?.limits.join()).toMatch(/5 of 5 clients/);
  expect(record.generator?.limits.join()).toMatch(/prints no code of most errors/);
});

withProgram('deadlocks have the code that pgbench knows them by, from its version 15 on', async () => {
  const found = await findLoadProgram(engine, { name: 'pgbench', scripts: [] }, running);
  if (Number.parseInt(found.version, 10) < 15) return;
  const locking = (first: number, second: number) =>
    `begin;
update orders set total = total + 1 where id = ${first};
select pg_sleep(0.05);
update orders set total = total + 1 where id = ${second};
commit;
`;
  const scripts = [await script('up.sql', locking(1, 2)), await script('down.sql', locking(2, 1))];
  await using load = await start(settingsOf(scripts, { ratePerSecond: 20 }));
  await load.open('migration');
  await eventually('a deadlock', () => load.pulse().failed > 0, 30_000);
  const record = await load.finish();
  expectIdentity(record);
  for (const { outcome, code } of record.outcomes) expect([outcome, code]).toEqual(['deadlock', '40P01']);
  expect(record.generator?.limits.join()).not.toMatch(/prints no code/);
});

withProgram('a script that pgbench refuses is told with its file and line', async () => {
  const wrong = settingsOf([await script('wrong.sql', 'select 1;\n\\set id random(1,\n')]);
  const refusal = refuseWrongScripts(engine, wrong, running);
  await expect(refusal).rejects.toThrow(UsageError);
  await expect(refusal).rejects.toThrow(/wrong\.sql:2: /);
  await expect(
    refuseWrongScripts(engine, settingsOf([await script('read.sql', READ)]), running),
  ).resolves.toBeUndefined();
});

withProgram('a script that the server refuses ends before the baseline', async () => {
  const scripts = [await script('lost.sql', 'select * from nowhere;\n')];
  /** All clients may have ended before all were seen, or after it. */
  const baseline = async (): Promise<void> => {
    await using load = await start(settingsOf(scripts));
    await eventually('an error', () => load.pulse().failed > 0);
    await load.open('baseline');
  };
  await expect(baseline()).rejects.toThrow(/relation "nowhere" does not exist/);
});

test('a pgbench that is not there is told with where it was looked for', async () => {
  const path = process.env.PATH;
  process.env.PATH = folder;
  const nowhere = {
    ...engine,
    loadPrograms: engine.loadPrograms.map((each) => ({ ...each, programFolders: [] })),
  };
  try {
    const found = findLoadProgram(nowhere, { name: 'pgbench', scripts: [] }, running);
    await expect(found).rejects.toThrow(EnvironmentError);
    await expect(found).rejects.toThrow(new RegExp(`no pgbench in ${folder}`));
  } finally {
    process.env.PATH = path;
  }
});

test('an engine that pgbench does not speak with says so', async () => {
  const found = findLoadProgram(findEngine('mysql'), { name: 'pgbench', scripts: [] }, running);
  await expect(found).rejects.toThrow(/cannot drive mysql: pgbench speaks with Postgres alone/);
});
