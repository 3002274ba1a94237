/** Which column is meant, and whether its values are values of the parameter that is compared with it. */
import type { ColumnType, TableDescription } from '../../engines/engine.ts';

export interface Target {
  readonly table: string;
  readonly column: string;
}

/** The column of this name, "orders.id"; null where there is none. */
export function findColumn(tables: ReadonlyMap<string, TableDescription>, name: string): Target | null {
  const dot = name.lastIndexOf('.');
  const [table, column] = [name.slice(0, dot), name.slice(dot + 1)];
  const exists = tables.get(table)?.columns.some((each) => each.name === column) ?? false;
  return exists ? { table, column } : null;
}

/** An array is wanted, and the column holds single values. */
export function isListOf(wanted: ColumnType | undefined, column: ColumnType | undefined): boolean {
  return (wanted?.element ?? null) !== null && (column?.element ?? null) === null;
}

/** A range that holds a date, a document that has a key: the column's own values are none of the parameter. */
export function isElsewise(wanted: ColumnType, column: ColumnType | undefined): boolean {
  return (column?.kind === 'range' || column?.kind === 'json') && wanted.kind !== column.kind;
}
