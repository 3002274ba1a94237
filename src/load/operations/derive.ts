/**
 * Operations derived from the schema, for a scenario without a workload file: what most applications do with a table.
 * Point reads by key, range reads by foreign key, inserts, and updates of one column by key; four of five are reads.
 * A table's share grows with the square root of its rows, so that the largest table leads and no other is left out.
 */
import type { ColumnDescription, Dialect, TableDescription } from '../../engines/engine.ts';
import type { DraftOperation } from './workload.ts';

export interface DerivableTable {
  readonly description: TableDescription;
  readonly rows: number;
  /** Columns that an insert may give; empty when the rows of the table cannot be made. */
  readonly fillable: readonly string[];
  /** Rows that can come after the filled ones before a unique constraint has no further value. */
  readonly room: number;
}

export interface Derived {
  readonly drafts: readonly DraftOperation[];
  /** What was left out, and why. */
  readonly problems: readonly string[];
}

/** Weights within a table; reads make up 80 %. */
const WEIGHTS = { point: 50, range: 30, insert: 10, update: 10 } as const;
/** Each operation takes up to 400 KB of histograms. */
const MAX_TABLES = 60;
const MAX_RANGE_READS = 2;
const RANGE_LIMIT = 20;
/** Room for fewer rows is used up by a minute and a half of 1,000 inserts a second, and every later one would fail. */
const FEWEST_INSERTS = 100_000;

export function deriveOperations(tables: readonly DerivableTable[], dialect: Dialect): Derived {
  const problems: string[] = [];
  const bySize = tables
    .filter(({ description }) => description.partitioning !== 'partition')
    .toSorted(
      (one, other) => other.rows - one.rows || (one.description.name < other.description.name ? -1 : 1),
    );
  const chosen = bySize.slice(0, MAX_TABLES);
  if (bySize.length > chosen.length) {
    problems.push(
      `the derived load uses the ${MAX_TABLES} largest tables; without load: ` +
        bySize
          .slice(MAX_TABLES)
          .map(({ description }) => description.name)
          .join(', '),
    );
  }
  const totalShare = chosen.reduce((sum, { rows }) => sum + Math.sqrt(rows + 1), 0);
  const drafts = chosen.flatMap((table) => {
    const share = Math.sqrt(table.rows + 1) / totalShare;
    const drafted = draftTable(table, dialect, (problem) => problems.push(problem));
    return weigh(drafted, share);
  });
  return { drafts: uniquelyNamed(drafts), problems };
}

interface Drafted {
  readonly kind: keyof typeof WEIGHTS;
  readonly name: string;
  readonly written: string;
}

function draftTable(
  table: DerivableTable,
  dialect: Dialect,
  problem: (text: string) => void,
): readonly Drafted[] {
  const { description } = table;
  const key = keyOf(description);
  const drafted: Drafted[] = [];
  const isEmpty = table.rows === 0 && !description.hasRows;
  if (isEmpty) problem(`${description.name} has no rows: the derived load does not read it`);
  else if (key === null)
    problem(`${description.name} has no key: the derived load neither reads nor updates single rows`);
  else {
    drafted.push(pointRead(description, key, dialect));
    const updated = updatedColumn(table, key);
    if (updated !== null) drafted.push(update(description, key, updated, dialect));
  }
  for (const { columns } of isEmpty ? [] : description.foreignKeys.slice(0, MAX_RANGE_READS)) {
    drafted.push(rangeRead(description, columns, dialect));
  }
  const inserted = insertedColumns(table);
  if (inserted.length > 0 && table.room < FEWEST_INSERTS)
    problem(
      `${description.name}: the derived load inserts no rows, since only ${table.room} more can differ in its unique columns`,
    );
  else if (inserted.length > 0) drafted.push(insert(description, inserted, dialect));
  else problem(`${description.name}: the derived load inserts no rows, since none can be made`);
  return drafted;
}

function keyOf(table: TableDescription): readonly string[] | null {
  if (table.primaryKey.length > 0) return table.primaryKey;
  const isNullable = (name: string) => table.columns.find((column) => column.name === name)?.nullable ?? true;
  return table.uniques.find((columns) => !columns.some(isNullable)) ?? null;
}

function pointRead(table: TableDescription, key: readonly string[], dialect: Dialect): Drafted {
  return {
    kind: 'point',
    name: `get ${table.name}`,
    written: `${selectFrom(table, dialect)}\nwhere ${equalities(key, dialect, 1)}`,
  };
}

function rangeRead(table: TableDescription, columns: readonly string[], dialect: Dialect): Drafted {
  return {
    kind: 'range',
    name: `list ${table.name} by ${columns.join(' ')}`,
    written: `${selectFrom(table, dialect)}\nwhere ${equalities(columns, dialect, 1)}\nlimit ${RANGE_LIMIT}`,
  };
}

