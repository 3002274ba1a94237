/** The three ways to see the disk, on a real server. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../../../tests/server.ts';
import type { DiskReader, Session } from '../../engine.ts';
import { openDiskReader } from './disk.ts';

let started: TestServer;
const sessions: Session[] = [];
let migrator: Session;
let walk: DiskReader;
let functions: DiskReader;
let totals: DiskReader;

beforeAll(async () => {
  started = await startTestServer();
  const connect = async (role: Parameters<TestServer['connect']>[0]) => {
    const session = await started.connect(role);
    sessions.push(session);
    return session;
  };
  migrator = await connect('migrator');
  const administrator = await connect('administrator');
  const observer = await connect('observer');
  const inside = await connect('observerInside');
  await migrator.execute('create table t (id bigint primary key, note text)');
  await migrator.execute("insert into t select i, repeat('x', 500) from generate_series(1, 40000) i");
  await migrator.execute('checkpoint');
  if ('missing' in started.server.dataDirectory) throw new Error(started.server.dataDirectory.missing);
  walk = await openDiskReader(observer, inside, started.server.dataDirectory.path);
  functions = await openDiskReader(administrator, inside, null);
  // Without this the observer lists no files and sees totals only.
  totals = await openDiskReader(observer, inside, null);
});

afterAll(async () => {
  for (const session of sessions) await session[Symbol.asyncDispose]();
  await started[Symbol.asyncDispose]();
});

const near = (value: number, expected: number) => Math.abs(value - expected) <= expected * 0.02 + 65_536;

test('the walk and the functions of the server see the same files', async () => {
  const [walked, told] = [await walk.read(), await functions.read()];
  expect(functions.source).toContain('pg_stat_file');
  for (const area of ['tables', 'indexes', 'log'] as const)
    expect([area, near(walked[area] ?? 0, told[area] ?? 0)]).toEqual([area, true]);
  expect(walked.tables).toBeGreaterThan(40_000 * 500);
  expect(await walk.relations()).toMatchObject([
    { relation: 't', kind: 'table' },
    { relation: 't_pkey', kind: 'index' },
  ]);
  const relationBytes = async (reader: DiskReader) => (await reader.relations()).map(({ bytes }) => bytes);
  const [one, other] = [await relationBytes(walk), await relationBytes(functions)];
  expect(one.every((bytes, index) => near(bytes, other[index] ?? 0))).toBe(true);
});

test('an observer that may not list files sees the database as a whole', async () => {
  const [areas, walked] = [await totals.read(), await walk.read()];
  if (totals.source.includes('pg_stat_file')) {
    expect(near(areas.tables ?? 0, walked.tables ?? 0)).toBe(true);
    return;
  }
  expect(areas.indexes).toBeUndefined();
  expect(near(areas.tables ?? 0, (walked.tables ?? 0) + (walked.indexes ?? 0))).toBe(true);
  expect(near(areas.log ?? 0, walked.log ?? 0)).toBe(true);
});

test('the file of an index is told from that of a table before its transaction commits', async () => {
  const before = await walk.read();
  await migrator.execute('begin');
  await migrator.execute('create index t_note on t (note, id)');
  const built = await walk.read();
  await migrator.execute('alter table t alter column id type numeric');
  const rewritten = await walk.read();
  await migrator.execute('rollback');
  expect((built.indexes ?? 0) - (before.indexes ?? 0)).toBeGreaterThan(10_000_000);
  expect((built.tables ?? 0) - (before.tables ?? 0)).toBeLessThan(1_000_000);
  expect((rewritten.tables ?? 0) - (built.tables ?? 0)).toBeGreaterThan(10_000_000);
});

test('a sort that spills shows as temporary files while it runs', async () => {
  await migrator.execute("set work_mem = '64kB'");
  await migrator.execute('begin');
  await migrator.execute('declare spilled cursor for select * from t order by note, id desc');
  await migrator.execute('fetch 1 from spilled');
  expect((await walk.read()).temporary).toBeGreaterThan(1_000_000);
  expect((await functions.read()).temporary).toBeGreaterThan(1_000_000);
  await migrator.execute('rollback');
});

test('TOAST counts as its table', async () => {
  await migrator.execute('create table wide (id int, note text)');
  await migrator.execute('alter table wide alter column note set storage external');
  await migrator.execute("insert into wide select i, repeat('y', 9000) from generate_series(1, 500) i");
  const wide = (await walk.relations()).filter(({ relation }) => relation.includes('wide'));
  expect(wide).toHaveLength(1);
  expect(wide[0]).toMatchObject({ relation: 'wide', kind: 'table' });
  expect(wide[0]?.bytes).toBeGreaterThan(4_000_000);
});

test('nothing waits while a table is dropped, and the log goes on', async () => {
  const position = await walk.logPosition();
  await migrator.execute('begin');
  await migrator.execute('drop table t');
  for (const reader of [walk, functions, totals]) {
    await reader.read();
    await reader.relations();
    expect(await reader.logPosition()).toBeGreaterThan(position ?? Number.POSITIVE_INFINITY);
  }
  await migrator.execute('rollback');
});
