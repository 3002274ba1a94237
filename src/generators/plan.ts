/** How many rows each table gets, and in which order tables are filled. */
import type { TableDescription } from '../engines/engine.ts';
import { UsageError } from '../errors.ts';
import type { Profile, TableProfile } from '../profile/profile.ts';
import type { DataPlan } from '../scenario/plan.ts';
import { compilerOf } from './compile.ts';
import { LOOKUP_ROWS } from './distributions.ts';
import type { GeneratorSpec, TableSpec } from './generator.ts';

/** A table has this many times fewer rows than the largest table that refers to it. */
const CHILDREN_PER_PARENT = 10;
/** With one row to refer to, no two keys of a child could differ. */
const FEWEST_PARENTS = 2;

const LOOKUP =
  /(^|[_.])(status(es)?|types?|kinds?|categor(y|ies)|countr(y|ies)|currenc(y|ies)|languages?|roles?|permissions?|states?|units?|colou?rs?|plans?|tiers?|levels?|genres?|priorit(y|ies)|reasons?|regions?|time_?zones?)$/i;

type ExistingKeys = ReadonlyMap<string, Readonly<Record<string, readonly string[]>>>;

/** What is known besides the schema and the scenario. */
interface Known {
  readonly profile?: Profile | null;
  /** By table and column, of the tables that hold rows; left out: a few for each. */
  readonly existingKeys?: ExistingKeys;
}

const NO_KEYS: ExistingKeys = new Map();

/**
 * Rows of every table that can be filled, in filling order: those that the scenario names; else `data.rows` for tables
 * that no other refers to, and a tenth of its children for each parent; twenty for lookup tables. Row counts that were
 * not asked for stay below what unique constraints allow; half of all pairs in a table that joins two others. Tables that hold rows already get 0 here.
 * With a profile, production's rows times `data.scale`, and no row in a table that the profile does not know.
 * Throws UsageError for a table that is not there and for constraints that cannot be met.
 */
export function planRows(
  tables: readonly TableDescription[],
  data: DataPlan,
  { profile = null, existingKeys = NO_KEYS }: Known = {},
): ReadonlyMap<string, number> {
  requireTables(tables, data);
  const order = fillingOrder(tables);
  const levels = levelsOf(order);
  const planned = new Map<string, number>();
  const largest = largestOf(data);
  for (const table of order) {
    const explicit = data.tables[table.name]?.rows ?? null;
    if (table.hasRows) planned.set(table.name, 0);
    else if (explicit !== null) planned.set(table.name, explicit);
    else if (profile !== null) planned.set(table.name, scaledRows(profileOf(profile, table), data.scale));
    else {
      const wanted = usualRows(table, largest, levels.get(table.name) ?? 0);
      planned.set(table.name, wanted);
      if (wanted === 0) continue;
      const specs = order.map((each) => specFor(each, planned, { data, existingKeys }));
      const spec = { randomSeed: data.randomSeed, tables: specs };
      const { capacity, limitedByCombinations } = compilerOf(spec)(table.name);
      planned.set(table.name, Math.min(wanted, limitedByCombinations ? Math.ceil(capacity / 2) : capacity));
    }
  }
  return planned;
}

/** The spec before anything is known of the rows that the schema itself fills in: enough for an estimate. */
export function planSpec(
  tables: readonly TableDescription[],
  data: DataPlan,
  profile: Profile | null = null,
): GeneratorSpec {
  const planned = planRows(tables, data, { profile });
  return {
    randomSeed: data.randomSeed,
    tables: fillingOrder(tables).map((table) => ({
      ...specFor(table, planned, { data, existingKeys: NO_KEYS }),
      ...profilePart(profile, table),
    })),
  };
}

/** Of a TableSpec. */
export function profilePart(profile: Profile | null, table: TableDescription): Pick<TableSpec, 'profile'> {
  const found = profile === null ? undefined : profileOf(profile, table);
  return found === undefined ? {} : { profile: found };
}

function profileOf(profile: Profile, table: TableDescription): TableProfile | undefined {
  return profile.tables.find(({ name }) => name === table.name);
}

