/** Finds foreign keys whose values would follow from each other without end, and empties one of each circle. */
import type { ForeignKey, TableDescription } from '../../engines/engine.ts';
import { UsageError } from '../../errors.ts';
import type { GeneratorSpec, TableSpec } from '../generator.ts';
import { nullableColumns, type Ownership, ownershipOf } from './ownership.ts';

interface Step {
  readonly table: string;
  readonly column: string;
  readonly key: ForeignKey;
}

/**
 * A circle of tables is harmless: a key that does not depend on the other table can be computed. Only columns that
 * depend on each other are not, such as two tables that share their primary key both ways.
 */
export function withoutCircles(
  spec: GeneratorSpec,
  tables: ReadonlyMap<string, TableDescription>,
): ReadonlyMap<string, Ownership> {
  const emptied = new Map<string, Set<string>>();
  const limit = spec.tables.reduce((sum, { description }) => sum + description.foreignKeys.length, 1);
  for (let turn = 0; turn < limit; turn += 1) {
    const found = new Map(
      spec.tables.map((table) => [table.description.name, ownershipOfSpec(table, tables, emptied)]),
    );
    const circle = findCircle(found, spec);
    if (circle === null) return found;
    const open = circle.find(({ table, key }) => {
      const description = tables.get(table);
      return description !== undefined && nullableColumns(description, key).length > 0;
    });
    if (open === undefined) throw endless(circle);
    emptied.set(open.table, (emptied.get(open.table) ?? new Set()).add(open.key.name));
  }
  throw new Error('more circles than foreign keys');
}

function ownershipOfSpec(
  table: TableSpec,
  tables: ReadonlyMap<string, TableDescription>,
  emptied: ReadonlyMap<string, ReadonlySet<string>>,
): Ownership {
  const { description, existingKeys, rows } = table;
  if (rows === 0 && existingKeys === null) return { groups: [], selfKeys: [], emptied: [] };
  return ownershipOf({
    table: description,
    tables,
    chosen: chosenColumns(table),
    emptied: emptied.get(description.name) ?? new Set(),
    existing: existingKeys !== null,
  });
}

/** Columns whose values the scenario gives. */
export function chosenColumns(table: TableSpec): ReadonlySet<string> {
  const chosen = Object.entries(table.overrides).filter(
    ([, { values, range, faker }]) => values !== null || range !== null || faker !== null,
  );
  return new Set(chosen.map(([name]) => name));
}

function findCircle(ownerships: ReadonlyMap<string, Ownership>, spec: GeneratorSpec): readonly Step[] | null {
  const known = new Map(spec.tables.map((table) => [table.description.name, table.existingKeys]));
  const next = new Map<string, Step>();
  for (const [table, { groups, selfKeys }] of ownerships) {
    for (const key of [
      ...groups.flatMap((group) => group.foreignKeys),
      ...selfKeys.map(({ foreignKey }) => foreignKey),
    ])
      for (const column of key.columns) {
        const self = selfKeys.find(({ foreignKey }) => foreignKey === key);
        const isDecided = self === undefined || self.owned.includes(column);
        if (isDecided && !next.has(`${table}\0${column}`))
          next.set(`${table}\0${column}`, { table, column, key });
      }
  }
  const isKnown = ({ key, column }: Step) =>
    known.get(key.references)?.[key.referencedColumns[key.columns.indexOf(column)] ?? ''] !== undefined;
  for (const start of next.values()) {
    const path: Step[] = [];
    let step: Step | undefined = start;
    while (step !== undefined && !path.includes(step)) {
      path.push(step);
      if (isKnown(step)) break;
      const { key, column }: Step = step;
      step = next.get(`${key.references}\0${key.referencedColumns[key.columns.indexOf(column)] ?? ''}`);
      if (step !== undefined && path.includes(step)) return path.slice(path.indexOf(step));
    }
  }
  return null;
}

function endless(circle: readonly Step[]): UsageError {
  const keys = circle.map(({ table, column, key }) => `${table}.${column} ("${key.name}")`);
  const [first] = circle;
  return new UsageError(
    `The foreign keys ${keys.join(', ')} refer to each other in a circle without a column that can be null, so no row ` +
      `can come first. Give values for one of them: data.tables."${first?.table}".columns."${first?.column}".values`,
  );
}
