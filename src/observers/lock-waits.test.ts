/** Lock waits on a real server; each test makes the lock that it measures. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  boundsOf,
  failedStatement,
  type Observed,
  startObserved,
  stepOf,
  until,
  waitOf,
} from '../../tests/observed.ts';
import { eventually, sqlCode, type TestServer } from '../../tests/server.ts';
import type { Session } from '../engines/engine.ts';

let observed: Observed;
let started: TestServer;
let migrator: Session;
let drill: Session;
let load: Session;
let administrator: Session;
let observe: Observed['observe'];
let waiting: Observed['waiting'];
let locksRead: Observed['locksRead'];
let secondsPassed: Observed['secondsPassed'];

beforeAll(async () => {
  observed = await startObserved();
  ({ started, migrator, drill, load, administrator, observe, waiting, locksRead, secondsPassed } = observed);
});

afterAll(() => observed[Symbol.asyncDispose]());

test.each([30, 200, 1500])(
  'a reader that holds on for %i ms, an ALTER, a SELECT behind it',
  async (heldMs) => {
    const times = {
      alterSent: 0,
      alterWaits: 0,
      selectSent: 0,
      selectWaits: 0,
      commitSent: 0,
      alterDone: 0,
      selectDone: 0,
    };
    const recording = await observe(async ({ recorder }) => {
      await drill.execute('begin');
      await drill.query('select 1 from orders limit 1');
      times.alterSent = recorder.now();
      const alter = migrator.execute(`alter table orders add column held_${heldMs} int`);
      await waiting(migrator);
      times.alterWaits = recorder.now();
      times.selectSent = recorder.now();
      const select = load.query('select 4711 from orders limit 1');
      await waiting(load);
      times.selectWaits = recorder.now();
      await locksRead();
      await until(recorder, times.alterSent + heldMs);
      times.commitSent = recorder.now();
      await drill.execute('commit');
      await alter;
      times.alterDone = recorder.now();
      await select;
      times.selectDone = recorder.now();
    });
    const alter = waitOf(recording, migrator);
    expect(alter).toMatchObject({
      waiter: { owner: 'migration', statement: `alter table orders add column held_${heldMs} int` },
      target: 'relation',
      relation: 'orders',
      mode: 'AccessExclusiveLock',
    });
    const select = waitOf(recording, load);
    expect(select).toMatchObject({
      waiter: { owner: 'load', statement: 'select ? from orders limit ?' },
      mode: 'AccessShareLock',
    });
    // Who blocks is read once a wait is seen: on a busy machine a short one is over by then.
    if (heldMs >= 200) {
      const reader = {
        sessionId: drill.id,
        owner: 'drill',
        applicationName: 'test long reader',
        state: 'idle in transaction',
      };
      expect(alter).toMatchObject({ blockers: [reader], ended: 'granted' });
      expect(select).toMatchObject({
        blockers: [reader, { sessionId: migrator.id, owner: 'migration' }],
        ended: 'granted',
      });
    }
    // The truth lies between these, and so must the interval share something with it.
    expect(boundsOf(alter).upper).toBeGreaterThanOrEqual(times.commitSent - times.alterWaits);
    expect(boundsOf(alter).lower).toBeLessThanOrEqual(times.alterDone - times.alterSent);
    expect(boundsOf(select).upper).toBeGreaterThanOrEqual(times.commitSent - times.selectWaits);
    expect(boundsOf(select).lower).toBeLessThanOrEqual(times.selectDone - times.selectSent);
    // The log times the load's waits from 10 ms on: by the server's own timer, to be found between the client's stamps.
    if (times.commitSent - times.selectWaits > 20) {
      expect(select.waitedMs).toMatchObject({ source: 'server log: log_lock_waits' });
      expect(boundsOf(select).lower).toBeGreaterThanOrEqual(times.commitSent - times.selectWaits - 1);
      expect(boundsOf(select).upper).toBeLessThanOrEqual(times.selectDone - times.selectSent + 1);
    }
    expect(alter.startedAtMs).toBeGreaterThanOrEqual(times.alterSent - 20);
    expect(alter.startedAtMs).toBeLessThanOrEqual(times.alterDone);
  },
);

test('a lock timeout is a wait that gave up, as long as the timeout', async () => {
  const recording = await observe(async ({ recorder }) => {
    await drill.execute('begin');
    await drill.query('select 1 from orders limit 1');
    await migrator.execute("set lock_timeout = '150ms'");
    const startedAtMs = recorder.now();
    expect(await sqlCode(migrator.execute('alter table orders add column never int'))).toBe('55P03');
    recorder.setStep(
      stepOf(
        failedStatement(migrator, { startedAtMs: startedAtMs, endedAtMs: recorder.now(), code: '55P03' }),
      ),
    );
    await migrator.execute('reset lock_timeout');
    await drill.execute('commit');
  });
  const found = waitOf(recording, migrator);
  expect(found).toMatchObject({
    ended: 'lock timeout',
    statementId: '1#1.0',
    blockers: [{ sessionId: drill.id }],
  });
  expect(boundsOf(found).upper).toBeGreaterThanOrEqual(150);
});

test('a reload of the configuration in the middle of a wait leaves it one wait', async () => {
  const recording = await observe(async () => {
    await drill.execute('begin');
    await drill.query('lock table orders in access exclusive mode');
    const select = load.query('select 1 from orders limit 1');
    await waiting(load);
    await secondsPassed(0.05);
    for (let time = 0; time < 3; time += 1) {
      await administrator.query('select pg_reload_conf()');
      await secondsPassed(0.05);
    }
    await drill.execute('commit');
    await select;
  });
  const wait = waitOf(recording, load);
  expect(wait).toMatchObject({ ended: 'granted', waitedMs: { source: 'server log: log_lock_waits' } });
  expect(boundsOf(wait).lower).toBeGreaterThanOrEqual(200);
});

test('a convoy: a long reader, an ALTER behind it, twenty operations behind that', async () => {
  const crowd = await Promise.all(Array.from({ length: 20 }, () => started.connect('load')));
  const recording = await observe(async ({ recorder }) => {
    await drill.execute('begin');
    await drill.query('select 1 from orders limit 1');
    const alter = migrator.execute('alter table orders add column convoy int');
    await waiting(migrator);
    const selects = crowd.map((session) => session.query('select 1 from orders limit 1'));
    for (const session of crowd) await waiting(session);
    await until(recorder, recorder.now() + 200);
    await drill.execute('commit');
    await Promise.all([alter, ...selects]);
  });
  for (const session of crowd) await session[Symbol.asyncDispose]();
  expect(waitOf(recording, migrator)).toMatchObject({
    blockers: [{ sessionId: drill.id }],
    ended: 'granted',
  });
  const behind = recording.lockWaits.filter(({ waiter }) => waiter.owner === 'load');
  expect(behind.map(({ waiter }) => waiter.sessionId).sort()).toEqual(crowd.map(({ id }) => id).sort());
  for (const wait of behind) {
    expect(wait).toMatchObject({
      blockers: [{ sessionId: drill.id }, { sessionId: migrator.id }],
      relation: 'orders',
      ended: 'granted',
    });
    expect(boundsOf(wait).lower).toBeGreaterThanOrEqual(200);
  }
});

test('a row lock is a wait for a transaction, and its table is known', async () => {
  const recording = await observe(async () => {
    await drill.execute('begin');
    await drill.query('update orders set total = 1 where id = 7');
    const update = load.query('update orders set total = 2 where id = 7');
    await waiting(load);
    await eventually('the wait is read', async () => (await secondsPassed(0.1)) || null);
    await drill.execute('rollback');
    await update;
  });
  expect(waitOf(recording, load)).toMatchObject({
    target: 'transaction',
    relation: 'orders',
    mode: 'ShareLock',
    ended: 'granted',
    blockers: [{ sessionId: drill.id }],
  });
});

test('a prepared transaction that is in the way is called by its name', async () => {
  const recording = await observe(async () => {
    await drill.execute('begin');
    await drill.query('select 1 from orders limit 1');
    await drill.execute("prepare transaction 'pay 4711'");
    const alter = migrator.execute('alter table orders alter column total set default 1');
    await waiting(migrator);
    await locksRead();
    await secondsPassed(0.1);
    await drill.execute("commit prepared 'pay 4711'");
    await alter;
  });
  expect(waitOf(recording, migrator)).toMatchObject({
    blockers: [{ sessionId: 0, owner: 'drill', applicationName: 'pay 4711', state: 'prepared' }],
  });
});

test('a wait that a timeout of 300 ms ended is as long as that, whatever the readings saw', async () => {
  for (const [setting, ended] of [
    ['lock_timeout', 'lock timeout'],
    ['statement_timeout', 'statement timeout'],
  ] as const) {
    await migrator.execute(`set ${setting} = '300ms'`);
    const recording = await observe(async () => {
      await drill.execute('begin');
      await drill.query('select 1 from orders limit 1');
      await sqlCode(migrator.execute('alter table orders alter column total set default 1'));
      await drill.execute('commit');
    });
    await migrator.execute(`reset ${setting}`);
    const wait = waitOf(recording, migrator);
    expect(wait).toMatchObject({ ended, mode: 'AccessExclusiveLock', relation: 'orders' });
    const { lower, upper } = boundsOf(wait);
    // statement_timeout counts from the beginning of the statement.
    expect(lower).toBeGreaterThan(ended === 'lock timeout' ? 297 : 150);
    expect(upper).toBeGreaterThan(ended === 'lock timeout' ? 299 : 200);
    expect(upper - lower).toBeLessThan(60);
  }
});

test('a deadlock is told with both sides, what each waited for, and the one that was rolled back', async () => {
  await migrator.execute('create table others (id int primary key)');
  await migrator.execute('insert into others values (1)');
  const recording = await observe(async () => {
    await load.execute('begin');
    await load.execute('update others set id = 1');
    await migrator.execute('begin');
    await migrator.execute('lock table orders in access exclusive mode');
    const alter = migrator.execute('alter table others add column deadlocked int');
    await waiting(migrator);
    expect(await sqlCode(load.query("select total from orders where note = 'secret'"))).toBe('40P01');
    await load.execute('rollback');
    await alter;
    await migrator.execute('rollback');
  });
  const { deadlocks } = recording;
  if (deadlocks === undefined || 'notMeasured' in deadlocks) throw new Error('they were not read');
  expect(deadlocks).toMatchObject({ found: 1, source: expect.stringContaining('server log') });
  expect(deadlocks.seen[0]?.parties).toMatchObject([
    {
      session: { sessionId: load.id, owner: 'load', statement: "select total from orders where note = '?'" },
      waitedFor: { relation: 'orders', mode: 'AccessShareLock', index: null },
      victim: true,
    },
    {
      session: { sessionId: migrator.id, owner: 'migration' },
      waitedFor: { relation: 'others', mode: 'AccessExclusiveLock' },
      victim: false,
    },
  ]);
});

test('while nothing changes the server looks by itself, and what we ask for is far less than the looks', async () => {
  const { views } = started.engine;
  let asked = 0;
  const engine = {
    ...started.engine,
    views: {
      ...views,
      openLockReader: async (...sessions: Parameters<typeof views.openLockReader>) => {
        const reader = await views.openLockReader(...sessions);
        return {
          ...reader,
          read: (...wanted: Parameters<typeof reader.read>) => {
            asked += 1;
            return reader.read(...wanted);
          },
        };
      },
    },
  };
  const recording = await observe(async () => void (await secondsPassed(1)), { engine });
  const locks = recording.observers.find(({ name }) => name === 'locks');
  expect(locks?.samples).toBeGreaterThan(20);
  expect(asked).toBeLessThan(10);
});
