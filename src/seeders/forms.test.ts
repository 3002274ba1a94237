/** The rows are the same whichever way they take to the server: by their numbers, as texts in binary form, as text. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BareServer, startBareServer } from '../../tests/server.ts';
import { dataPlan } from '../../tests/tables.ts';
import type { BulkLoadRequest, Session } from '../engines/engine.ts';
import { createGenerators, planSpec, type TableGenerator } from '../generators/index.ts';

let server: BareServer;
beforeAll(async () => {
  server = await startBareServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const SCHEMA = `
  create type mood as enum ('sad', 'ok', 'it''s fine');
  create domain year as int2 check (value between 1901 and 2155);
  create table parents (code varchar(12) primary key, id numeric(8,3) not null unique, at timestamptz not null);
  create table every_form (
    id int8 primary key, code varchar(12) references parents, parent_id numeric(8,3) not null references parents (id),
    i2 int2, i4 int4 check (i4 between -500000 and 500000), i8 int8 not null check (i8 < -5000000000),
    o oid, n numeric, n2 numeric(12,2) not null, n5 numeric(15,5) check (n5 < 0), big numeric(18,4), whole numeric(6,0),
    f4 float4, f8 float8 check (f8 < 10), b bool, m mood, y year, u uuid not null, u2 uuid, d date, old date check (old < '1990-01-01'),
    ts timestamp, tz timestamptz, created_at timestamptz not null, closed_at timestamptz, check (closed_at > created_at),
    t time, tt timetz, iv interval, txt text, v varchar(9), c char(12), email varchar(80) not null unique, j json, jb jsonb, by bytea,
    bits bit(9), vb varbit, ip inet, net cidr, ai int[], ax text[], an numeric(4,1)[], atz timestamptz[], status text check (status in ('ä', 'b', 'c')),
    code2 char(3) check (code2 ~ '^[A-Z]{3}$'), wide text);`;

const ROWS = 3000;
const DATA = dataPlan(ROWS, { parents: { rows: 700 }, every_form: { columns: { wide: { width: 700 } } } });

type Form = (generator: TableGenerator) => Pick<BulkLoadRequest, 'rows' | 'numbered'>;

function* rowsOf({ rows, row }: TableGenerator): Generator<ReturnType<TableGenerator['row']>, void> {
  for (let number = 0; number < rows; number += 1) yield row(number);
}

const FORMS: Readonly<Record<string, Form>> = {
  text: (generator) => ({ rows: rowsOf(generator) }),
  'texts in binary form': (generator) => ({ rows: { [Symbol.iterator]: () => rowsOf(generator) } }),
  numbers: (generator) => ({
    rows: [],
    numbered: {
      ranges: [
        [0, 7],
        [7, generator.rows],
      ],
      cells: generator.cellSources(),
    },
  }),
};

async function fill(session: Session, form: Form): Promise<readonly unknown[]> {
  const { engine } = server;
  const tables = await engine.schema.describe(session);
  const generators = createGenerators(planSpec(tables, DATA));
  const hashes: unknown[] = [];
  for (const generator of generators.values()) {
    const { table, columns } = generator;
    const rows = await engine.filling.bulkLoad({
      target: session.target,
      table,
      columns,
      ...form(generator),
      alone: false,
      onProgress: () => undefined,
      signal: AbortSignal.timeout(60_000),
    });
    expect(rows).toBe(generator.rows);
    for (const column of columns) {
      const [hash] = await session.query(
        `select '${table.name}.${column}' as column, count(${column}) as count,
           md5(string_agg(${column}::text, e'\\n' order by ${columns[0]})) as hash
         from ${table.name}`,
      );
      hashes.push(hash);
    }
  }
  return hashes;
}

test('every way to the server leads to the same rows', async () => {
  const found: (readonly unknown[])[] = [];
  for (const form of Object.values(FORMS)) {
    await using session = await server.session();
    await session.execute(SCHEMA);
    found.push(await fill(session, form));
  }
  const [text, binary, numbers] = found;
  expect(binary).toEqual(text);
  expect(numbers).toEqual(text);
});
