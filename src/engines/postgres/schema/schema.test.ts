import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BareServer, startBareServer } from '../../../../tests/server.ts';
import { type Session, SqlError, type TableDescription } from '../../engine.ts';
import { postgres } from '../index.ts';

const { schema } = postgres;
let server: BareServer;
let session: Session;
let tables: readonly TableDescription[];

beforeAll(async () => {
  server = await startBareServer();
  session = await server.session();
  await session.execute(`
    create schema app;
    create type mood as enum ('sad', 'ok');
    create type pair as (a int, b varchar(5));
    create type span as range (subtype = float8);
    create domain amount as numeric(10,2) not null default 1.5 check (value >= 0);
    create domain small_amount as amount constraint small check (value < 100);
    create table customers (
      id bigint generated always as identity primary key,
      email varchar(50) not null unique,
      mood mood, tags text[], pair pair, span span, bits bit(3), seen timestamptz(3) default now(),
      lower_email text generated always as (lower(email)) stored
    );
    create table app.orders (
      id serial primary key,
      customer_id bigint not null references customers,
      total small_amount,
      status text constraint known check (status in ('a', 'b')),
      created_at timestamp not null,
      dropped int,
      unique (customer_id, created_at)
    );
    alter table app.orders drop column dropped;
    create unique index on app.orders (customer_id) where status = 'b';
    create unique index on app.orders (lower(status), (created_at + '1 day'), (id + 1));
    create unique index on app.orders (status, id) include (total);
    create index on app.orders (customer_id);
    create table events (id bigint, at date not null, kind text, primary key (id, at)) partition by range (at);
    create table events_2024 partition of events for values from ('2024-01-01') to ('2025-01-01');
    create table events_rest partition of events default;
    create table nodes (id int primary key, event_id bigint, event_at date, parent int references nodes);
    alter table nodes add foreign key (event_id, event_at) references events;
    create view order_emails as select o.id, c.email from app.orders o join customers c on c.id = o.customer_id;
    create temporary table mine (a int);
    insert into customers (email) select 'm' || n from generate_series(1, 1000) n;
    insert into app.orders (customer_id, status, created_at) select n, 'a', now() from generate_series(1, 1000) n;
    analyze;`);
  tables = await schema.describe(session);
});
afterAll(async () => {
  await session[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

function tableNamed(name: string): TableDescription {
  const table = tables.find((each) => each.name === name);
  if (table === undefined) throw new Error(`no table ${name}`);
  return table;
}

function columnNamed(table: string, name: string) {
  const column = tableNamed(table).columns.find((each) => each.name === name);
  if (column === undefined) throw new Error(`no column ${name}`);
  return column;
}

test('the user tables are described in the order of their names, qualified outside of public', () => {
  expect(tables.map((table) => [table.name, table.parts, table.hasRows])).toEqual([
    ['app.orders', ['app', 'orders'], true],
    ['customers', ['public', 'customers'], true],
    ['events', ['public', 'events'], false],
    ['events_2024', ['public', 'events_2024'], false],
    ['events_rest', ['public', 'events_rest'], false],
    ['nodes', ['public', 'nodes'], false],
  ]);
});

test('keys, checks and foreign keys are those that hold for every row', () => {
  const orders = tableNamed('app.orders');
  expect(orders.columns.map((column) => column.name)).toEqual([
    'id',
    'customer_id',
    'total',
    'status',
    'created_at',
  ]);
  expect(orders.primaryKey).toEqual(['id']);
  expect(orders.uniques).toEqual([
    ['customer_id', 'created_at'],
    ['created_at', 'id', 'status'],
    ['status', 'id'],
  ]);
  expect(orders.foreignKeys).toEqual([
    {
      name: 'orders_customer_id_fkey',
      columns: ['customer_id'],
      references: 'customers',
      referencedColumns: ['id'],
    },
  ]);
  expect(orders.checks).toEqual([
    { name: 'known', expression: "(status = ANY (ARRAY['a'::text, 'b'::text]))" },
    { name: 'small', expression: expect.stringMatching(/"total".* < /) },
    { name: 'amount_check', expression: expect.stringMatching(/"total".* >= /) },
  ]);
  expect(
    tableNamed('nodes').foreignKeys.map((key) => [key.columns, key.references, key.referencedColumns]),
  ).toEqual([
    [['event_id', 'event_at'], 'events', ['id', 'at']],
    [['parent'], 'nodes', ['id']],
  ]);
});

test('columns tell how they are filled', () => {
  expect(columnNamed('customers', 'id')).toMatchObject({ generated: 'identity always', nullable: false });
  expect(columnNamed('customers', 'lower_email')).toMatchObject({
    generated: 'stored',
    defaultExpression: null,
  });
  expect(columnNamed('customers', 'seen')).toMatchObject({ defaultExpression: 'now()', nullable: true });
  expect(columnNamed('app.orders', 'id').defaultExpression).toMatch(/^nextval\(/);
  expect(columnNamed('app.orders', 'total')).toMatchObject({ nullable: false, defaultExpression: '1.5' });
});

test('types are followed to what they are made of', () => {
  const typeOf = (column: string) => columnNamed('customers', column).type;
  expect(columnNamed('app.orders', 'total').type).toMatchObject({
    kind: 'decimal',
    declared: 'small_amount',
    base: 'numeric',
    precision: 10,
    scale: 2,
  });
  expect(typeOf('email')).toMatchObject({ kind: 'text', declared: 'character varying(50)', maxLength: 50 });
  expect(typeOf('mood')).toMatchObject({ kind: 'enum', labels: ['sad', 'ok'] });
  expect(typeOf('tags')).toMatchObject({ kind: 'other', declared: 'text[]', element: { kind: 'text' } });
  expect(typeOf('pair').fields).toMatchObject([
    { name: 'a', type: { kind: 'integer' } },
    { name: 'b', type: { kind: 'text', maxLength: 5 } },
  ]);
  expect(typeOf('span')).toMatchObject({
    kind: 'range',
    fields: [{ name: 'subtype', type: { kind: 'float' } }],
  });
  expect(typeOf('bits')).toMatchObject({ kind: 'bits', maxLength: 3 });
  expect(typeOf('seen')).toMatchObject({
    kind: 'timestamp',
    declared: 'timestamp(3) with time zone',
    precision: 3,
  });
});

test('partitioned tables tell their key and bounds', () => {
  expect(tableNamed('events')).toMatchObject({
    partitioning: 'parent',
    partitionKey: 'RANGE (at)',
    partitionBounds: ["FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')", 'DEFAULT'],
  });
  expect(tableNamed('events_2024')).toMatchObject({ partitioning: 'partition', partitionBounds: [] });
});

test('virtual columns are told apart where the server has them', async () => {
  await using own = await server.session();
  const [{ version = 0 } = {}] = await own.query<{ version: number }>(
    "select current_setting('server_version_num')::int as version",
  );
  const kind = version >= 180_000 ? 'virtual' : 'stored';
  await own.execute(`create table t (a int, b int generated always as (a * 2) ${kind})`);
  const [table] = await schema.describe(own);
  expect(table?.columns.map((column) => column.generated)).toEqual(['no', kind]);
});

test.each<[string, string, readonly string[]]>([
  ['select * from customers where id = $1', 'read customers', ['equality customers.id bigint']],
  [
    'select * from app.orders where customer_id = any($1) limit $2',
    'read app.orders',
    ['equality app.orders.customer_id bigint[]', 'limit bigint'],
  ],
  [
    'select * from order_emails where email = $1',
    'read app.orders,customers',
    ['equality customers.email text'],
  ],
  [
    'insert into app.orders (customer_id, total, status, created_at) values ($1, $2, lower($3), now())',
    'write app.orders',
    [
      'inserted app.orders.customer_id bigint',
      'inserted app.orders.total small_amount',
      'inserted app.orders.status text',
    ],
  ],
  [
    'update app.orders o set status = $2 where o.id = $1',
    'write app.orders',
    ['equality app.orders.id integer', 'set app.orders.status text'],
  ],
  ['delete from nodes where parent = $1', 'write nodes', ['equality nodes.parent integer']],
  [
    'select * from events where id = $1 and at between $2 and $3',
    'read events',
    ['equality events.id bigint', 'range events.at date', 'range events.at date'],
  ],
  ['select * from customers where lower(email) = $1', 'read customers', ['equality customers.email text']],
  ['select * from customers where md5(email) = $1', 'read customers', ['equality customers.email text']],
  ['select * from customers where md5($1) = email', 'read customers', ['unknown text']],
  ['select id from customers where id = $1 for update', 'write customers', ['equality customers.id bigint']],
  [
    'insert into customers overriding system value values ($1, $2)',
    'write customers',
    ['inserted customers.id bigint', 'inserted customers.email character varying'],
  ],
  ['select 1', 'read ', []],
])('the server says of: %s', async (statement, what, parameters) => {
  const found = await schema.inspect(session, statement);
  expect(`${found.kind} ${found.tables.join(',')}`).toBe(what);
  expect(
    found.parameters.map(({ role, column, type }) =>
      [role, ...(column === null ? [] : [`${column.table}.${column.column}`]), type.declared].join(' '),
    ),
  ).toEqual(parameters);
});

test('inspecting runs nothing, leaves nothing and finds reads from end to end', async () => {
  const before = await schema.countRows(session, tableNamed('customers'));
  await schema.inspect(session, 'delete from customers where id > $1');
  expect(await schema.countRows(session, tableNamed('customers'))).toBe(before);
  expect(await session.query('select * from pg_prepared_statements')).toEqual([]);
  const scan = await schema.inspect(session, 'select * from app.orders where status = $1');
  expect(scan.fullScans).toEqual(['app.orders']);
  expect((await schema.inspect(session, 'select * from app.orders where id = $1')).fullScans).toEqual([]);
});

test('what cannot be prepared is told with the position in the statement', async () => {
  const statement = 'select nope from customers';
  const error = await schema.inspect(session, statement).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(SqlError);
  expect(error).toMatchObject({ code: '42703', position: 8, statement });
  expect(await session.query('select 1 as one')).toEqual([{ one: 1 }]);
});

test('sampled keys are spread over the live rows, and the same each time', async () => {
  const keys = await schema.sampleKeys(session, tableNamed('customers'), 'id', 10);
  expect(keys).toHaveLength(10);
  expect(Number(keys.at(-1))).toBeGreaterThan(800);
  expect(await schema.sampleKeys(session, tableNamed('customers'), 'id', 10)).toEqual(keys);
  expect(await schema.sampleKeys(session, tableNamed('customers'), 'email', 5000)).toHaveLength(1000);
  expect(await schema.sampleKeys(session, tableNamed('nodes'), 'id', 10)).toEqual([]);
  const lengths = { text: 'length(md5(c.email))', alias: 'c' };
  expect(await schema.sampleKeys(session, tableNamed('customers'), lengths, 10)).toEqual(['32']);
  const letters = { text: "regexp_split_to_table('ab', '')", alias: 'c' };
  expect(await schema.sampleKeys(session, tableNamed('customers'), letters, 10)).toEqual(['a', 'b']);
  const writing = { text: "nextval('customers_id_seq') + c.id", alias: 'c' };
  await expect(schema.sampleKeys(session, tableNamed('customers'), writing, 10)).rejects.toThrow(/read-only/);
});

test('keys of a table too large to sort come from its index or from sampled pages', async () => {
  await using own = await server.session();
  await own.execute(`
    create table big (id bigint primary key, code uuid default md5(random()::text)::uuid, filler text)
      with (fillfactor = 20);
    alter table big alter column filler set storage plain;
    insert into big (id, filler) select n * 3, repeat('x', 1500) from generate_series(1, 20000) n`);
  const [big] = await schema.describe(own);
  if (big === undefined) throw new Error('no table');
  const byIndex = await schema.sampleKeys(own, big, 'id', 100);
  expect(byIndex.length).toBeGreaterThan(90);
  expect(byIndex.every((key) => Number(key) % 3 === 0)).toBe(true);
  expect(Number(byIndex.at(-1))).toBeGreaterThan(59_000);
  const fromPages = await schema.sampleKeys(own, big, 'code', 100);
  expect(fromPages).toHaveLength(100);
  expect(await schema.sampleKeys(own, big, 'code', 100)).toEqual(fromPages);
});
