import { expect, test } from 'vitest';
import { startTestServer } from '../../../../tests/server.ts';
import { WORKERS_AS_BEFORE, workersFor } from './rows-in-order.ts';

test('rows in the order of an index leave parallel workers out, others do not', async () => {
  await using server = await startTestServer();
  await using session = await server.session();
  await session.execute(`
    create table t (id int not null, at timestamptz, "odd ""name" int, same int, none date);
    create table "few rows" (id int);
    insert into t select n, '2024-01-01'::timestamptz + n * interval '1 s', hashint4(n), 1 from generate_series(1, 50000) n;
    insert into "few rows" values (2), (1)`);
  const workers = async () => (await session.query('show max_parallel_maintenance_workers'))[0];
  const before = await workers();
  const chosen = async (table: string, column: string) => {
    await session.execute(workersFor(table, column));
    const left = await workers();
    await session.execute(WORKERS_AS_BEFORE);
    expect(await workers()).toEqual(before);
    return left;
  };
  const alone = { max_parallel_maintenance_workers: '0' };
  expect(before).not.toEqual(alone);
  expect(await chosen('"public"."t"', 'id')).toEqual(alone);
  expect(await chosen('"public"."t"', 'at')).toEqual(alone);
  expect(await chosen('"public"."t"', 'same')).toEqual(alone);
  expect(await chosen('"public"."t"', 'odd "name')).toEqual(before);
  expect(await chosen('"public"."t"', 'none')).toEqual(before);
  expect(await chosen('"public"."few rows"', 'id')).toEqual(before);
});
