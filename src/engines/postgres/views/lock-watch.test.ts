import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serverSpec, startTestServer, type TestServer } from '../../../../tests/server.ts';
import type { LockReader } from '../../engine.ts';
import { watchedOf } from './lock-watch.ts';
import { openLockReader } from './locks.ts';

test('a look lies between its beginning and what is left for the answer; the one with a change is read anew', () => {
  const raw = { began: [20.5, 41, 62], total: 63 };
  const looks = [
    { askedAfterMs: 20.5, answeredAfterMs: 23 },
    { askedAfterMs: 41, answeredAfterMs: 44 },
    { askedAfterMs: 62, answeredAfterMs: 65 },
  ];
  expect(watchedOf({ ...raw, changed: false }, 65)).toEqual({ changed: false, looks });
  expect(watchedOf({ ...raw, changed: true }, 65)).toEqual({ changed: true, looks: looks.slice(0, 2) });
});

test('a server whose clock was set meanwhile tells of no look', () => {
  expect(watchedOf({ began: [20, -3000], total: -2999, changed: false }, 44).looks).toEqual([]);
  expect(watchedOf({ began: [20, 9000], total: 9001, changed: false }, 44).looks).toEqual([]);
});

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer(serverSpec('postgres:18'));
});
afterAll(() => server[Symbol.asyncDispose]());

async function openReader(): Promise<{
  readonly reader: LockReader;
  watch(): ReturnType<NonNullable<LockReader['watch']>>;
}> {
  const reader = await openLockReader(
    await server.connect('observer'),
    await server.connect('observerInside'),
  );
  const { watch } = reader;
  if (watch === undefined) throw new Error('the reader cannot watch');
  return { reader, watch: () => watch(server.roles.migrator.user) };
}

test('held locks that stay are nothing new; a lock more, one less and a wait are, within the time of a look', async () => {
  await using migrator = await server.connect('migrator');
  await using load = await server.connect('load');
  await migrator.execute('create table if not exists watched (id int primary key)');
  const holder = server.roles.migrator.user;
  const { reader, watch } = await openReader();
  expect((await reader.read(holder)).held).toEqual([]);
  const quiet = await watch();
  expect(quiet.changed).toBe(false);
  expect(quiet.looks.length).toBeGreaterThanOrEqual(5);

  await migrator.execute('begin; lock table watched in share mode');
  const more = await watch();
  expect(more).toMatchObject({ changed: true, looks: [] });
  expect((await reader.read(holder)).held).toMatchObject([{ relation: 'watched', mode: 'ShareLock' }]);
  expect((await watch()).changed).toBe(false);

  const waiting = load.execute('insert into watched values (1)');
  await delay(30);
  expect((await watch()).changed).toBe(true);
  expect((await reader.read(holder)).waits).toMatchObject([{ waiterId: load.id }]);

  await migrator.execute('commit');
  await waiting;
  expect((await watch()).changed).toBe(true);
  expect((await reader.read(holder)).held).toEqual([]);
  expect((await watch()).changed).toBe(false);
});

test("locks of sessions that are none of the holders' are nothing new once these are known", async () => {
  await using load = await server.connect('load');
  await load.execute('create temporary table mine (id int)');
  const { reader, watch } = await openReader();
  await load.execute('begin; lock table mine in share mode');
  await reader.read(server.roles.migrator.user);
  expect((await watch()).changed).toBe(false);
  await load.execute('commit');
  expect((await watch()).changed).toBe(false);
});

test('a table of an open transaction, which has no name yet, is one that they have locked', async () => {
  await using migrator = await server.connect('migrator');
  const { reader } = await openReader();
  const holder = server.roles.migrator.user;
  expect((await reader.read(holder)).holdNone).toBe(true);
  await migrator.execute('begin; create table unnamed as select 1 as id');
  expect(await reader.read(holder)).toMatchObject({ held: [], holdNone: false });
  await migrator.execute('rollback');
  expect((await reader.read(holder)).holdNone).toBe(true);
});
