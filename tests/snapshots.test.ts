/**
 * Snapshots as a user meets them: the second run forks what the first one kept, a kill at any instant leaves nothing that
 * looks whole, and two who want the same do not fill twice.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Recording } from '../src/recording/recording.ts';
import { containersMissing } from './containers.ts';
import { startedUntil } from './running.ts';
import { createSandbox, type Sandbox, SMALL_PROJECT, SMALL_SCHEMA, scenarioWith } from './sandbox.ts';

const embedded = ['--provision', 'embedded'];

/** A folder of snapshots of the sandbox's own. */
function keepingIn(sandbox: Sandbox): Readonly<Record<string, string>> {
  return { REHEARSE_SNAPSHOTS: join(sandbox.project, 'kept') };
}

async function kept(sandbox: Sandbox): Promise<readonly string[]> {
  return (await readdir(join(sandbox.project, 'kept')).catch(() => [])).toSorted();
}

async function seed(sandbox: Sandbox, args: readonly string[] = embedded): Promise<string> {
  const { exitCode, stdout, stderr } = await sandbox.start(['seed', ...args], keepingIn(sandbox));
  expect(exitCode, stderr).toBe(0);
  return /snapshot ([0-9a-f]+) /.exec(stdout)?.[1] ?? '';
}

/** The recording; its verdict is no matter here, and on a busy machine it may be inconclusive. */
async function run(sandbox: Sandbox, args: readonly string[] = embedded): Promise<Recording> {
  const { stdout, stderr } = await sandbox.start(['run', ...args, '--report', 'json=-'], keepingIn(sandbox));
  expect(stdout, stderr).toContain('"recording"');
  const { recording } = JSON.parse(stdout) as { recording: Recording };
  expect(recording.ended).toEqual({ how: 'completed' });
  return recording;
}

const originOf = ({ servers }: Recording) => servers[0]?.data;

test('a run forks what seed kept: no filling, a baseline right after, and --fresh does without', async () => {
  await using sandbox = await createSandbox(SMALL_PROJECT);
  const key = await seed(sandbox);
  expect(await kept(sandbox)).toEqual([key]);

  const recording = await run(sandbox);
  const origin = originOf(recording);
  expect(origin).toMatchObject({ origin: 'snapshot', key });
  expect(recording.notes.join('\n')).toContain(`The rows come from the snapshot ${key}`);
  expect(recording.filling).toMatchObject([
    { table: 'customers', rows: 50 },
    { table: 'orders', rows: 500 },
  ]);
  expect(recording.phases.map(({ name }) => name)).toEqual([
    ...['provision', 'fill', 'settle', 'warm-up', 'baseline', 'migration', 'recovery', 'stop'],
  ]);

  // A setting that decides nothing of what is stored, other budgets and another migration: the snapshot still fits.
  await writeFile(
    join(sandbox.project, 'migrations/1_note.sql'),
    'alter table orders add column remark text;\n',
  );
  await writeFile(
    join(sandbox.project, 'rehearsal.yaml'),
    scenarioWith({ database: { settings: { work_mem: '8MB' } }, budgets: { lockWait: '2s' } }),
  );
  const again = await run(sandbox);
  expect(originOf(again)).toMatchObject({ origin: 'snapshot', key });
  expect(again.servers[0]?.settings).toContainEqual({ name: 'work_mem', value: '8MB' });

  expect(originOf(await run(sandbox, [...embedded, '--fresh']))).toEqual({ origin: 'filled' });
  expect(await sandbox.leftBehind(undefined)).toEqual([]);
});

test('a snapshot that is damaged is said and filled anew', async () => {
  await using sandbox = await createSandbox(SMALL_PROJECT);
  const key = await seed(sandbox);
  await writeFile(join(sandbox.project, 'kept', key, 'data', 'PG_VERSION'), 'nonsense\n');
  const recording = await run(sandbox);
  expect(originOf(recording)).toEqual({ origin: 'filled' });
  expect(recording.notes.join('\n')).toContain(`snapshots remove ${key}`);
  expect(await kept(sandbox)).toEqual([key]);
});

