import { expect, test } from 'vitest';
import { generatorSpec, table, tableSpec } from '../../../tests/tables.ts';
import { createGenerators } from '../compile.ts';

const ROWS = 4000;

/** What Postgres stores of a numeric: four digits in two bytes, without zeros at either end, behind three bytes. */
function storedBytes(text: string): number {
  const [whole = '', fraction = ''] = text.split('.');
  const padded =
    whole.padStart(Math.ceil(whole.length / 4) * 4, '0') +
    fraction.padEnd(Math.ceil(fraction.length / 4) * 4, '0');
  const groups = padded.match(/.{4}/g) ?? [];
  const first = groups.findIndex((group) => group !== '0000');
  return 3 + (first < 0 ? 0 : 2 * (groups.findLastIndex((group) => group !== '0000') - first + 1));
}

test.each([
  ['numeric(12,2)', 5.3, 900, []],
  ['numeric(12,2)', 6.9, 3000, [0.05, 0.04]],
  ['numeric(12,2)', 8.4, 2000, []],
  ['numeric(9,0)', 6.2, 3900, []],
  ['numeric(20,8)', 9.5, 2500, []],
  ['numeric', 5, 40, [0.2, 0.1]],
  ['numeric', 9, 3000, []],
] as const)('%s, %d bytes, %i different values', (declared, averageBytes, distinct, frequencies) => {
  const column = { name: 'amount', nullFraction: 0, distinct, averageBytes, correlation: 0, frequencies };
  const profile = {
    ...{ name: 't', rows: ROWS, tableBytes: ROWS * 40, toastBytes: 0, bloat: null, fillfactor: null },
    ...{ columns: [{ ...column, values: null, bounds: null }], indexes: [], foreignKeys: [] },
  };
  const spec = { ...tableSpec(table('t', { columns: { amount: declared } }), ROWS), profile };
  const made = createGenerators(generatorSpec(spec)).get('t');
  const texts = Array.from({ length: ROWS }, (_, row) => String(made?.cell(row, 'amount')));
  const mean = texts.reduce((sum, text) => sum + storedBytes(text), 0) / ROWS;
  expect(Math.abs(mean / averageBytes - 1)).toBeLessThan(0.05);
  expect(Math.abs(new Set(texts).size / distinct - 1)).toBeLessThan(0.1);
});
