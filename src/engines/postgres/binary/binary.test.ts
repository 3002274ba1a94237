/** What travels in binary format is, byte for byte, what the server makes of the texts. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BareServer, startBareServer } from '../../../../tests/server.ts';
import type { CellValue, Session } from '../../engine.ts';
import { filling } from '../filling/filling.ts';
import { schema } from '../schema/schema.ts';
import { encodersFor } from './binary.ts';

let server: BareServer;
beforeAll(async () => {
  server = await startBareServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const INSTANTS = [
  '2024-02-29 23:59:59',
  '1999-12-31 00:00:00',
  '2000-01-01 00:00:00.000001',
  '0001-01-01 00:00:00',
];
const MORE_INSTANTS = ['9999-12-31 23:59:59.999999', '1969-07-20T20:17:40', '1600-03-01 12:00:00.5'];
const TEXTS = [
  '',
  ' ',
  'a',
  'ä🐘'.repeat(40),
  '\\N',
  'tab\tline\nreturn\rslash\\',
  "it's",
  'x'.repeat(70_000),
];
const DECIMALS = [
  '0',
  '-0',
  '0.00',
  '1',
  '-1.5',
  '9999',
  '10000',
  '123456789012345678901234567890.12345678',
  '0.00001',
];
const MORE_DECIMALS = ['-99999999.9999', '100000000', '0.1', '1000000000000000000000', '007.70', '0.12345'];
const LONGS = [
  '0',
  '-1',
  '9007199254740993',
  '9223372036854775807',
  '-9223372036854775808',
  '4294967296',
  '-4294967297',
];
const DAYS = [
  '2024-02-29',
  '2000-01-01',
  '1999-12-31',
  '0001-01-01',
  '9999-12-31',
  '1900-03-01',
  '2000-02-29',
];

/** Every type that has an encoder, with its extreme values; NULL is added to each. */
const CASES: Readonly<Record<string, readonly CellValue[]>> = {
  int2: ['0', '-32768', '32767', '12'],
  int4: ['0', '-2147483648', '2147483647', '-7', '65536'],
  int8: LONGS,
  oid: ['0', '4294967295', '2147483648'],
  float4: ['0', '-0', '1.5', '0.1', '123456.789', '-999999999999.999', '16777217', '3.14159265'],
  float8: ['0', '-0', '0.1', '1e300', '-2.5E-10', '123456789.123456789', '9007199254740993', '4.9e-324'],
  numeric: [...DECIMALS, ...MORE_DECIMALS],
  'numeric(7,2)': ['0', '12345.67', '-99999.99', '1.005', '1.995', '0.001'],
  bool: ['true', 'false', 't', 'f'],
  text: TEXTS,
  'varchar(5)': ['', 'abcde', 'ä🐘äää', 'abc  '],
  'char(6)': ['', 'abc', 'äöü', 'abcdef'],
  json: ['{"a": [1, 2.50, "ä"]}', 'null', '  [ ]'],
  jsonb: ['{"b": 1, "a": [1, 2.50, "ä"]}', 'null', '"\\u00e4"'],
  xml: ['<a>ä</a>', 'text'],
  mood: ['sad', "it's fine", 'glücklich'],
  uuid: [
    'a50af202-91f7-478c-aa41-b01da047e857',
    '00000000-0000-0000-0000-000000000000',
    'FFFFFFFF-ffff-FFFF-ffff-FFFFFFFFFFFF',
  ],
  date: DAYS,
  time: ['00:00:00', '23:59:59', '12:34:56.000001', '12:34:56.5'],
  'time(2)': ['12:34:56.789'],
  timetz: ['00:00:00+00', '23:59:59.999999+00'],
  timestamp: [...INSTANTS, ...MORE_INSTANTS],
  'timestamp(0)': ['2024-02-29 23:59:59.5', '2024-02-29 23:59:58.499999'],
  timestamptz: [...INSTANTS, ...MORE_INSTANTS].map((instant) => `${instant}+00`),
  interval: ['0 days 00:00:00', '400 days 23:59:59'],
  bytea: ['\\x', '\\x00ff', Buffer.from([0, 1, 92, 255]), new Uint8Array(70_000)],
  'bit(9)': ['000000000', '111111111', '101010101'],
  varbit: ['', '1', '00000000', '1111000011110000'],
  inet: ['10.0.0.1', '255.255.255.255', '0.0.0.0'],
  cidr: ['10.0.0.1/32'],
  'int4[]': ['{}', '{1}', '{1,-2,NULL,2147483647}'],
  'text[]': ['{}', '{a,"b c","NULL",NULL,"q\\"\\\\","ä🐘",""}'],
  'numeric(6,2)[]': ['{1.005,22}'],
  'timestamptz[]': ['{"2024-02-29 23:59:59+00"}'],
  'date[]': ['{2024-02-29,NULL}'],
  'uuid[]': ['{a50af202-91f7-478c-aa41-b01da047e857}'],
  'jsonb[]': ['{"{\\"a\\": 1}"}'],
  year: ['1901', '2155'],
  word: ['abc'],
};

