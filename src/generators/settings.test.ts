import { expect, test } from 'vitest';
import { generatorSpec, table, tableSpec } from '../../tests/tables.ts';
import type { ColumnDataPlan } from '../scenario/plan.ts';
import { createGenerators } from './compile.ts';

type Overrides = Partial<ColumnDataPlan>;

/** Declared type, with what it takes and what it refuses as a value. */
const TYPES: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['int2', ['1', '-32768', '32767'], ['abc', '40000', '']],
  ['int4', ['7', '0x1f', '1_000'], ['7 days', '3000000000']],
  ['int8', ['9007199254740993'], ['one']],
  ['numeric(6,2)', ['9999.99', 'NaN'], ['12345', 'x']],
  ['bool', ['true', 'f', 'on'], ['maybe']],
  ['varchar(5)', ['abcde', 'ab   '], ['abcdef']],
  ['bpchar(3)', ['abc'], ['abcd']],
  ['date', ['2025-01-31', 'today'], ['soon']],
  ['timestamptz', ['2025-01-31 10:00+02', 'infinity'], ['later']],
  ['uuid', ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'], ['a0eebc99']],
  ['jsonb', ['{"a": 1}', 'null'], ['{a: 1}']],
  ['text', ['anything'], []],
];

function wantedOf(declared: string, overrides: Overrides) {
  const description = table('t', { columns: { id: 'int4', a: declared } });
  return () => createGenerators(generatorSpec(tableSpec(description, 20, { columns: { a: overrides } })));
}

const only = (value: string): Overrides => ({ values: [{ value, weight: 1 }] });

test.each(TYPES)('%s takes its own values and refuses others by name', (declared, taken, refused) => {
  for (const value of taken) {
    const generator = wantedOf(declared, only(value))().get('t');
    expect(generator?.cell(3, 'a')).toBe(value);
  }
  for (const value of refused)
    expect(wantedOf(declared, only(value))).toThrow(`data.tables."t".columns."a".values: "${value}" is no `);
});

const SETTINGS: Readonly<Record<string, Overrides>> = {
  range: { range: { from: '1', to: '5' } },
  days: { range: { from: '2024-01-01', to: '2024-02-01' } },
  faker: { faker: 'internet.email' },
  number: { faker: 'number.int' },
  width: { width: 4 },
  nulls: { nullFraction: 0.5 },
  fanout: { fanout: 'uniform' },
};

/** What every type takes of the settings; whatever is missing is refused with the setting's name. */
const TAKEN: Readonly<Record<string, readonly string[]>> = {
  int4: ['range'],
  'numeric(20,2)': ['range', 'number'],
  bool: [],
  text: ['faker', 'number', 'width'],
  'varchar(80)': ['faker', 'number', 'width'],
  date: ['days'],
  timestamptz: ['days'],
  uuid: [],
  jsonb: ['number'],
  bytea: ['faker', 'number', 'width'],
};

test.each(Object.keys(TAKEN))(
  'every setting of a column of type %s works, or is refused by name',
  (declared) => {
    for (const [name, overrides] of Object.entries(SETTINGS)) {
      const make = wantedOf(declared, overrides);
      if (TAKEN[declared]?.includes(name)) expect(make().get('t')?.row(3)).toHaveLength(2);
      else expect(make, name).toThrow(/^data\.tables\."t"\.columns\."a"/);
    }
    expect(wantedOf(`${declared}?`, { nullFraction: 0.5 })().get('t')?.rows).toBe(20);
  },
);

test('two settings that each say what a column holds are refused', () => {
  const both = { ...only('7'), range: { from: '6', to: '9' } };
  expect(wantedOf('int4', both)).toThrow('values and range each say what the column holds');
});

test('a flag that must not be set is not', () => {
  const implied = { name: 'u', of: 'unique index' as const, expression: 'NOT ((a = true))' };
  const description = { ...table('t', { columns: { id: 'int4', a: 'bool' } }), implied: [implied] };
  const generator = createGenerators(generatorSpec(tableSpec(description, 20))).get('t');
  expect(Array.from({ length: 20 }, (_, row) => generator?.cell(row, 'a'))).not.toContain('true');
});
