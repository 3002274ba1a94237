/** Makes the generators of all tables of a spec. */
import { UsageError } from '../errors.ts';
import { solveChecks } from './checks/checks.ts';
import type { GeneratorSpec, TableGenerator, TableSpec } from './generator.ts';
import { chosenColumns, withoutCircles } from './keys/circles.ts';
import { keysAlone } from './keys/existing.ts';
import { type ParentTable, parentTable } from './keys/parents.ts';
import { refuseWrongSettings } from './settings.ts';
import { type CompiledTable, compileTable, type TableRequest } from './table.ts';
import { poolsOf } from './types/pools.ts';

/**
 * The generators of all tables that have rows, by name. The same spec gives the same values on any thread. Throws UsageError, naming
 * table, column or constraint and the setting that helps, for whatever cannot be filled.
 */
export function createGenerators(spec: GeneratorSpec): ReadonlyMap<string, TableGenerator> {
  const compile = compilerOf(spec);
  const filled = spec.tables.filter(isThere);
  for (const table of filled) {
    const { capacity, limitedBy, rows } = compile(table.description.name);
    if (rows > capacity) throw tooMany(table, capacity, limitedBy);
  }
  for (const { description, existingKeys } of filled)
    if (existingKeys === null) compile(description.name).verify();
  return new Map(filled.map(({ description }) => [description.name, compile(description.name)]));
}

/** Compiles tables when they are asked for, each once. */
export function compilerOf(spec: GeneratorSpec): (name: string) => CompiledTable {
  const specs = new Map(spec.tables.map((table) => [table.description.name, table]));
  const descriptions = new Map(
    spec.tables.filter(isThere).map(({ description }) => [description.name, description]),
  );
  for (const table of spec.tables) refuseWrongSettings(table);
  const ownerships = withoutCircles(spec, descriptions);
  const compiled = new Map<string, CompiledTable>();
  // Tables may refer to each other in circles.
  const underWay = new Set<string>();
  const lookup = (name: string): ParentTable => {
    const table = specs.get(name);
    const { groups = [], selfKeys = [] } = ownerships.get(name) ?? {};
    if (table === undefined) throw new Error(`no table "${name}" to refer to`);
    const decided = [...groups.map(({ columns }) => columns), ...selfKeys.map(({ owned }) => owned)].flat();
    return parentTable(table, new Set(decided), {
      cellOf: (column) => compile(name).cellOf(column),
      differing: () => (underWay.has(name) ? new Set() : compile(name).differing),
    });
  };
  const compile = (name: string): CompiledTable => {
    const known = compiled.get(name);
    if (known !== undefined) return known;
    const table = specs.get(name);
    const ownership = ownerships.get(name);
    if (table === undefined || ownership === undefined) throw new Error(`no table "${name}" to compile`);
    const request = () => ({
      spec: table,
      randomSeed: spec.randomSeed,
      ownership,
      rules: solveChecks(table.description, chosenColumns(table)),
      pools: poolsOf(spec.randomSeed),
      lookup,
    });
    underWay.add(name);
    const made = table.existingKeys === null ? compileTable(request()) : compileExisting(table, request);
    underWay.delete(name);
    compiled.set(name, made);
    return made;
  };
  return compile;
}

/** Rows that are there already need no generator; without one the table gives its keys alone. */
function compileExisting(spec: TableSpec, request: () => TableRequest): CompiledTable {
  try {
    const made = compileTable(request());
    made.verify();
    return made;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return keysAlone(spec);
  }
}

function isThere({ rows, existingKeys }: TableSpec): boolean {
  return rows > 0 || existingKeys !== null;
}

function tooMany({ description, rows }: TableSpec, capacity: number, columns: readonly string[]): UsageError {
  return new UsageError(
    `${description.name}: ${rows} rows are wanted, but only ${capacity} can differ in (${columns.join(', ')}), ` +
      `which must be unique. Set data.tables."${description.name}".rows to at most ${capacity}, or give the tables ` +
      'it refers to more rows.',
  );
}