async function prepare(session: Session, type: string): Promise<void> {
  await session.execute(`drop table if exists t; create table t (id int4, v ${type})`);
}

async function fill(session: Session, rows: Iterable<readonly CellValue[]>): Promise<string> {
  const [table] = await schema.describe(session);
  if (table === undefined) throw new Error('no table');
  await session.execute('truncate t');
  await filling.bulkLoad({
    target: session.target,
    table,
    columns: ['id', 'v'],
    rows,
    alone: false,
    onProgress: () => undefined,
    signal: AbortSignal.timeout(60_000),
  });
  const [row] = await session.query<{ hash: string }>(
    `select count(*) || ' ' || md5(string_agg(id || ' ' || coalesce(v::text, 'null'), e'\\n' order by id)) as hash from t`,
  );
  return row?.hash ?? '';
}

function* oneTime(rows: readonly (readonly CellValue[])[]): Generator<readonly CellValue[], void> {
  yield* rows;
}

test('every type with an encoder holds what the same text makes of it', async () => {
  await using session = await server.session();
  await session.execute(`
    create type mood as enum ('sad', 'it''s fine', 'glücklich');
    create domain year as int2 check (value between 1901 and 2155);
    create domain word as varchar(3)`);
  for (const [type, values] of Object.entries(CASES)) {
    await prepare(session, type);
    const [table] = await schema.describe(session);
    expect([type, encodersFor(table?.columns ?? [])]).toEqual([type, expect.any(Array)]);
    const rows = [...values, null].map((value, id) => [String(id), value]);
    // A generator object cannot be iterated twice, and so travels as text.
    expect([type, await fill(session, rows)]).toEqual([type, await fill(session, oneTime(rows))]);
  }
});

test('many rows of changing length fill the chunks without a gap', async () => {
  await using session = await server.session();
  await prepare(session, 'text');
  const rows = Array.from({ length: 20_000 }, (_, id) => [
    String(id),
    id % 7 === 0 ? null : `${id} `.repeat((id * 7919) % 97),
  ]);
  expect(await fill(session, rows)).toEqual(await fill(session, oneTime(rows)));
});

const SERVER_ONLY: readonly (readonly [string, string])[] = [
  ['date', 'today'],
  ['timestamptz', '2024-05-05 12:00:00'],
  ['numeric', 'NaN'],
  ['numeric', '1e3'],
  ['int4', ' 12 '],
  ['float8', 'infinity'],
  ['bool', 'yes'],
  ['uuid', '{a50af20291f7478caa41b01da047e857}'],
  ['interval', '1 month'],
  ['inet', '::1'],
  ['int4[]', '{{1},{2}}'],
  ['int4[]', '[0:1]={1,2}'],
  ['bytea', 'plain'],
];

test('a text that only the server can read is loaded all the same', async () => {
  await using session = await server.session();
  for (const [type, value] of SERVER_ONLY) {
    await prepare(session, type);
    const rows = [['1', null] as const, ['2', value] as const];
    expect([type, await fill(session, rows)]).toEqual([type, await fill(session, oneTime(rows))]);
  }
});

test('what no encoder is known for leaves the whole table to the text format', async () => {
  await using session = await server.session();
  await session.execute(`
    create type pair as (a int, b text);
    create domain small as int2;
    create table t (id int4, a int4range, b pair, c small[], d point, e tsvector, f name, g money, h pair[])`);
  const [table] = await schema.describe(session);
  for (const column of (table?.columns ?? []).slice(1))
    expect([column.name, encodersFor([column])]).toEqual([column.name, null]);
});
