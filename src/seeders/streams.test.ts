/** Streams on threads of their own: the same rows whoever makes them, and one clear error when it cannot be done. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BareServer, eventually, startBareServer } from '../../tests/server.ts';
import { dataPlan } from '../../tests/tables.ts';
import type { Session } from '../engines/engine.ts';
import { UsageError } from '../errors.ts';
import type { DataPlan } from '../scenario/plan.ts';
import { type FillingProgress, seedSynthetic } from './index.ts';

let server: BareServer;
beforeAll(async () => {
  server = await startBareServer();
});
afterAll(() => server[Symbol.asyncDispose]());

/** Enough for threads, and for the larger table to be shared. */
const ROWS = 210_000;
const SCHEMA = `
  create table customers (id int primary key, email varchar(60) not null unique, created_at timestamptz not null);
  create table orders (id int8 primary key, customer_id int not null references customers, total numeric(8,2), token uuid not null);
  create index orders_customer on orders (customer_id);`;

interface Fill {
  readonly data?: DataPlan;
  readonly streams: number;
  readonly onProgress?: (progress: FillingProgress) => void;
  readonly signal?: AbortSignal;
}

async function fill(session: Session, wanted: Fill) {
  const { streams, data = dataPlan(ROWS), onProgress = () => undefined, signal } = wanted;
  const { engine } = server;
  const tables = await engine.schema.describe(session);
  const { target } = session;
  const request = { engine, target, administrator: target, tables, data, streams, onProgress };
  return seedSynthetic(request, signal ?? AbortSignal.timeout(120_000));
}

/** Of every table the rows in their order by key, as COPY writes them. */
async function contents(session: Session): Promise<readonly unknown[]> {
  return session.query(`
    select 'customers' as name, count(*), md5(string_agg(t::text, e'\\n' order by id)) as hash from customers t
    union all
    select 'orders', count(*), md5(string_agg(t::text, e'\\n' order by id)) from orders t`);
}

/** What one stream makes. */
let made: readonly unknown[] = [];

test('several streams make the rows that one makes, and keep their order on disk', async () => {
  for (const streams of [1, 3]) {
    await using session = await server.session();
    await session.execute(SCHEMA);
    const reports: FillingProgress[] = [];
    const { filling } = await fill(session, { streams, onProgress: (progress) => reports.push(progress) });
    const found = await contents(session);
    if (streams === 1) made = found;
    expect(found).toEqual(made);
    expect(filling.map(({ table, rows }) => [table, rows])).toEqual([
      ['customers', ROWS / 10],
      ['orders', ROWS],
    ]);
    const last = reports.findLast(({ table }) => table === 'orders');
    expect(last).toMatchObject({
      rows: ROWS,
      ofRows: ROWS,
      secondsLeft: 0,
      bytesPerSecond: expect.any(Number),
    });
    await session.execute('analyze orders');
    const [statistics] = await session.query<{ correlation: number }>(
      "select correlation from pg_stats where tablename = 'orders' and attname = 'id'",
    );
    expect(statistics?.correlation).toBeGreaterThan(0.9);
  }
});

test('rows that a broken connection took with it are made again', async () => {
  await using session = await server.session();
  await session.execute(SCHEMA);
  const CUT = `
    select pg_terminate_backend(pid)
    from pg_stat_activity
    where datname = current_database() and query ilike 'copy %orders%'`;
  const cuts: Promise<readonly unknown[]>[] = [];
  const onProgress = ({ table, rows }: FillingProgress) => {
    if (table === 'orders' && rows > 0 && cuts.length === 0) cuts.push(session.query(CUT));
  };
  await fill(session, { streams: 3, onProgress });
  const [cut] = await Promise.all(cuts);
  expect(cut?.length).toBeGreaterThan(0);
  expect(await contents(session)).toEqual(made);
});

test('a row that the server refuses is told with table and setting, whoever made it', async () => {
  await using session = await server.session();
  await session.execute(`
    create table orders (id int8 primary key, a int not null, constraint odd check (a in (1, 3)))`);
  const a = { values: [{ value: '2', weight: 1 }] };
  const data = dataPlan(ROWS, { orders: { columns: { a } } });
  const failed = await fill(session, { streams: 3, data }).catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(UsageError);
  expect(String(failed)).toMatch(
    /table "orders" cannot be filled.*odd.*data\.tables\."orders"\.columns\."a"/,
  );
  expect(await session.query('select from orders limit 1')).toEqual([]);
});

/** The first stream takes the larger table, and waits for it; whatever becomes of the other one comes from the thread. */
const HELD = `
  create table larger (a int not null, b int not null);
  create table other (a int not null, constraint odd check (a in (1, 3)));`;
const HELD_ROWS = { larger: { rows: ROWS }, other: { rows: ROWS / 3 } };

test('a further stream fills its tables on its own thread', async () => {
  await using session = await server.session();
  await session.execute(HELD);
  await using holder = await server.engine.connections.connect(session.target, { applicationName: 'holder' });
  await holder.execute('begin; lock table larger in share mode');
  const reports: FillingProgress[] = [];
  const released: Promise<unknown>[] = [];
  const onProgress = (progress: FillingProgress) => {
    reports.push(progress);
    if (progress.table === 'other' && progress.rows === progress.ofRows)
      released.push(holder.execute('rollback'));
  };
  await fill(session, { streams: 2, data: dataPlan(null, HELD_ROWS), onProgress });
  await Promise.all(released);
  const [rows] = await session.query(
    'select (select count(*) from larger) a, (select count(*) from other) b',
  );
  expect(rows).toEqual({ a: String(ROWS), b: String(ROWS / 3) });
});

test('what fails on a thread is told, and ends the stream that waits', async () => {
  await using session = await server.session();
  await session.execute(HELD);
  await using holder = await server.engine.connections.connect(session.target, { applicationName: 'holder' });
  await holder.execute('begin; lock table larger in share mode');
  const a = { values: [{ value: '2', weight: 1 }] };
  const data = dataPlan(null, { ...HELD_ROWS, other: { rows: ROWS / 3, columns: { a } } });
  const failed = await fill(session, { streams: 2, data }).catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(UsageError);
  expect(String(failed)).toMatch(/table "other" cannot be filled.*odd.*data\.tables\."other"\.columns\."a"/);
});

test('an abort ends the threads and their connections', async () => {
  await using session = await server.session();
  await session.execute(SCHEMA);
  const stop = new AbortController();
  const onProgress = ({ rows }: FillingProgress) => {
    if (rows > 0) stop.abort(new Error('enough'));
  };
  const failed = await fill(session, { streams: 2, onProgress, signal: stop.signal }).catch(
    (error: unknown) => error,
  );
  expect(failed).toMatchObject({ message: 'enough' });
  await eventually('no connection is left', async () => {
    const left = await session.query(
      "select from pg_stat_activity where datname = current_database() and application_name = 'rehearse filling'",
    );
    return left.length === 0;
  });
});
