import { expect, test } from 'vitest';
import type { TableProfile } from '../profile/profile.ts';
import { compareTable } from './comparison.ts';
import type { Comparison } from './figure.ts';
import { renderVerification } from './render.ts';

const orders: TableProfile = {
  name: 'orders',
  rows: 1_000_000,
  tableBytes: 80_000_000,
  toastBytes: 0,
  bloat: 0.2,
  fillfactor: null,
  columns: [
    {
      name: 'status',
      nullFraction: 0.1,
      distinct: 3,
      averageBytes: 6,
      correlation: 0.4,
      frequencies: [0.6, 0.2, 0.1],
      values: null,
      bounds: null,
    },
  ],
  indexes: [{ name: 'orders_pkey', columns: ['id'], bytes: 22_000_000, fillfactor: null, cardinality: null }],
  foreignKeys: [],
};

function compare(
  got: Partial<TableProfile> | null,
  {
    wanted = orders,
    bloatInTable = true,
    rowsOf = {},
  }: {
    readonly wanted?: TableProfile;
    readonly bloatInTable?: boolean;
    readonly rowsOf?: Readonly<Record<string, number>>;
  } = {},
): readonly Comparison[] {
  return compareTable({
    wanted,
    got: got === null ? null : { ...orders, ...got },
    rows: orders.rows,
    bloatInTable,
    distinctAt: ({ distinct }) => distinct,
    rowsOf: (name) => rowsOf[name] ?? null,
    chosen: new Set(),
    chosenNulls: new Set(),
    growthBytes: () => 16_384,
  });
}

function outside(comparisons: readonly Comparison[]): readonly string[] {
  return comparisons.filter(({ verdict }) => verdict === 'outside').map(({ measure }) => measure);
}

test('the same statistics are within tolerance, and those of no table are not measured', () => {
  expect(outside(compare({}))).toEqual([]);
  expect(compare(null).map(({ verdict }) => verdict)).toEqual(['not measured']);
});

test('each figure fails on its own just outside of its tolerance', () => {
  const [column] = orders.columns;
  if (column === undefined) throw new Error('no column');
  const changed = (part: Partial<typeof column>) => ({ columns: [{ ...column, ...part }] });
  expect(outside(compare({ rows: 1_000_001 }))).toEqual(['rows']);
  expect(outside(compare({ tableBytes: 88_000_000 }))).toEqual(['bytes per row']);
  expect(
    outside(compare({ indexes: orders.indexes.map((index) => ({ ...index, bytes: 23_300_000 })) })),
  ).toEqual(['index bytes per row']);
  expect(outside(compare(changed({ nullFraction: 0.121 })))).toEqual(['nulls']);
  expect(outside(compare(changed({ frequencies: [0.6, 0.2, 0.079] })))).toEqual(['frequencies']);
  expect(outside(compare(changed({ frequencies: [0.6, 0.2, 0.1, 0.03] })))).toEqual(['frequencies']);
  expect(outside(compare(changed({ distinct: 5 })))).toEqual(['distinct']);
  expect(outside(compare(changed({ correlation: 0.51 })))).toEqual(['correlation']);
});

test('where both tell the values, each has to have its own share, but for a foreign key', () => {
  const [column] = orders.columns;
  if (column === undefined) throw new Error('no column');
  const wanted = { ...orders, columns: [{ ...column, values: ['paid', 'open', 'void'] }] };
  const columns = [{ ...column, values: ['void', 'paid', 'open'] }];
  expect(outside(compare({ columns }, { wanted }))).toEqual(['frequencies']);
  expect(outside(compare({ columns: wanted.columns }, { wanted }))).toEqual([]);
  const key = { columns: ['status'], references: 'states', parentsReferred: null, frequencies: [] };
  expect(outside(compare({ columns }, { wanted: { ...wanted, foreignKeys: [key] } }))).toEqual([]);
});

test('a volume with fewer parents than production refers to is held against those it has', () => {
  const [column] = orders.columns;
  if (column === undefined) throw new Error('no column');
  const shop = { ...column, name: 'shop_id', distinct: 100, frequencies: [0.012, 0.011] };
  const key = {
    name: 'orders_shop_id_fkey',
    columns: ['shop_id'],
    references: 'shops',
    parentsReferred: null,
    frequencies: shop.frequencies,
  };
  const wanted = { ...orders, columns: [shop], foreignKeys: [key] };
  const twenty = { ...shop, distinct: 20, frequencies: [0.06, 0.055] };
  const got = { columns: [twenty], foreignKeys: [{ ...key, frequencies: twenty.frequencies }] };
  expect(outside(compare(got, { wanted, rowsOf: { shops: 100 } }))).toEqual([
    'frequencies',
    'distinct',
    'children of a parent',
  ]);
  const few = compare(got, { wanted, rowsOf: { shops: 20 } });
  expect(outside(few)).toEqual([]);
  const told = few.filter(({ note }) => note?.includes('which has 20 at this volume'));
  expect(told.map(({ measure, verdict }) => [measure, verdict])).toEqual([
    ['frequencies', 'not measured'],
    ['distinct', 'within'],
    ['children of a parent', 'not measured'],
  ]);
  const fewer = { ...got, columns: [{ ...twenty, distinct: 10 }] };
  expect(outside(compare(fewer, { wanted, rowsOf: { shops: 20 } }))).toEqual(['distinct']);
});

test('dead space of production is left out of the bytes of a row', () => {
  expect(outside(compare({ tableBytes: 64_000_000, bloat: 0 }))).toEqual([]);
});

test('wear of our own is left out of the bytes of a row, width that is too large is not', () => {
  const wanted = { ...orders, bloat: 0 };
  expect(outside(compare({ tableBytes: 91_000_000, bloat: 0.12 }, { wanted }))).toEqual([]);
  expect(outside(compare({ tableBytes: 91_000_000, bloat: 0 }, { wanted }))).toEqual(['bytes per row']);
});

test('space that is free beside the rows, or unknown, explains nothing', () => {
  const wanted = { ...orders, bloat: 0 };
  const larger = { tableBytes: 91_000_000, bloat: 0.12 };
  expect(outside(compare(larger, { wanted, bloatInTable: false }))).toEqual(['bytes per row']);
  expect(outside(compare({ ...larger, bloat: null }, { wanted }))).toEqual(['bytes per row']);
});

test('what the server does not tell is not measured, never zero', () => {
  const found = compare({ columns: orders.columns.map((column) => ({ ...column, correlation: null })) });
  expect(found.find(({ measure }) => measure === 'correlation')).toMatchObject({
    verdict: 'not measured',
    got: null,
  });
});

test('only what is outside is shown, within 80 columns', () => {
  const text = renderVerification(compare({ tableBytes: 99_000_000, bloat: 0 }), {
    verbose: false,
    width: 80,
    dim: (line) => line,
  });
  expect(text).toContain('orders');
  expect(text).toMatch(/bytes per row +80 B +99 B +outside/);
  expect(text).not.toContain('correlation');
  expect(text).toContain('1 table: of 7 figures, 6 within tolerance, 1 outside, 0 not measured');
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
});
