/** Ageing on Postgres: what only this engine has. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BareServer, startBareServer } from '../../../../tests/server.ts';
import { isMeasured } from '../../../recording/figure.ts';
import { schema } from '../schema/schema.ts';
import { ageing } from './ageing.ts';
import { filling } from './filling.ts';

let server: BareServer;
beforeAll(async () => {
  server = await startBareServer();
});
afterAll(() => server?.[Symbol.asyncDispose]());

const WEAR = { updateShare: 0.2, deleteShare: 0.05, randomSeed: 7, onTable: () => undefined };

test('triggers do not fire, identity and generated columns keep their values, partitions are worn each', async () => {
  await using session = await server.session();
  await session.execute(`
    create table readings (
      id bigint generated always as identity, at date not null, value int not null,
      twice int generated always as (value * 2) stored, primary key (id, at)
    ) partition by range (at);
    create table readings_1 partition of readings for values from ('2026-01-01') to ('2026-02-01');
    create table readings_2 partition of readings for values from ('2026-02-01') to ('2026-03-01');
    create table audit (what text);
    create function note() returns trigger language plpgsql as
      $$ begin insert into audit values (tg_op); return coalesce(new, old); end $$;
    insert into readings (at, value)
      select date '2026-01-01' + n % 59, n from generate_series(1, 4000) n;
    create trigger noted after insert or update or delete on readings for each row execute function note();`);
  const rows =
    'select id, at::text, value, twice, tableoid::regclass::text as part from readings order by id';
  const before = await session.query(rows);
  const order = 'select id from readings_1 order by ctid';
  const placed = await session.query(order);
  const tables = await schema.describe(session);

  await using aging = await server.engine.connections.connect(session.target, { applicationName: 'test' });
  const aged = await ageing.age({ session: aging, tables, ...WEAR });

  expect(await session.query(rows)).toEqual(before);
  expect(await session.query('select * from audit')).toEqual([]);
  expect(await session.query(order)).not.toEqual(placed);
  expect(aged.map(({ table }) => table).sort()).toEqual(['audit', 'readings']);
  expect(aged.find(({ table }) => table === 'readings')).toMatchObject({ notAged: null });
});

test('the dead rows left are fewer than call autovacuum, and settling leaves them', async () => {
  await using session = await server.session();
  await session.execute(`
    create table orders (id int primary key, note text) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 0);
    insert into orders select n, 'note ' || n from generate_series(1, 10000) n;`);
  const tables = await schema.describe(session);
  await using aging = await server.engine.connections.connect(session.target, { applicationName: 'test' });
  await ageing.age({ session: aging, tables, ...WEAR });
  await filling.settle(session, tables, true);
  const bloat = (await ageing.bloat(session, tables)).get('orders');
  if (bloat === undefined || !isMeasured(bloat.deadRows)) throw new Error('no dead rows were measured');
  expect(bloat.deadRows.lower).toBeGreaterThan(0);
  expect(bloat.deadRows.upper).toBeLessThan(200);
});

test('a check that its own rows break keeps a table as it was, and says so', async () => {
  await using session = await server.session();
  await session.execute(`
    create table legacy (id int primary key, amount int);
    insert into legacy select n, -n from generate_series(1, 500) n;
    alter table legacy add constraint positive check (amount > 0) not valid;`);
  const tables = await schema.describe(session);
  await using aging = await server.engine.connections.connect(session.target, { applicationName: 'test' });
  expect(await ageing.age({ session: aging, tables, ...WEAR })).toMatchObject([
    { table: 'legacy', updatedRows: 0, notAged: expect.stringContaining('positive') },
  ]);
  expect(await session.query('select count(*)::int as n, sum(amount)::int as total from legacy')).toEqual([
    { n: 500, total: -125_250 },
  ]);
});
