import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../../../tests/server.ts';
import { postgres } from '../index.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());

/** Unique sets of a table that is made by this, in the order of their indexes. */
async function uniquesOf(...indexes: readonly string[]): Promise<readonly (readonly string[])[]> {
  await using session = await server.connect('migrator');
  await session.execute('drop table if exists users, tenants');
  await session.execute(`
    create table tenants (id int primary key);
    create table users (
      id bigint primary key,
      tenant_id int not null references tenants,
      mail text not null,
      status text not null check (status in ('invited', 'active')),
      path varchar not null check (char_length(path) <= 255),
      code text not null check (length(code) < 3),
      place int not null check (place > 0),
      is_owner bool not null,
      deleted_at timestamptz
    )`);
  for (const index of indexes) await session.execute(`create unique index on users ${index}`);
  const tables = await postgres.schema.describe(session);
  return tables.find(({ name }) => name === 'users')?.uniques ?? [];
}

test('a unique expression keeps the columns apart that it is made of', async () => {
  expect(await uniquesOf('(lower(mail))', '(tenant_id, lower(mail))')).toEqual([
    ['mail'],
    ['mail', 'tenant_id'],
  ]);
});

test('what must differ in some rows differs in all where that costs nothing', async () => {
  const ofTheLiving = 'where deleted_at is null';
  expect(await uniquesOf(`(mail) ${ofTheLiving}`, `(tenant_id, lower(mail)) ${ofTheLiving}`)).toEqual([
    ['mail'],
    ['mail', 'tenant_id'],
  ]);
});

test('a length that leaves room, and a least number, keep no rows alike', async () => {
  const roots = 'where deleted_at is null';
  expect(await uniquesOf(`(lower(path)) ${roots}`, `(place) ${roots}`, `(code) ${roots}`)).toEqual([
    ['path'],
    ['place'],
  ]);
});

test('a flag, a foreign key and a few allowed values are not taken for unique', async () => {
  expect(
    await uniquesOf(
      '(tenant_id) where is_owner',
      '(tenant_id, is_owner) where is_owner',
      '(status) where id < 9',
    ),
  ).toEqual([]);
});
