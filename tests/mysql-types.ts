/** A table for each family of MySQL's types and keys, filled, and read back value by value. */
import { expect } from 'vitest';
import type { CellValue, ColumnDescription, Session } from '../src/engines/engine.ts';
import { schema } from '../src/engines/mysql/schema/schema.ts';
import { createGenerators } from '../src/generators/index.ts';
import { seedSynthetic } from '../src/seeders/index.ts';
import type { BareServer } from './server.ts';
import { dataPlan } from './tables.ts';

/** Of both flavors. */
const SCHEMA = `
  create table numbers (
    id bigint unsigned auto_increment primary key,
    tiny tinyint unsigned not null, small smallint unsigned not null, medium mediumint not null,
    padded int unsigned zerofill not null, big bigint unsigned not null unique,
    wide decimal(65, 30) not null, positive decimal(10, 0) unsigned not null,
    f float unsigned not null, d double not null, y year not null, flag boolean not null,
    bit1 bit(1) not null, bit5 bit(5) not null, bit64 bit(64) not null unique
  );
  create table texts (
    id char(36) primary key,
    latin_country varchar(60) character set latin1 not null, ascii_country varchar(60) character set ascii not null,
    cyrillic varchar(40) character set cp1251 not null, wide_name varchar(80) character set utf16 not null,
    tiny tinytext character set utf16 not null, old varchar(30) character set utf8mb3 not null,
    long_text longtext not null, binary_text varchar(30) collate utf8mb4_bin not null unique,
    some set('a', 'b', 'c''d', 'e f') not null, one enum('x', 'y''z') not null, doc json not null,
    hidden varchar(20) not null default 'x' invisible
  ) charset utf8mb4;
  create table bytes (
    id binary(16) primary key, few binary(3) not null unique, varied varbinary(20) not null, blobs blob not null
  );
  create table prefixes (
    id int primary key, email varchar(200) not null, note text not null, code varchar(30) not null, data blob not null,
    unique key by_email (email(20)), unique key by_note (note(8)), unique key by_code (code(5), id),
    unique key by_data (data(4)), key plain (note(100)), fulltext key words (note)
  ) charset utf8mb4;
  create table shapes (
    id int primary key, any_shape geometry not null, p point not null, l linestring not null, a polygon not null,
    mp multipoint not null, ml multilinestring not null, ma multipolygon not null, c geometrycollection not null,
    spatial key by_place (p)
  );
  create table made (
    id int auto_increment primary key, email varchar(100) not null, price decimal(10, 2) not null, qty int not null,
    total decimal(14, 2) generated always as (price * qty) stored,
    lower_email varchar(100) generated always as (lower(email)) virtual,
    unique key by_lower (lower_email), key by_total (total, email)
  ) charset utf8mb4;
  create table moments (
    id int primary key, d date not null, t time(3) not null, at datetime(6) not null, created_at timestamp not null,
    closed_at datetime
  );
  create table by_range (id int not null, at date not null, primary key (id, at)) partition by range columns (at) (
    partition a values less than ('2023-01-01'), partition b values less than (maxvalue));
  create table by_list (id int not null, region varchar(9) not null, primary key (id, region))
    partition by list columns (region) (partition a values in ('eu', 'uk'), partition b values in ('us'));
  create table by_lists (id int not null, region varchar(9) not null, year smallint not null, primary key (id, region, year))
    partition by list columns (region, year) (
      partition a values in (('eu', 2023), ('it''s', 2024)), partition b values in (('us', 2023), ('eu', 2024)));
  create table by_key (id int not null primary key, x int) partition by key (id) partitions 3;
  create table by_hash (id int not null, at datetime not null, primary key (id, at))
    partition by hash (year(at)) partitions 4`;

/** What one flavor alone has. */
const OWN: Readonly<Record<string, string>> = {
  mysql: `
    create table own (
      id int primary key, p point not null srid 4326, a polygon not null srid 4326, v vector(3) not null,
      email varchar(60) not null, unique key by_email ((lower(email))), spatial key by_area (a)
    ) charset utf8mb4`,
  mariadb: `
    create table own (
      id int primary key, u uuid not null unique, four inet4 not null unique, six inet6 not null unique
    )`,
};

