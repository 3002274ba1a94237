import { expect, test } from 'vitest';
import { generatorSpec, table, tableSpec } from '../../tests/tables.ts';
import type { TableProfile } from '../profile/profile.ts';
import { sparedOf } from './age.ts';

const profile: TableProfile = {
  ...{ name: 'any', rows: 5, tableBytes: 8192, toastBytes: 0, bloat: null, fillfactor: null },
  ...{ columns: [], indexes: [], foreignKeys: [] },
};

test('with a profile tables of a few rows keep their order, without one all are worn', () => {
  const specs = Object.entries({ country: 109, rental: 40_000 }).map(([name, rows]) =>
    tableSpec(table(name, { columns: { id: 'int8' } }), rows),
  );
  expect(sparedOf(generatorSpec(...specs.map((spec) => ({ ...spec, profile }))))).toEqual(
    new Set(['country']),
  );
  expect(sparedOf(generatorSpec(...specs))).toEqual(new Set());
});
