/** Whether the values of a column are values of the parameter that is compared with it. */
import type { ColumnType } from '../../engines/engine.ts';

/** An array is wanted, and the column holds single values. */
export function isListOf(wanted: ColumnType | undefined, column: ColumnType | undefined): boolean {
  return (wanted?.element ?? null) !== null && (column?.element ?? null) === null;
}

/** A range that holds a date, a document that has a key: the column's own values are none of the parameter. */
export function isElsewise(wanted: ColumnType, column: ColumnType | undefined): boolean {
  return (column?.kind === 'range' || column?.kind === 'json') && wanted.kind !== column.kind;
}
