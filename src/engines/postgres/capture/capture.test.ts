/** Against a real server: what is captured is what its catalogs say, and no value of a row is in it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { postgresServer, serverRequest } from '../../../../tests/server.ts';
import { EnvironmentError } from '../../../errors.ts';
import { chooseProvisioner } from '../../../provisioners/index.ts';
import type { Server } from '../../../provisioners/provisioner.ts';
import type { CapturedFacts, CaptureRequest, Session } from '../../engine.ts';
import { connections } from '../connections/connections.ts';
import { schema } from '../schema/schema.ts';
import { dialect } from '../text/dialect.ts';
import { capture } from './capture.ts';
import { readSchema } from './schema.ts';

const SENTINEL = 'zanzibar';
const ROWS = 20_000;
const MAJOR = Number.parseInt(postgresServer().version, 10);

const SCHEMA = `
  create schema billing;
  create type mood as enum ('sad', 'it''s ok', 'happy');
  create domain email as text check (value like '%@%');
  create type address as (street text, zip varchar(10));
  create sequence billing.invoice_numbers increment 5 start 100;
  create function billing.next_number() returns text language sql
    as $$ select 'INV' || nextval('billing.invoice_numbers') $$;
  create table accounts (
    id bigint generated always as identity primary key,
    mail email unique,
    name text not null,
    feeling mood default 'happy',
    home address,
    note text
  ) with (fillfactor = 80);
  create table "Odd""Name" ("a b" int, "select" text default ';', primary key ("a b", "select"));
  create table orders (
    id serial primary key,
    account bigint references accounts,
    number text default billing.next_number(),
    total numeric(10,2) constraint positive check (total > 0)
  );
  create index orders_by_account on orders (account, total desc) where total > 10;
  create index orders_by_text on orders (lower(number)) with (fillfactor = 70);
  create table billing.days (day date not null, orders_id int, amount int) partition by range (day);
  create table billing.days_1 partition of billing.days for values from ('2024-01-01') to ('2025-01-01');
  create table billing.days_2 (amount int, day date not null, orders_id int);
  alter table billing.days attach partition billing.days_2 for values from ('2025-01-01') to ('2026-01-01');
  create table billing.bills (id int primary key, orders_id int references orders);
  create table parent (id int primary key, kind int not null default 3, constraint kind_ok check (kind > 0));
  create table child (extra text, kind int default 7) inherits (parent);
  create view happy as select a.id, a.name, count(*) from accounts a join orders o on o.account = a.id group by a.id;
  create function touch() returns trigger language plpgsql as $$ begin return new; end $$;
  create trigger touch before update on orders for each row execute procedure touch();
  create table secured (id int, text text);
  create table closed (id int, text text);
  create function last_extra() returns text language sql as $$ select max(extra) from child $$;
  alter table child alter extra set default last_extra();
  create constraint trigger checked after insert on parent deferrable initially deferred
    for each row execute procedure touch();
  create rule ignored as on delete to secured do instead nothing;
  create table fresh (id int) with (autovacuum_enabled = false);
  create aggregate total_of (int) (sfunc = int4pl, stype = int);
  create view totals as select total_of(kind) from parent;`;

const ROWS_OF_DATA = `
  insert into accounts (mail, name, feeling, home, note)
    select i || '@${SENTINEL}.example', '${SENTINEL} ' || i % 100, case when i % 4 = 0 then 'sad' else 'happy' end::mood,
      row('${SENTINEL}', '1')::address, case when i % 5 = 0 then repeat('${SENTINEL}', 3) end
    from generate_series(1, ${ROWS}) i;
  insert into orders (account, total)
    select case when i % 10 = 0 then null when i % 2 = 0 then 1 else 1 + i % 500 end, i from generate_series(1, ${ROWS}) i;
  insert into billing.days select date '2024-01-01' + i % 700, i, i % 7 from generate_series(1, ${ROWS}) i;
  insert into secured select i, '${SENTINEL}' from generate_series(1, 1000) i;
  insert into closed select i, '${SENTINEL}' from generate_series(1, 1000) i;
  alter table secured enable row level security;
  create policy own on secured using (id = 1);
  analyze accounts; analyze orders; analyze billing.days_1; analyze billing.days_2; analyze secured; analyze closed;
  insert into fresh select generate_series(1, 1000);
  alter database production set app.signing = '${SENTINEL}';
  alter database production set work_mem = '7MB';
  create role reader login password 'not-to-be-seen';
  grant select on accounts, orders, billing.days, billing.days_1, billing.days_2, secured, fresh, parent, child to reader;`;

let server: Server;
let production: Session;
let captured: CapturedFacts;

beforeAll(async () => {
  const request = serverRequest(
    { settings: { shared_preload_libraries: 'pg_stat_statements' } },
    postgresServer(),
  );
  server = await (await chooseProvisioner(request, AbortSignal.timeout(170_000))).start(
    request,
    AbortSignal.timeout(170_000),
  );
  await using superuser = await sessionIn(server.administrator.database);
  await superuser.execute('create database production');
  await superuser.execute('create database copy');
  production = await sessionIn('production');
  await production.execute('create extension pg_stat_statements');
  await production.execute(SCHEMA);
  if (MAJOR >= 12)
    await production.execute('alter table billing.days add foreign key (orders_id) references orders');
  await production.execute(ROWS_OF_DATA);
  await production.query(`select '${SENTINEL}' as text, $1::int as number`, [7]);
  captured = await read();
});

afterAll(async () => {
  await production?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

function sessionIn(database: string): Promise<Session> {
  return connections.connect({ ...server.administrator, database }, { applicationName: 'capture test' });
}

function read(changed: Partial<CaptureRequest> = {}): Promise<CapturedFacts> {
  return capture.read({
    target: { ...server.administrator, database: 'production' },
    schemas: [],
    values: false,
    statements: true,
    statementTimeoutMs: 30_000,
    say: () => undefined,
    signal: AbortSignal.timeout(60_000),
    ...changed,
  });
}

function tableIn(facts: CapturedFacts, name: string) {
  const table = facts.tables.find((each) => each.name === name);
  if (table === undefined) throw new Error(`no table ${name} among ${facts.tables.map((each) => each.name)}`);
  return table;
}

function columnIn(facts: CapturedFacts, table: string, name: string) {
  const column = tableIn(facts, table).columns.find((each) => each.name === name);
  if (column === undefined) throw new Error(`no column ${name}`);
  return column;
}

function reasonFor(facts: CapturedFacts, what: string): string | undefined {
  return facts.missing.find((each) => each.what === what)?.reason;
}

test('sizes are those of the catalogs', async () => {
  const [truth] = await production.query<{ rows: number; heap: string; pkey: string; text: string }>(`
    select reltuples as rows, pg_relation_size('accounts') as heap, pg_relation_size('accounts_pkey') as pkey,
      pg_relation_size('orders_by_text') as text
    from pg_class where oid = 'accounts'::regclass`);
  const accounts = tableIn(captured, 'accounts');
  expect(accounts.rows).toBe(ROWS);
  expect(accounts.rows).toBe(truth?.rows);
  expect(accounts.tableBytes).toBe(Number(truth?.heap));
  expect(accounts.fillfactor).toBe(80);
  expect(accounts.indexes.find(({ name }) => name === 'accounts_pkey')).toMatchObject({
    columns: ['id'],
    bytes: Number(truth?.pkey),
    cardinality: ROWS,
  });
  expect(tableIn(captured, 'orders').indexes.find(({ name }) => name === 'orders_by_text')).toMatchObject({
    columns: ['lower(number)'],
    bytes: Number(truth?.text),
    fillfactor: 70,
  });
});

test('columns are as pg_stats has them, without a value', async () => {
  const stats = await production.query<Record<string, unknown> & { attname: string }>(`
    select attname::text, null_frac, avg_width, correlation, to_json(most_common_freqs) as frequencies
    from pg_stats where tablename = 'accounts'`);
  expect(stats).toHaveLength(6);
  for (const { attname, null_frac, avg_width, correlation, frequencies } of stats)
    expect(columnIn(captured, 'accounts', attname)).toMatchObject({
      nullFraction: null_frac,
      averageBytes: avg_width,
      correlation,
      frequencies: frequencies ?? [],
      values: null,
      bounds: null,
    });
  expect(columnIn(captured, 'accounts', 'id').distinct).toBe(ROWS);
  expect(columnIn(captured, 'accounts', 'name').distinct).toBe(100);
  expect(columnIn(captured, 'accounts', 'note').nullFraction).toBeCloseTo(0.8, 1);
});

test('the fan-out of a foreign key is told of the children that have a parent', () => {
  const [key] = tableIn(captured, 'orders').foreignKeys;
  expect(key).toMatchObject({ columns: ['account'], references: 'accounts' });
  expect(key?.parentsReferred).toBeGreaterThan(200);
  expect(key?.parentsReferred).toBeLessThanOrEqual(500);
  // 8,000 of the 18,000 rows with an account have the first one.
  expect(key?.frequencies[0]).toBeCloseTo(8000 / 18_000, 1);
});

test('partitions are summed up, and their statistics put together where the whole was never analysed', () => {
  const days = tableIn(captured, 'billing.days');
  expect(days.rows).toBe(ROWS);
  expect(days.partitions?.map(({ name }) => name)).toEqual(['billing.days_1', 'billing.days_2']);
  expect(days.partitions?.reduce((sum, part) => sum + part.tableBytes, 0)).toBe(days.tableBytes);
  expect(columnIn(captured, 'billing.days', 'amount').distinct).toBe(7);
  const [most = 0] = columnIn(captured, 'billing.days', 'amount').frequencies;
  expect(most).toBeCloseTo(1 / 7, 1);
  expect(reasonFor(captured, 'column statistics of billing.days')).toContain('analyze billing.days');
  expect(captured.tables.map(({ name }) => name)).not.toContain('billing.days_1');
});

test('no value of a row is in the profile, in its statements neither', () => {
  expect(captured.settings).toMatchObject({
    work_mem: '7MB',
    shared_preload_libraries: 'pg_stat_statements',
  });
  expect(captured.settings).not.toHaveProperty('app.signing');
  expect(JSON.stringify(captured)).not.toContain(SENTINEL);
  const texts = captured.statements.map(({ text }) => text);
  expect(
    texts.some((text) => /^select \S+ as text, \S+ as number$/.test(text)),
    texts.join('\n'),
  ).toBe(true);
  expect(
    texts.filter((text) => text.includes('rehearse capture') || /^(?:analyze|create)/i.test(text)),
  ).toEqual([]);
});

test('with --values the most common ones stand beside their frequencies', async () => {
  const facts = await read({ values: true, statements: false });
  const name = columnIn(facts, 'accounts', 'name');
  expect(name.values).toHaveLength(name.frequencies.length);
  expect(name.values?.[0]).toMatch(new RegExp(`^${SENTINEL} \\d+$`));
  expect(columnIn(facts, 'accounts', 'feeling').values).toEqual(['happy', 'sad']);
  expect(columnIn(facts, 'accounts', 'id').bounds?.length).toBeGreaterThan(10);
  expect(columnIn(facts, 'billing.days', 'amount').values?.toSorted()).toEqual([
    '0',
    '1',
    '2',
    '3',
    '4',
    '5',
    '6',
  ]);
  expect(reasonFor(facts, 'statements')).toContain('--no-statements');
});

test('the schema makes the same tables on an empty database, and is captured alike from there', async () => {
  await using copy = await sessionIn('copy');
  for (const { text } of dialect.split(captured.schema)) await copy.execute(text);
  const described = await schema.describe(copy);
  const withoutRows = (await schema.describe(production)).map((table) => ({ ...table, hasRows: false }));
  expect(described).toEqual(withoutRows);
  const again = await read({ target: { ...server.administrator, database: 'copy' } });
  expect(again.schema).toBe(captured.schema);
  expect(await copy.query("select tgname from pg_trigger where tgname = 'touch'")).toHaveLength(1);
});

test('what the DDL leaves out is named, and what needs it is left out too', () => {
  expect(reasonFor(captured, 'schema of aggregate total_of')).toBeDefined();
  expect(reasonFor(captured, 'schema of view totals')).toContain('total_of');
  expect(reasonFor(captured, 'schema of policy secured.own')).toContain('row security');
  expect(captured.schema).not.toContain('total_of');
});

test('one schema is captured with what it needs, without the tables of another', async () => {
  const facts = await read({ schemas: ['billing'] });
  expect(facts.tables.map(({ name }) => name)).toEqual(['billing.bills', 'billing.days']);
  expect(facts.schema).toContain('attach partition "billing"."days_2"');
  expect(facts.schema).not.toContain('accounts');
  expect(
    facts.missing.some(({ what, reason }) => /foreign key/.test(what) && reason.includes('orders')),
  ).toBe(true);
  await expect(read({ schemas: ['biling'] })).rejects.toThrow(/no schema "biling": it has .*billing/);
  await expect(read({ target: { ...server.administrator } })).rejects.toThrow(EnvironmentError);
});

test('a user with few rights captures what it may see, and the rest is named with the grant', async () => {
  const reader = {
    ...server.administrator,
    database: 'production',
    user: 'reader',
    password: 'not-to-be-seen',
  };
  const facts = await read({ target: reader });
  expect(columnIn(facts, 'accounts', 'name').distinct).toBe(100);
  expect(tableIn(facts, 'closed').rows).toBe(1000);
  expect(columnIn(facts, 'closed', 'text').averageBytes).toBeNull();
  expect(reasonFor(facts, 'column statistics of closed')).toContain('grant select on closed');
  expect(reasonFor(facts, 'column statistics of secured')).toContain('row security');
  expect(reasonFor(facts, 'column statistics of fresh')).toContain('analyze fresh');
  expect(reasonFor(facts, 'statements of other users')).toContain('pg_read_all_stats');
  expect(facts.schema).toBe(captured.schema);
  expect(JSON.stringify(facts)).not.toContain('not-to-be-seen');
});

test('the rights that the help names are enough', async () => {
  for (const line of capture.grants.filter((each) => !each.startsWith('--'))) {
    const statement = line.replace('DATABASE', 'production').replace(/ *--.*/, '');
    const isSinceFourteen = statement.includes('pg_read_all_data') && MAJOR < 14;
    await production.execute(
      isSinceFourteen
        ? 'grant select on all tables in schema public, billing to rehearse_capture'
        : statement,
    );
  }
  const target = {
    ...server.administrator,
    database: 'production',
    user: 'rehearse_capture',
    password: '...',
  };
  const facts = await read({ target });
  const hidden = facts.missing.filter(({ reason }) => /grant|privilege|row security hides/.test(reason));
  expect(hidden.map(({ what }) => what)).toEqual(['column statistics of secured']);
  await production.execute('alter role rehearse_capture bypassrls');
  // Before Postgres 15 the changes of a table that was never analysed are known some time after they were made.
  const known = (all: CapturedFacts) => all.tables.filter(({ name }) => name !== 'fresh');
  expect(known(await read({ target }))).toEqual(known(captured));
});

