/** The two ways to see the disk, on real servers. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { serverMissing, serversOf, startTestServer, type TestServer } from '../../../../tests/server.ts';
import type { DiskArea } from '../../../recording/recording.ts';
import type { DiskReader, Session } from '../../engine.ts';
import { openDiskReader } from './disk.ts';

type Areas = Partial<Record<DiskArea, number>>;

const ROWS = 60_000;

for (const spec of serversOf('mysql')) {
  const missing = await serverMissing(spec);
  describe.skipIf(missing !== null)(missing ?? spec.name, () => {
    let server: TestServer;
    const sessions: Session[] = [];
    let migrator: Session;
    /** Why the files cannot be walked here. */
    let unreadable: string | null = null;
    let walk: DiskReader;
    let views: DiskReader;

    beforeAll(async () => {
      server = await startTestServer(spec);
      const connect = async (role: Parameters<TestServer['connect']>[0]) => {
        const session = await server.connect(role);
        sessions.push(session);
        return session;
      };
      migrator = await connect('migrator');
      const observer = await connect('observer');
      const inside = await connect('observerInside');
      await migrator.execute('create table t (id bigint primary key, note varchar(600))');
      await migrator.execute(
        `insert into t select a.n * 1000 + b.n * 10 + c.n, concat(sha2(a.n * 1000 + b.n * 10 + c.n, 512), repeat('x', 200))
        from (with recursive s as (select 0 as n union all select n + 1 from s where n < ${ROWS / 1000 - 1}) select n from s) a,
          (with recursive s as (select 0 as n union all select n + 1 from s where n < 99) select n from s) b,
          (with recursive s as (select 0 as n union all select n + 1 from s where n < 9) select n from s) c`,
      );
      await migrator.execute('analyze table t');
      const { dataDirectory } = server.server;
      if ('missing' in dataDirectory) {
        unreadable = dataDirectory.missing;
        return;
      }
      walk = await openDiskReader(observer, inside, dataDirectory.path);
      views = await openDiskReader(observer, inside, null);
    }, 180_000);

    afterAll(async () => {
      for (const session of sessions) await session[Symbol.asyncDispose]();
      await server?.[Symbol.asyncDispose]();
    });

    beforeEach(({ skip }) => {
      if (unreadable !== null) skip(unreadable);
    });

    const near = (value: number, expected: number) =>
      Math.abs(value - expected) <= expected * 0.02 + 4_200_000;

    test('the walk and the views see the same tables, undo and binary log', async () => {
      const [walked, told] = [await walk.read(), await views.read()];
      expect(walked.tables).toBeGreaterThan(ROWS * 300);
      for (const area of ['tables', 'binlog'] as const)
        expect([area, near(walked[area] ?? -1e9, told[area] ?? 1e9)]).toEqual([area, true]);
      expect(walked.indexes).toBeUndefined();
      for (const reader of [walk, views])
        expect(await reader.relations()).toMatchObject([{ relation: 't', kind: 'table' }]);
    });

    /** The most that each area had while a statement ran. */
    async function most(reader: DiskReader, session: Session, statement: string): Promise<Areas> {
      let done = false;
      const running = session.execute(statement).then(() => {
        done = true;
      });
      const areas: Areas = {};
      while (!done) {
        for (const [area, bytes] of Object.entries(await reader.read()) as [DiskArea, number][])
          areas[area] = Math.max(areas[area] ?? 0, bytes);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await running;
      return areas;
    }

    test('sort files of an index build, deleted as they are made, are those of the tmpdir', async () => {
      expect(walk.source).toContain('in tmpdir, since innodb_tmpdir is not set apart');
      expect(walk.unseen).toBeUndefined();
      expect(views.unseen).toContain('sort files');
      const before = await walk.read();
      walk.changedFiles?.();
      const during = await most(walk, migrator, 'create index t_note on t (note, id)');
      const after = await walk.read();
      const hidden = (during.tmpdir ?? 0) - (before.tmpdir ?? 0);
      expect(hidden).toBeGreaterThan(ROWS * 100);
      expect((after.tmpdir ?? 0) - (before.tmpdir ?? 0)).toBeLessThan(hidden / 4);
      expect((after.tables ?? 0) - (before.tables ?? 0)).toBeGreaterThan(ROWS * 250);
      expect(after.innodbTmpdir).toBeUndefined();
      const grown = (walk.changedFiles?.() ?? []).map(({ file }) => walk.ownerOf?.(file));
      expect(grown).toContainEqual({ relation: 't', kind: 'table' });
    }, 60_000);

    test('a folder of its own for the sorts of InnoDB is told apart', async () => {
      await migrator.execute("set global innodb_tmpdir = '/var/tmp'");
      try {
        const [observer, inside, other] = [
          await server.connect('observer'),
          await server.connect('observerInside'),
          await server.connect('migrator'),
        ];
        sessions.push(observer, inside, other);
        const { dataDirectory } = server.server;
        if ('missing' in dataDirectory) throw new Error(dataDirectory.missing);
        const apart = await openDiskReader(observer, inside, dataDirectory.path);
        const before = await apart.read();
        const during = await most(apart, other, 'create index t_apart on t (note)');
        expect((during.innodbTmpdir ?? 0) - (before.innodbTmpdir ?? 0)).toBeGreaterThan(ROWS * 100);
        expect((during.tmpdir ?? 0) - (before.tmpdir ?? 0)).toBeLessThan(ROWS * 50);
      } finally {
        await migrator.execute('set global innodb_tmpdir = default');
      }
    }, 60_000);

    test('the files of a copy are temporary while it runs, and the redo log tells how much was written', async () => {
      const position = await walk.logPosition();
      walk.changedFiles?.();
      const during = await most(walk, migrator, 'alter table t modify id decimal(20), algorithm = copy');
      expect(during.temporary).toBeGreaterThan(ROWS * 300);
      await walk.read();
      const made = (walk.changedFiles?.() ?? []).filter(({ bytes }) => bytes > ROWS * 300);
      expect(made.map(({ file }) => walk.ownerOf?.(file))).toEqual([{ relation: 't', kind: 'table' }]);
      expect(await walk.logPosition()).toBeGreaterThan((position ?? Number.POSITIVE_INFINITY) + 1_000_000);
    }, 60_000);
  });
}
