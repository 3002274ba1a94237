/** How far values must differ for the unique keys that look at their beginning only. */
import type { TableDescription } from '../../engine.ts';

/**
 * A child takes its values from the parent: where its unique key looks at their first characters alone, those of the parent
 * must differ there already, and so on up. Ends because lengths only shrink.
 */
export function withReferredLengths(tables: readonly TableDescription[]): readonly TableDescription[] {
  const wanted = new Map<string, number>();
  const keyOf = (table: string, column: string): string => `${table}\n${column}`;
  const lengthOf = (table: string, column: string): number | undefined => wanted.get(keyOf(table, column));
  for (const { name, columns } of tables)
    for (const { name: column, distinctLength } of columns)
      if (distinctLength !== undefined) wanted.set(keyOf(name, column), distinctLength);
  for (let changed = wanted.size > 0; changed; ) {
    changed = false;
    for (const { name, foreignKeys } of tables)
      for (const { columns, references, referencedColumns } of foreignKeys)
        for (const [index, column] of columns.entries()) {
          const own = lengthOf(name, column);
          const parents = referencedColumns[index] ?? column;
          if (own === undefined || own >= (lengthOf(references, parents) ?? Number.POSITIVE_INFINITY))
            continue;
          wanted.set(keyOf(references, parents), own);
          changed = true;
        }
  }
  return tables.map((table) => ({
    ...table,
    columns: table.columns.map((column) => {
      const distinctLength = lengthOf(table.name, column.name);
      return distinctLength === undefined ? column : { ...column, distinctLength };
    }),
  }));
}
