import { expect, test } from 'vitest';
import { generatorSpec, table, tableSpec, type } from '../../tests/tables.ts';
import type { CellValue } from '../engines/engine.ts';
import { createGenerators } from './compile.ts';
import type { GeneratorSpec, TableSpec } from './generator.ts';

function cellsOf(
  spec: GeneratorSpec,
  name: string,
  column: string,
  from = 0,
  to?: number,
): readonly CellValue[] {
  const generator = createGenerators(spec).get(name);
  if (generator === undefined) throw new Error(`no generator of ${name}`);
  const end = to ?? generator.rows;
  return Array.from({ length: end - from }, (_, index) => generator.cell(from + index, column));
}

function only(spec: TableSpec, column: string): readonly CellValue[] {
  return cellsOf(generatorSpec(spec), spec.description.name, column);
}

function texts(values: readonly CellValue[]): readonly string[] {
  return values.filter((value) => typeof value === 'string');
}

const users = table('users', {
  columns: { id: 'int8', email: 'text', name: 'varchar(50)', created_at: 'timestamptz', nick: 'text?' },
  primaryKey: ['id'],
  uniques: [['email']],
});

test('integer primary keys count from one in row order', () => {
  expect(only(tableSpec(users, 4), 'id')).toEqual(['1', '2', '3', '4']);
});

test('an email column looks like emails, and a unique one holds the row number', () => {
  const emails = texts(only(tableSpec(users, 2000), 'email'));
  expect(new Set(emails).size).toBe(2000);
  for (const [row, email] of emails.entries())
    expect(email).toMatch(new RegExp(`^[\\w.'+-]+\\.${row}@[\\w.-]+$`));
});

test('created_at ascends in row order, whatever the volume', () => {
  const instants = texts(only(tableSpec(users, 5000), 'created_at'));
  expect(instants.toSorted()).toEqual(instants);
  expect(texts(only(tableSpec(users, 100), 'created_at'))).toEqual(instants.slice(0, 100));
});

test('a nullable plain column has some nulls, a key has none', () => {
  const nulls = only(tableSpec(users, 10_000), 'nick').filter((value) => value === null).length;
  expect(nulls).toBeGreaterThan(300);
  expect(nulls).toBeLessThan(800);
  expect(only(tableSpec(users, 1000), 'email')).not.toContain(null);
});

test('another random seed gives other values, the same one the same', () => {
  const spec = generatorSpec(tableSpec(users, 50));
  const names = cellsOf(spec, 'users', 'name');
  expect(cellsOf(spec, 'users', 'name')).toEqual(names);
  expect(cellsOf({ ...spec, randomSeed: 43 }, 'users', 'name')).not.toEqual(names);
});

test('the cells of a row are those of its columns, in an array that is used again', () => {
  const generator = createGenerators(generatorSpec(tableSpec(users, 10))).get('users');
  const first = generator?.row(3);
  expect(first).toEqual(generator?.columns.map((name) => generator.cell(3, name)));
  expect(generator?.row(4)).toBe(first);
});

test('children refer to keys of their parents, the first ones most often', () => {
  const orders = table('orders', {
    columns: { id: 'int4', user_id: 'int8' },
    foreignKeys: ['user_id -> users(id)'],
  });
  const spec = generatorSpec(tableSpec(users, 1000), tableSpec(orders, 10_000));
  const counts = new Map<CellValue, number>();
  for (const key of cellsOf(spec, 'orders', 'user_id')) counts.set(key, (counts.get(key) ?? 0) + 1);
  expect([...counts.keys()].every((key) => Number(key) >= 1 && Number(key) <= 1000)).toBe(true);
  expect(counts.size).toBeGreaterThan(700);
  expect(counts.get('1')).toBeGreaterThan(500);
});

test('a uniform fan-out gives every parent about the same', () => {
  const orders = table('orders', { columns: { user_id: 'int8' }, foreignKeys: ['user_id -> users(id)'] });
  const child = tableSpec(orders, 10_000, { columns: { user_id: { fanout: 'uniform' } } });
  const spec = generatorSpec(tableSpec(users, 10), child);
  const counts = new Map<CellValue, number>();
  for (const key of cellsOf(spec, 'orders', 'user_id')) counts.set(key, (counts.get(key) ?? 0) + 1);
  for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
});