/** Below a scale of one lookup tables stay whole, and others keep as many rows as those have at most. */
function scaledRows(profile: TableProfile | undefined, scale: number): number {
  if (profile === undefined || profile.rows === 0) return 0;
  return Math.max(1, Math.round(profile.rows * scale), Math.min(Math.round(profile.rows), LOOKUP_ROWS));
}

/** Tables that later ones refer to have their rows by now; those in a circle count as if they had one. */
function specFor(
  table: TableDescription,
  planned: ReadonlyMap<string, number>,
  { data, existingKeys: read }: { readonly data: DataPlan; readonly existingKeys: ExistingKeys },
): TableSpec {
  const sample = () => Object.fromEntries(table.columns.map(({ name }) => [name, EXISTING_SAMPLE]));
  const existingKeys = table.hasRows ? (read.get(table.name) ?? sample()) : null;
  return {
    description: table,
    rows: planned.get(table.name) ?? 1,
    overrides: data.tables[table.name]?.columns ?? {},
    existingKeys,
  };
}

/** Stands for keys that are not read yet. */
const EXISTING_SAMPLE: readonly string[] = Array.from({ length: LOOKUP_ROWS }, (_, index) =>
  String(index + 1),
);

function requireTables(tables: readonly TableDescription[], data: DataPlan): void {
  const known = tables.filter(({ partitioning }) => partitioning !== 'partition').map(({ name }) => name);
  for (const name of Object.keys(data.tables)) {
    if (known.includes(name)) continue;
    const partition = tables.some((table) => table.name === name);
    throw new UsageError(
      partition
        ? `data.tables."${name}" is a partition: it is filled through its parent table. Tables: ${known.join(', ')}.`
        : `data.tables."${name}": the schema has no such table. It has: ${known.join(', ')}.`,
    );
  }
}

/** Without `rows`, the largest table that the scenario names is the measure. */
function largestOf({ rows, tables }: DataPlan): number {
  return rows ?? Math.max(0, ...Object.values(tables).map((table) => table.rows ?? 0));
}

function usualRows(table: TableDescription, rows: number, level: number): number {
  if (rows === 0) return 0;
  const independent = table.foreignKeys.every(({ references }) => references === table.name);
  if (independent && level > 0 && LOOKUP.test(table.name)) return Math.min(rows, LOOKUP_ROWS);
  return Math.min(rows, Math.max(FEWEST_PARENTS, Math.ceil(rows / CHILDREN_PER_PARENT ** level)));
}

/** Longest way down to a table that no other refers to. */
function levelsOf(order: readonly TableDescription[]): ReadonlyMap<string, number> {
  const levels = new Map<string, number>();
  const position = new Map(order.map(({ name }, index) => [name, index]));
  for (const table of order.toReversed()) {
    const level = levels.get(table.name) ?? 0;
    levels.set(table.name, level);
    for (const key of table.foreignKeys) {
      if ((position.get(key.references) ?? Number.POSITIVE_INFINITY) >= (position.get(table.name) ?? 0))
        continue;
      const step = isOneToOne(table, key.columns) ? 0 : 1;
      levels.set(key.references, Math.max(levels.get(key.references) ?? 0, level + step));
    }
  }
  return levels;
}

/** A child with one row per parent has as many rows as its parent. */
function isOneToOne(table: TableDescription, columns: readonly string[]): boolean {
  return [table.primaryKey, ...table.uniques].some(
    (set) => set.length > 0 && set.every((column) => columns.includes(column)),
  );
}

/** Tables in an order in which parents come before their children; circles are cut at the fewest references. */
export function fillingOrder(tables: readonly TableDescription[]): readonly TableDescription[] {
  const left = new Map(
    tables.filter(({ partitioning }) => partitioning !== 'partition').map((table) => [table.name, table]),
  );
  const order: TableDescription[] = [];
  const openParents = (table: TableDescription) =>
    new Set(
      table.foreignKeys.map((key) => key.references).filter((name) => name !== table.name && left.has(name)),
    ).size;
  while (left.size > 0) {
    let next: TableDescription | null = null;
    let fewest = Number.POSITIVE_INFINITY;
    for (const table of left.values()) {
      const open = openParents(table);
      if (open < fewest) [next, fewest] = [table, open];
    }
    if (next === null) break;
    left.delete(next.name);
    order.push(next);
  }
  return order;
}
