/** Per layout: what a migration that fails at its second statement leaves behind, on a real server. */
import { resolveBinary } from 'dbmate';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { directoryWith, migrate, summary } from '../../tests/migrating.ts';
import { type BareServer, startBareServer } from '../../tests/server.ts';
import type { ConnectionTarget, Session } from '../engines/engine.ts';
import { findEngine } from '../engines/index.ts';
import { findTool } from './index.ts';

const engine = findEngine('postgres');
let server: BareServer;

beforeAll(async () => {
  server = await startBareServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const GOOD = 'create table good (id int);\n';
const BAD = 'create table half (id int);\ncreate table half (id int);\ncreate table never (id int);\n';

async function tablesOf(session: Session): Promise<readonly string[]> {
  const rows = await session.query<{ name: string }>(
    "select schemaname || '.' || tablename as name from pg_tables where schemaname in ('public', 'drizzle') order by 1",
  );
  return rows.map(({ name }) => name.replace(/^public\./, ''));
}

async function runLayout(toolName: string, files: Readonly<Record<string, string>>, session: Session) {
  await using directory = await directoryWith(files);
  return await migrate({ engine, tool: findTool(toolName), target: session.target }, directory.path);
}

test('golang-migrate: the file is taken back as a whole, and the ledger is dirty at its version', async () => {
  await using session = await server.session();
  const files = { '1_good.up.sql': GOOD, '2_bad.up.sql': BAD, '3_never.up.sql': 'select 1' };
  const { steps } = await runLayout('golang-migrate', files, session);
  expect(await tablesOf(session)).toEqual(['good', 'schema_migrations']);
  expect(await session.query('select * from schema_migrations')).toEqual([{ version: '2', dirty: true }]);
  expect(steps.map(({ version, outcome }) => `${version} ${outcome}`)).toEqual([
    '1 applied',
    '2 failed',
    '3 not run',
  ]);
  await expect(runLayout('golang-migrate', files, session)).rejects.toThrow(
    /version 2 as dirty.*migrate force 2/s,
  );
});

test('Flyway: the file and its row are taken back together', async () => {
  await using session = await server.session();
  const { steps } = await runLayout('flyway', { 'V1__good.sql': GOOD, 'V2__bad.sql': BAD }, session);
  expect(await tablesOf(session)).toEqual(['flyway_schema_history', 'good']);
  expect(
    await session.query(
      'select installed_rank, version, description, type, script, success from flyway_schema_history',
    ),
  ).toEqual([
    {
      installed_rank: 1,
      version: '1',
      description: 'good',
      type: 'SQL',
      script: 'V1__good.sql',
      success: true,
    },
  ]);
  expect(steps.map(summary)).toEqual([
    '1 applied: ok took effect',
    '2 failed: ok rolled back, failed rolled back, not run none',
  ]);
});

test('Flyway without a transaction: the first statement stays, and a row says that the version failed', async () => {
  await using session = await server.session();
  const files = {
    'V1__good.sql': GOOD,
    'V2__bad.sql': BAD,
    'V2__bad.sql.conf': 'executeInTransaction=false\n',
  };
  const { steps } = await runLayout('flyway', files, session);
  expect(await tablesOf(session)).toEqual(['flyway_schema_history', 'good', 'half']);
  expect(
    await session.query('select version, success from flyway_schema_history order by installed_rank'),
  ).toEqual([
    { version: '1', success: true },
    { version: '2', success: false },
  ]);
  expect(steps.at(-1) && summary(steps.at(-1) as (typeof steps)[number])).toBe(
    '2 failed: ok took effect, failed none, not run none',
  );
  await expect(runLayout('flyway', files, session)).rejects.toThrow(/failed migration \(2\).*flyway repair/s);
});

test('Prisma: the script is taken back as a whole, its row stays unfinished with the error', async () => {
  await using session = await server.session();
  const files = { '1_good/migration.sql': GOOD, '2_bad/migration.sql': BAD };
  await runLayout('prisma', files, session);
  expect(await tablesOf(session)).toEqual(['_prisma_migrations', 'good']);
  const rows = await session.query(
    `select migration_name, length(id) as id, length(checksum) as checksum, started_at is not null as started,
       finished_at is not null as finished, rolled_back_at, applied_steps_count as steps, logs
     from _prisma_migrations order by started_at`,
  );
  const same = { id: 36, checksum: 64, started: true, rolled_back_at: null };
  expect(rows).toEqual([
    { ...same, migration_name: '1_good', finished: true, steps: 1, logs: null },
    {
      ...same,
      migration_name: '2_bad',
      finished: false,
      steps: 0,
      logs: expect.stringMatching(
        /Migration name: 2_bad\n\nDatabase error code: 42P07\n\nDatabase error:\nERROR: relation "half"/,
      ),
    },
  ]);
  await expect(runLayout('prisma', files, session)).rejects.toThrow(
    /2_bad as started and never finished \(P3009\)/,
  );
});

test('Drizzle: the failure takes back the migration before it, and the ledger stays empty', async () => {
  await using session = await server.session();
  const pieces = BAD.replaceAll(';\n', ';\n--> statement-breakpoint\n');
  const journal = JSON.stringify({
    entries: [
      { tag: '0000_good', when: 1 },
      { tag: '0001_bad', when: 2 },
    ],
  });
  const files = { 'meta/_journal.json': journal, '0000_good.sql': GOOD, '0001_bad.sql': pieces };
  const { steps } = await runLayout('drizzle', files, session);
  expect(await tablesOf(session)).toEqual(['drizzle.__drizzle_migrations']);
  expect(await session.query('select * from drizzle.__drizzle_migrations')).toEqual([]);
  expect(steps.map(summary)).toEqual([
    '0000_good failed: ok rolled back',
    '0001_bad failed: ok rolled back, failed rolled back, not run none',
  ]);
  expect(steps[0]?.error?.message).toBe(
    'rolled back with 0001_bad.sql, which failed in the same transaction',
  );
});

test('plain files: the file is taken back, those before it stay, and there is no ledger', async () => {
  await using session = await server.session();
  const { steps } = await runLayout(
    'sql',
    { '1_good.sql': GOOD, '2_bad.sql': BAD, '10_never.sql': 'select 1' },
    session,
  );
  expect(await tablesOf(session)).toEqual(['good']);
  expect(steps.map(summary)).toEqual([
    '1_good applied: ok took effect',
    '2_bad failed: ok rolled back, failed rolled back, not run none',
    '10_never not run: not run none',
  ]);
});

test('plain files without a transaction: what came before the failing statement stays', async () => {
  await using session = await server.session();
  const { steps } = await runLayout('sql', { '1.sql': `-- rehearse: no-transaction\n${BAD}` }, session);
  expect(await tablesOf(session)).toEqual(['half']);
  expect(steps.map(summary)).toEqual(['1 failed: ok took effect, failed none, not run none']);
});

/** Files that dbmate's binary and our runner must treat alike. */
const DBMATE_CASES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'one section': {
    '1_good.sql': `-- migrate:up\n${GOOD}-- migrate:down\ndrop table good;\n`,
    '2_bad.sql': `-- migrate:up\n${BAD}-- migrate:down\n`,
    '3_never.sql': '-- migrate:up\ncreate table never (id int);\n-- migrate:down\n',
  },
  'no transaction, several statements': {
    '20240101_bad.sql': `-- migrate:up transaction:false\n${BAD}-- migrate:down\n`,
  },
  'no transaction, an index built concurrently': {
    '001_table.sql':
      '-- migrate:up\ncreate table t (a int);\ninsert into t values (1), (1);\n-- migrate:down\n',
    '002_index.sql':
      '-- migrate:up transaction:false\ncreate index concurrently t_a on t (a);\n-- migrate:down\n',
    '003_unique.sql':
      '-- migrate:up transaction:false\ncreate unique index concurrently t_unique on t (a);\n-- migrate:down\n',
  },
  'an index built concurrently inside the transaction': {
    '1_t.sql':
      '-- migrate:up\ncreate table t (a int);\ncreate index concurrently t_a on t (a);\n-- migrate:down\n',
  },
  'a transaction of its own in the file': {
    '1_own.sql': `-- migrate:up transaction:false\nbegin;\n${GOOD}commit;\n${BAD}-- migrate:down\n`,
  },
  'two pairs of sections': {
    '1_two.sql':
      '-- migrate:up\ncreate table a (id int);\n-- migrate:down\n-- migrate:up\ncreate table b (id int);\n-- migrate:down\n',
  },
  'all is well': {
    '1_good.sql': `-- a comment\n-- migrate:up\n${GOOD}-- migrate:down\n`,
    'README.md': 'no migration',
    'notes.sql': 'no migration either',
    '10_more.sql': '-- migrate:up foo:bar transaction:true\ncreate table more (id int);\n-- migrate:down\n',
  },
};

async function leftBehind(session: Session) {
  return {
    tables: await tablesOf(session),
    ledger: await session.query('select * from schema_migrations order by 1'),
    ledgerColumns: await session.query(
      "select column_name, data_type, is_nullable from information_schema.columns where table_name = 'schema_migrations'",
    ),
    indexes: await session.query(
      `select c.relname, i.indisvalid, i.indisprimary from pg_index i join pg_class c on c.oid = i.indexrelid
       join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'public' order by 1`,
    ),
  };
}

async function runDbmate(target: ConnectionTarget, directory: string): Promise<number> {
  const { host, port, user, password, database } = target;
  const url = `postgres://${user}:${encodeURIComponent(password)}@${host}:${port}/${database}?sslmode=disable`;
  const { exitCode } = await execa(
    resolveBinary(),
    ['--url', url, '--migrations-dir', directory, '--no-dump-schema', 'migrate'],
    { reject: false },
  );
  return exitCode ?? -1;
}

test.each(Object.entries(DBMATE_CASES))(
  'dbmate and our runner leave the same behind: %s',
  async (_name, files) => {
    await using theirs = await server.session();
    await using ours = await server.session();
    await using directory = await directoryWith(files);
    const exitCode = await runDbmate(theirs.target, directory.path);
    const { steps } = await migrate(
      { engine, tool: findTool('dbmate'), target: ours.target },
      directory.path,
    );
    expect(await leftBehind(ours)).toEqual(await leftBehind(theirs));
    expect(steps.every(({ outcome }) => outcome === 'applied')).toBe(exitCode === 0);
  },
);

test('what dbmate has applied is not pending for our runner, and the other way round', async () => {
  await using session = await server.session();
  await using first = await directoryWith({ '1_good.sql': `-- migrate:up\n${GOOD}-- migrate:down\n` });
  expect(await runDbmate(session.target, first.path)).toBe(0);
  await using both = await directoryWith({
    '1_good.sql': `-- migrate:up\n${GOOD}-- migrate:down\n`,
    '2_more.sql': '-- migrate:up\ncreate table more (id int);\n-- migrate:down\n',
  });
  const { found } = await migrate({ engine, tool: findTool('dbmate'), target: session.target }, both.path);
  expect(found.applied).toEqual(['1']);
  expect(found.pending.map(({ version }) => version)).toEqual(['2']);
  expect(await runDbmate(session.target, both.path)).toBe(0);
  expect(await tablesOf(session)).toEqual(['good', 'more', 'schema_migrations']);
});