test('a foreign key to a table that the schema filled takes its keys', () => {
  const countries = table('countries', {
    columns: { code: 'bpchar(2)' },
    primaryKey: ['code'],
    hasRows: true,
  });
  const homes = table('homes', {
    columns: { country: 'bpchar(2)' },
    foreignKeys: ['country -> countries(code)'],
  });
  const known = tableSpec(countries, 2, { existingKeys: { code: ['DE', 'FR'] } });
  expect(new Set(cellsOf(generatorSpec(known, tableSpec(homes, 200)), 'homes', 'country'))).toEqual(
    new Set(['DE', 'FR']),
  );
});

test('a composite foreign key takes all its columns from one row', () => {
  const parent = table('parent', { columns: { a: 'int4', b: 'uuid' }, primaryKey: ['a', 'b'] });
  const child = table('child', { columns: { x: 'int4', y: 'uuid' }, foreignKeys: ['x, y -> parent(a, b)'] });
  const spec = generatorSpec(tableSpec(parent, 300), tableSpec(child, 1000));
  const pairs = new Set(
    cellsOf(spec, 'parent', 'a').map((a, row) => `${a} ${cellsOf(spec, 'parent', 'b', row, row + 1)}`),
  );
  const ys = cellsOf(spec, 'child', 'y');
  for (const [row, x] of cellsOf(spec, 'child', 'x').entries()) expect(pairs).toContain(`${x} ${ys[row]}`);
});

test('foreign keys that share a column refer to rows that agree in it', () => {
  const tenant = { tenant: 'int4', id: 'int4' };
  const keys = { primaryKey: ['tenant', 'id'], foreignKeys: ['tenant -> tenants(id)'] };
  const orders = table('orders', {
    columns: { tenant: 'int4', person: 'int4', thing: 'int4' },
    foreignKeys: [
      'tenant, person -> people(tenant, id)',
      'tenant, thing -> things(tenant, id)',
      'tenant -> tenants(id)',
    ],
  });
  const spec = generatorSpec(
    tableSpec(table('tenants', { columns: { id: 'int4' }, primaryKey: ['id'] }), 5),
    tableSpec(table('people', { columns: tenant, ...keys }), 50),
    tableSpec(table('things', { columns: tenant, ...keys }), 40),
    tableSpec(orders, 500),
  );
  const keysOf = (name: string) => {
    const ids = cellsOf(spec, name, 'id');
    return new Set(cellsOf(spec, name, 'tenant').map((each, row) => `${each} ${ids[row]}`));
  };
  const [people, things] = [keysOf('people'), keysOf('things')];
  const [persons, thingIds] = [cellsOf(spec, 'orders', 'person'), cellsOf(spec, 'orders', 'thing')];
  cellsOf(spec, 'orders', 'tenant').forEach((each, row) => {
    expect(people).toContain(`${each} ${persons[row]}`);
    expect(things).toContain(`${each} ${thingIds[row]}`);
  });
});

test('a reference to the table itself leads to an earlier row, and to nothing from the first', () => {
  const people = table('people', {
    columns: { id: 'int4', boss: 'int4?' },
    primaryKey: ['id'],
    foreignKeys: ['boss -> people(id)'],
  });
  const bosses = only(tableSpec(people, 500), 'boss');
  expect(bosses[0]).toBeNull();
  for (const [index, boss] of bosses.slice(1).entries()) expect(Number(boss)).toBeLessThanOrEqual(index + 1);
});

test('tables that refer to each other are both filled', () => {
  const spec = generatorSpec(
    tableSpec(
      table('a', { columns: { id: 'int4', b: 'int4' }, primaryKey: ['id'], foreignKeys: ['b -> b(id)'] }),
      10,
    ),
    tableSpec(
      table('b', { columns: { id: 'int4', a: 'int4' }, primaryKey: ['id'], foreignKeys: ['a -> a(id)'] }),
      10,
    ),
  );
  for (const key of cellsOf(spec, 'a', 'b')) expect(cellsOf(spec, 'b', 'id')).toContain(key);
});

