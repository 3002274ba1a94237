import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serverMissing, serverSpec, startTestServer, type TestServer } from '../../../../tests/server.ts';
import type { LockReader } from '../../engine.ts';
import { watchedOf } from './lock-watch.ts';
import { openLockReader } from './locks.ts';

const each = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);
const began = (count: number): string =>
  each(count)
    .map((index) => (index + 1) * 20.5)
    .join(' ');

test('a look lies between its beginning and what is left for the answer; the one with a change is read anew', () => {
  const quiet = watchedOf({ n: 21, total: 411, began: began(20), deadlocks: 3 }, 415);
  expect(quiet).toMatchObject({ changed: false, deadlocks: 3, foundAfterMs: 410 });
  expect(quiet.looks).toHaveLength(20);
  expect(quiet.looks[0]).toEqual({ askedAfterMs: 20.5, answeredAfterMs: 25 });
  expect(quiet.looks[19]).toEqual({ askedAfterMs: 410, answeredAfterMs: 415 });
  const changed = { n: 3, total: 62, began: began(3), deadlocks: 0 };
  expect(watchedOf(changed, 64)).toMatchObject({
    changed: true,
    looks: [{ askedAfterMs: 20.5 }, { askedAfterMs: 41 }],
  });
});

test('one that came too late for a look has made those before it', () => {
  const late = watchedOf({ n: 3, total: 700, began: '300 690', deadlocks: 0 }, 705);
  expect(late).toMatchObject({ changed: true, looks: [{ askedAfterMs: 300 }, { askedAfterMs: 690 }] });
});

test('a server whose clock was set meanwhile, or whose sleep was cut off, tells of no look', () => {
  const quiet = { n: 21, deadlocks: 0 };
  expect(watchedOf({ ...quiet, total: -3000, began: `20.5 ${began(19)}` }, 415)).toMatchObject({ looks: [] });
  expect(watchedOf({ ...quiet, total: 9000, began: '20 9000' }, 415)).toMatchObject({
    looks: [],
    foundAfterMs: 0,
  });
  expect(watchedOf({ n: 1, total: 5, deadlocks: 0, began: began(20) }, 9).looks).toEqual([]);
});

const spec = serverSpec('mysql:9.7');
const missing = await serverMissing(spec);

describe.skipIf(missing !== null)(missing ?? spec.name, () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer(spec);
    await using migrator = await server.connect('migrator');
    await migrator.execute('create table watched (id int primary key, note varchar(20))');
    await migrator.execute("insert into watched values (1, 'one'), (2, 'two')");
  }, 180_000);
  afterAll(() => server?.[Symbol.asyncDispose]());

  async function openReader(): Promise<{
    readonly reader: LockReader;
    watch(): ReturnType<NonNullable<LockReader['watch']>>;
    read(): ReturnType<LockReader['read']>;
  }> {
    const reader = await openLockReader(
      await server.connect('observer'),
      await server.connect('observerInside'),
    );
    const { watch } = reader;
    if (watch === undefined) throw new Error('the reader cannot watch');
    const { user } = server.roles.migrator;
    return { reader, watch: () => watch(user), read: () => reader.read(user) };
  }

  test('held locks that stay are nothing new; a lock more, one less and a wait are, within the time of a look', async () => {
    await using migrator = await server.connect('migrator');
    await using other = await server.connect('administrator');
    const { watch, read } = await openReader();
    expect((await read()).holdNone).toBe(true);
    const quiet = await watch();
    expect(quiet.changed).toBe(false);
    expect(quiet.looks).toHaveLength(20);

    await migrator.execute('begin');
    await migrator.query('select note from watched where id = 1 for update');
    expect(await watch()).toMatchObject({ changed: true, looks: [] });
    expect(await read()).toMatchObject({
      held: [{ relation: 'watched', mode: 'SHARED_WRITE' }],
      holdNone: false,
    });
    expect((await watch()).changed).toBe(false);

    const altering = other.execute('alter table watched add column more int');
    await delay(30);
    expect((await watch()).changed).toBe(true);
    expect((await read()).waits).toMatchObject([{ waiterId: other.id, relation: 'watched' }]);

    await migrator.execute('commit');
    await altering;
    expect((await watch()).changed).toBe(true);
    expect((await read()).held).toEqual([]);
  });

  test('a wait for a row is new, and so is a deadlock', async () => {
    await using one = await server.connect('load');
    await using other = await server.connect('load');
    const { watch, read } = await openReader();
    await read();
    expect((await watch()).changed).toBe(false);
    for (const session of [one, other]) await session.execute('begin');
    await one.execute("update watched set note = 'x' where id = 1");
    await other.execute("update watched set note = 'x' where id = 2");
    expect((await watch()).changed).toBe(false);

    const waiting = one.execute("update watched set note = 'y' where id = 2");
    await delay(30);
    expect((await watch()).changed).toBe(true);
    expect((await read()).waits).toMatchObject([{ waiterId: one.id, relation: 'watched' }]);

    await Promise.allSettled([other.execute("update watched set note = 'y' where id = 1"), waiting]);
    for (const session of [one, other]) await session.execute('rollback');
    // The counter moves after those were told that it counts.
    await delay(50);
    const { deadlocks } = await read();
    expect(deadlocks?.latest).toHaveLength(1);
  });

  test('a flush of the tables, which waits for the watch itself too, ends it', async () => {
    await using flushing = await server.connect('administrator');
    const { watch, read } = await openReader();
    await read();
    const watched = watch();
    await delay(30);
    await flushing.execute('flush tables');
    expect((await watched).changed).toBe(true);
  });

  test('a flush that waits for somebody who reads a table is new', async () => {
    await using reading = await server.connect('load');
    await using flushing = await server.connect('administrator');
    const { watch, read } = await openReader();
    await read();
    const slow = reading.query('select sleep(1) from watched limit 1');
    await delay(50);
    const flush = flushing.execute('flush tables');
    await delay(30);
    expect((await watch()).changed).toBe(true);
    expect((await read()).waits).toMatchObject([{ waiterId: flushing.id, target: 'table flush' }]);
    await Promise.all([slow, flush]);
  });
});
