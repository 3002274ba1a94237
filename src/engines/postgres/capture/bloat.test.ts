import { expect, test } from 'vitest';
import { bloatOf, type RowShape } from './bloat.ts';

const column = (typeLength: number, alignment: number, averageBytes: number, nullFraction = 0) => ({
  typeLength,
  alignment,
  nullFraction,
  averageBytes,
});

/** pgbench_accounts, as pgbench -s 2 makes it: 61 rows of 132 bytes on a page. */
const accounts: RowShape = {
  columns: [column(4, 4, 4), column(4, 4, 4), column(4, 4, 4), column(-1, 4, 85)],
  rows: 200_000,
  pages: 3279,
  pageBytes: 8192,
  fillfactor: 100,
};

test('a table that was just filled has no bloat', () => {
  expect(bloatOf(accounts)).toBe(0);
});

test('a file that is twice as large as its rows need is half bloat', () => {
  expect(bloatOf({ ...accounts, pages: 2 * accounts.pages })).toBeCloseTo(0.5, 3);
  expect(bloatOf({ ...accounts, rows: 0 })).toBe(1);
});

test('room that the fill factor leaves is no bloat', () => {
  // 48 rows of 132 bytes fit into 80 % of a page.
  const pages = Math.ceil(200_000 / 49);
  expect(bloatOf({ ...accounts, fillfactor: 80, pages })).toBe(0);
  expect(bloatOf({ ...accounts, pages })).toBeGreaterThan(0.15);
});

test('one page is never bloat, and a table without a page tells nothing', () => {
  expect(bloatOf({ ...accounts, rows: 3, pages: 1 })).toBe(0);
  expect(bloatOf({ ...accounts, rows: 0, pages: 0 })).toBeNull();
});

test('padding before a wide value counts, a null takes none', () => {
  const wide = { ...accounts, columns: [column(1, 1, 1), column(8, 8, 8)] };
  const packed = { ...accounts, columns: [column(8, 8, 8), column(1, 1, 1)] };
  expect(bloatOf(wide)).toBe(bloatOf(packed));
  const nulls = { ...accounts, columns: [column(8, 8, 8), column(8, 8, 8, 1)] };
  expect(bloatOf(nulls)).toBeGreaterThan(
    bloatOf({ ...nulls, columns: [column(8, 8, 8), column(8, 8, 8)] }) ?? 1,
  );
});
