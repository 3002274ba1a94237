import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../../../tests/server.ts';
import { canaries } from './canaries.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
}, 60_000);
afterAll(() => server[Symbol.asyncDispose]());

test('a write probe that would fire a trigger or a rule is not sent, and touches no row of the others', async () => {
  await using migrator = await server.connect('migrator');
  await migrator.execute(`
    create function seen() returns trigger language plpgsql as $$ begin return null; end $$;
    create table plain (id int);
    insert into plain values (1);
    create table by_row (id int);
    create trigger by_row after delete on by_row for each row execute function seen();
    create table "By Statement" (id int);
    create trigger by_statement after insert or delete on "By Statement" for each statement execute function seen();
    create table off (id int);
    create trigger off after delete on off for each statement execute function seen();
    alter table off disable trigger off;
    create table ruled (id int);
    create rule keep as on delete to ruled do instead nothing;
    create table parts (id int) partition by range (id);
    create table parts_low partition of parts for values from (0) to (10);
    insert into parts values (1)`);
  await using inside = await server.connect('observerInside');
  expect([...(await canaries.unwritable(inside))].toSorted()).toEqual([
    ['"public"."By Statement"', 'its trigger by_statement fires on every DELETE'],
    ['"public"."ruled"', 'its rule keep rewrites every DELETE'],
  ]);

  await using load = await server.connect('load');
  for (const table of ['plain', 'by_row', 'off', 'parts']) {
    const { read, write } = canaries.statements(['public', table]);
    await load.query(read);
    expect(await load.execute(write)).toEqual({ rows: 0 });
  }
});
