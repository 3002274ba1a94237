/** What a row of a table with a profile depends on, and what it does not. */
import { expect, test } from 'vitest';
import { generatorSpec, table, tableSpec } from '../../../tests/tables.ts';
import type { ColumnProfile, TableProfile } from '../../profile/profile.ts';
import { createGenerators } from '../compile.ts';

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
    const counts = new Map<unknown, number>();
    for (const [, state] of all) counts.set(state, (counts.get(state) ?? 0) + 1);
    const shares = [...counts.values()].map((count) => count / rows).sort((a, b) => b - a);
    expect(shares).toHaveLength(5);
    for (const [index, share] of [0.6, 0.2, 0.1, 0.08, 0.02].entries())
      expect(Math.abs((shares[index] ?? 0) - share)).toBeLessThan(0.002);
    expect(counts.get(null)).toBe(rows / 10);
  }
});