test('keys that follow from each other without end are emptied where they may be null, and refused else', () => {
  const shared = (name: string, other: string, id: string) =>
    table(name, { columns: { id }, uniques: [['id']], foreignKeys: [`id -> ${other}(id)`] });
  const open = generatorSpec(
    tableSpec(shared('a', 'b', 'int4?'), 3),
    tableSpec(shared('b', 'a', 'int4?'), 3),
  );
  expect(cellsOf(open, 'a', 'id')).toEqual([null, null, null]);
  const half = generatorSpec(tableSpec(shared('a', 'b', 'int4?'), 3), tableSpec(shared('b', 'a', 'int4'), 3));
  expect(() => createGenerators(half)).toThrow(
    'b: the foreign key "b_fk0" takes "id", which cannot be null, from a.id, which is null in some rows',
  );
  const closed = generatorSpec(
    tableSpec(shared('a', 'b', 'int4'), 3),
    tableSpec(shared('b', 'a', 'int4'), 3),
  );
  expect(() => createGenerators(closed)).toThrow(
    /a\.id \("a_fk0"\), b\.id \("b_fk0"\).* circle .*columns\."id"\.values/s,
  );
});

test('one row for each parent where the foreign key is unique, and no more than there are parents', () => {
  const profiles = table('profiles', {
    columns: { user_id: 'int8' },
    primaryKey: ['user_id'],
    foreignKeys: ['user_id -> users(id)'],
  });
  const all = cellsOf(generatorSpec(tableSpec(users, 20), tableSpec(profiles, 20)), 'profiles', 'user_id');
  expect(new Set(all).size).toBe(20);
  expect(() => createGenerators(generatorSpec(tableSpec(users, 20), tableSpec(profiles, 21)))).toThrow(
    'profiles: 21 rows are wanted, but only 20 can differ in (user_id)',
  );
});

test('a table that joins two others has every pair once, up to all pairs', () => {
  const ids = (name: string) => table(name, { columns: { id: 'int4' }, primaryKey: ['id'] });
  const joins = table('joins', {
    columns: { a: 'int4', b: 'int4' },
    primaryKey: ['a', 'b'],
    foreignKeys: ['a -> a(id)', 'b -> b(id)'],
  });
  const spec = generatorSpec(tableSpec(ids('a'), 30), tableSpec(ids('b'), 7), tableSpec(joins, 210));
  const bs = cellsOf(spec, 'joins', 'b');
  expect(new Set(cellsOf(spec, 'joins', 'a').map((a, row) => `${a} ${bs[row]}`)).size).toBe(210);
  expect(createGenerators(spec).get('joins')?.capacity).toBe(210);
});

test('lines are counted within their order', () => {
  const orders = table('orders', { columns: { id: 'int4' }, primaryKey: ['id'] });
  const lines = table('lines', {
    columns: { order_id: 'int4', line_no: 'int2' },
    primaryKey: ['order_id', 'line_no'],
    foreignKeys: ['order_id -> orders(id)'],
  });
  const spec = generatorSpec(tableSpec(orders, 100), tableSpec(lines, 500));
  expect(cellsOf(spec, 'lines', 'line_no', 0, 6)).toEqual(['1', '2', '3', '4', '5', '1']);
  expect(cellsOf(spec, 'lines', 'order_id', 0, 6)).toEqual(['1', '1', '1', '1', '1', '2']);
  const more = cellsOf(spec, 'lines', 'line_no', 500, 506);
  expect(more).toEqual(['6', '7', '8', '9', '10', '6']);
});

