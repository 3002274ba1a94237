/** Cells of the columns that foreign keys decide. */
import type { CellValue, TableDescription } from '../../engines/engine.ts';
import { UsageError } from '../../errors.ts';
import { unsolvable } from '../checks/checks.ts';
import { checkAgainst } from '../checks/obeys.ts';
import type { Fanout } from '../distributions.ts';
import { profiledChoice } from '../profiled/keys.ts';
import { seedOf } from '../random.ts';
import type { TableRequest } from '../table.ts';
import { rawOf, rawThrough, withRaw } from '../types/raw.ts';
import { type KeyGroup, nullableColumns, type SelfKey } from './ownership.ts';
import { freeChoice, type GroupChoices, groupChoices, selfChoice } from './parents.ts';
import type { GroupFacts, OrdinalOf } from './uniqueness.ts';

type CellOf = (row: number) => CellValue;

export interface ForeignColumns {
  /** Every column that a foreign key decides. */
  readonly cells: ReadonlyMap<string, CellOf>;
  readonly groups: readonly GroupFacts[];
  /** Columns that never are equal in two rows: they follow the row, or are null. */
  readonly apart: ReadonlySet<string>;
  /** Name of the foreign key that decides the column. */
  keyNameOf(column: string): string | null;
  /** Sets how groups choose their parents where uniqueness asks for more than chance. */
  choose(ordinals: ReadonlyMap<KeyGroup, OrdinalOf>): void;
  /** Throws UsageError when a check of the table does not hold for the referenced keys. */
  verify(cells: ReadonlyMap<string, CellOf>): void;
}

interface ForeignRequest extends TableRequest {
  readonly cellOf: (column: string) => CellOf;
}

interface Chosen {
  readonly group: KeyGroup;
  readonly choices: GroupChoices;
  position: OrdinalOf;
}

export function foreignColumns(request: ForeignRequest): ForeignColumns {
  const { spec, ownership, lookup, randomSeed, rules } = request;
  const { description: table } = spec;
  const cells = new Map<string, CellOf>();
  const names = new Map<string, string>();
  const apart = new Set<string>();
  for (const key of ownership.emptied)
    for (const column of nullableColumns(table, key)) {
      cells.set(column, () => null);
      apart.add(column);
    }
  const chosen = ownership.groups.map((group): Chosen => {
    const seed = seedOf(randomSeed, table.name, ...group.columns);
    const choices = groupChoices(group, lookup, seed);
    if (choices.positions === 0) requireNull(table, group);
    const fanout = fanoutOf(request, group);
    const free = freeChoice(choices, { seed, children: spec.rows, fanout });
    const [{ columns, name, references, referencedColumns }] = group.foreignKeys;
    const keyOf = (position: number, column: string) =>
      lookup(references).cellOf(referencedColumns[columns.indexOf(column)] ?? '')(
        choices.rowOf(0, position, 0),
      );
    const profiled = profiledChoice(request, { columns, name, parents: choices.positions, keyOf });
    return { group, choices, position: profiled ?? free };
  });
  for (const entry of chosen) {
    for (const column of entry.group.columns) {
      cells.set(column, groupCell(request, entry, column));
      names.set(column, entry.group.foreignKeys[0].name);
    }
  }
  for (const key of ownership.selfKeys) {
    const follows = table.uniques.some((set) => set.every((column) => key.owned.includes(column)));
    if (follows) for (const column of key.owned) apart.add(column);
    for (const [column, cell] of selfCells(request, key, follows)) cells.set(column, cell);
    for (const column of key.owned) names.set(column, key.foreignKey.name);
  }
  const differing = differingGroups(request, chosen);
  for (const { entry, other } of differing) avoid(entry, other);
  return {
    cells,
    apart,
    groups: chosen.map(({ group, choices }) => ({
      group,
      parents: choices.positions,
      identifiedBy: (columns) => identifies(request, group, columns),
      nullableIn: (columns) =>
        group.columns.some(
          (column) =>
            columns.includes(column) &&
            isNullable(table, column) &&
            rules.columns.get(column)?.nullness !== 'not null',
        ),
      differsFrom: differing.find(({ entry }) => entry.group === group)?.other.group ?? null,
    })),
    keyNameOf: (column) => names.get(column) ?? null,
    choose: (ordinals) => {
      for (const entry of chosen) entry.position = ordinals.get(entry.group) ?? entry.position;
    },
    verify: (all) => {
      refuseNulls(table, names, { cells: all, rows: spec.rows });
      for (const column of table.columns) {
        const rule = rules.columns.get(column.name);
        const cell = all.get(column.name);
        if (rule === undefined || cell === undefined || !cells.has(column.name)) continue;
        const wrong = checkAgainst(column, rule, { cell, rows: spec.rows });
        const check = table.checks.find(({ expression }) => expression.includes(column.name));
        if (wrong !== null && check !== undefined)
          throw unsolvable(table, check, `the foreign key of "${column.name}" leads to the value "${wrong}"`);
      }
    },
  };
}

/** Rows that are looked at. */
const SAMPLED = 256;

/** A key may refer to a unique column that is null in rows of the parent. */
function refuseNulls(
  table: TableDescription,
  names: ReadonlyMap<string, string>,
  { cells, rows }: { readonly cells: ReadonlyMap<string, CellOf>; readonly rows: number },
): void {
  const step = Math.max(1, Math.floor(rows / SAMPLED));
  for (const [column, name] of names) {
    const key = table.foreignKeys.find((each) => each.name === name && each.columns.includes(column));
    if (key === undefined || isNullable(table, column)) continue;
    const referenced = key.referencedColumns[key.columns.indexOf(column)] ?? '';
    for (let row = 0; row < rows; row += step)
      if (cells.get(column)?.(row) === null)
        throw new UsageError(
          `${table.name}: the foreign key "${name}" takes "${column}", which cannot be null, from ${key.references}.${referenced}, ` +
            `which is null in some rows. Name its values: data.tables."${key.references}".columns."${referenced}".values: { "...": 1 }`,
        );
  }
}

