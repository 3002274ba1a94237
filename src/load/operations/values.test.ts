import { expect, test } from 'vitest';
import { createRandom } from '../arrivals/random.ts';
import type { Operation, ParameterSource } from '../load.ts';
import { createBinder } from './values.ts';

/** A generator whose cells name their own row. */
const orders = { rows: 100, cell: (row: number, column: string) => `${column} ${row}` };
const keys = Array.from({ length: 1000 }, (_, index) => String(index));

function operation(...statements: readonly (readonly ParameterSource[])[]): Operation {
  return {
    record: { name: 'x', statements: [], weight: 1, kind: 'write', tables: [], codeVersion: 'running' },
    transaction: statements.length > 1,
    statements: statements.map((parameters) => ({
      name: 'x',
      text: '',
      written: '',
      references: parameters.map((_, index) => `$${index + 1}`),
      parameters,
    })),
  };
}

function binder(keyPools: readonly (readonly string[])[] = [keys]) {
  return createBinder({
    keyPools,
    generators: new Map([['orders', orders]]),
    random: createRandom(1, 'values'),
  });
}

const newRow = (column: string, row = 0): ParameterSource => ({
  from: 'new row',
  table: 'orders',
  column,
  row,
});
const anyRow = (column: string, draw = 0): ParameterSource => ({
  from: 'any row',
  table: 'orders',
  column,
  draw,
});
const key = (pick: 'zipf' | 'uniform' | 'latest'): ParameterSource => ({
  from: 'key',
  pool: 0,
  table: 'orders',
  column: 'id',
  pick,
});

test('inserts take the rows after the filled ones, each row once', () => {
  const bind = binder();
  const insertTwo = operation([newRow('id'), newRow('status')], [newRow('id', 1)]);
  expect(bind(insertTwo)).toEqual([['id 100', 'status 100'], ['id 101']]);
  expect(bind(operation([newRow('id')]))).toEqual([['id 102']]);
});

test('columns of one row stay together, another draw takes another row', () => {
  const bind = binder();
  const rowOf = (cell: unknown) => String(cell).split(' ')[1];
  const draws = Array.from({ length: 50 }, () => bind(operation([anyRow('a'), anyRow('b'), anyRow('c', 1)])));
  expect(draws.every(([row]) => rowOf(row?.[0]) === rowOf(row?.[1]))).toBe(true);
  expect(draws.some(([row]) => rowOf(row?.[0]) !== rowOf(row?.[2]))).toBe(true);
});

test('a value is repeated where the operation repeats its name', () => {
  const bind = binder();
  const [first, second] = bind(operation([key('zipf')], [{ from: 'same', statement: 0, parameter: 0 }]));
  expect(second).toEqual(first);
});

test('the upper end of a range is the next key', () => {
  const bind = binder();
  for (let drawn = 0; drawn < 100; drawn += 1) {
    const [row] = bind(
      operation([key('uniform'), { from: 'next key', statement: 0, parameter: 0, span: 1 }]),
    );
    const [lower, upper] = (row ?? []).map(Number);
    expect(upper).toBe(Math.min((lower ?? 0) + 1, 999));
  }
});

