/** The drills on a real server. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { bareRecorder } from '../../tests/recorder.ts';
import { eventually, sqlCode, startTestServer, type TestServer } from '../../tests/server.ts';
import type { Session, TableDescription } from '../engines/engine.ts';
import { UsageError } from '../errors.ts';
import type { Recorder } from '../recording/recorder.ts';
import type { DrillPlan } from '../scenario/plan.ts';
import { drillsStarted, type RunningDrills } from './index.ts';

let started: TestServer;
let migrator: Session;
let administrator: Session;
let tables: readonly TableDescription[];

beforeAll(async () => {
  started = await startTestServer();
  migrator = await started.connect('migrator');
  administrator = await started.connect('administrator');
  await migrator.execute('create schema shop');
  await migrator.execute('create table shop."Order lines" (id bigint primary key)');
  await migrator.execute('create table orders (id bigint primary key)');
  await migrator.execute('insert into orders select generate_series(1, 5000)');
  tables = await started.engine.schema.describe(administrator);
});

afterAll(async () => {
  await migrator[Symbol.asyncDispose]();
  await administrator[Symbol.asyncDispose]();
  await started[Symbol.asyncDispose]();
});

function newRecorder(): Recorder {
  return bareRecorder();
}

function start(
  recorder: Recorder,
  drills: readonly DrillPlan[],
  signal = AbortSignal.timeout(60_000),
): Promise<RunningDrills> {
  return drillsStarted({ ...started, recorder, plan: { drills }, tables, windowOpensInMs: 50 }, signal);
}

const recordsOf = (recorder: Recorder) => recorder.recording({ how: 'completed' }).drills;

/** Until the session of a drill owns its lock; tells the mode. */
function lockOf(drill: string, table: string): Promise<string> {
  return eventually(`${drill} holds a lock`, async () => {
    const [row] = await administrator.query<{ mode: string }>(
      `select mode
      from pg_locks l
      join pg_stat_activity a using (pid)
      where a.application_name = $1 and l.granted and l.relation = $2::regclass`,
      [`rehearse drill ${drill}`, table],
    );
    return row?.mode ?? null;
  });
}

test.each(['longReader', 'idleInTransaction'] as const)(
  '%s holds its lock from start to end',
  async (kind) => {
    const recorder = newRecorder();
    const beganAtMs = recorder.now();
    await using drills = await start(recorder, [{ kind, table: 'orders', atMs: -20, forMs: 400 }]);
    expect(await lockOf(kind, 'orders')).toBe('AccessShareLock');
    const alterSentAtMs = recorder.now();
    await migrator.execute(`alter table orders add column ${kind} int`);
    const alterDoneAtMs = recorder.now();
    await drills.finished();
    const [record] = recordsOf(recorder);
    expect(record).toMatchObject({ drill: kind, description: expect.stringContaining('orders for 400 ms') });
    expect(record?.sessionId).toBeGreaterThan(0);
    expect(record?.startedAtMs).toBeGreaterThanOrEqual(beganAtMs + 30);
    // The ALTER got through when the drill was over, and not before.
    expect(record?.endedAtMs).toBeGreaterThanOrEqual(beganAtMs + 430);
    expect(alterDoneAtMs - alterSentAtMs).toBeGreaterThanOrEqual(
      (record?.endedAtMs ?? 0) - alterSentAtMs - 50,
    );
    expect(recorder.recording({ how: 'completed' }).notes).toEqual([]);
  },
);

test('a long reader reads on, so that it is seen to be at work', async () => {
  const recorder = newRecorder();
  await using drills = await start(recorder, [{ kind: 'longReader', table: 'orders', atMs: 0, forMs: 600 }]);
  const reads = new Set<string>();
  await eventually('two reads of one transaction', async () => {
    const rows = await administrator.query<{ query_start: Date; xact_start: Date | null }>(
      "select query_start, xact_start from pg_stat_activity where application_name = 'rehearse drill longReader'",
    );
    for (const row of rows) if (row.xact_start !== null) reads.add(row.query_start.toISOString());
    return reads.size >= 3 ? true : null;
  });
  await drills.finished();
});

test('a table of another schema with a name that must be quoted', async () => {
  const recorder = newRecorder();
  await using drills = await start(recorder, [
    { kind: 'idleInTransaction', table: 'shop.Order lines', atMs: 0, forMs: 200 },
  ]);
  expect(await lockOf('idleInTransaction', 'shop."Order lines"')).toBe('AccessShareLock');
  await drills.finished();
});

test('a table that is not there is named, with those that are', async () => {
  const error = await start(newRecorder(), [
    { kind: 'longReader', table: 'order', atMs: 0, forMs: 100 },
  ]).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UsageError);
  expect(String(error)).toMatch(/longReader names the table "order".*There are: .*orders/);
});

test('a drill whose session is killed is a note and a record, not an error', async () => {
  const recorder = newRecorder();
  await using drills = await start(recorder, [
    { kind: 'longReader', table: 'orders', atMs: 0, forMs: 60_000 },
  ]);
  await lockOf('longReader', 'orders');
  await administrator.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'rehearse drill longReader'",
  );
  await drills.finished();
  expect(recordsOf(recorder)).toHaveLength(1);
  expect(recorder.recording({ how: 'completed' }).notes[0]).toMatch(
    /^drill long reader on orders .*ended early/,
  );
});

test('an interruption ends a drill at once, and nothing of it is left', async () => {
  const recorder = newRecorder();
  const interruption = new AbortController();
  const drills = await start(
    recorder,
    [{ kind: 'idleInTransaction', table: 'orders', atMs: 0, forMs: 600_000 }],
    interruption.signal,
  );
  await lockOf('idleInTransaction', 'orders');
  interruption.abort(new Error('interrupted'));
  await expect(drills.finished()).rejects.toThrow('interrupted');
  await drills[Symbol.asyncDispose]();
  expect(recordsOf(recorder)).toHaveLength(1);
  await eventually('the session is gone', async () => {
    const rows = await administrator.query(
      "select 1 from pg_stat_activity where application_name like 'rehearse drill%'",
    );
    return rows.length === 0 ? true : null;
  });
  await migrator.execute("set lock_timeout = '2s'");
  expect(await sqlCode(migrator.execute('alter table orders add column free int'))).toBeNull();
});
