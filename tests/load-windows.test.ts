/** A rehearsal whose load is pgbench with a script of the user, from the command line to the report. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findEngine } from '../src/engines/index.ts';
import { findLoadProgram } from '../src/load/index.ts';
import { readRecording } from '../src/recording/store.ts';
import { rehearse } from './command.ts';

/**
 * The recoveries have a long limit: at a few operations a second two slow ones are a slow second, and a baseline of two
 * seconds may have had none.
 */
const never = new AbortController().signal;
const missing = await findLoadProgram(findEngine('postgres'), { name: 'pgbench', scripts: [] }, never).then(
  () => null,
  (error: Error) => error.message,
);
if (missing !== null && process.env.REHEARSE_REQUIRE_CONTAINERS) throw new Error(missing);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rehearse-pgbench-run-'));
  await mkdir(join(folder, 'migrations'));
  await writeFile(
    join(folder, 'schema.sql'),
    'create table orders (id bigint primary key, total int not null);\n',
  );
  await writeFile(
    join(folder, 'migrations', '1_note.sql'),
    'alter table orders add column note text;\nselect pg_sleep(1.2);\n',
  );
  await writeFile(
    join(folder, 'read.sql'),
    '\\set id random(1, 1000)\nselect total from orders where id = :id;\n',
  );
});
afterAll(() => rm(folder, { recursive: true }));

async function latestRecording(name: string) {
  const reports = join(folder, 'reports', name);
  return readRecording(join(reports, (await readdir(reports)).toSorted().at(-1) ?? ''));
}

async function scenario(operations: string): Promise<string> {
  const file = join(folder, 'rehearsal.yaml');
  await writeFile(
    file,
    `name: pgbench-load
database: { engine: postgres, provision: embedded }
data: { schema: schema.sql, rows: 1000 }
load:
  generator: pgbench
  rate: 200/s
  pool: { size: 5, checkoutTimeout: none }
  operations: ${operations}
  warmUp: 1s
  baseline: 2s
  recovery: 40s
migrations: { tool: sql, directory: migrations }
budgets: { stall: 500ms, lockWait: none, duration: none, diskGrowthPeak: none, failedOperations: 0 }
`,
  );
  return file;
}

test('the transactions of pgbench show the stall of a migration, and the verdict is theirs', async (context) => {
  if (missing !== null) context.skip(missing);
  const file = await scenario('[read.sql@3]');
  const { exitCode, stdout, stderr } = await rehearse(['run', file], { cwd: folder });
  expect(exitCode, stderr).toBe(1);
  expect(stdout).toMatch(/without a completed operation, budget 500 ms \[stall\]/);
  expect(stdout).toMatch(/by pgbench \d+/);

  const reports = join(folder, 'reports', 'pgbench-load');
  const [latest = ''] = (await readdir(reports))
    .filter((name) => name !== 'latest')
    .toSorted()
    .reverse();
  const recording = await readRecording(join(reports, latest));
  if ('notMeasured' in recording.load) throw new Error(recording.load.notMeasured);
  const { load } = recording;
  expect(load.generator).toMatchObject({ died: null });
  expect(load.windows.map(({ window }) => window)).toEqual(['baseline', 'migration', 'recovery']);
  for (const { due, completed, failed, dropped, inFlight } of load.windows)
    expect(completed + failed + dropped + inFlight).toBe(due);
  const longest = Math.max(...load.stalls.map(({ fromMs, toMs }) => toMs - fromMs));
  expect(longest).toBeGreaterThan(1000);
  expect(load.warmUp?.due).toBeGreaterThan(0);
  const words = stdout.replace(/\s+/g, ' ');
  expect(words).toMatch(/warm-up of \S+ \S+ discarded/);
  expect(recording.recovery).toMatchObject({ factor: 1.2, recovered: true });
  expect(words).toMatch(/p99 back within 1\.2 x that of the worst second/);
  // Its sessions are known as the load's: the lock waits say who waited.
  expect(recording.lockWaits.some(({ waiter }) => waiter.owner === 'load')).toBe(true);
  expect(JSON.stringify(recording)).not.toMatch(/PGPASSWORD/);
});

test('our own load: a short migration has a window of a hundred operations, and what was discarded is told', async () => {
  const file = join(folder, 'own.yaml');
  await writeFile(
    file,
    `name: own-load
database: { engine: postgres, provision: embedded }
data: { schema: schema.sql, rows: 1000 }
load: { rate: 60/s, pool: { size: 5 }, warmUp: 500ms, baseline: 2s, recovery: 40s }
migrations: { tool: sql, directory: short }
`,
  );
  await mkdir(join(folder, 'short'));
  await writeFile(join(folder, 'short', '1_note.sql'), 'alter table orders add column note text;\n');
  const { exitCode, stdout, stderr } = await rehearse(['run', file], { cwd: folder });
  expect(exitCode, `${stdout}${stderr}`).toBe(0);
  const recording = await latestRecording('own-load');
  if ('notMeasured' in recording.load) throw new Error(recording.load.notMeasured);
  const window = recording.windows.find(({ name }) => name === 'migration');
  const counted = recording.load.windows.find((each) => each.window === 'migration');
  expect((window?.endedAtMs ?? 0) - (window?.startedAtMs ?? 0)).toBeGreaterThanOrEqual(1000);
  expect(counted?.due).toBeGreaterThanOrEqual(100);
  expect(recording.load.warmUp?.due).toBeGreaterThan(10);
  expect(recording.load.warmUp?.durationMs).toBeGreaterThanOrEqual(500);
  expect(recording.recovery).toMatchObject({ recovered: true });
});

test('MySQL is told before anything is started', async () => {
  const file = await scenario('read.sql');
  const { exitCode, stderr } = await rehearse(['run', file, '--engine', 'mysql'], { cwd: folder });
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(/load\.generator: "pgbench" cannot drive mysql: pgbench speaks with Postgres alone/);
});
