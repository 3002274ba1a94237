import { expect, test } from 'vitest';
import type { TableDescription } from '../engines/engine.ts';
import type { ColumnProfile, Profile, TableProfile } from '../profile/profile.ts';
import { refuseOtherSchema } from './profile.ts';

function column(name: string): ColumnProfile {
  const unknown = { distinct: null, averageBytes: null, correlation: null, values: null, bounds: null };
  return { name, nullFraction: 0, frequencies: [], ...unknown };
}

function table(name: string, columns: readonly string[]): TableProfile {
  const sizes = { rows: 10, tableBytes: 8192, toastBytes: 0, bloat: null, fillfactor: null };
  return { name, ...sizes, columns: columns.map(column), indexes: [], foreignKeys: [] };
}

function profile(...tables: readonly TableProfile[]): Profile {
  return {
    version: 1,
    harnessVersion: '0',
    capturedAt: '2026-01-01T00:00:00Z',
    engine: 'postgres',
    flavor: 'postgres',
    serverVersion: '17.2',
    settings: {},
    schema: '',
    tables,
    statements: [],
    statementsSince: null,
    missing: [],
  };
}

function described(name: string, columns: readonly string[]): TableDescription {
  const text = {
    kind: 'text',
    declared: 'text',
    base: 'text',
    maxLength: null,
    precision: null,
    scale: null,
    unsigned: false,
    labels: [],
    element: null,
    fields: [],
  } as const;
  return {
    name,
    parts: ['public', name],
    columns: columns.map((each) => ({
      name: each,
      type: text,
      nullable: true,
      defaultExpression: null,
      generated: 'no',
    })),
    primaryKey: [],
    uniques: [],
    foreignKeys: [],
    checks: [],
    partitioning: 'none',
    partitionBounds: [],
    partitionKey: null,
    hasRows: false,
  };
}

test('a profile of the same schema is taken, also when the schema has more', () => {
  const captured = profile(table('a', ['id']), table('schema_migrations', ['version']));
  const schema = [described('a', ['id', 'added']), described('b', ['id'])];
  expect(() => refuseOtherSchema(captured, schema, new Set(['schema_migrations']))).not.toThrow();
});

test('each table and column that the schema has not is named', () => {
  const captured = profile(table('a', ['id', 'gone', 'lost']), table('old', ['id']));
  const refused = () => refuseOtherSchema(captured, [described('a', ['id'])], new Set());
  expect(refused).toThrow('column "a"."gone" is not in the schema');
  expect(refused).toThrow('column "a"."lost" is not in the schema');
  expect(refused).toThrow('table "old" is not in the schema');
});
