/** Which column is meant, what it is to its table, and whether its values are values of the parameter compared with it. */
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

export function columnOf(
  tables: ReadonlyMap<string, TableDescription>,
  { table, column }: Target,
): ColumnType | undefined {
  return tables.get(table)?.columns.find(({ name }) => name === column)?.type;
}

export function isBytes(description: TableDescription | undefined, column: string): boolean {
  return description?.columns.some(({ name, type }) => name === column && type.kind === 'bytes') ?? false;
}

/** A column of a key or of a foreign key; any other has values that occur as often as their rows. */
export function isKey(description: TableDescription | undefined, column: string): boolean {
  const foreignKeys = description?.foreignKeys ?? [];
  return isUnique(description, column) || foreignKeys.some(({ columns }) => columns.includes(column));
}

export function isUnique(description: TableDescription | undefined, column: string): boolean {
  if (description === undefined) return false;
  return [description.primaryKey, ...description.uniques].some((columns) => columns.includes(column));
}
