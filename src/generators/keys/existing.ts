/** Tables that the schema itself filled: their rows are known by their keys, and new rows come after them. */
import type { CellValue, TableDescription } from '../../engines/engine.ts';
import type { TableSpec } from '../generator.ts';
import type { CompiledTable } from '../table.ts';

type CellOf = (row: number) => CellValue;

/** Cells that give the key that is there for rows below `rows`, and a new one from there on. */
export function existingColumns(
  spec: TableSpec,
  cells: ReadonlyMap<string, CellOf>,
  table: TableDescription,
): ReadonlyMap<string, CellOf> {
  const found = new Map<string, CellOf>();
  for (const [name, keys] of Object.entries(spec.existingKeys ?? {})) {
    const made = cells.get(name);
    if (made === undefined || keys.length === 0) continue;
    const integer = table.columns.find((column) => column.name === name)?.type.kind === 'integer';
    const seen = integer ? keys.reduce((most, key) => Math.max(most, Number(key)), 0) : 0;
    const largest = spec.largest?.[name] ?? seen;
    const next: CellOf = integer ? (row) => String(largest + 1 + row - spec.rows) : made;
    found.set(name, (row) => (row < spec.rows ? (keys[row % keys.length] ?? null) : next(row)));
  }
  for (const [name, largest] of Object.entries(spec.largest ?? {})) {
    const made = cells.get(name);
    if (made === undefined || found.has(name)) continue;
    found.set(name, (row) => (row < spec.rows ? made(row) : String(largest + 1 + row - spec.rows)));
  }
  return found;
}

/** The generator of a table whose new rows cannot be made: it knows its keys, which children refer to. */
export function keysAlone({ description, rows, existingKeys }: TableSpec): CompiledTable {
  const cells = new Map(
    Object.entries(existingKeys ?? {}).map(([name, keys]): [string, CellOf] => [
      name,
      (row) => keys[row % Math.max(1, keys.length)] ?? null,
    ]),
  );
  const cellOf = (name: string): CellOf => {
    const cell = cells.get(name);
    if (cell === undefined) throw new Error(`the keys of ${description.name} in "${name}" were not read`);
    return cell;
  };
  const columns = [...cells.keys()];
  return {
    table: description,
    rows,
    capacity: rows,
    limitedBy: columns,
    limitedByCombinations: false,
    differing: new Set(),
    verify: () => undefined,
    columns,
    row: (row) => columns.map((name) => cellOf(name)(row)),
    cell: (row, name) => cellOf(name)(row),
    cellSources: () => columns.map((name) => ({ text: cellOf(name), raw: null })),
    cellOf,
  };
}