function update(table: TableDescription, key: readonly string[], column: string, dialect: Dialect): Drafted {
  const assignment = `${dialect.quote(column)} = $1`;
  return {
    kind: 'update',
    name: `update ${table.name}`,
    written: `update ${dialect.quoteTable(table.parts)}\nset ${assignment}\nwhere ${equalities(key, dialect, 2)}`,
  };
}

function insert(table: TableDescription, columns: readonly string[], dialect: Dialect): Drafted {
  const names = columns.map((column) => dialect.quote(column)).join(', ');
  const values = columns.map((_, index) => `$${index + 1}`).join(', ');
  return {
    kind: 'insert',
    name: `insert ${table.name}`,
    written: `insert into ${dialect.quoteTable(table.parts)} (${names})\nvalues (${values})`,
  };
}

/** All columns by name, as most mappers write them: a renamed or dropped column then breaks the statement. */
function selectFrom(table: TableDescription, dialect: Dialect): string {
  const columns = table.columns.map(({ name }) => dialect.quote(name)).join(', ');
  return `select ${columns}\nfrom ${dialect.quoteTable(table.parts)}`;
}

function equalities(columns: readonly string[], dialect: Dialect, first: number): string {
  return columns.map((column, index) => `${dialect.quote(column)} = $${first + index}`).join(' and ');
}

/** Everything but keys that the server gives by itself. */
function insertedColumns({ description, fillable }: DerivableTable): readonly string[] {
  return description.columns
    .filter(({ name }) => fillable.includes(name))
    .filter((column) => column.generated === 'no' && !isServerKey(description, column))
    .map(({ name }) => name);
}

function isServerKey(table: TableDescription, { name, defaultExpression }: ColumnDescription): boolean {
  return table.primaryKey.includes(name) && defaultExpression !== null;
}

/** A column that can be set alone: no part of a key, of a partition key, or of a check over several columns. */
function updatedColumn({ description, fillable }: DerivableTable, key: readonly string[]): string | null {
  const bound = new Set([
    ...key,
    ...description.primaryKey,
    ...description.uniques.flat(),
    ...description.foreignKeys.flatMap(({ columns }) => columns),
    ...sharedCheckColumns(description),
  ]);
  const free = description.columns.filter(
    ({ name, generated }) =>
      fillable.includes(name) &&
      generated === 'no' &&
      !bound.has(name) &&
      !mentions(description.partitionKey ?? '', name),
  );
  return (free.find(({ type }) => type.kind !== 'bytes' && type.kind !== 'json') ?? free[0])?.name ?? null;
}

function sharedCheckColumns(table: TableDescription): readonly string[] {
  return [...table.checks, ...(table.implied ?? [])].flatMap(({ expression }) => {
    const named = table.columns.map(({ name }) => name).filter((name) => mentions(expression, name));
    return named.length > 1 ? named : [];
  });
}

function mentions(expression: string, column: string): boolean {
  const words = expression.toLowerCase().split(/[^\p{L}\p{N}_$]+/u);
  return column
    .toLowerCase()
    .split(/[^\p{L}\p{N}_$]+/u)
    .every((word) => words.includes(word));
}

/** Reads keep their 80 % when one kind of them is missing; the same for writes. */
function weigh(drafted: readonly Drafted[], share: number): readonly DraftOperation[] {
  const isRead = ({ kind }: Drafted): boolean => kind === 'point' || kind === 'range';
  const sumOf = (group: readonly Drafted[]) => group.reduce((sum, { kind }) => sum + WEIGHTS[kind], 0);
  const sums = {
    read: sumOf(drafted.filter(isRead)),
    write: sumOf(drafted.filter((each) => !isRead(each))),
  };
  const wanted = { read: WEIGHTS.point + WEIGHTS.range, write: WEIGHTS.insert + WEIGHTS.update };
  return drafted.map((each) => {
    const group = isRead(each) ? 'read' : 'write';
    const weight = (WEIGHTS[each.kind] / sums[group]) * wanted[group] * share;
    const statement = { written: each.written, line: 0, hints: new Map() };
    return {
      name: nameOf(each.name),
      weight: Math.max(0.01, Math.round(weight * 100) / 100),
      transaction: false,
      line: 0,
      statements: [statement],
    };
  });
}

/** As workload.ts allows it; room is left for a number. */
const MAX_NAME_LENGTH = 46;

function nameOf(words: string): string {
  return words.replace(/[^\w.-]+/g, '_').slice(0, MAX_NAME_LENGTH);
}

function uniquelyNamed(drafts: readonly DraftOperation[]): readonly DraftOperation[] {
  const taken = new Set<string>();
  return drafts.map((draft) => {
    let name = draft.name;
    for (let number = 2; taken.has(name); number += 1) name = `${draft.name}_${number}`;
    taken.add(name);
    return { ...draft, name };
  });
}
