/** The two ways to see the disk, on real servers. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { serverMissing, serversOf, startTestServer, type TestServer } from '../../../../tests/server.ts';
import type { DiskReader, Session } from '../../engine.ts';
import { openDiskReader } from './disk.ts';

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

    test('sort files of an index build, deleted as they are made, count as temporary', async () => {
      expect(walk.source).toContain('from /proc');
      const before = await walk.read();
      let done = false;
      const build = migrator.execute('create index t_note on t (note, id)').then(() => {
        done = true;
      });
      let temporary = 0;
      while (!done) {
        temporary = Math.max(temporary, (await walk.read()).temporary ?? 0);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await build;
      const after = await walk.read();
      const hidden = temporary - (before.temporary ?? 0);
      expect(hidden).toBeGreaterThan(ROWS * 100);
      expect((after.temporary ?? 0) - (before.temporary ?? 0)).toBeLessThan(hidden / 4);
      expect((after.tables ?? 0) - (before.tables ?? 0)).toBeGreaterThan(ROWS * 250);
    }, 60_000);

    test('the files of a copy are temporary while it runs, and the redo log tells how much was written', async () => {
      const position = await walk.logPosition();
      let done = false;
      const copy = migrator.execute('alter table t modify id decimal(20), algorithm = copy').then(() => {
        done = true;
      });
      let temporary = 0;
      while (!done) {
        temporary = Math.max(temporary, (await walk.read()).temporary ?? 0);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await copy;
      expect(temporary).toBeGreaterThan(ROWS * 300);
      expect(await walk.logPosition()).toBeGreaterThan((position ?? Number.POSITIVE_INFINITY) + 1_000_000);
    }, 60_000);
  });
}