test('rows of a partitioned table lie inside the partitions', () => {
  const events = table('events', {
    columns: { id: 'int8', at: 'timestamptz', region: 'text' },
    primaryKey: ['id', 'at'],
    partitionKey: 'RANGE (at)',
    partitionBounds: [
      "FOR VALUES FROM ('2024-01-01 00:00:00+00') TO ('2024-02-01 00:00:00+00')",
      "FOR VALUES FROM ('2026-05-01 00:00:00+00') TO ('2026-06-01 00:00:00+00')",
    ],
  });
  const months = texts(only(tableSpec(events, 2000), 'at')).map((at) => at.slice(0, 7));
  expect(new Set(months)).toEqual(new Set(['2024-01', '2026-05']));
  const lists = table('lists', {
    columns: { region: 'text' },
    partitionKey: 'LIST (region)',
    partitionBounds: ["FOR VALUES IN ('eu', 'it''s', NULL)", "FOR VALUES IN ('us')"],
  });
  expect(new Set(only(tableSpec(lists, 500), 'region'))).toEqual(new Set(['eu', "it's", 'us']));
});

test('hash partitions must cover every remainder', () => {
  const hashed = (bounds: readonly string[]) =>
    tableSpec(
      table('hashed', { columns: { id: 'int4' }, partitionKey: 'HASH (id)', partitionBounds: bounds }),
      3,
    );
  const [one, two] = [0, 1].map((remainder) => `FOR VALUES WITH (modulus 2, remainder ${remainder})`);
  expect(only(hashed([one ?? '', two ?? '']), 'id')).toHaveLength(3);
  expect(() => createGenerators(generatorSpec(hashed([one ?? ''])))).toThrow('do not cover every remainder');
});

test('the scenario sets values with weights, ranges, faker functions, widths and null fractions', () => {
  const things = table('things', {
    columns: {
      status: 'text',
      price: 'numeric(8,2)',
      day: 'date',
      city: 'text',
      body: 'text',
      gone: 'text?',
    },
  });
  const spec = tableSpec(things, 4000, {
    columns: {
      status: {
        values: [
          { value: 'paid', weight: 9 },
          { value: 'open', weight: 1 },
        ],
      },
      price: { range: { from: '5', to: '6.5' } },
      day: { range: { from: '2021-03-01', to: '2021-03-02' } },
      city: { faker: 'location.country' },
      body: { width: 500 },
      gone: { nullFraction: 0.5 },
    },
  });
  const paid = only(spec, 'status').filter((value) => value === 'paid').length;
  expect(Math.abs(paid - 3600)).toBeLessThan(150);
  for (const price of texts(only(spec, 'price'))) expect(price).toMatch(/^(5\.\d\d|6\.[0-4]\d|6\.50)$/);
  expect(new Set(only(spec, 'day'))).toEqual(new Set(['2021-03-01', '2021-03-02']));
  expect(only(spec, 'city')).toContain('Germany');
  expect(new Set(texts(only(spec, 'body')).map((body) => body.length))).toEqual(new Set([500]));
  const nulls = only(spec, 'gone').filter((value) => value === null).length;
  expect(Math.abs(nulls - 2000)).toBeLessThan(200);
});

test.each([
  [{ nmae: {} }, 'things"."columns"."nmae": the table has no such column. It has: name, id.'],
  [{ name: { faker: 'internet.nothing' } }, '"internet.nothing" is no function of faker'],
  [{ name: { nullFraction: 0.1 } }, 'nullFraction: 0.1, but the column cannot be null'],
  [{ id: { range: { from: '9', to: '1' } } }, 'range: "9" to "1" is no range of int4'],
  [{ id: { fanout: 'zipf' as const } }, 'fanout: "zipf", but the column has no foreign key'],
  [{ id: { width: 3 } }, 'width: 3, but a column of type int4 has no width'],
])('a setting that cannot be is an error: %j', (columns, message) => {
  const things = table('things', { columns: { name: 'text', id: 'int4' } });
  const text = message.replace('things"."columns"', 'things".columns');
  expect(() => createGenerators(generatorSpec(tableSpec(things, 5, { columns })))).toThrow(text);
});

test('a type that nothing is known of is null, or an error that names the setting', () => {
  const odd = type('vector(3)', { kind: 'other' });
  const nullable = table('odd', { columns: { v: odd } });
  expect(() => createGenerators(generatorSpec(tableSpec(nullable, 1)))).toThrow(
    'data.tables."odd".columns."v".values',
  );
  const columns = nullable.columns.map((each) => ({ ...each, nullable: true }));
  expect(only(tableSpec({ ...nullable, columns }, 2), 'v')).toEqual([null, null]);
});
