import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BareServer, eventually, startBareServer } from '../../../../tests/server.ts';
import { EnvironmentError, UsageError } from '../../../errors.ts';
import type { CellValue, Session, TableDescription } from '../../engine.ts';
import { postgres } from '../index.ts';

const { filling, schema } = postgres;
let server: BareServer;

beforeAll(async () => {
  server = await startBareServer();
});
afterAll(() => server[Symbol.asyncDispose]());

async function tableOf(session: Session, name: string): Promise<TableDescription> {
  const table = (await schema.describe(session)).find((each) => each.name === name);
  if (table === undefined) throw new Error(`no table ${name}`);
  return table;
}

interface Load {
  readonly columns: readonly string[];
  readonly rows: Iterable<readonly CellValue[]>;
  readonly onProgress?: (rows: number) => void;
  readonly signal?: AbortSignal;
}

async function fill(session: Session, name: string, load: Load): Promise<number> {
  const table = await tableOf(session, name);
  const signal = load.signal ?? AbortSignal.timeout(60_000);
  const { target } = session;
  return filling.bulkLoad({ target, table, alone: false, onProgress: () => undefined, ...load, signal });
}

async function errorOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => null,
    (error: unknown) => error,
  );
}

test('text, bytes and nulls are loaded as they are', async () => {
  await using session = await server.session();
  await session.execute('create table t (id int generated always as identity, note text, doc bytea)');
  const notes = ['', '\\N', 'a\tb\nc\rd\\', 'ä 🐘', null, '\\.'];
  const rows = notes.map((note, index) => [String(index), note, Buffer.from([index, 92, 10, 255])]);
  const progress: number[] = [];
  const onProgress = (count: number) => progress.push(count);
  expect(await fill(session, 't', { columns: ['id', 'note', 'doc'], rows, onProgress })).toBe(notes.length);
  expect(await session.query('select * from t order by id')).toEqual(
    notes.map((note, id) => ({ id, note, doc: Buffer.from([id, 92, 10, 255]) })),
  );
  expect(progress.at(-1)).toBe(notes.length);
});

function* endless(): Iterable<readonly CellValue[]> {
  for (let id = 1; ; id += 1) yield [String(id), 'x'.repeat(200)];
}

test('rows are pulled no faster than the server takes them, and none is left of an aborted load', async () => {
  await using session = await server.session();
  await session.execute('create table t (id int, note text)');
  const table = await tableOf(session, 't');
  let pulled = 0;
  function* counted() {
    for (const row of endless()) {
      pulled += 1;
      yield row;
    }
  }
  await session.execute('begin; lock table t');
  // A transaction sees the activity as it was when it first looked.
  await using watcher = await postgres.connections.connect(session.target, { applicationName: 'watcher' });
  const stop = new AbortController();
  const loading = errorOf(
    filling.bulkLoad({
      target: session.target,
      table,
      alone: false,
      columns: ['id', 'note'],
      rows: counted(),
      onProgress: () => undefined,
      signal: stop.signal,
    }),
  );
  const COPIES = "select wait_event_type from pg_stat_activity where application_name = 'rehearse filling'";
  await eventually('the wait for the table', async () => {
    const [copy] = await watcher.query<{ wait_event_type: string }>(COPIES);
    return copy?.wait_event_type === 'Lock';
  });
  const pulledWhileLocked = pulled;
  await watcher.query('select pg_sleep(0.1)');
  expect(pulled).toBe(pulledWhileLocked);
  await session.execute('rollback');
  await eventually('the load', () => pulled > pulledWhileLocked + 10_000);
  stop.abort(new Error('enough'));
  expect(await loading).toMatchObject({ message: 'enough' });
  await eventually('the end of the COPY', async () => (await watcher.query(COPIES)).length === 0);
  expect(await session.query('select * from t')).toEqual([]);
});

