/**
 * Decides how the rows of a table come to differ in every unique set of columns: by a column (or a one-to-one foreign
 * key) that carries the row number, or by a run: rows of the same parent that differ in what is counted within it.
 */
import type { TableDescription, ValueKind } from '../../engines/engine.ts';
import { UsageError } from '../../errors.ts';
import { UNBOUNDED } from '../types/source.ts';
import type { KeyGroup } from './ownership.ts';
import { createRun, type Digit, type Run, roomOf } from './runs.ts';

/** Number of the value, or of the parent row, that a row takes; -1 when none is left and the cell is null. */
export type OrdinalOf = (row: number) => number;

export interface FreeColumn {
  readonly name: string;
  readonly kind: ValueKind;
  /** Distinct values it can take. */
  readonly capacity: number;
  readonly nullable: boolean;
  /** Drawn from a sequence by the server: different in every row. */
  readonly counter: boolean;
}

export interface GroupFacts {
  readonly group: KeyGroup;
  /** Parent rows to choose from. */
  readonly parents: number;
  /** True when two rows with the same values in these columns have the same parent. */
  identifiedBy(columns: readonly string[]): boolean;
  /** True when a row without a parent has a null in one of these columns. */
  nullableIn(columns: readonly string[]): boolean;
  /** Another group that must refer to another parent row of the same table. */
  readonly differsFrom: KeyGroup | null;
}

export interface UniquenessRequest {
  readonly table: TableDescription;
  readonly rows: number;
  readonly seed: number;
  readonly free: ReadonlyMap<string, FreeColumn>;
  readonly groups: readonly GroupFacts[];
  /** Columns that never are equal in two rows whatever is decided here: `next_id`, or a key that stays null. */
  readonly apart: ReadonlySet<string>;
  /** A way for columns that a profile knows; null when it knows none for the set. */
  readonly paired?: (set: readonly string[]) => Paired | null;
}

/** How the rows differ in a set of columns and foreign keys; what is not named in it is free. */
export interface Paired {
  readonly columns: ReadonlyMap<string, OrdinalOf>;
  readonly groups: ReadonlyMap<KeyGroup, OrdinalOf>;
  readonly capacity: number;
}

export interface Uniqueness {
  readonly columns: ReadonlyMap<string, OrdinalOf>;
  readonly groups: ReadonlyMap<KeyGroup, OrdinalOf>;
  /** Rows that can exist before a unique set has no further value. */
  readonly capacity: number;
  /** The set that limits it. */
  readonly limitedBy: readonly string[];
  /** Columns that are different in every row. */
  readonly numbered: ReadonlySet<string>;
  /** It limits them by the number of combinations: all of them would be a table where everything is joined. */
  readonly limitedByCombinations: boolean;
}

/** A column with fewer values is not used up by row numbers while something else can make the rows differ. */
const ROOMY = 2_147_483_000;
/** A column with this many values (a smallint) counts the rows of a parent by itself. */
const COUNTABLE = 16_384;

export function solveUniqueness(request: UniquenessRequest): Uniqueness {
  const { table } = request;
  const state: State = {
    request,
    columns: new Map(),
    groups: new Map(),
    runs: new Map(),
    numbered: new Set(),
    numberedGroups: new Set(),
    met: [],
    capacity: table.singleRow === undefined ? UNBOUNDED : 1,
    limitedBy: table.singleRow === undefined ? [] : [table.singleRow],
    limitedByCombinations: false,
  };
  const generated = new Set(
    table.columns
      .filter(({ generated: how }) => how === 'stored' || how === 'virtual')
      .map(({ name }) => name),
  );
  const sets = [table.primaryKey, ...table.uniques]
    .filter((set) => set.length > 0 && !set.every((column) => generated.has(column)))
    .toSorted((one, other) => one.length - other.length);
  const composite = sets.filter((set) => set.length > 1);
  for (const set of sets) {
    if (!isMet(state, set)) meet(state, set, composite);
    state.met.push(set);
  }
  return state;
}

interface State {
  readonly request: UniquenessRequest;
  readonly columns: Map<string, OrdinalOf>;
  readonly groups: Map<KeyGroup, OrdinalOf>;
  readonly runs: Map<KeyGroup, Run>;
  /** Columns and groups that are different in every row. */
  readonly numbered: Set<string>;
  readonly numberedGroups: Set<KeyGroup>;
  readonly met: (readonly string[])[];
  capacity: number;
  limitedBy: readonly string[];
  limitedByCombinations: boolean;
}

function isMet(state: State, set: readonly string[]): boolean {
  if (set.some((column) => state.request.apart.has(column) || state.numbered.has(column))) return true;
  if (state.met.some((smaller) => smaller.every((column) => set.includes(column)))) return true;
  return state.request.groups.some(
    ({ group, identifiedBy }) => state.numberedGroups.has(group) && identifiedBy(set),
  );
}

const NONE: OrdinalOf = () => -1;

function meet(state: State, set: readonly string[], composite: readonly (readonly string[])[]): void {
  const { groups, free } = state.request;
  const paired = state.request.paired?.(set) ?? null;
  if (paired !== null && isOpen(state, paired)) {
    takePair(state, set, paired);
    return;
  }
  const covering = groups.filter((facts) => facts.identifiedBy(set));
  const columns = set
    .map((name) => free.get(name))
    .filter((column) => column !== undefined)
    .filter((column) => !state.columns.has(column.name));
  const roomy = columns.find(
    ({ kind, capacity, counter }) => counter || (capacity >= ROOMY && kind !== 'integer' && kind !== 'date'),
  );
  if (roomy !== undefined) numberColumn(state, set, roomy);
  else if (covering.length > 0) meetByParents(state, set, { covering, columns, composite });
  else meetByColumns(state, set, columns);
}

