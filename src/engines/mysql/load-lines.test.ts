import { expect, test } from 'vitest';
import type { CellValue } from '../engine.ts';
import { type CellForm, createLines } from './load-lines.ts';

function written(forms: readonly CellForm[], ...rows: readonly (readonly CellValue[])[]): string {
  const lines = createLines(forms, 16);
  for (const row of rows) lines.add(row);
  return lines.take().toString();
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
  const lines = createLines(['text'], 16);
  lines.add(['one']);
  const first = lines.take();
  lines.add(['two']);
  expect([first.toString(), lines.size(), lines.take().toString()]).toEqual(['one\n', 4, 'two\n']);
});