test('a capture only reads: in a read-only transaction, and the server counts no change', async () => {
  const reader = {
    ...server.administrator,
    database: 'production',
    user: 'reader',
    password: 'not-to-be-seen',
  };
  await production.query('select pg_stat_statements_reset()');
  await read({ target: reader });
  const statements = await production.query<{ query: string }>(
    "select query from pg_stat_statements where userid = 'reader'::regrole",
  );
  const texts = statements.map(({ query }) => query.trim());
  expect(texts).toContain('begin transaction isolation level repeatable read read only');
  expect(texts.length).toBeGreaterThan(20);
  expect(
    texts.filter((text) => !/^(?:select|with|begin|set local|savepoint|rollback to)\b/.test(text)),
  ).toEqual([]);
});

test('no lock on a table outlives the statement that took it: a migration never waits for a capture', async () => {
  await using session = await sessionIn('production');
  await session.execute(
    'begin transaction isolation level repeatable read read only; set local search_path = pg_catalog',
  );
  expect((await readSchema(session, [])).ddl).toBe(captured.schema);
  const held = await session.query(
    'select relation::regclass, mode from pg_locks where pid = pg_backend_pid() and relation >= 16384',
  );
  expect(held).toEqual([]);
});

test('a table that is locked ends the capture with what to do', async () => {
  await using migration = await sessionIn('production');
  await migration.execute('begin; lock table orders in access exclusive mode');
  await expect(read({ statementTimeoutMs: 1000 })).rejects.toThrow(
    /--statement-timeout|no migration is running/,
  );
});
