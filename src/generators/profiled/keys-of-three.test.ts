/** Composite keys of three columns, filled from a profile: the rows differ, and each column keeps its distribution. */
import { expect, test } from 'vitest';
import { generatorSpec, table, tableSpec } from '../../../tests/tables.ts';
import type { ColumnProfile, TableProfile } from '../../profile/profile.ts';
import { createGenerators } from '../compile.ts';

function columnOf(name: string, frequencies: readonly number[], distinct: number): ColumnProfile {
  const correlation = name === 'a' ? 1 : 0;
  return {
    name,
    nullFraction: 0,
    distinct,
    averageBytes: 4,
    correlation,
    frequencies,
    values: null,
    bounds: null,
  };
}

const KEY = table('facts', { columns: { a: 'int4', b: 'int4', c: 'int4' }, primaryKey: ['a', 'b', 'c'] });

/** How often each value of a column occurs, most often first, as shares; and how many rows differ. */
function filled(columns: readonly ColumnProfile[], rows: number) {
  const profile: TableProfile = {
    ...{ name: 'facts', rows, tableBytes: rows * 40, toastBytes: 0, bloat: null, fillfactor: null },
    ...{ columns, indexes: [], foreignKeys: [] },
  };
  const made = createGenerators(generatorSpec({ ...tableSpec(KEY, rows), profile })).get('facts');
  const keys = Array.from({ length: rows }, (_, row) => (made?.row(row) ?? []).map(String));
  const shares = ['a', 'b', 'c'].map((_, index) => {
    const counts = new Map<string, number>();
    for (const key of keys) counts.set(key[index] ?? '', (counts.get(key[index] ?? '') ?? 0) + 1);
    return [...counts.values()].sort((one, other) => other - one).map((count) => count / rows);
  });
  return { differing: new Set(keys.map((key) => key.join())).size, shares };
}

interface Case {
  readonly title: string;
  readonly rows: number;
  /** Shares of the most common values, and the number of different ones, of each column. */
  readonly a: readonly [readonly number[], number];
  readonly b: readonly [readonly number[], number];
  readonly c: readonly [readonly number[], number];
}

const CASES: readonly Case[] = [
  { title: 'two of them tell the rows apart', rows: 2000, a: [[], 500], b: [[], 100], c: [[0.7, 0.2], 5] },
  { title: 'only all three do', rows: 2000, a: [[], 20], b: [[0.1, 0.08], 40], c: [[0.1], 30] },
  { title: 'all skewed', rows: 3000, a: [[0.03, 0.025], 60], b: [[0.3, 0.2], 40], c: [[0.3, 0.2, 0.1], 30] },
];

test.each(CASES)('$title', ({ rows, a, b, c }) => {
  const columns = [columnOf('a', ...a), columnOf('b', ...b), columnOf('c', ...c)];
  const { differing, shares } = filled(columns, rows);
  expect(differing).toBe(rows);
  for (const [index, { name, frequencies, distinct }] of columns.entries()) {
    const got = shares[index] ?? [];
    expect(Math.abs(got.length / (distinct ?? 1) - 1), name).toBeLessThan(0.1);
    for (const [place, share] of frequencies.entries())
      expect(Math.abs((got[place] ?? 0) - share), `${name} ${place}`).toBeLessThan(0.02);
  }
});