/** What it says, and what it has done by then. */
const instants = [
  {
    moment: 'while the rows are filled',
    after: /^ {2}fill +applying/m,
    schema: `${SMALL_SCHEMA}select pg_sleep(600);\n`,
  },
  { moment: 'when the copy begins', after: /^ {2}settle +keeping a snapshot/m, schema: SMALL_SCHEMA },
];

for (const { moment, after, schema } of instants) {
  test(`kill -9 ${moment} leaves nothing that looks whole, and the next seed makes it`, async () => {
    await using sandbox = await createSandbox({ ...SMALL_PROJECT, 'schema.sql': schema });
    const command = await startedUntil(sandbox, ['seed', ...embedded], after, keepingIn(sandbox));
    command.kill('SIGKILL');
    await command.ended;
    expect((await kept(sandbox)).filter((name) => /^[0-9a-f]+$/.test(name))).toEqual([]);
    await writeFile(join(sandbox.project, 'schema.sql'), SMALL_SCHEMA);
    const key = await seed(sandbox);
    // The lock of the dead process is on another key where the schema was another one; nobody waits for it.
    expect((await kept(sandbox)).filter((name) => !name.endsWith('.lock'))).toEqual([key]);
    expect(await sandbox.leftBehind(command.pid)).toEqual([]);
  });
}

test('two at once: one fills, the other waits for the snapshot', async () => {
  await using sandbox = await createSandbox(SMALL_PROJECT);
  const env = keepingIn(sandbox);
  const [one, other] = await Promise.all([
    sandbox.start(['seed', ...embedded], env),
    sandbox.start(['seed', ...embedded], env),
  ]);
  expect([one.exitCode, other.exitCode], `${one.stderr}\n${other.stderr}`).toEqual([0, 0]);
  const outcomes = [one.stdout, other.stdout].map((text) => (text.includes(' is there') ? 'there' : 'kept'));
  expect(outcomes.toSorted()).toEqual(['kept', 'there']);
  expect((await kept(sandbox)).length).toBe(1);
});

test('list, remove and prune name what there is and why it is not used', async () => {
  await using sandbox = await createSandbox(SMALL_PROJECT);
  const env = keepingIn(sandbox);
  const key = await seed(sandbox);
  const file = join(sandbox.project, 'kept', key, 'manifest.json');
  const manifest = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  const text = await readFile(file, 'utf8');
  expect(text).not.toMatch(/password/i);

  await writeFile(file, JSON.stringify({ ...manifest, harnessVersion: '0.0.1' }));
  const listed = await sandbox.start(['snapshots', 'list'], env);
  expect(listed.stdout).toContain(key);
  expect(listed.stdout).toMatch(/not used: made by rehearse 0\.0\.1/);

  await writeFile(file, '{ half');
  expect((await sandbox.start(['snapshots', 'list'], env)).stdout).toMatch(
    /not used: its manifest is no JSON/,
  );
  const removed = await sandbox.start(['snapshots', 'remove', key.slice(0, 6)], env);
  expect(removed.stdout).toContain(`removed: ${key}`);
  expect(await kept(sandbox)).toEqual([]);

  const wrong = await sandbox.start(['snapshots', 'remove', '../..'], env);
  expect([wrong.exitCode, wrong.stderr]).toEqual([
    2,
    expect.stringContaining('there is no snapshot "../.."'),
  ]);
  const sizeless = await sandbox.start(['snapshots', 'prune'], env);
  expect([sizeless.exitCode, sizeless.stderr]).toEqual([2, expect.stringContaining('--keep SIZE')]);
});

test('a container forks a copied volume, and removing the snapshot removes it', async (context) => {
  const reason = await containersMissing('postgres:17');
  if (reason !== null) context.skip(reason);
  await using sandbox = await createSandbox(SMALL_PROJECT);
  const args = ['--provision', 'container', '--server-version', '17'];
  const key = await seed(sandbox, args);
  expect(originOf(await run(sandbox, args))).toMatchObject({ origin: 'snapshot', key });
  const removed = await sandbox.start(['snapshots', 'prune', '--keep', '0'], keepingIn(sandbox));
  expect(removed.stdout).toContain(`removed: ${key}`);
  expect(await kept(sandbox)).toEqual([]);
});