test('zipf has favourites, latest has them at the upper end, uniform has none', () => {
  const bind = binder();
  const drawMany = (pick: 'zipf' | 'uniform' | 'latest') => {
    const counts = new Map<string, number>();
    for (let drawn = 0; drawn < 20_000; drawn += 1) {
      const value = String(bind(operation([key(pick)]))[0]?.[0]);
      counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    const [favourite] = [...counts].toSorted(([, one], [, other]) => other - one);
    return { favourite: favourite?.[0], share: (favourite?.[1] ?? 0) / 20_000, distinct: counts.size };
  };
  expect(drawMany('zipf').share).toBeGreaterThan(0.1);
  expect(drawMany('latest')).toMatchObject({ favourite: '999' });
  expect(drawMany('uniform').share).toBeLessThan(0.01);
  expect(drawMany('uniform').distinct).toBe(1000);
});

test('integers stay within their range and reach both ends', () => {
  const bind = binder();
  const drawn = Array.from({ length: 200 }, () =>
    Number(bind(operation([{ from: 'integer', min: -1, max: 2 }]))[0]?.[0]),
  );
  expect([...new Set(drawn)].toSorted((one, other) => one - other)).toEqual([-1, 0, 1, 2]);
});

test('an empty pool gives null', () => {
  expect(binder([[]])(operation([key('zipf')]))).toEqual([[null]]);
});

test('a list of keys is one array, whatever is in the keys', () => {
  const bind = binder([['a"b', 'c\\d', '{e,f}']]);
  const list = {
    from: 'key list',
    pool: 0,
    table: 'orders',
    column: 'id',
    pick: 'uniform',
    count: 4,
  } as const;
  const [[value] = []] = bind(operation([list]));
  expect(value).toMatch(/^\{(?:"(?:a\\"b|c\\\\d|\{e,f\})",?){4}\}$/);
  expect(binder([[]])(operation([list]))).toEqual([['{}']]);
});

test('bytes are bound as bytes, the upper end of a range too', () => {
  const bind = binder([['0a', 'ff']]);
  const lower: ParameterSource = {
    from: 'key',
    pool: 0,
    table: 'orders',
    column: 'id',
    pick: 'uniform',
    inHex: true,
  };
  const next: ParameterSource = { from: 'next key', statement: 0, parameter: 0, span: 1 };
  for (let round = 0; round < 20; round += 1) {
    const [[one, other] = []] = bind(operation([lower, next]));
    expect([[10], [255]]).toContainEqual([...Buffer.from(one as Uint8Array)]);
    expect(other).toEqual(Buffer.from([255]));
  }
});

test('given values come alone', () => {
  expect(binder()(operation([{ from: 'value', values: ['day'] }]))).toEqual([['day']]);
});

/** Three tenants of ten rows each, aligned, ordered by tenant. */
const tenants = Array.from({ length: 30 }, (_, index) => `tenant ${Math.floor(index / 10)}`);
const ids = Array.from({ length: 30 }, (_, index) => `id ${index}`);
const tenantOf = (id: unknown): string | undefined => tenants[ids.indexOf(String(id))];

function ofRow(column: 'tenant' | 'id', row: number, like: readonly number[] = []) {
  const pool = column === 'tenant' ? 0 : 1;
  return { from: 'key', pool, table: 'orders', column, pick: 'uniform', row, like } as const;
}

test('values of one row are those of one live row, and another row is drawn by itself', () => {
  const bind = binder([tenants, ids]);
  const two = operation(
    [ofRow('tenant', 0), ofRow('id', 0)],
    [ofRow('id', 0), ofRow('tenant', 1), ofRow('id', 1)],
  );
  const seen = new Set<string>();
  for (let round = 0; round < 200; round += 1) {
    const [[tenant, id] = [], [again, otherTenant, other] = []] = bind(two);
    expect(tenantOf(id)).toBe(tenant);
    expect(again).toBe(id);
    expect(tenantOf(other)).toBe(otherTenant);
    seen.add(`${tenant} ${otherTenant}`);
  }
  expect(seen.size).toBe(9);
});

test('a second row, and each key of a list, shares what it is to share', () => {
  const bind = binder([tenants, ids]);
  const list = { ...ofRow('id', 0, [0]), from: 'key list', count: 4 } as const;
  const shared = operation([ofRow('tenant', 0), ofRow('id', 0), ofRow('id', 1, [0])], [list]);
  let different = 0;
  for (let round = 0; round < 200; round += 1) {
    const [[tenant, id, other] = [], [array] = []] = bind(shared);
    expect(tenantOf(other)).toBe(tenant);
    if (other !== id) different += 1;
    const listed = [...String(array).matchAll(/"(id \d+)"/g)].map(([, each]) => each);
    expect(listed).toHaveLength(4);
    expect(listed).toContain(id);
    expect(new Set(listed.map(tenantOf))).toEqual(new Set([tenant]));
  }
  const [[, longer] = []] = bind(operation([ofRow('tenant', 0), { ...list, count: 12 }]));
  expect(String(longer).match(/id \d+/g)).toHaveLength(12);
  // The last row of each tenant has none behind it.
  expect(different).toBeGreaterThan(150);
  expect(binder([[], []])(operation([ofRow('tenant', 0), ofRow('id', 1, [0])]))).toEqual([[null, null]]);
});
