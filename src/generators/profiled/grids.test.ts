/** Composite keys that are a grid, wholly or nearly, each value of one column with each of the others; or of one that differs by itself. */
import { expect, test } from 'vitest';
import { generatorSpec, table, tableSpec } from '../../../tests/tables.ts';
import type { ColumnProfile, TableProfile } from '../../profile/profile.ts';
import { createGenerators } from '../compile.ts';
import { correlationOf } from './correlation.ts';

interface Part {
  readonly distinct: number;
  readonly correlation: number | null;
  /** Shares as the server tells them: of its 100 most common values, here all alike, or none. */
  readonly told: 'all' | 'some' | 'none';
  /** Parents that it refers to; left out: it is no foreign key. */
  readonly parents?: number;
}

const NAMES = ['a', 'b', 'c', 'd'];

function columnOf({ distinct, correlation, told }: Part, index: number): ColumnProfile {
  const length = told === 'none' ? 0 : told === 'some' ? Math.min(100, distinct - 1) : distinct;
  return {
    ...{ name: NAMES[index] ?? '', nullFraction: 0, distinct, averageBytes: 4, correlation },
    ...{ frequencies: Array.from({ length }, () => 1 / distinct), values: null, bounds: null },
  };
}

function filled(parts: readonly Part[], ofRows: number, rows: number) {
  const names = NAMES.slice(0, parts.length);
  const referring = parts.flatMap(({ parents }, index) =>
    parents === undefined ? [] : [{ parents, name: NAMES[index] ?? '' }],
  );
  const description = table('grid', {
    columns: Object.fromEntries(names.map((name) => [name, 'int4'])),
    primaryKey: names,
    foreignKeys: referring.map(({ name }) => `${name} -> of_${name}(id)`),
  });
  const profile: TableProfile = {
    ...{ name: 'grid', rows: ofRows, tableBytes: ofRows * 40, toastBytes: 0, bloat: null, fillfactor: null },
    ...{ columns: parts.map(columnOf), indexes: [], foreignKeys: [] },
  };
  const parentTables = referring.map(({ name, parents }) =>
    tableSpec(table(`of_${name}`, { columns: { id: 'int4' }, primaryKey: ['id'] }), parents),
  );
  const spec = generatorSpec(...parentTables, { ...tableSpec(description, rows), profile });
  const made = createGenerators(spec).get('grid');
  const keys = Array.from({ length: rows }, (_, row) => (made?.row(row) ?? []).map(String));
  return {
    differing: new Set(keys.map((key) => key.join())).size,
    columns: parts.map((_, index) => {
      const counts = new Map<string, number>();
      for (const key of keys) counts.set(key[index] ?? '', (counts.get(key[index] ?? '') ?? 0) + 1);
      return { distinct: counts.size, largest: Math.max(...counts.values()) / rows };
    }),
  };
}

const SIZES = [
  [400, 2],
  [2, 400],
  [17, 23],
  [49, 3],
  [12, 5, 2],
  [20, 2, 3],
  [4, 3, 2, 5],
];
const TOLD = ['all', 'some', 'none'] as const;
const PARENTS = ['no column', 'the first', 'the last', 'all'] as const;

function partsOf(
  sizes: readonly number[],
  {
    correlation,
    told,
    parents,
  }: { readonly correlation: number | null; readonly told: Part['told']; readonly parents: string },
): readonly Part[] {
  return sizes.map((distinct, index) => {
    const refers =
      parents === 'all' ||
      index === (parents === 'the first' ? 0 : parents === 'the last' ? sizes.length - 1 : -1);
    const own = index === 0 ? correlation : 0.48;
    return { distinct, correlation: own, told, ...(refers ? { parents: distinct } : {}) };
  });
}

test.each(SIZES.map((sizes) => ({ grid: sizes.join(' x '), sizes })))(
  '$grid: each row is another one',
  ({ sizes }) => {
    const whole = sizes.reduce((product, size) => product * size, 1);
    for (const correlation of [0, 0.5, 1, -1, null])
      for (const told of TOLD)
        for (const parents of PARENTS)
          for (const [density, scale] of [
            [1, 1],
            [1, 0.3],
            [0.9, 1],
            [0.9, 1.1],
            [0.99, 1],
          ] as const) {
            const ofRows = Math.round(whole * density);
            const rows = Math.min(whole, Math.round(ofRows * scale));
            const { differing, columns } = filled(
              partsOf(sizes, { correlation, told, parents }),
              ofRows,
              rows,
            );
            const named = { correlation, told, parents, density, scale };
            expect({ ...named, differing }).toEqual({ ...named, differing: rows });
            if (scale !== 1) continue;
            for (const [index, { distinct, largest }] of columns.entries()) {
              const wanted = sizes[index] ?? 1;
              const near = {
                // Counted numbers have as many values beside them as rows have the first number: 44 of 49 at 90 %.
                distinct: Math.abs(distinct / wanted - 1) < 0.15,
                share: Math.abs(largest - 1 / wanted) < 0.02,
              };
              expect({ ...named, index, ...near }).toEqual({ ...named, index, distinct: true, share: true });
            }
          }
  },
);

test('more rows than the parents have pairs of are refused, with the key and what to set', () => {
  const parts = partsOf([100, 3], { correlation: 0.5, told: 'all', parents: 'all' });
  expect(() => filled(parts, 300, 301)).toThrow(
    'grid: 301 rows are wanted, but only 300 can differ in (a, b), which must be unique. ' +
      'Set data.tables."grid".rows to at most 300, or give the tables it refers to more rows.',
  );
});

test('more rows than production’s values have pairs of get values that production does not have', () => {
  const parts = partsOf([100, 3], { correlation: 0.5, told: 'all', parents: 'the last' });
  expect(filled(parts, 300, 900).differing).toBe(900);
});

test('a key with a column that differs by itself leaves the others in their order', () => {
  const rows = 5000;
  const description = table('events', {
    columns: { id: 'int8', at: 'timestamptz' },
    primaryKey: ['id', 'at'],
  });
  const columns = ['id', 'at'].map((name) => ({
    ...{ name, nullFraction: 0, distinct: rows, averageBytes: 8, correlation: 1 },
    ...{ frequencies: [], values: null, bounds: null },
  }));
  const profile: TableProfile = {
    ...{ name: 'events', rows, tableBytes: rows * 50, toastBytes: 0, bloat: null, fillfactor: null },
    ...{ columns, indexes: [], foreignKeys: [] },
  };
  const made = createGenerators(generatorSpec({ ...tableSpec(description, rows), profile })).get('events');
  const all = Array.from({ length: rows }, (_, row) => [...(made?.row(row) ?? [])]);
  expect(new Set(all.map(([id]) => id)).size).toBe(rows);
  for (const index of [0, 1]) {
    const values = all.map((row) => (index === 0 ? Number(row[index]) : Date.parse(String(row[index]))));
    expect(correlationOf(values)).toBeGreaterThan(0.95);
  }
});
