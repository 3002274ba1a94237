/** `rehearse init` in projects as they are found, and `rehearse run` right after it. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parse } from 'yaml';
import { checkScenario } from '../src/scenario/load.ts';
import { rehearse } from './command.ts';
import { PROJECTS } from './init-projects.ts';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rehearse init '));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
  }
}

function read(path: string): Promise<string> {
  return readFile(join(directory, path), 'utf8');
}

function init(...args: string[]) {
  return rehearse(['init', ...args], { cwd: directory });
}

/** The comments that hold keys, as keys. */
function uncommented(text: string): string {
  return text.replace(/^( *)# (?=( *- )?[a-zA-Z" ]+: ?[^ ]|(tables|drills):)/gm, '$1');
}

for (const [title, { files, tool, directory: migrations, released, pending }] of Object.entries(PROJECTS)) {
  test(`a project of ${title} is rehearsed right after init`, async () => {
    await write(files);
    const made = await init();
    expect(made.exitCode, made.stderr).toBe(0);
    expect(made.stdout).toContain(`pending: ${pending}\n`);

    const text = await read('rehearsal.yaml');
    const scenario = parse(text);
    expect(scenario.migrations).toEqual({
      tool,
      directory: migrations,
      ...(released === null ? {} : { released }),
    });
    expect(scenario.load.operations).toBe('workload.sql');

    const short = text
      .replace(/(baseline|recovery): 10s/g, '$1: 1s')
      .replace('load:', 'load:\n  warmUp: 200ms');
    await write({ 'rehearsal.yaml': short });
    const run = await rehearse(['run', '--rows', '2k', '--report', 'json=-'], { cwd: directory });
    const { recording } = JSON.parse(run.stdout);
    expect(recording.ended, run.stderr).toEqual({ how: 'completed' });
    expect(recording.steps.map((step: { file: string }) => step.file).join(', ')).toBe(pending);
    expect(recording.steps.every((step: { outcome: string }) => step.outcome === 'applied')).toBe(true);
    expect(recording.load.operations.length).toBeGreaterThan(1);
  });
}

test('every key of the written scenario is known, those in comments too', async () => {
  await write(PROJECTS.dbmate?.files ?? {});
  await init();
  const text = await read('rehearsal.yaml');
  expect(() => checkScenario(parse(text), directory)).not.toThrow();
  const all = parse(uncommented(text));
  expect(() => checkScenario(all, directory)).not.toThrow();
  expect(all).toMatchObject({
    database: { version: '18', settings: { max_connections: 200 } },
    data: { tables: { invoices: { rows: '5M' } } },
    migrations: { lockTimeout: '300ms' },
    drills: [{ longReader: { table: 'invoices' } }],
  });
});

test('nothing that is there is overwritten without --force', async () => {
  await write({ ...PROJECTS.dbmate?.files, 'rehearsal.yaml': 'name: mine\n' });
  const refused = await init();
  expect(refused.exitCode).toBe(2);
  expect(refused.stderr).toContain(
    'rehearsal.yaml is already there: edit it, or write over it with --force.',
  );
  expect(await read('rehearsal.yaml')).toBe('name: mine\n');

  await write({ 'workload.sql': '-- name: mine\nselect 1;\n' });
  await rm(join(directory, 'rehearsal.yaml'));
  const kept = await init();
  expect(kept.stdout).toContain('workload.sql is already there and is used as it is');
  expect(await read('workload.sql')).toContain('mine');

  expect((await init('--force')).exitCode).toBe(0);
  expect(await read('workload.sql')).not.toContain('mine');
});

test('a scenario under another name is not shadowed by a second one', async () => {
  await write({ ...PROJECTS.dbmate?.files, 'rehearsal.yml': 'name: mine\n' });
  const { stderr, exitCode } = await init('--force');
  expect(exitCode).toBe(2);
  expect(stderr).toContain('rehearsal.yml is already there');
});

const REFUSALS: Readonly<
  Record<string, { files: Readonly<Record<string, string>>; args?: string[]; says: RegExp }>
> = {
  'a folder without migrations': {
    files: { 'notes.txt': '' },
    says: /no migrations are found in .*--migrations/,
  },
  'a single migration without a schema': {
    files: { 'migrations/1_orders.sql': 'create table orders (id bigserial primary key);' },
    says: /there is no schema file, and a single migration .*--schema FILE/,
  },
  'migrations of two tools': {
    files: { 'db/V1__a.sql': 'select now()::text;', 'sql/000001_a.up.sql': 'select now()::text;' },
    says: /more than one migration tool[\s\S]*flyway in db[\s\S]*--tool/,
  },
  'a tool that is not known': {
    files: { 'migrations/1_a.sql': 'select 1;' },
    args: ['--tool', 'dbmat'],
    says: /"dbmat".*dbmate/,
  },
  'a schema file that is not there': {
    files: { 'migrations/1_a.sql': 'alter table orders add column note text;' },
    args: ['--schema', 'db/dump.sql'],
    says: /db\/dump\.sql"/,
  },
  'a schema that the server refuses': {
    files: {
      'schema.sql': 'create table orders (id bigserial primary key);\n\ncreate table x (y nosuchtype);\n',
      'migrations/1_a.sql': 'alter table orders add column note jsonb;',
    },
    says: /schema\.sql:3: the server refused this statement .*nosuchtype/,
  },
  'a word too many': { files: {}, args: ['here'], says: /takes no argument, but there is "here"/ },
};

for (const [title, { files, args = [], says }] of Object.entries(REFUSALS)) {
  test(`${title} gives one message and writes nothing`, async () => {
    await write(files);
    const { stdout, stderr, exitCode } = await init(...args);
    expect(stderr).toMatch(says);
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect([exitCode, stdout]).toEqual([2, '']);
    await expect(read('rehearsal.yaml')).rejects.toThrow('ENOENT');
    await expect(read('workload.sql')).rejects.toThrow('ENOENT');
  });
}
