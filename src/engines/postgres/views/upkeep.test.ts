/** Autovacuum, horizon, statistics and checkpoints on a real server. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, startTestServer, type TestServer } from '../../../../tests/server.ts';
import { lostBetween } from '../../../observers/upkeep.ts';
import type { Session, UpkeepReader } from '../../engine.ts';
import { upkeep } from './upkeep.ts';

let started: TestServer;
let migrator: Session;
let administrator: Session;
let drill: Session;
let reader: UpkeepReader;
const sessions: Session[] = [];

beforeAll(async () => {
  started = await startTestServer();
  const connect = async (role: Parameters<TestServer['connect']>[0]) => {
    const session = await started.connect(role);
    sessions.push(session);
    return session;
  };
  migrator = await connect('migrator');
  administrator = await connect('administrator');
  drill = await connect('drill');
  reader = await upkeep.openReader(await connect('observer'), await connect('observerInside'));
  await migrator.execute('create table t (id int primary key, total int, note text)');
  await migrator.execute("insert into t select i, i, 'n' from generate_series(1, 20000) i");
  await migrator.execute('analyze t');
});

afterAll(async () => {
  for (const session of sessions) await session[Symbol.asyncDispose]();
  await started[Symbol.asyncDispose]();
});

/** As many transaction numbers as that, in one statement: each block with an exception handler is a subtransaction. */
const burn = (count: number) =>
  migrator.execute(`
    create table if not exists burnt (n int);
    do $$ begin
      for i in 1..${count} loop
        begin insert into burnt values (1); exception when unique_violation then null; end;
      end loop;
    end $$;
    truncate burnt`);

test('who holds a snapshot keeps dead rows, and is named', async () => {
  await drill.execute('begin isolation level repeatable read');
  await drill.query('select 1');
  await burn(500);
  const { horizon } = await reader.read();
  await drill.execute('commit');
  expect(horizon?.transactions).toBeGreaterThanOrEqual(500);
  expect(horizon?.holder).toContain(`session ${drill.id} `);
  expect((await reader.state()).oldestRow?.transactions).toBeGreaterThanOrEqual(500);
});

test('columns that lose their statistics are told from those that never had any', async () => {
  const before = await reader.state();
  await migrator.execute('alter table t alter column total type bigint, add column tax int');
  expect(lostBetween(before, await reader.state())).toEqual([
    { table: 't', lost: ['total'], never: ['tax'] },
  ]);
  await migrator.execute('analyze t');
  expect(lostBetween(before, await reader.state())).toEqual([]);
});

test('dead rows and checkpoints are counted', async () => {
  await migrator.execute('alter table t set (autovacuum_enabled = off)');
  const before = await reader.state();
  await migrator.execute("update t set note = 'm'");
  await administrator.execute('checkpoint');
  const after = await eventually('the statistics are told', async () => {
    const state = await reader.state();
    const dead = (state.deadRows.get('t') ?? 0) - (before.deadRows.get('t') ?? 0);
    const asked = (state.checkpoints?.requested ?? 0) - (before.checkpoints?.requested ?? 0);
    return dead >= 20_000 && asked >= 1 ? state : null;
  });
  expect(after.checkpoints?.timed).toBeGreaterThanOrEqual(before.checkpoints?.timed ?? Number.NaN);
});

test('a worker that runs to prevent wraparound is told as one that gives way to nobody', async () => {
  for (const setting of [
    "autovacuum_naptime = '1s'",
    "autovacuum_vacuum_cost_delay = '100ms'",
    'autovacuum_vacuum_cost_limit = 1',
  ])
    await administrator.execute(`alter system set ${setting}`);
  await administrator.query('select pg_reload_conf()');
  await migrator.execute('alter table t set (autovacuum_freeze_max_age = 100000)');
  await burn(120_000);
  const worker = await eventually(
    'a worker runs',
    async () =>
      (await reader.read()).workers.find(({ statement }) => statement.includes('public.t ')) ?? null,
    60_000,
  );
  expect(worker).toMatchObject({
    unyielding: true,
    statement: expect.stringContaining('to prevent wraparound'),
  });
});
