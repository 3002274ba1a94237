/** Which columns get other values, and the generator that makes them by the number of the row. */
import type { TableDescription } from '../engines/engine.ts';
import { UsageError } from '../errors.ts';
import { createGenerators, type TableGenerator } from '../generators/index.ts';
import type { ColumnDataPlan, RestorePlan } from '../scenario/plan.ts';

export interface MaskedTable {
  readonly table: TableDescription;
  readonly columns: Readonly<Record<string, ColumnDataPlan>>;
}

/**
 * Throws UsageError for what is not there, for columns of a foreign key, and for those that a foreign key refers to: their
 * values have to agree with those of another table.
 */
export function planMask(
  mask: RestorePlan['mask'],
  tables: readonly TableDescription[],
): readonly MaskedTable[] {
  const known = tables.filter(({ partitioning }) => partitioning !== 'partition');
  const problems: string[] = [];
  const masked: MaskedTable[] = [];
  for (const [name, columns] of Object.entries(mask)) {
    const table = known.find((each) => each.name === name);
    if (table === undefined) {
      problems.push(
        `data.mask."${name}": the dump has no such table. It has: ${known.map((each) => each.name).join(', ')}.`,
      );
      continue;
    }
    for (const column of Object.keys(columns)) {
      const problem = problemOf(table, column, known);
      if (problem !== null) problems.push(`data.mask."${name}"."${column}": ${problem}`);
    }
    masked.push({ table, columns });
  }
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
  return masked;
}

function problemOf(
  table: TableDescription,
  name: string,
  tables: readonly TableDescription[],
): string | null {
  const column = table.columns.find((each) => each.name === name);
  if (column === undefined)
    return `the table has no such column. It has: ${table.columns.map((each) => each.name).join(', ')}.`;
  if (column.generated === 'stored' || column.generated === 'virtual')
    return 'the server itself computes this column. Mask the columns that it is made of.';
  const key = table.foreignKeys.find(({ columns }) => columns.includes(name));
  if (key !== undefined)
    return `the column refers to "${key.references}" (${key.name}) and must keep its value. Leave it out.`;
  const referring = tables
    .flatMap((each) => each.foreignKeys.map((each_) => ({ table: each.name, key: each_ })))
    .find((each) => each.key.references === table.name && each.key.referencedColumns.includes(name));
  if (referring !== undefined)
    return `"${referring.table}" refers to the column (${referring.key.name}), which must keep its value. Leave it out.`;
  return null;
}

/** Makes the masked columns alone, never null, unique where they take part in a unique set. */
export function maskGenerator(
  { table, columns }: MaskedTable,
  rows: number,
  randomSeed: number,
): TableGenerator {
  const isMasked = (name: string) => columns[name] !== undefined;
  const unmasked = table.columns.map(({ name }) => name).filter((name) => !isMasked(name));
  const sets = [table.primaryKey, ...table.uniques].filter((set) => set.some(isMasked));
  const description: TableDescription = {
    ...table,
    columns: table.columns
      .filter(({ name }) => isMasked(name))
      .map((column) => ({ ...column, nullable: false, generated: 'no', defaultExpression: null })),
    primaryKey: [],
    uniques: sets.map((set) => (set.every(isMasked) ? set : set.filter(isMasked).slice(0, 1))),
    foreignKeys: [],
    checks: table.checks.filter(({ expression }) => !unmasked.some((name) => mentions(expression, name))),
    partitioning: 'none',
    partitionBounds: [],
    partitionKey: null,
    hasRows: false,
  };
  const spec = { description, rows, overrides: columns, existingKeys: null };
  try {
    const generator = createGenerators({ randomSeed, tables: [spec] }).get(table.name);
    if (generator === undefined) throw new Error(`${table.name} has no generator`);
    return generator;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`data.mask."${table.name}" cannot be met: ${error.message}`, { cause: error });
  }
}

function mentions(expression: string, column: string): boolean {
  return expression
    .toLowerCase()
    .split(/[^\p{L}\p{N}_$]+/u)
    .includes(column.toLowerCase());
}