function isOpen(state: State, { columns, groups }: Paired): boolean {
  return (
    [...columns.keys()].every((name) => !state.columns.has(name)) &&
    [...groups.keys()].every((group) => !state.groups.has(group))
  );
}

function takePair(state: State, set: readonly string[], { columns, groups, capacity }: Paired): void {
  for (const [name, ordinalOf] of columns) state.columns.set(name, ordinalOf);
  for (const [group, ordinalOf] of groups) state.groups.set(group, ordinalOf);
  limit(state, set, { capacity, combinations: true });
}

function meetByColumns(state: State, set: readonly string[], columns: readonly FreeColumn[]): void {
  if (columns.length === 0) throw hopeless(state, set);
  const { rows, seed } = state.request;
  const widest = columns.reduce((best, column) => (column.capacity > best.capacity ? column : best));
  if (widest.capacity >= rows || columns.length === 1) numberColumn(state, set, widest);
  else {
    const run = createRun({ parents: 1, rows, room: UNBOUNDED, seed, ordered: true });
    assign(state, set, { run, ...digitsOf(state, null, { columns, groups: [] }) });
  }
}

function numberColumn(state: State, set: readonly string[], column: FreeColumn): void {
  const inPrimaryKey = state.request.table.primaryKey.includes(column.name);
  state.columns.set(column.name, upTo(column.capacity));
  state.numbered.add(column.name);
  if (!column.nullable || inPrimaryKey) limit(state, set, { capacity: column.capacity, combinations: false });
}

function upTo(capacity: number): OrdinalOf {
  return (row) => (row < capacity ? row : -1);
}

function meetByParents(
  state: State,
  set: readonly string[],
  {
    covering,
    columns,
    composite,
  }: {
    readonly covering: readonly GroupFacts[];
    readonly columns: readonly FreeColumn[];
    readonly composite: readonly (readonly string[])[];
  },
): void {
  const open = covering.filter(({ group }) => !state.groups.has(group));
  const known = covering.find(({ group }) => state.runs.has(group));
  const uses = ({ identifiedBy }: GroupFacts) => composite.filter((each) => identifiedBy(each)).length;
  const leader =
    known ??
    open.reduce<GroupFacts | null>(
      (best, each) => (best === null || uses(each) > uses(best) ? each : best),
      null,
    );
  if (leader === null) throw hopeless(state, set);
  const others = open.filter((facts) => facts !== leader);
  if (columns.length === 0 && others.length === 0) {
    if (known !== undefined) throw hopeless(state, set);
    state.groups.set(leader.group, upTo(leader.parents));
    state.numberedGroups.add(leader.group);
    if (!leader.nullableIn(set)) limit(state, set, { capacity: leader.parents, combinations: false });
    return;
  }
  const perParent = Math.ceil(state.request.rows / Math.max(1, leader.parents));
  const counted = columns.find(({ capacity }) => capacity >= Math.max(COUNTABLE, perParent));
  const chosen = counted === undefined ? { columns, groups: others } : { columns: [counted], groups: [] };
  const digits = digitsOf(state, leader.group, chosen);
  assign(state, set, { run: runOf(state, leader, digits.digits), ...digits });
}

interface Digits {
  readonly columns: readonly FreeColumn[];
  readonly groups: readonly GroupFacts[];
  /** Of the columns, then of the groups. */
  readonly digits: readonly Digit[];
}

function digitsOf(
  { request }: State,
  leader: KeyGroup | null,
  { columns, groups }: Pick<Digits, 'columns' | 'groups'>,
): Digits {
  const leaderAvoids = request.groups.find((facts) => facts.group === leader)?.differsFrom ?? null;
  const digits: Digit[] = [
    ...columns.map(({ capacity }) => ({ values: capacity, parents: false, avoidsLeader: false })),
    ...groups.map(({ parents, differsFrom, group }) => ({
      values: parents,
      parents: true,
      avoidsLeader: leader !== null && (differsFrom === leader || leaderAvoids === group),
    })),
  ];
  return { columns, groups, digits };
}

function runOf(state: State, leader: GroupFacts, digits: readonly Digit[]): Run {
  const known = state.runs.get(leader.group);
  if (known !== undefined) return known;
  const { rows, seed } = state.request;
  const run = createRun({ parents: leader.parents, rows, room: roomOf(digits), seed, ordered: false });
  state.runs.set(leader.group, run);
  state.groups.set(leader.group, run.parentOf);
  return run;
}

function assign(
  state: State,
  set: readonly string[],
  { run, columns, groups, digits }: Digits & { readonly run: Run },
): void {
  const { ordinals, capacity } = run.count(digits);
  columns.forEach(({ name }, index) => {
    state.columns.set(name, ordinals[index] ?? NONE);
  });
  groups.forEach(({ group }, index) => {
    state.groups.set(group, ordinals[columns.length + index] ?? NONE);
  });
  limit(state, set, { capacity, combinations: true });
}

function limit(
  state: State,
  set: readonly string[],
  { capacity, combinations }: { readonly capacity: number; readonly combinations: boolean },
): void {
  if (capacity >= state.capacity) return;
  state.capacity = capacity;
  state.limitedBy = set;
  state.limitedByCombinations = combinations;
}

function hopeless({ request }: State, set: readonly string[]): UsageError {
  const { name } = request.table;
  return new UsageError(
    `${name}: no way is known to make its rows differ in (${set.join(', ')}) together with its other unique ` +
      `constraints. Give values that differ: data.tables."${name}".columns."${set[0]}".values, or leave it empty: ` +
      `data.tables."${name}".rows: 0`,
  );
}
