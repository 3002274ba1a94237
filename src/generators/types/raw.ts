/**
 * What the text of a cell is made of, kept beside the function that makes the text: an engine that has a binary form
 * gets there without it. A function without an entry has its text alone, and so has whatever wraps it without a word
 * here.
 */
import type { CellValue, RawCells } from '../../engines/engine.ts';

type CellOf = (row: number) => CellValue;

const known = new WeakMap<CellOf, () => RawCells | null>();

/** Remembers what the cells are made of; asked for when all tables are compiled. */
export function withRaw(cell: CellOf, raw: () => RawCells | null): CellOf {
  known.set(cell, raw);
  return cell;
}

export function rawOf(cell: CellOf): RawCells | null {
  return known.get(cell)?.() ?? null;
}

/** The same cells by another number: that of a parent row, an ordinal; below zero the cell is null. */
export function rawThrough(raw: RawCells | null, rowOf: (row: number) => number): RawCells | null {
  switch (raw?.kind) {
    case undefined:
      return null;
    case 'number':
      return {
        ...raw,
        at: (row) => {
          const other = rowOf(row);
          return other < 0 ? Number.NaN : raw.at(other);
        },
      };
    case 'choice':
      return {
        ...raw,
        at: (row) => {
          const other = rowOf(row);
          return other < 0 ? -1 : raw.at(other);
        },
      };
    case 'words':
      return {
        ...raw,
        read: (row, into) => {
          const other = rowOf(row);
          return other >= 0 && raw.read(other, into);
        },
      };
  }
}