test('a value that the server refuses is named with table, row and column', async () => {
  await using session = await server.session();
  await session.execute('create table t (id int primary key, note text not null)');
  const columns = ['id', 'note'];
  const wrong = await errorOf(
    fill(session, 't', {
      columns,
      rows: [
        ['1', 'a'],
        ['x', 'b'],
      ],
    }),
  );
  expect(wrong).toBeInstanceOf(UsageError);
  expect(String(wrong)).toMatch(
    /table "t" cannot be filled at row 2, column "id": .*22P02.*data\.tables\."t"\.columns\."id"/,
  );
  const missing = await errorOf(fill(session, 't', { columns, rows: [['1', null]] }));
  expect(String(missing)).toMatch(/at row 1, column "note": null value.*data\.tables\."t"\.columns\."note"/);
  const twice = await errorOf(
    fill(session, 't', {
      columns,
      rows: [
        ['1', 'a'],
        ['1', 'b'],
      ],
    }),
  );
  expect(String(twice)).toMatch(/t_pkey.*data\.tables\."t"\.columns in/);
  function* broken(): Iterable<readonly CellValue[]> {
    yield ['1', 'a'];
    throw new RangeError('a defect of the generator');
  }
  expect(await errorOf(fill(session, 't', { columns, rows: broken() }))).toBeInstanceOf(RangeError);
  expect(await session.query('select * from t')).toEqual([]);
});

