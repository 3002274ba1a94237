/** Which parent rows a row refers to. */
import type { CellValue, ForeignKey, TableDescription } from '../../engines/engine.ts';
import { type Fanout, parentOf } from '../distributions.ts';
import type { TableSpec } from '../generator.ts';
import { isInOrder } from '../profiled/column.ts';
import { hash, unit } from '../random.ts';
import type { KeyGroup, SelfKey } from './ownership.ts';

/** What a child needs to know of a table that it refers to. */
export interface ParentTable {
  readonly description: TableDescription;
  /** Rows that may be referred to through these columns. */
  rowsFor(columns: readonly string[]): number;
  cellOf(column: string): (row: number) => CellValue;
  /** Columns that no two rows share a value of, so far as that is known by now. */
  differing(): ReadonlySet<string>;
  /** True when the column is 1, 2, 3... in row order. */
  isCounter(column: string): boolean;
}

/** The facts about a table that need no value of it; its cells are made by `cellOf`. */
export function parentTable(
  { description, rows, existingKeys, overrides, profile }: TableSpec,
  decided: ReadonlySet<string>,
  made: Pick<ParentTable, 'cellOf' | 'differing'>,
): ParentTable {
  return {
    description,
    ...made,
    rowsFor: (names) =>
      existingKeys === null ? rows : Math.min(...names.map((name) => existingKeys[name]?.length ?? 0)),
    isCounter: (name) =>
      existingKeys === null &&
      description.partitioning === 'none' &&
      description.primaryKey.length === 1 &&
      description.primaryKey[0] === name &&
      description.columns.find((column) => column.name === name)?.type.kind === 'integer' &&
      !decided.has(name) &&
      isInOrder(profile, name) &&
      !description.checks.some(({ expression }) => expression.includes(name)) &&
      overrides[name] === undefined,
  };
}

/** Tables are looked up when a value is first needed, since they may refer to each other in circles. */
export type ParentLookup = (table: string) => ParentTable;

/** The parent rows of a group of foreign keys; a position stands for one choice. */
export interface GroupChoices {
  readonly positions: number;
  /** Row of the table that the key with this index refers to. */
  rowOf(index: number, position: number, row: number): number;
}

/** Rows of each table that are compared when foreign keys share columns. */
const COMPARED_ROWS = 65_536;

export function groupChoices(group: KeyGroup, lookup: ParentLookup, seed: number): GroupChoices {
  const [first, ...rest] = group.foreignKeys;
  const rowsOf = (key: ForeignKey) => lookup(key.references).rowsFor(key.referencedColumns);
  if (rest.length === 0) return { positions: rowsOf(first), rowOf: (_, position) => position };
  const counters = group.foreignKeys.every(
    (key) => key.columns.length === 1 && lookup(key.references).isCounter(key.referencedColumns[0] ?? ''),
  );
  if (counters)
    return { positions: Math.min(...group.foreignKeys.map(rowsOf)), rowOf: (_, position) => position };
  return jointChoices(group, lookup, seed);
}

/** Rows of the tables that agree in the shared columns, found by comparing the first rows of each. */
function jointChoices(group: KeyGroup, lookup: ParentLookup, seed: number): GroupChoices {
  const lists = group.foreignKeys.map((key) => rowsByShared(key, group.shared, lookup));
  const [first, ...rest] = lists;
  const positions: { readonly row: number; readonly shared: string }[] = [];
  for (const [shared, rows] of first ?? [])
    if (rest.every((list) => list.has(shared))) for (const row of rows) positions.push({ row, shared });
  positions.sort((one, other) => one.row - other.row);
  return {
    positions: positions.length,
    rowOf: (index, position, row) => {
      const chosen = positions[position];
      if (chosen === undefined) return 0;
      if (index === 0) return chosen.row;
      const matching = lists[index]?.get(chosen.shared) ?? [];
      return matching[hash(seed + index, row) % Math.max(1, matching.length)] ?? 0;
    },
  };
}

function rowsByShared(
  key: ForeignKey,
  shared: readonly string[],
  lookup: ParentLookup,
): ReadonlyMap<string, readonly number[]> {
  const parent = lookup(key.references);
  const cells = shared.map((column) =>
    parent.cellOf(key.referencedColumns[key.columns.indexOf(column)] ?? ''),
  );
  const found = new Map<string, number[]>();
  const rows = Math.min(COMPARED_ROWS, parent.rowsFor(key.referencedColumns));
  for (let row = 0; row < rows; row += 1) {
    const text = JSON.stringify(cells.map((cell) => cell(row)));
    const list = found.get(text);
    if (list === undefined) found.set(text, [row]);
    else list.push(row);
  }
  return found;
}

/** The position that each row takes when nothing has to be unique. */
export function freeChoice(
  choices: GroupChoices,
  { seed, children, fanout }: { readonly seed: number; readonly children: number; readonly fanout: Fanout },
): (row: number) => number {
  if (choices.positions === 0) return () => -1;
  return parentOf({ seed, parents: choices.positions, children, fanout });
}

/** Tries to find an earlier row that agrees in the pinned columns. */
const ATTEMPTS = 16;

export interface SelfRequest {
  readonly key: SelfKey;
  readonly rows: number;
  readonly seed: number;
  /** The key must be different in every row: each refers to the one before it. */
  readonly following: boolean;
  readonly cellOf: (column: string) => (row: number) => CellValue;
}

/** Row that each row of the table itself refers to: an earlier one, or -1 for a root. */
export function selfChoice({ key, rows, seed, following, cellOf }: SelfRequest): (row: number) => number {
  if (following) return (row) => row - 1;
  const { foreignKey, pinned } = key;
  const earlier = (row: number, attempt: number) => {
    const there = row < rows ? row : rows;
    const share = unit(seed + attempt, row);
    return there === 0 ? -1 : Math.min(there - 1, Math.floor(there * share * share));
  };
  if (pinned.length === 0) return (row) => earlier(row, 0);
  const pairs = pinned.map((column) => ({
    own: (row: number) => cellOf(column)(row),
    its: (row: number) => cellOf(foreignKey.referencedColumns[foreignKey.columns.indexOf(column)] ?? '')(row),
  }));
  return (row) => {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const candidate = earlier(row, attempt);
      if (candidate < 0) return -1;
      if (pairs.every(({ own, its }) => own(row) === its(candidate))) return candidate;
    }
    return -1;
  };
}
