/** What a row of a table with a profile depends on, and what it does not. */
import { expect, test } from 'vitest';
import { generatorSpec, table, tableSpec } from '../../../tests/tables.ts';
import type { ColumnProfile, TableProfile } from '../../profile/profile.ts';
import { createGenerators } from '../compile.ts';
import { productionDistinct } from './column.ts';
import { correlationOf } from './correlation.ts';

const ROWS = 10_000;
const ORDERS = table('orders', { columns: { id: 'int8', state: 'text?', paid: 'bool' }, primaryKey: ['id'] });

function columnOf(name: string, changed: Partial<ColumnProfile>): ColumnProfile {
  const usual = { nullFraction: 0, distinct: ROWS, averageBytes: 8, correlation: 1, frequencies: [] };
  return { name, ...usual, values: null, bounds: null, ...changed };
}

const PROFILE: TableProfile = {
  ...{ name: 'orders', rows: ROWS, tableBytes: ROWS * 50, toastBytes: 0, bloat: null, fillfactor: null },
  columns: [
    columnOf('id', {}),
    columnOf('state', {
      nullFraction: 0.1,
      distinct: 4,
      correlation: 0.8,
      frequencies: [0.6, 0.2, 0.08, 0.02],
    }),
    columnOf('paid', { distinct: 2, averageBytes: 1, correlation: 0.6, frequencies: [0.7, 0.3] }),
  ],
  indexes: [],
  foreignKeys: [],
};

function generator(rows: number) {
  const made = createGenerators(generatorSpec({ ...tableSpec(ORDERS, rows), profile: PROFILE })).get(
    'orders',
  );
  if (made === undefined) throw new Error('no generator');
  return made;
}

test('any range of rows is the same from any generator of that volume, in any order', () => {
  const [one, other] = [generator(ROWS), generator(ROWS)];
  const forwards = Array.from({ length: 500 }, (_, row) => [...one.row(row * 7)]);
  const backwards = Array.from({ length: 500 }, (_, row) => [...other.row((499 - row) * 7)]);
  expect(backwards.reverse()).toEqual(forwards);
});

test('at each volume shares and nulls are production’s, and counted keys are the same', () => {
  for (const rows of [2000, 5000, ROWS]) {
    const made = generator(rows);
    const all = Array.from({ length: rows }, (_, row) => [...made.row(row)]);
    expect(all.map(([id]) => id)).toEqual(Array.from({ length: rows }, (_, row) => String(row + 1)));
    const shares = sharesOf(all.map(([, state]) => state));
    expect(shares.size).toBe(5);
    for (const [index, share] of [0.6, 0.2, 0.1, 0.08, 0.02].entries())
      expect(Math.abs(([...shares.values()][index] ?? 0) - share)).toBeLessThan(0.002);
    expect(Math.abs((shares.get(null) ?? 0) - 0.1)).toBeLessThan(0.001);
  }
});

function sharesOf(values: readonly unknown[]): ReadonlyMap<unknown, number> {
  const counts = new Map<unknown, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const shares = [...counts].map(([value, count]): [unknown, number] => [value, count / values.length]);
  return new Map(shares.sort(([, one], [, other]) => other - one));
}

/** Columns whose rows lie in no order, of a table that has as many rows in production as {@link ROWS}. */
const SCATTERED: Readonly<Record<string, { readonly type: string; readonly known: Partial<ColumnProfile> }>> =
  {
    // Equal values keep the order of the table: in no order at all the correlation is the sum of the squared shares.
    plan: { type: 'text', known: { distinct: 3, correlation: 0.54, frequencies: [0.7, 0.2, 0.1] } },
    city: { type: 'text?', known: { nullFraction: 0.3, distinct: 400, frequencies: [0.05, 0.03, 0.02] } },
    rating: {
      type: 'int4',
      known: { distinct: 150, correlation: 0.05, frequencies: [0.2, 0.1], averageBytes: 4 },
    },
    tag: {
      type: 'text',
      known: { distinct: 900, correlation: 0.2, frequencies: [0.4, 0.2, 0.01], averageBytes: 12 },
    },
    reference: { type: 'text', known: { distinct: 0.6 * ROWS, averageBytes: 20 } },
    token: { type: 'uuid', known: { averageBytes: 16 } },
    body: { type: 'jsonb', known: { distinct: null, correlation: null, averageBytes: 60 } },
  };
const VISITS = table('visits', {
  columns: Object.fromEntries(Object.entries(SCATTERED).map(([name, { type }]) => [name, type])),
  uniques: [['token']],
});
const VISITS_PROFILE: TableProfile = {
  ...PROFILE,
  name: 'visits',
  columns: Object.entries(SCATTERED).map(([name, { known }]) => columnOf(name, { correlation: 0, ...known })),
};

function visits(rows: number): readonly (readonly unknown[])[] {
  const spec = { ...tableSpec(VISITS, rows), profile: VISITS_PROFILE };
  const made = createGenerators(generatorSpec(spec)).get('visits');
  return Array.from({ length: rows }, (_, row) => [...(made?.row(row) ?? [])]);
}

test('up to production’s volume a larger one extends a smaller one where rows lie in no order', () => {
  const all = visits(ROWS);
  for (const rows of [3000, 4321, 9999]) expect(visits(rows)).toEqual(all.slice(0, rows));
  // Beyond it all but the values of which there are more in more rows.
  const growing = [...VISITS.columns.keys()].filter((at) =>
    ['reference', 'token', 'body'].includes(VISITS.columns[at]?.name ?? ''),
  );
  const fixed = (row: readonly unknown[]) => row.filter((_, at) => !growing.includes(at));
  expect(
    visits(2 * ROWS)
      .slice(0, ROWS)
      .map(fixed),
  ).toEqual(all.map(fixed));
});

test.each([3000, 4321, ROWS, 25_000])('%i rows of such a table are within the tolerances', (rows) => {
  const all = visits(rows);
  for (const [at, column] of VISITS_PROFILE.columns.entries()) {
    const values = all.map((row) => row[at]);
    const shares = sharesOf(values);
    expect(Math.abs((shares.get(null) ?? 0) - column.nullFraction)).toBeLessThan(0.005);
    const common = [...shares].filter(([value]) => value !== null).map(([, share]) => share);
    for (const [index, share] of column.frequencies.entries())
      expect(Math.abs((common[index] ?? 0) - share)).toBeLessThan(0.005);
    const wanted = productionDistinct(VISITS_PROFILE, column, rows);
    if (wanted === null) continue;
    expect(Math.abs(common.length / wanted - 1)).toBeLessThan(0.05);
    const present = values.filter((value) => value !== null).map(String);
    const sorted = new Map([...new Set(present)].sort(byNumberOrText).map((value, rank) => [value, rank]));
    const correlation = correlationOf(present.map((value) => sorted.get(value) ?? 0));
    expect([column.name, Math.abs(correlation - (column.correlation ?? 0)) < 0.06]).toEqual([
      column.name,
      true,
    ]);
  }
});

function byNumberOrText(one: string, other: string): number {
  return Number(one) - Number(other) || (one < other ? -1 : 1);
}