test('a server that goes away while filling is no fault of the scenario', async () => {
  await using session = await server.session();
  await session.execute('create table t (id int, note text)');
  const loading = errorOf(fill(session, 't', { columns: ['id', 'note'], rows: endless() }));
  await eventually('the COPY', async () => {
    const ended = await session.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where application_name = 'rehearse filling' and state = 'active' and query like 'copy%'`,
    );
    return ended.length > 0;
  });
  expect(await loading).toBeInstanceOf(EnvironmentError);
});

/** Everything about indexes, constraints and triggers that a dump would show, and their comments. */
const OBJECTS = `
  select 'index' as what, i.indrelid::regclass::text as table, i.indexrelid::regclass::text as name,
    pg_get_indexdef(i.indexrelid) as definition, obj_description(i.indexrelid, 'pg_class') as comment,
    concat_ws(' ', i.indisprimary, i.indisvalid, i.indisclustered, i.indisreplident, h.inhparent::regclass) as facts
  from pg_index i left join pg_inherits h on h.inhrelid = i.indexrelid
  where i.indrelid >= 16384
  union all
  select 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid),
    obj_description(oid, 'pg_constraint'), concat_ws(' ', convalidated, conislocal, coninhcount, conparentid <> 0)
  from pg_constraint where conrelid >= 16384
  union all
  select 'trigger', tgrelid::regclass::text, tgname, tgenabled::text, null, null
  from pg_trigger where not tgisinternal
  order by 1, 2, 3`;

test('what is taken away comes back exactly, and what could not is left in place', async () => {
  await using session = await server.session();
  await session.execute(`
    create table customers (id bigint primary key, email varchar(50) not null, note text,
      constraint mail unique (email) include (note));
    comment on constraint mail on customers is 'it''s';
    create index marked on customers (note);
    alter table customers cluster on marked;
    create unique index identity on customers (email);
    alter table customers replica identity using index identity;
    create index with_target on customers ((lower(note)));
    alter index with_target alter column 1 set statistics 500;
    create index plain on customers (note desc nulls last) include (email) with (fillfactor = 70) where note <> 'x';
    comment on index plain is 'hello';
    create table orders (id serial primary key, code int unique, period int4range, exclude using gist (period with &&),
      customer_id bigint not null references customers on delete cascade deferrable);
    create table outside (code int references orders (code));
    create table events (id bigint, at date not null, kind text, primary key (id, at)) partition by range (at);
    create table events_2024 partition of events for values from ('2024-01-01') to ('2025-01-01');
    create table events_rest partition of events default partition by range (id);
    create table events_last partition of events_rest default;
    create index by_kind on events (kind);
    create index own on events_2024 (kind, at);
    alter index events_2024_kind_idx rename to renamed;
    comment on index renamed is 'of a partition';
    create table nodes (id int primary key, event_id bigint, event_at date, parent int references nodes,
      constraint about foreign key (event_id, event_at) references events,
      constraint rank unique (parent, event_at) deferrable initially deferred, constraint late unique (event_id) deferrable);
    comment on constraint rank on nodes is 'deferred';
    comment on constraint about on nodes is 'composite';
    create function refuse() returns trigger language plpgsql as $$ begin raise 'fired'; end $$;
    create trigger always before insert on customers for each row execute function refuse();
    create trigger never after insert on customers for each row execute function refuse();
    create trigger each_event before insert on events_2024 for each row execute function refuse();
    alter table customers disable trigger never;
    alter table customers enable always trigger always;
    create view grouped as select id, note from customers group by id;`);
  const before = await session.query(OBJECTS);
  const tables = (await schema.describe(session)).filter((table) => table.name !== 'outside');

  const { restore } = await filling.prepare(session, tables);
  const left = await session.query<{ name: string }>(
    'select indexrelid::regclass::text as name from pg_index where indrelid >= 16384 and indrelid in (select oid from pg_class where relkind <> $1) order by 1',
    ['t'],
  );
  expect(left.map((index) => index.name)).toEqual([
    'customers_pkey',
    'identity',
    'marked',
    'orders_code_key',
    'with_target',
  ]);
  await fill(session, 'orders', { columns: ['id', 'customer_id', 'code'], rows: [['1', '1', '1']] });
  await fill(session, 'customers', { columns: ['id', 'email'], rows: [['1', 'a@b']] });
  await fill(session, 'events', {
    columns: ['id', 'at'],
    rows: [
      ['1', '2024-05-05'],
      ['1', '2026-05-05'],
    ],
  });

  for (const { statements } of restore.flat())
    for (const statement of statements) await session.execute(statement);
  expect(await session.query(OBJECTS)).toEqual(before);
});

test('counters go past the loaded rows, and never back', async () => {
  await using session = await server.session();
  await session.execute(`
    create sequence shared;
    create table t (a serial, b bigint generated by default as identity (increment by 5), c int default nextval('shared'),
      d text default 'n' || nextval('shared'));
    create table empty (a serial);
    select setval('t_b_seq', 500)`);
  await fill(session, 't', {
    columns: ['a', 'b', 'c'],
    rows: [
      ['7', '70', '700'],
      ['5', '60', '50'],
    ],
  });
  const tables = await schema.describe(session);
  await filling.advanceCounters(session, tables);
  await filling.advanceCounters(session, tables);
  const [row] = await session.query('insert into t (d) values (null) returning a, b::int, c');
  expect(row).toEqual({ a: 8, b: 505, c: 701 });
  expect(await session.query('insert into empty default values returning a')).toEqual([{ a: 1 }]);
});

test('settling leaves statistics and an all-visible map, and sizes count partitions and indexes', async () => {
  await using session = await server.session();
  await session.execute(`
    create table t (id int primary key);
    create table p (id int) partition by range (id);
    create table p_all partition of p default`);
  const rows = Array.from({ length: 5000 }, (_, id) => [String(id)]);
  await fill(session, 't', { columns: ['id'], rows });
  await fill(session, 'p', { columns: ['id'], rows });
  const tables = await schema.describe(session);
  await filling.settle(session, tables);
  const facts = await session.query(
    `select relname::text as name, reltuples::int as rows, relallvisible = relpages as visible
     from pg_class where relname in ('t', 'p_all') order by 1`,
  );
  expect(facts).toEqual([
    { name: 'p_all', rows: 5000, visible: true },
    { name: 't', rows: 5000, visible: true },
  ]);
  const sizes = await filling.sizes(session, tables);
  expect([...sizes.keys()].sort()).toEqual(['p', 'p_all', 't']);
  expect(sizes.get('p')).toBe(sizes.get('p_all'));
  expect(sizes.get('t')).toBeGreaterThan((sizes.get('p') ?? 0) + 8192);
});
