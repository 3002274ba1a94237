import { expect, test } from 'vitest';
import type { CellSource, CellValue, ColumnType } from '../../engine.ts';
import { UNKNOWN_TYPE } from '../schema/types.ts';
import { cellWriter } from './load-cells.ts';
import { type CellForm, createLines, endRow, takeLines, writeRow } from './load-lines.ts';

function written(forms: readonly CellForm[], ...rows: readonly (readonly CellValue[])[]): string {
  const lines = createLines(16);
  for (const row of rows) writeRow(lines, row, forms);
  return takeLines(lines, 16).toString();
}

test('cells are separated by tabs, rows by newlines, and what separates is escaped', () => {
  expect(written(['text', 'text'], ['a', null], ['t\tn\nb\\0\0', 'é€😀'])).toBe(
    'a\t\\N\nt\\tn\\nb\\\\0\\0\té€😀\n',
  );
});

test('long text and a row larger than the chunk are whole', () => {
  const long = `${'x'.repeat(5000)}\t€`;
  expect(written(['text', 'text'], [long, 'y'])).toBe(`${'x'.repeat(5000)}\\t€\ty\n`);
});

test('bytes are hex, also when they are given as text; bits are digits or characters', () => {
  expect(written(['hex', 'hex'], [new Uint8Array([0, 255]), 'é'])).toBe('00ff\tc3a9\n');
  expect(written(['bits', 'bits', 'bits'], ['101', '\u0001', new Uint8Array([1, 2])])).toBe('05\t01\t0102\n');
});

test('what was taken is not touched by later rows', () => {
  const lines = createLines(16);
  writeRow(lines, ['one'], ['text']);
  const first = takeLines(lines, 16);
  writeRow(lines, ['two'], ['text']);
  expect([first.toString(), lines.at, takeLines(lines, 16).toString()]).toEqual(['one\n', 4, 'two\n']);
});

function fromNumbers(kind: ColumnType['kind'], perUnit: number, ticks: readonly number[]): string {
  const cells: CellSource = {
    text: () => 'text',
    raw: { kind: 'number', perUnit, at: (row) => ticks[row] ?? 0 },
  };
  const write = cellWriter(cells, { ...UNKNOWN_TYPE, kind });
  const lines = createLines(16);
  for (const row of ticks.keys()) write(lines, row);
  endRow(lines);
  return takeLines(lines, 16).toString();
}

test('numbers are written without their texts', () => {
  expect(fromNumbers('integer', 1, [0, -7, 10, 999_999_999, 1e9, -4e15, Number.NaN])).toBe(
    '0\t-7\t10\t999999999\t1000000000\t-4000000000000000\t\\N\n',
  );
  expect(fromNumbers('decimal', 100, [5, -5, 123_456, 400_000_000_000_001])).toBe(
    '0.05\t-0.05\t1234.56\t4000000000000.01\n',
  );
  expect(fromNumbers('decimal', 1e12, [1, 3_000_000_000_002])).toBe('0.000000000001\t3.000000000002\n');
});

test('instants are written without their texts', () => {
  expect(fromNumbers('timestamp', 1, [0, -1, 1_709_251_199])).toBe(
    '1970-01-01 00:00:00\t1969-12-31 23:59:59\t2024-02-29 23:59:59\n',
  );
  expect(fromNumbers('date', 1, [86_400])).toBe('1970-01-02\n');
  expect(fromNumbers('time', 1, [3_661])).toBe('01:01:01\n');
});

test('a choice is one of its texts, in the form of its column', () => {
  const raw = { kind: 'choice', values: () => ['a\tb', '\u0001'], at: (row: number) => row - 1 } as const;
  const lines = createLines(16);
  for (const base of ['varchar', 'bit']) {
    const write = cellWriter({ text: () => 'text', raw }, { ...UNKNOWN_TYPE, base });
    for (const row of [0, 1, 2, 1]) write(lines, row);
  }
  endRow(lines);
  expect(takeLines(lines, 16).toString()).toBe('\\N\ta\\tb\t\u0001\ta\\tb\t\\N\t610962\t01\t610962\n');
});
