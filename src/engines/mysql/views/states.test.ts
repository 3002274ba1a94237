/** What statements do to tables, their progress, and the facts of the server, on real servers. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  eventually,
  serverMissing,
  serversOf,
  sqlCode,
  startTestServer,
  type TestServer,
} from '../../../../tests/server.ts';
import { NO_BUDGETS, recording } from '../../../checks/recording.fixture.ts';
import { rowVersionLimit as rowVersionLimitCheck } from '../../../checks/row-version-limit.ts';
import type { SeenProgress, Session } from '../../engine.ts';
import { clauses } from '../probe/refused.ts';
import { kindOfVersion } from '../server/server-kind.ts';
import { compareRelationStates } from './state-changes.ts';
import { readRelationStates, rowVersionLimit } from './states.ts';
import { views } from './views.ts';

test('the flavor and the limit of row versions come from what the server says', () => {
  expect(kindOfVersion('9.7.4-2')).toEqual({ flavor: 'mysql', version: 90_704 });
  expect(kindOfVersion('5.5.5-10.11.18-MariaDB-log')).toEqual({ flavor: 'mariadb', version: 101_118 });
  const limits = ['8.0.28', '8.0.29', '8.4.3', '9.7.4-2', '11.8.6-MariaDB'].map((version) =>
    rowVersionLimit(kindOfVersion(version)),
  );
  expect(limits).toEqual([null, 64, 64, 255, null]);
});

for (const spec of serversOf('mysql')) {
  const missing = await serverMissing(spec);
  const mariadb = spec.flavor === 'mariadb';
  describe.skipIf(missing !== null)(missing ?? spec.name, () => {
    let server: TestServer;
    const sessions: Session[] = [];
    let migrator: Session;
    let drill: Session;
    let inside: Session;

    beforeAll(async () => {
      server = await startTestServer(spec);
      const connect = async (role: Parameters<TestServer['connect']>[0]) => {
        const session = await server.connect(role);
        sessions.push(session);
        return session;
      };
      migrator = await connect('migrator');
      drill = await connect('drill');
      inside = await connect('observerInside');
      await migrator.execute('create table t (id int primary key, name varchar(10), note char(200))');
      await migrator.execute(
        `insert into t
        with recursive n as (select 1 as i union all select i + 1 from n where i < 900)
        select i, 'n', 'x' from n`,
      );
      await migrator.execute('analyze table t');
    }, 180_000);

    afterAll(async () => {
      for (const session of sessions) await session[Symbol.asyncDispose]();
      await server?.[Symbol.asyncDispose]();
    });

    const changesOf = async (...statements: readonly string[]) => {
      const before = await readRelationStates(inside);
      for (const statement of statements) await migrator.execute(statement);
      return compareRelationStates(before, await readRelationStates(inside));
    };
    /** Relation and algorithm of every change. */
    const algorithmsOf = async (...statements: readonly string[]) =>
      (await changesOf(...statements)).map(({ relation, algorithm }) => `${relation}: ${algorithm}`);

    test.each<[statement: string, changes: readonly string[]]>([
      ['select 1', []],
      ['alter table t add column tax int', ['t: instant']],
      // MySQL counts what is instant and writes rows otherwise afterwards; this is not among it.
      ['alter table t rename column tax to levy', [mariadb ? 't: instant' : 't: catalog only']],
      ['create index t_name on t (name)', ['t: in place']],
      ['alter table t rename index t_name to t_title', ['t: in place']],
      ['drop index t_title on t', ['t: in place']],
      ['alter table t modify name bigint, algorithm = copy', []],
      ["update t set name = '1'", []],
      ['alter table t modify name bigint', ['t: copy']],
      ['alter table t add column late int, algorithm = copy', ['t: copy']],
      ['alter table t force', ['t: in place with rebuild']],
      ['create table other (id int primary key)', ['other: catalog only']],
      ['rename table other to another', ['another: instant']],
      ['drop table another', ['another: catalog only']],
    ])('%s', async (statement, changes) => {
      if (statement.endsWith('algorithm = copy') && changes.length === 0) {
        // Text is no number: it fails after the copy began, and leaves the table as it was.
        const before = await readRelationStates(inside);
        await expect(migrator.execute(statement)).rejects.toThrow();
        expect(compareRelationStates(before, await readRelationStates(inside))).toEqual([]);
        return;
      }
      expect(await algorithmsOf(statement)).toEqual(changes);
    });

    test('an instant column counts as a row version, with the limit', async () => {
      const [change] = await changesOf('alter table t add column counted int');
      if (mariadb) expect(change?.rowVersions).toBeUndefined();
      else {
        expect(change?.rowVersions?.after).toBe((change?.rowVersions?.before ?? 0) + 1);
        expect(change?.rowVersions?.limit).toBe(spec.version === '9.7' ? 255 : 64);
        expect(change?.detail).toContain('column counted added (int)');
      }
    });

    test('at the limit of row versions an ADD COLUMN that was instant up to then rebuilds the table', async ({
      skip,
    }) => {
      const limit = mariadb ? null : spec.version === '9.7' ? 255 : 64;
      if (limit === null) skip('MariaDB keeps no count of them');
      await migrator.execute('create table worn (id int primary key)');
      await migrator.execute('insert into worn values (1)');
      const adds = Array.from({ length: (limit ?? 0) - 1 }, (_, index) => index).map(
        (index) => `alter table worn add column c${index} int, algorithm = instant`,
      );
      await migrator.execute(adds.join(';'));
      const [last] = await changesOf('alter table worn add column last int');
      expect(last).toMatchObject({
        algorithm: 'instant',
        rowVersions: { before: (limit ?? 0) - 1, after: limit, limit, columns: 1 },
      });
      expect(
        await sqlCode(migrator.execute('alter table worn add column more int, algorithm = instant')),
      ).toBe('4092');
      const [rebuilt] = await changesOf('alter table worn add column more int');
      expect(rebuilt).toMatchObject({
        algorithm: 'in place with rebuild',
        rowVersions: { before: limit, after: 0, limit, columns: 1 },
      });
      const recorded = recording({
        changes: [last, rebuilt].flatMap((change) =>
          change === undefined ? [] : { ...change, statementId: 's' },
        ),
      });
      expect(
        rowVersionLimitCheck.check(recorded, NO_BUDGETS).map(({ verdict, what }) => [verdict, what]),
      ).toEqual([['fail', expect.stringContaining('the change rebuilt the table')]]);
    }, 60_000);

    test('an emptied table is no rebuild', async () => {
      await migrator.execute('create table emptied (id int primary key)');
      await migrator.execute('insert into emptied values (1)');
      expect(await algorithmsOf('truncate emptied')).toEqual(['emptied: new empty table']);
    });

    test('the partitions of a table count as one', async () => {
      await migrator.execute('create table parts (id int primary key) partition by hash (id) partitions 4');
      expect(await algorithmsOf('alter table parts add column more int')).toEqual(['parts: instant']);
    });

    test('partitions that come, go or are made anew are told by name, and none of it as a new table', async () => {
      await migrator.execute(
        `create table spans (id int primary key, code int) partition by range (id)
        (partition p0 values less than (10), partition p1 values less than (20), partition p2 values less than (30))`,
      );
      await migrator.execute('create table loose (id int primary key, code int)');
      await migrator.execute('insert into spans values (1, 1), (11, 1), (21, 1)');
      const told = async (...statements: readonly string[]) =>
        (await changesOf(...statements)).map(({ relation, algorithm, detail }) => [
          relation,
          algorithm,
          detail,
        ]);
      expect(await told('alter table spans add partition (partition p3 values less than (40))')).toEqual([
        ['spans', 'catalog only', 'partition p3 added'],
      ]);
      expect(
        await told('alter table spans drop partition p2, p3', 'create index by_both on spans (code, id)'),
      ).toEqual([
        ['spans', 'catalog only', 'partitions p2, p3 gone'],
        ['spans', 'in place', 'index by_both built'],
      ]);
      await migrator.execute('drop index by_both on spans');
      expect(await told('alter table spans truncate partition p1')).toEqual([
        ['spans', 'partitions made anew', 'partition p1 emptied, or written anew'],
      ]);
      expect(await told('alter table spans exchange partition p0 with table loose')).toEqual([
        ['loose', 'catalog only', 'table loose was partition p0 of spans'],
        ['spans', 'catalog only', 'partition p0 of spans was table loose'],
      ]);
      expect(
        await told(
          'alter table spans reorganize partition p0, p1 into (partition all_of_it values less than (20))',
        ),
      ).toEqual([['spans', 'partitions made anew', 'partition all_of_it added; partitions p0, p1 gone']]);
      expect(await told('create index by_code on spans (code)')).toEqual([
        ['spans', 'in place', 'index by_code built'],
      ]);
      expect(await told('alter table spans force')).toEqual([
        ['spans', 'in place with rebuild', 'partition all_of_it written anew'],
      ]);
    });

    test('tables that take turns with their names are renamed, not made anew', async () => {
      await migrator.execute('create table present (id int primary key, kept int)');
      await migrator.execute('create table next (id int primary key, `more than one` int)');
      const changes = await changesOf('rename table present to past, next to present');
      expect(changes.map(({ relation, algorithm, detail }) => [relation, algorithm, detail])).toEqual([
        ['past', 'instant', 'renamed from present'],
        [
          'present',
          'instant',
          `renamed from next; column more than one added (int${mariadb ? '(11)' : ''}); column kept gone`,
        ],
      ]);
    });

    test('an ALTER of a table that is not InnoDB, or no longer, is a copy', async () => {
      await migrator.execute('create table plain (id int primary key, code int)');
      await migrator.execute('insert into plain values (1, 1)');
      expect(await algorithmsOf('alter table plain engine = MyISAM')).toEqual(['plain: copy']);
      expect(await algorithmsOf('alter table plain add column more int')).toEqual(['plain: copy']);
      expect(await algorithmsOf('alter table plain engine = InnoDB')).toEqual(['plain: copy']);
    });

    test('what InnoDB makes for a full-text index is no table of anybody', async () => {
      await migrator.execute('create table texts (id int primary key, body text)');
      await migrator.execute("insert into texts values (1, 'some words')");
      expect(await algorithmsOf('alter table texts add fulltext index by_body (body)')).toEqual([
        'texts: in place with rebuild',
      ]);
      expect(await algorithmsOf('alter table texts drop index by_body')).toEqual(['texts: in place']);
    });

    test('a pending ALTER is not waited for: the reading gives up by itself and names the table', async () => {
      await drill.execute('begin');
      await drill.query('select 1 from t limit 1');
      const alter = migrator.execute('alter table t add column pending int');
      await eventually('the ALTER waits', async () => {
        const waiting = await inside.query(
          "select 1 from performance_schema.metadata_locks where lock_status = 'PENDING'",
        );
        return waiting.length > 0 ? true : null;
      });
      const reading = await eventually('the reading refuses', () =>
        readRelationStates(inside).then(
          () => null,
          (error: unknown) => String(error),
        ),
      );
      expect(reading).toContain('exclusive metadata lock on "t"');
      await drill.execute('commit');
      await alter;
      await readRelationStates(inside);
    });

    test('the progress of a copy is told with its session', async () => {
      await migrator.execute(
        `insert into t (id, name)
        with recursive a as (select 0 as i union all select i + 1 from a where i < 299)
        select 1000 + x.i * 300 + y.i, 1 from a x, a y`,
      );
      let done = false;
      const copy = migrator.execute('alter table t modify note varchar(300), algorithm = copy').then(() => {
        done = true;
      });
      const seen: SeenProgress[] = [];
      while (!done) seen.push(...(await views.readProgress(inside)));
      await copy;
      const mine = seen.filter(({ sessionId }) => sessionId === migrator.id);
      expect(mine.length).toBeGreaterThan(0);
      expect(mine.every(({ total }) => total > 0)).toBe(true);
      expect(mine[0]?.phase).toMatch(/copy to tmp table/);
    }, 60_000);

    test('the progress of a build in place goes through all its stages', async () => {
      let done = false;
      const build = migrator
        .execute('alter table t add index t_note (note, name), algorithm = inplace')
        .then(() => {
          done = true;
        });
      const seen: SeenProgress[] = [];
      while (!done) seen.push(...(await views.readProgress(inside)));
      await build;
      const mine = seen.filter(({ sessionId }) => sessionId === migrator.id);
      expect(mine.length).toBeGreaterThan(0);
      for (const { phase, of, done: work } of mine) {
        expect([phase, of]).toEqual([expect.stringMatching(/^alter(?:ing)? table/), 'statement']);
        expect(work).toBeGreaterThanOrEqual(0);
      }
    }, 60_000);

    test('settings that somebody chose are told, paths and secrets are not', async () => {
      const names = (await views.readSettings(inside)).map(({ name }) => name);
      expect(names).toContain('binlog_format');
      expect(names.filter((name) => /dir$|socket|password|_file$|_key$/.test(name))).toEqual([]);
    });

    test('the clock is that of this machine', async () => {
      const asked = Date.now();
      const clock = await views.readClock(inside);
      expect(clock).toBeGreaterThanOrEqual(asked - 1000);
      expect(clock).toBeLessThanOrEqual(Date.now() + 1000);
    });

    test('of a refused ALGORITHM or LOCK it is told what the server would take, on as many row versions', async () => {
      await using session = await server.session();
      await session.execute('create table parts (id bigint primary key, code int, key by_code (code))');
      await session.execute('alter table parts add column note int, algorithm=instant');
      await session.execute('insert into parts values (1, 2, 3)');
      const refused = 'alter table parts modify code bigint, algorithm=inplace, lock=none';
      expect(await sqlCode(session.execute(refused))).toMatch(/^184[56]$/);
      expect(await clauses.instead(session, refused)).toEqual([
        { algorithm: 'COPY', locks: expect.arrayContaining(['SHARED', 'EXCLUSIVE']) },
      ]);
      const copied = 'alter table parts add index by_note (note), algorithm=instant';
      expect((await clauses.instead(session, copied))?.[0]).toEqual({
        algorithm: mariadb ? 'NOCOPY' : 'INPLACE',
        locks: ['NONE', 'SHARED', 'EXCLUSIVE'],
      });
      // Neither of these fails because of its clauses.
      for (const other of [
        'alter table parts drop column absent, algorithm=copy',
        'alter table parts add unique (note), algorithm=inplace',
        'alter table parts modify code bigint',
      ])
        expect(await clauses.instead(session, other)).toBeNull();
      expect(await session.query("show databases like '% twin'")).toEqual([]);
      expect(await session.query('select * from parts')).toEqual([{ id: 1, code: 2, note: 3 }]);
    });

    test('our observer misses nothing; a user without privileges is told what is lost by what', async () => {
      const whats = (await views.missing(inside)).map(({ what }) => what);
      expect(whats).toEqual(
        mariadb
          ? [
              'row-lock waits to better than 100 ms',
              'how many instant changes the rows of a table have seen',
              'the mode to which a statement raises a metadata lock that it owns',
            ]
          : [],
      );
      const lacks = await views.missing(drill);
      expect(lacks.map(({ reason }) => reason)).toEqual(
        expect.arrayContaining([
          expect.stringContaining('grant process'),
          expect.stringContaining('performance_schema.*'),
        ]),
      );
    });
  });
}
