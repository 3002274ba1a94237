/** Which foreign key decides the value of which column. */
import type { ForeignKey, TableDescription } from '../../engines/engine.ts';
import { UsageError } from '../../errors.ts';

/** Foreign keys whose columns are decided together: one, or several that share columns. */
export interface KeyGroup {
  /** The first one chooses; the others follow it in the shared columns. */
  readonly foreignKeys: readonly [ForeignKey, ...ForeignKey[]];
  /** Columns that all of them have; empty when there is one. */
  readonly shared: readonly string[];
  readonly columns: readonly string[];
}

/** A foreign key of a table to itself. */
export interface SelfKey {
  readonly foreignKey: ForeignKey;
  /** Columns that this key decides. */
  readonly owned: readonly string[];
  /** Columns that something else decides, so that only rows that agree in them can be referenced. */
  readonly pinned: readonly string[];
}

export interface Ownership {
  readonly groups: readonly KeyGroup[];
  readonly selfKeys: readonly SelfKey[];
  /** Foreign keys that are left empty: their nullable columns are null in every row. */
  readonly emptied: readonly ForeignKey[];
}

export interface OwnershipRequest {
  readonly table: TableDescription;
  readonly tables: ReadonlyMap<string, TableDescription>;
  /** Columns whose values the scenario gives. */
  readonly chosen: ReadonlySet<string>;
  /** Names of foreign keys of this table that must be left empty. */
  readonly emptied: ReadonlySet<string>;
  /** True when the schema itself filled the table. */
  readonly existing: boolean;
}

/** Throws UsageError for foreign keys that overlap in a way that no row could be made for. */
export function ownershipOf(request: OwnershipRequest): Ownership {
  const { table, tables, chosen, existing } = request;
  const wanted = table.foreignKeys.filter((key) => !key.columns.some((column) => chosen.has(column)));
  const empty = (key: ForeignKey) => request.emptied.has(key.name) || !tables.has(key.references);
  const emptied = wanted.filter(empty);
  for (const key of emptied) requireNullable(table, key);
  const live = wanted.filter((key) => !empty(key));
  const isSelf = (key: ForeignKey) => key.references === table.name && !existing;
  const groups = groupsOf(
    table,
    live.filter((key) => !isSelf(key)),
    tables,
  );
  const decided = new Set(groups.flatMap((group) => group.columns));
  const selfKeys: SelfKey[] = [];
  for (const foreignKey of live.filter(isSelf)) {
    const owned = foreignKey.columns.filter(
      (column, index) => column !== foreignKey.referencedColumns[index] && !decided.has(column),
    );
    for (const column of owned) decided.add(column);
    if (owned.length > 0)
      selfKeys.push({
        foreignKey,
        owned,
        pinned: foreignKey.columns.filter((column) => !owned.includes(column)),
      });
  }
  return { groups, selfKeys, emptied };
}

/** Columns of a foreign key that may be null. */
export function nullableColumns(table: TableDescription, key: ForeignKey): readonly string[] {
  return table.columns
    .filter(
      (column) =>
        key.columns.includes(column.name) && column.nullable && !table.primaryKey.includes(column.name),
    )
    .map((column) => column.name);
}

function requireNullable(table: TableDescription, key: ForeignKey): void {
  if (nullableColumns(table, key).length > 0) return;
  throw new UsageError(
    `${table.name}: the foreign key "${key.name}" references ${key.references}, which is not filled, and its columns ` +
      `(${key.columns.join(', ')}) cannot be null. Fill ${key.references}, or leave ${table.name} empty: ` +
      `data.tables."${table.name}".rows: 0`,
  );
}

function groupsOf(
  table: TableDescription,
  keys: readonly ForeignKey[],
  tables: ReadonlyMap<string, TableDescription>,
): readonly KeyGroup[] {
  const accepted: ForeignKey[] = [];
  for (const key of keys.toSorted((one, other) => other.columns.length - one.columns.length))
    if (!accepted.some((wider) => follows(wider, key, tables))) accepted.push(key);
  const groups: ForeignKey[][] = [];
  for (const key of accepted) {
    const touching = groups.filter((group) => group.some((other) => overlap(other, key).length > 0));
    const merged = [...touching.flat(), key];
    for (const group of touching) groups.splice(groups.indexOf(group), 1);
    groups.push(merged);
  }
  return groups.map((group) => groupOf(table, group));
}

function groupOf(table: TableDescription, keys: readonly ForeignKey[]): KeyGroup {
  const [first, ...rest] = keys;
  if (first === undefined) throw new Error(`${table.name}: a group without a foreign key`);
  const columns = [...new Set(keys.flatMap((key) => key.columns))];
  const shared = columns.filter((column) => keys.filter((key) => key.columns.includes(column)).length > 1);
  const star = keys.every((key) => shared.every((column) => key.columns.includes(column)));
  if (!star)
    throw new UsageError(
      `${table.name}: its foreign keys ${keys.map((key) => `"${key.name}"`).join(', ')} overlap in different columns, ` +
        'so no row that obeys all of them can be made. Give values for the columns of one of them: ' +
        `data.tables."${table.name}".columns."${columns[0]}".values`,
    );
  return { foreignKeys: [first, ...rest], shared, columns };
}

function overlap(one: ForeignKey, other: ForeignKey): readonly string[] {
  return one.columns.filter((column) => other.columns.includes(column));
}

/** How many tables an implied foreign key may be handed on through. */
const MAX_HOPS = 8;

/** True when rows that obey the wider key obey this one too, since the referenced table obeys it already. */
function follows(wider: ForeignKey, key: ForeignKey, tables: ReadonlyMap<string, TableDescription>): boolean {
  if (!key.columns.every((column) => wider.columns.includes(column))) return false;
  let names = key.columns.map((column) => wider.referencedColumns[wider.columns.indexOf(column)] ?? '');
  let at = wider.references;
  for (let hop = 0; hop < MAX_HOPS; hop += 1) {
    if (at === key.references && names.every((name, index) => name === key.referencedColumns[index]))
      return true;
    const next = tables
      .get(at)
      ?.foreignKeys.find((each) => names.every((name) => each.columns.includes(name)));
    if (next === undefined) return false;
    names = names.map((name) => next.referencedColumns[next.columns.indexOf(name)] ?? '');
    at = next.references;
  }
  return false;
}
