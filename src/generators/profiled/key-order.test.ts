/** A foreign key in the order of its values, to parents that lie in no order on disk. */
import { expect, test } from 'vitest';
import { generatorSpec, table, tableSpec } from '../../../tests/tables.ts';
import type { ColumnProfile, TableProfile } from '../../profile/profile.ts';
import { createGenerators } from '../compile.ts';
import type { TableSpec } from '../generator.ts';
import { correlationOf } from './correlation.ts';

const CHILDREN = 4000;

function profiled(spec: TableSpec, columns: readonly ColumnProfile[]): TableSpec {
  const { rows, description } = spec;
  const profile: TableProfile = {
    ...{ name: description.name, rows, tableBytes: rows * 40, toastBytes: 0, bloat: null, fillfactor: null },
    ...{ columns, indexes: [], foreignKeys: [] },
  };
  return { ...spec, profile };
}

function columnOf(name: string, distinct: number, correlation: number): ColumnProfile {
  const unknown = { frequencies: [], values: null, bounds: null };
  return { name, nullFraction: 0, distinct, averageBytes: 4, correlation, ...unknown };
}

/** The correlations that the server would measure of the parents' key and of the column that refers to it. */
function filled(parents: number, wanted: { readonly key: number; readonly child: number }) {
  const branches = table('branches', { columns: { bid: 'int4' }, primaryKey: ['bid'] });
  const accounts = table('accounts', {
    columns: { aid: 'int4', bid: 'int4' },
    primaryKey: ['aid'],
    foreignKeys: ['bid -> branches(bid)'],
  });
  const made = createGenerators(
    generatorSpec(
      profiled(tableSpec(branches, parents), [columnOf('bid', parents, wanted.key)]),
      profiled(tableSpec(accounts, CHILDREN), [columnOf('bid', parents, wanted.child)]),
    ),
  );
  const valuesOf = (name: string, rows: number, index: number) =>
    Array.from({ length: rows }, (_, row) => Number(made.get(name)?.row(row)[index]));
  return {
    key: correlationOf(valuesOf('branches', parents, 0)),
    child: correlationOf(valuesOf('accounts', CHILDREN, 1)),
  };
}

test.each([
  [10, 0.2, 0.9],
  [100, -0.04, 0.99],
  [100, 0.5, -0.6],
  [1000, 0, 0.7],
])('%i parents in an order of %d: children in one of %d', (parents, key, child) => {
  const got = filled(parents, { key, child });
  expect(Math.abs(got.key - key)).toBeLessThan(0.1);
  expect(Math.abs(got.child - child)).toBeLessThan(0.05);
});
