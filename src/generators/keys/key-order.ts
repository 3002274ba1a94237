/** The rows of a referenced table in the order of the values that a foreign key takes from them. */
import type { CellValue } from '../../engines/engine.ts';

/** Sorting as many takes half a second; the keys of a larger table are taken as they lie. */
const SORTED_ROWS = 1_048_576;

/** Digits that a double holds exactly. */
const NUMBER = /^-?\d{1,15}(\.\d{1,6})?$/;

/**
 * Row with the value of each rank, 0-based: numbers by size, other values as texts by their characters. Null where the
 * rows lie in that order already, where a value is null or bytes, and above {@link SORTED_ROWS} rows.
 */
export function rowsByValue(cellOf: (row: number) => CellValue, rows: number): Uint32Array | null {
  if (rows > SORTED_ROWS) return null;
  const texts: string[] = [];
  for (let row = 0; row < rows; row += 1) {
    const cell = cellOf(row);
    if (typeof cell !== 'string') return null;
    texts.push(cell);
  }
  const numbers = texts.every((text) => NUMBER.test(text)) ? Float64Array.from(texts, Number) : null;
  const compared = (one: number, other: number): number => {
    if (numbers !== null) return (numbers[one] ?? 0) - (numbers[other] ?? 0);
    const [left = '', right = ''] = [texts[one], texts[other]];
    return left < right ? -1 : left > right ? 1 : 0;
  };
  const ordered = Uint32Array.from({ length: rows }, (_, row) => row);
  if (ordered.every((row) => row === 0 || compared(row - 1, row) <= 0)) return null;
  return ordered.sort((one, other) => compared(one, other) || one - other);
}
