/** Per layout, on MySQL and MariaDB: a migration that fails halfway is half applied, and the recording says which half. */
import { resolveBinary } from 'dbmate';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { directoryWith, type MigrateOptions, migrate, summary } from '../../tests/migrating.ts';
import { serverMissing, serversOf, startTestServer, type TestServer } from '../../tests/server.ts';
import type { ConnectionTarget, Session } from '../engines/engine.ts';
import { findTool } from './index.ts';

const servers = await Promise.all(
  serversOf('mysql').map(async (spec) => ({ spec, missing: await serverMissing(spec) })),
);

const GOOD = 'create table good (id int);\n';
const BAD =
  'create table half (id int);\ninsert into half values (1);\ncreate table half (id int);\ncreate table never (id int);\n';
const HALF = 'ok took effect, ok took effect, failed none, not run none';

for (const { spec, missing } of servers) {
  describe.skipIf(missing !== null)(missing ?? spec.name, () => {
    let server: TestServer;
    beforeAll(async () => {
      server = await startTestServer(spec);
    }, 180_000);
    afterAll(() => server?.[Symbol.asyncDispose]());

    const tablesOf = async (session: Session): Promise<readonly string[]> => {
      const rows = await session.query<{ name: string }>(
        'select table_name as name from information_schema.tables where table_schema = database()',
      );
      return rows.map(({ name }) => name).sort();
    };

    const run = async (
      toolName: string,
      files: Readonly<Record<string, string>>,
      session: Session,
      options?: MigrateOptions,
    ) => {
      await using directory = await directoryWith(files);
      const { engine } = spec;
      return await migrate(
        { engine, tool: findTool(toolName), target: session.target },
        directory.path,
        options,
      );
    };

    test('golang-migrate: what came before the failing statement stays, and the ledger is dirty', async () => {
      await using session = await server.session();
      const files = { '1_good.up.sql': GOOD, '2_bad.up.sql': BAD, '3_never.up.sql': 'select 1' };
      const { steps } = await run('golang-migrate', files, session);
      expect(await tablesOf(session)).toEqual(['good', 'half', 'schema_migrations']);
      expect(await session.query('select version, dirty from schema_migrations')).toEqual([
        { version: 2, dirty: 1 },
      ]);
      expect(steps.map(summary)).toEqual([
        '1 applied: ok took effect',
        `2 failed: ${HALF}`,
        '3 not run: not run none',
      ]);
      expect(steps.map(({ transaction }) => transaction)).toEqual(['implicit', 'implicit', 'implicit']);
      await expect(run('golang-migrate', files, session)).rejects.toThrow(
        /version 2 as dirty.*migrate force 2/s,
      );
    });

    test('Flyway: what came before the failing statement stays, and a row says that the version failed', async () => {
      await using session = await server.session();
      const files = { 'V1__good.sql': GOOD, 'V2__bad.sql': BAD };
      const { steps } = await run('flyway', files, session);
      expect(await tablesOf(session)).toEqual(['flyway_schema_history', 'good', 'half']);
      expect(
        await session.query(
          'select installed_rank, version, type, installed_by, success from flyway_schema_history order by 1',
        ),
      ).toEqual([
        { installed_rank: 1, version: '1', type: 'SQL', installed_by: session.target.user, success: 1 },
        { installed_rank: 2, version: '2', type: 'SQL', installed_by: session.target.user, success: 0 },
      ]);
      expect(steps.map(summary)).toEqual(['1 applied: ok took effect', `2 failed: ${HALF}`]);
      await expect(run('flyway', files, session)).rejects.toThrow(/failed migration \(2\).*flyway repair/s);
    });

    test('Prisma: what came before the failing statement stays, its row is unfinished with the error', async () => {
      await using session = await server.session();
      const files = { '1_good/migration.sql': GOOD, '2_bad/migration.sql': BAD };
      const { steps } = await run('prisma', files, session);
      expect(await tablesOf(session)).toEqual(['_prisma_migrations', 'good', 'half']);
      const rows = await session.query(
        `select migration_name, length(id) as id, finished_at is not null as finished,
           applied_steps_count as steps, logs,
           abs(timestampdiff(minute, started_at, utc_timestamp())) <= 5 as utc
         from _prisma_migrations order by started_at, migration_name`,
      );
      expect(rows).toEqual([
        { migration_name: '1_good', id: 36, finished: 1, steps: 1, logs: null, utc: 1 },
        {
          ...{ migration_name: '2_bad', id: 36, finished: 0, steps: 0, utc: 1 },
          logs: expect.stringMatching(
            /Database error code: 1050\n\nDatabase error:\nTable 'half' already exists/,
          ),
        },
      ]);
      expect(steps.map(summary)).toEqual(['1_good applied: ok took effect', `2_bad failed: ${HALF}`]);
      await expect(run('prisma', files, session)).rejects.toThrow(
        /2_bad as started and never finished \(P3009\)/,
      );
    });

    test('Drizzle: the migration before the failing one stays with its row, although one transaction was meant', async () => {
      await using session = await server.session();
      const journal = JSON.stringify({
        entries: [
          { tag: '0000_good', when: 1 },
          { tag: '0001_bad', when: 2 },
        ],
      });
      const files = {
        'meta/_journal.json': journal,
        '0000_good.sql': GOOD,
        '0001_bad.sql': BAD.replaceAll(';\n', ';\n--> statement-breakpoint\n'),
      };
      const { steps } = await run('drizzle', files, session);
      expect(await tablesOf(session)).toEqual(['__drizzle_migrations', 'good', 'half']);
      expect(await session.query('select created_at from __drizzle_migrations')).toEqual([{ created_at: 1 }]);
      expect(steps.map(summary)).toEqual(['0000_good applied: ok took effect', `0001_bad failed: ${HALF}`]);
    });

    test('Drizzle: several statements between two breakpoints are noted, since its driver refuses them', async () => {
      await using session = await server.session();
      const journal = JSON.stringify({ entries: [{ tag: '0000_two', when: 1 }] });
      const { found } = await run(
        'drizzle',
        { 'meta/_journal.json': journal, '0000_two.sql': `${GOOD}create table two (id int);` },
        session,
      );
      expect(found.notes.join('\n')).toMatch(/0000_two\.sql:1: several statements.*multipleStatements/);
    });

    test('plain files: rows changed before the first DDL statement stay with it', async () => {
      await using session = await server.session();
      await session.execute('create table t (id int primary key)');
      const { steps } = await run(
        'sql',
        {
          '1.sql': 'insert into t values (1);\nalter table t add column a int;\ninsert into t values (1, 1);',
        },
        session,
      );
      expect(await session.query('select id from t')).toEqual([{ id: 1 }]);
      expect(steps.map(summary)).toEqual(['1 failed: ok took effect, ok took effect, failed none']);
    });

    test('plain files: a statement that cannot be read commits nothing of what stands before it', async () => {
      await using session = await server.session();
      await session.execute('create table t (id int primary key)');
      const { steps } = await run(
        'sql',
        { '1.sql': 'insert into t values (1);\nalter table t ad column a int;' },
        session,
      );
      expect(await session.query('select id from t')).toEqual([]);
      expect(steps.map(summary)).toEqual(['1 failed: ok rolled back, failed rolled back']);
    });

    test('a lock timeout is tried again from the statement that gave up, not from the first one', async () => {
      await using session = await server.session();
      await using holder = await server.session();
      await session.execute('create table t (id int primary key)');
      const { database } = session.target;
      let attempts = 0;
      await holder.execute('begin');
      await holder.query(`select * from \`${database}\`.t`);
      const { steps } = await run(
        'sql',
        { '1.sql': 'create table before_it (id int);\nalter table t add column a int;' },
        session,
        {
          settings: { lockTimeoutMs: 1000, retries: 3, backoffMs: 1 },
          onStatement: (text) => {
            // The second attempt finds the table free.
            if (text.startsWith('alter') && attempts++ === 1) void holder.execute('commit');
          },
        },
      );
      expect(steps[0]?.outcome).toBe('applied');
      expect(steps[0]?.attempts).toBe(2);
      expect(steps[0]?.statements.filter(({ text }) => text.startsWith('create'))).toHaveLength(1);
    }, 30_000);

    const leftBehind = async (session: Session) => ({
      tables: await tablesOf(session),
      ledger: await session.query('select * from schema_migrations order by 1'),
      columns: await session.query(
        `select column_name as name, column_type as type, is_nullable as nullable, collation_name as collation
         from information_schema.columns where table_schema = database() and table_name = 'schema_migrations'`,
      ),
    });

    const runDbmate = async (
      { host, port, user, password, database }: ConnectionTarget,
      directory: string,
    ) => {
      const url = `mysql://${user}:${encodeURIComponent(password)}@${host}:${port}/${database}`;
      const args = ['--url', url, '--migrations-dir', directory, '--no-dump-schema', 'migrate'];
      const { exitCode } = await execa(resolveBinary(), args, { reject: false });
      return exitCode ?? -1;
    };

    test.each<[string, Readonly<Record<string, string>>]>([
      [
        'one section',
        {
          '1_good.sql': `-- migrate:up\n${GOOD}-- migrate:down\n`,
          '2_bad.sql': `-- migrate:up\n${BAD}-- migrate:down\n`,
          '3_never.sql': '-- migrate:up\ncreate table never (id int);\n-- migrate:down\n',
        },
      ],
      ['no transaction', { '1_bad.sql': `-- migrate:up transaction:false\n${BAD}-- migrate:down\n` }],
      [
        'rows before the failing DDL',
        {
          '1_t.sql': '-- migrate:up\ncreate table t (id int primary key);\n-- migrate:down\n',
          '2_rows.sql':
            '-- migrate:up\ninsert into t values (1);\nalter table t add column a int;\nalter table t ad x;\n-- migrate:down\n',
        },
      ],
      [
        'two pairs of sections',
        {
          '1_two.sql':
            '-- migrate:up\ncreate table a (id int);\n-- migrate:down\n-- migrate:up\ncreate table b (id int);\n-- migrate:down\n',
        },
      ],
      ['all is well', { '1_good.sql': `-- a comment\n-- migrate:up\n${GOOD}-- migrate:down\n` }],
    ])('dbmate and our runner leave the same behind: %s', async (_name, files) => {
      await using theirs = await server.session();
      await using ours = await server.session();
      await using directory = await directoryWith(files);
      const exitCode = await runDbmate(theirs.target, directory.path);
      const { steps } = await run('dbmate', files, ours);
      expect(await leftBehind(ours)).toEqual(await leftBehind(theirs));
      expect(steps.every(({ outcome }) => outcome === 'applied')).toBe(exitCode === 0);
    });
  });
}