function requireNull(table: TableDescription, { foreignKeys, shared }: KeyGroup): void {
  if (foreignKeys.every((key) => nullableColumns(table, key).length > 0)) return;
  const names = foreignKeys.map(({ name, references }) => `"${name}" (${references})`).join(', ');
  throw new UsageError(
    shared.length === 0
      ? `${table.name}: the foreign key ${names} refers to a table without rows. Give that table rows in data.tables.`
      : `${table.name}: the foreign keys ${names} share (${shared.join(', ')}), and no rows of these tables agree in it. ` +
          'Give these tables more rows in data.tables, or name values for the shared columns.',
  );
}

function isNullable(table: TableDescription, name: string): boolean {
  return (
    table.columns.some((column) => column.name === name && column.nullable) &&
    !table.primaryKey.includes(name)
  );
}

function fanoutOf({ spec }: TableRequest, group: KeyGroup): Fanout {
  return group.columns.some((column) => spec.overrides[column]?.fanout === 'uniform') ? 'uniform' : 'zipf';
}

/** Parent cells are looked up at the first row, since tables may refer to each other in circles. */
function groupCell({ spec, lookup }: TableRequest, entry: Chosen, column: string): CellOf {
  const { group, choices } = entry;
  const index = group.foreignKeys.findIndex((key) => key.columns.includes(column));
  const key = group.foreignKeys[index] ?? group.foreignKeys[0];
  const referenced = key.referencedColumns[key.columns.indexOf(column)] ?? '';
  const nullable = isNullable(spec.description, column);
  let parentCell: CellOf | null = null;
  const parentRow = (row: number) => {
    const position = entry.position(row);
    return position < 0 && nullable ? -1 : choices.rowOf(index, Math.max(0, position), row);
  };
  return withRaw(
    (row) => {
      const parent = parentRow(row);
      if (parent < 0) return null;
      if (parentCell === null) parentCell = lookup(key.references).cellOf(referenced);
      return parentCell(parent);
    },
    () => rawThrough(rawOf(lookup(key.references).cellOf(referenced)), parentRow),
  );
}

function selfCells(request: ForeignRequest, key: SelfKey, following: boolean): readonly [string, CellOf][] {
  const { spec, cellOf, randomSeed } = request;
  const { description: table, rows } = spec;
  const seed = seedOf(randomSeed, table.name, key.foreignKey.name);
  const { columns, name, referencedColumns } = key.foreignKey;
  const keyOf = (row: number, column: string) =>
    cellOf(referencedColumns[columns.indexOf(column)] ?? '')(row);
  const alone = !following && key.pinned.length === 0 && spec.existingKeys === null;
  const profiled = alone ? profiledChoice(request, { columns, name, parents: rows, keyOf }) : null;
  const chooses = profiled ?? selfChoice({ key, rows, seed, following, cellOf });
  const someNullable = key.owned.some((column) => isNullable(table, column));
  return key.owned.map((column) => {
    const referenced = key.foreignKey.referencedColumns[key.foreignKey.columns.indexOf(column)] ?? '';
    const nullable = isNullable(table, column);
    const cell: CellOf = (row) => {
      // Without a nullable column every row of a chain can only refer to itself.
      const parent = following && !someNullable ? row : chooses(row);
      if (parent < 0 && nullable) return null;
      return cellOf(referenced)(parent < 0 ? row : parent);
    };
    return [column, cell];
  });
}

/** The columns of the group that are in the set map to a unique set of the parent. */
function identifies({ lookup }: TableRequest, group: KeyGroup, columns: readonly string[]): boolean {
  const [key] = group.foreignKeys;
  const inside = key.columns.filter((column) => columns.includes(column));
  const referenced = inside.map((column) => key.referencedColumns[key.columns.indexOf(column)] ?? '');
  if (inside.length === key.columns.length) return true;
  const { description: parent, differing } = lookup(key.references);
  const unique = [parent.primaryKey, ...parent.uniques].some(
    (set) => set.length > 0 && set.every((column) => referenced.includes(column)),
  );
  // Of (tenant_id, id) no constraint may say that id alone differs, but its values do.
  return unique || (referenced.length > 0 && referenced.some((column) => differing().has(column)));
}

interface Differing {
  readonly entry: Chosen;
  readonly other: Chosen;
}

/** Pairs of foreign keys to the same table that a check wants to be different: `follower_id <> followed_id`. */
function differingGroups({ rules }: TableRequest, chosen: readonly Chosen[]): readonly Differing[] {
  const single = (column: string) =>
    chosen.find(({ group }) => group.columns.length === 1 && group.columns[0] === column);
  return rules.relations.flatMap(({ operator, lower, higher }) => {
    const [other, entry] = [single(lower), single(higher)];
    if (operator !== '<>' || entry === undefined || other === undefined) return [];
    const same = entry.group.foreignKeys[0].references === other.group.foreignKeys[0].references;
    return same && entry.choices.positions > 1 ? [{ entry, other }] : [];
  });
}

function avoid(entry: Chosen, other: Chosen): void {
  const { positions } = entry.choices;
  const plain = entry.position;
  entry.position = (row) => {
    const position = plain(row);
    return position >= 0 && position === other.position(row) ? (position + 1) % positions : position;
  };
}