const ROWS = 1500;

/** Fills a new database; every row and index is held against what was asked for. */
export async function verifyTypes(server: BareServer): Promise<void> {
  await using session = await server.session();
  const { engine } = server;
  await session.execute(`${SCHEMA}; ${OWN[server.spec.flavor] ?? ''}`);
  const tables = await engine.schema.describe(session);
  const created = () => Promise.all(tables.map(({ name }) => definition(session, name)));
  const before = await created();
  const { target } = session;
  const request = { engine, target, administrator: target, tables, data: dataPlan(ROWS) };
  const { generator } = await seedSynthetic(
    { ...request, onProgress: () => undefined },
    AbortSignal.timeout(120_000),
  );
  expect(await created()).toEqual(before);
  const generators = createGenerators(generator);
  for (const table of tables) {
    expect([table.name, await schema.countRows(session, table)]).toEqual([table.name, ROWS]);
    const made = generators.get(table.name);
    for (const column of table.columns.filter(({ name }) => made?.columns.includes(name) === true))
      await verifyColumn(session, {
        table: table.name,
        column,
        cells: Array.from({ length: ROWS }, (_, row) => made?.cell(row, column.name) ?? null),
      });
  }
  const partitions = await session.query<{ name: string }>(`
    select concat(table_name, '.', partition_name) as name
    from information_schema.partitions
    where table_schema = database() and partition_name is not null and table_rows = 0`);
  expect(partitions.map(({ name }) => name).filter((name) => !name.startsWith('by_hash'))).toEqual([]);
}

async function definition(session: Session, name: string): Promise<string> {
  const [row] = await session.query<{ 'Create Table': string }>(`show create table ${name}`);
  return (row?.['Create Table'] ?? '').replace(/ AUTO_INCREMENT=\d+/, '');
}

interface Filled {
  readonly table: string;
  readonly column: ColumnDescription;
  readonly cells: readonly CellValue[];
}

/** The same values as often, whatever the order of the rows. */
async function verifyColumn(session: Session, { table, column, cells }: Filled): Promise<void> {
  const read = readOf(column);
  if (read === null) return;
  const rows = await session.query<{ value: string | null }>(`select ${read} as value from ${table}`);
  const wanted = cells.map((cell) => printed(cell, column));
  expect([table, column.name, rows.map(({ value }) => value).toSorted()]).toEqual([
    table,
    column.name,
    wanted.toSorted(),
  ]);
}

/** Null where the server prints values in a form of its own (floats, JSON). */
function readOf({ name, type }: ColumnDescription): string | null {
  if (type.base === 'bit') return `lpad(bin(${name}), ${type.precision ?? 1}, '0')`;
  switch (type.kind) {
    case 'bytes':
    case 'shape':
    case 'vector':
      return `hex(${name})`;
    case 'integer':
      return `cast(${name} + 0 as char)`;
    case 'decimal':
      if (type.scale === 0) return `cast(${name} as char)`;
      return `trim(trailing '.' from trim(trailing '0' from cast(${name} as char)))`;
    case 'date':
      return `date_format(${name}, '%Y-%m-%d')`;
    case 'time':
      return `time_format(${name}, '%H:%i:%s')`;
    case 'timestamp':
      return `date_format(${name}, '%Y-%m-%d %H:%i:%s')`;
    case 'text':
    case 'enum':
    case 'set':
    case 'uuid':
      return `convert(${name} using utf8mb4)`;
    default:
      return null;
  }
}

function printed(cell: CellValue, { type }: ColumnDescription): string | null {
  if (cell === null) return null;
  if (type.base === 'bit') {
    const bits = [...Buffer.from(cell)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
    return bits.slice(-(type.precision ?? 1));
  }
  if (typeof cell !== 'string') return Buffer.from(cell).toString('hex').toUpperCase();
  if (type.kind === 'decimal' && cell.includes('.')) return cell.replace(/\.?0+$/, '');
  return type.base === 'char' ? cell.trimEnd() : cell;
}
