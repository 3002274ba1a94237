import { expect, test } from 'vitest';
import type { ColumnType } from '../../engine.ts';
import { UNKNOWN_TYPE } from '../schema/types.ts';
import { estimateWidths, fixedBytes, storedBytes } from './widths.ts';

const type = (base: string, changed: Partial<ColumnType> = {}): ColumnType => ({
  ...UNKNOWN_TYPE,
  base,
  ...changed,
});

/** https://dev.mysql.com/doc/refman/8.4/en/storage-requirements.html */
test('types of one width have the bytes that the manual says', () => {
  expect(fixedBytes(type('bigint'))).toBe(8);
  expect(fixedBytes(type('decimal', { precision: 10, scale: 2 }))).toBe(5);
  expect(fixedBytes(type('decimal', { precision: 18, scale: 9 }))).toBe(8);
  expect(fixedBytes(type('decimal', { precision: 20, scale: 6 }))).toBe(10);
  expect(fixedBytes(type('datetime', { precision: 0 }))).toBe(5);
  expect(fixedBytes(type('timestamp', { precision: 6 }))).toBe(7);
  expect(fixedBytes(type('time', { precision: 3 }))).toBe(5);
  expect(fixedBytes(type('bit', { precision: 9 }))).toBe(2);
  expect(fixedBytes(type('binary', { maxLength: 16 }))).toBe(16);
  expect(fixedBytes(type('enum', { labels: Array.from({ length: 256 }, String) }))).toBe(2);
  expect(fixedBytes(type('set', { labels: Array.from({ length: 40 }, String) }))).toBe(8);
  expect(fixedBytes(type('varchar', { maxLength: 10 }))).toBeNull();
  expect(fixedBytes(type('char', { maxLength: 10 }))).toBeNull();
});

test('a text has a byte or two for its length', () => {
  expect(storedBytes(2)).toBe(3);
  expect(storedBytes(200)).toBe(202);
});

test('what a row has beyond the known columns is the width of the unknown one', () => {
  const columns = [
    { bytes: 8, nullFraction: 0, maxLength: null },
    { bytes: null, nullFraction: 0.5, maxLength: 200 },
  ];
  const [known, estimated] = estimateWidths({ rowBytes: 100, columns });
  expect(known).toBe(8);
  // Of 100 bytes some 93 are filled: 18 of them and a null bit are the record's own, half of the rows have the text.
  expect(estimated).toBeGreaterThan(120);
  expect(estimated).toBeLessThan(140);
});

test('several unknown ones share it by their limits, and an empty table tells nothing', () => {
  const columns = [100, 300].map((maxLength) => ({ bytes: null, nullFraction: 0, maxLength }));
  const [narrow, wide] = estimateWidths({ rowBytes: 200, columns });
  expect(Number(wide) / Number(narrow)).toBeCloseTo(2.55, 1);
  expect(estimateWidths({ rowBytes: 0, columns })).toEqual([null, null]);
});
