/** What production is said to have already: built from its files, or marked in the ledger. On a real server. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { directoryWith, type MigrateOptions, migrate } from '../../tests/migrating.ts';
import { type BareServer, startBareServer } from '../../tests/server.ts';
import type { Session } from '../engines/engine.ts';
import { findEngine } from '../engines/index.ts';
import { findTool, readMigrations, runReleased } from './index.ts';

const engine = findEngine('postgres');
let server: BareServer;

beforeAll(async () => {
  server = await startBareServer();
});
afterAll(() => server[Symbol.asyncDispose]());

async function run(
  session: Session,
  files: Readonly<Record<string, string>>,
  options: MigrateOptions & { readonly tool?: string } = {},
) {
  await using directory = await directoryWith(files);
  const tool = findTool(options.tool ?? 'sql');
  return await migrate({ engine, tool, target: session.target }, directory.path, options);
}

test('released migrations build the schema with their ledger, and the rest is pending', async () => {
  await using session = await server.session();
  await using directory = await directoryWith({
    '000001_a.up.sql': 'create table a (id int)',
    '000002_b.up.sql': 'create table b (id int)',
    '000003_c.up.sql': 'create table c (id int)',
  });
  const tool = findTool('golang-migrate');
  const migrations = await readMigrations(tool, directory.path, engine.dialect);
  const request = { engine, tool, target: session.target, migrations, signal: new AbortController().signal };
  await runReleased({ ...request, released: '000002' });
  const { found, steps } = await migrate({ engine, tool, target: session.target }, directory.path, {
    released: '2',
  });
  expect(found).toEqual({ applied: ['1', '2'], pending: [migrations[2]], notes: [] });
  expect(steps.map(({ version, outcome }) => `${version} ${outcome}`)).toEqual(['3 applied']);
});

test('a released migration that fails on an empty database is a usage error with its line', async () => {
  await using session = await server.session();
  await using directory = await directoryWith({ '1.sql': 'select 1;\nalter table missing add c int;' });
  const tool = findTool('sql');
  const migrations = await readMigrations(tool, directory.path, engine.dialect);
  const request = { engine, tool, target: session.target, migrations, signal: new AbortController().signal };
  await expect(runReleased({ ...request, released: '1' })).rejects.toThrow(
    /1\.sql:2 failed on an empty database \(42P01\)/,
  );
});

test.each(['dbmate', 'golang-migrate', 'flyway', 'prisma', 'drizzle', 'sql'])(
  'where the schema was given without a ledger, %s takes what was released as applied',
  async (name) => {
    await using session = await server.session();
    const { files, first } = twoMigrations(name);
    await session.execute('create table a (id int)');
    const { found, steps } = await run(session, files, { tool: name, released: first });
    expect(found.applied).toEqual([first]);
    expect(steps.map(({ outcome }) => outcome)).toEqual(['applied']);
    const again = await run(session, files, {
      tool: name,
      ...(name === 'sql' ? { released: second(name) } : {}),
    });
    expect(again.found.pending).toEqual([]);
    expect(again.found.applied).toHaveLength(2);
  },
);

function second(name: string): string {
  return twoMigrations(name).second;
}

function twoMigrations(name: string) {
  const [a, b] = ['create table a (id int);\n', 'create table b (id int);\n'];
  const journal = JSON.stringify({
    entries: [
      { tag: '0000_a', when: 10 },
      { tag: '0001_b', when: 20 },
    ],
  });
  const layouts: Readonly<
    Record<
      string,
      { readonly files: Readonly<Record<string, string>>; readonly first: string; readonly second: string }
    >
  > = {
    dbmate: {
      files: {
        '1_a.sql': `-- migrate:up\n${a}-- migrate:down\n`,
        '2_b.sql': `-- migrate:up\n${b}-- migrate:down\n`,
      },
      first: '1',
      second: '2',
    },
    'golang-migrate': { files: { '1_a.up.sql': a, '2_b.up.sql': b }, first: '1', second: '2' },
    flyway: { files: { 'V1__a.sql': a, 'V1_1__b.sql': b }, first: '1', second: '1.1' },
    prisma: { files: { '1_a/migration.sql': a, '2_b/migration.sql': b }, first: '1_a', second: '2_b' },
    drizzle: {
      files: { 'meta/_journal.json': journal, '0000_a.sql': a, '0001_b.sql': b },
      first: '0000_a',
      second: '0001_b',
    },
    sql: { files: { '1_a.sql': a, '2_b.sql': b }, first: '1_a', second: '2_b' },
  };
  const layout = layouts[name];
  if (layout === undefined) throw new Error(`no layout of ${name}`);
  return layout;
}

test('a database with tables and no ledger is noted where the tool itself would refuse it', async () => {
  await using session = await server.session();
  await session.execute('create table a (id int)');
  const { found } = await run(session, { 'V1__b.sql': 'create table b (id int)' }, { tool: 'flyway' });
  expect(found.notes).toEqual([expect.stringMatching(/no flyway_schema_history: set migrations.released/)]);
});
