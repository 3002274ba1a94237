/**
 * Rows that are tried against conditions on several columns: where a row does not pass, its columns take the values that
 * they have in another row. A column that must differ in every row keeps its own.
 */
import type { CellValue, ColumnDescription, TableDescription } from '../../engines/engine.ts';
import { UsageError } from '../../errors.ts';
import { hash, seedOf } from '../random.ts';
import { rulesOf, unsolvable } from './checks.ts';
import { columnsOf, evaluate, holds, type ReadColumn, sqlValue, withoutGenerated } from './evaluate.ts';
import { type Expression, readableExpression } from './expression.ts';
import type { Relation } from './rules.ts';
import { Doubt, textOf } from './sql-values.ts';
import { UnreadableExpression } from './tokens.ts';

type CellOf = (row: number) => CellValue;

export interface RowTestRequest {
  readonly table: TableDescription;
  readonly tests: readonly Expression[];
  /** Comparisons that the columns obey already; their columns stay together. */
  readonly relations: readonly Relation[];
  readonly cells: ReadonlyMap<string, CellOf>;
  /** Columns whose cells must stay in their row. */
  readonly fixed: ReadonlySet<string>;
  readonly rows: number;
  readonly seed: number;
}

/** Rows from which values are taken. */
const POOL = 4096;
/** Other rows that are tried for a row by chance, */
const ATTEMPTS = 64;
/** and then one after the other, before it is left as it is. */
const SCANNED = 512;

/** New cells of the columns that the conditions are about. */
export function testedColumns(request: RowTestRequest): ReadonlyMap<string, CellOf> {
  const made = new Map<string, CellOf>();
  for (const { tests, columns } of groupsOf(request))
    for (const [name, cell] of testedGroup(request, tests, columns)) made.set(name, cell);
  return made;
}

interface TestGroup {
  readonly tests: readonly Expression[];
  readonly columns: readonly string[];
}

/** Conditions that share a column, with the columns that a comparison or a foreign key ties to theirs. */
function groupsOf({ tests, relations, table, cells }: RowTestRequest): readonly TestGroup[] {
  const tied = [
    ...relations.map(({ lower, higher }) => [lower, higher]),
    ...table.foreignKeys.map(({ columns }) => columns),
  ];
  const groups: { tests: Expression[]; columns: Set<string> }[] = [];
  for (const test of tests) {
    const columns = new Set([...columnsOf(test)].filter((name) => cells.has(name)));
    for (let before = -1; before !== columns.size; ) {
      before = columns.size;
      for (const set of tied)
        if (set.some((name) => columns.has(name))) for (const name of set) columns.add(name);
    }
    const touching = groups.filter((group) => [...columns].some((name) => group.columns.has(name)));
    for (const group of touching) groups.splice(groups.indexOf(group), 1);
    groups.push({
      tests: [...touching.flatMap((group) => group.tests), test],
      columns: new Set([...touching.flatMap((group) => [...group.columns]), ...columns]),
    });
  }
  return groups.map(({ tests: own, columns }) => ({ tests: own, columns: [...columns] }));
}

function testedGroup(
  { table, cells: latestCells, fixed, rows, seed }: RowTestRequest,
  tests: readonly Expression[],
  columns: readonly string[],
): readonly [string, CellOf][] {
  const own = seedOf(seed, table.name, ...columns, 'tried');
  const cells = new Map(latestCells);
  const reader = readerOf(table, cells);
  const passes = (read: (name: string) => CellValue) =>
    tests.every((test) => holds(test, (name) => reader(name, read(name))) === true);
  const moved = columns.filter((name) => !fixed.has(name));
  const stays = new Set(columns.filter((name) => fixed.has(name)));
  // The same for every volume, unless a parent row decides: then only rows that are there have one.
  const refers = table.foreignKeys.some((key) => key.columns.some((name) => columns.includes(name)));
  const pool = refers ? Math.max(1, Math.min(POOL, rows)) : POOL;
  const plain = (name: string, row: number) => cells.get(name)?.(row) ?? null;
  let known: readonly number[] | null = null;
  // Tables that refer to each other in circles have no cells yet.
  const allPass = (): readonly number[] => {
    known ??= Array.from({ length: pool }, (_, row) => row).filter((row) =>
      passes((name) => plain(name, row)),
    );
    return known;
  };
  const sourceRow = (row: number): number => {
    if (passes((name) => plain(name, row))) return row;
    if (stays.size === 0) {
      const rowsThatPass = allPass();
      return rowsThatPass[hash(own, row) % Math.max(1, rowsThatPass.length)] ?? row;
    }
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const other = hash(own + attempt, row) % pool;
      if (passes((name) => plain(name, stays.has(name) ? row : other))) return other;
    }
    for (let other = 0; other < Math.min(pool, SCANNED); other += 1)
      if (passes((name) => plain(name, stays.has(name) ? row : other))) return other;
    return row;
  };
  let latest = { row: -1, source: -1 };
  const rowFor = (row: number): number => {
    if (latest.row !== row) latest = { row, source: sourceRow(row) };
    return latest.source;
  };
  return moved.map((name) => [name, (row) => plain(name, rowFor(row))]);
}

function readerOf(table: TableDescription, cells: ReadonlyMap<string, CellOf>) {
  const types = new Map(table.columns.map(({ name, type }) => [name, type]));
  return (name: string, cell: CellValue) => {
    const type = types.get(name);
    if (type === undefined || !cells.has(name)) throw new UnreadableExpression(`"${name}" has no value here`);
    return sqlValue(cell, type);
  };
}

/** Rows that are looked at before anything is filled. */
const SAMPLED = 256;

/** UsageError for a check that a made-up row does not pass; checks on columns that the scenario gives are the server's. */
export function verifyChecks(
  table: TableDescription,
  { cells, rows, chosen }: Pick<RowTestRequest, 'cells' | 'rows'> & { readonly chosen: ReadonlySet<string> },
): void {
  const reader = readerOf(table, cells);
  const filled = new Map<string, ColumnDescription>(table.columns.map((column) => [column.name, column]));
  for (const check of rulesOf(table)) {
    const read = readableExpression(check.expression);
    if (read === null) continue;
    const expression = withoutGenerated(read, table);
    const columns = [...columnsOf(expression)];
    if (columns.some((name) => chosen.has(name) || !filled.has(name) || !cells.has(name))) continue;
    const step = Math.max(1, Math.floor(rows / SAMPLED));
    for (let row = 0; row < rows; row += step) {
      if (holds(expression, (name) => reader(name, cells.get(name)?.(row) ?? null)) !== false) continue;
      const values = columns.map((name) => `${name} ${shown(cells.get(name)?.(row) ?? null)}`);
      throw unsolvable(table, check, `the values made for it break it (${values.join(', ')})`);
    }
  }
}

function shown(cell: CellValue): string {
  if (cell === null) return 'null';
  return typeof cell === 'string' ? `"${cell.slice(0, 40)}"` : `of ${cell.length} bytes`;
}

/** Rows whose keys are compared before anything is filled. */
const COMPARED = 8192;

/** UsageError where an expression of a unique index gives the same for two made-up rows. */
export function verifyExpressionKeys(
  table: TableDescription,
  { cells, rows }: Pick<RowTestRequest, 'cells' | 'rows'>,
): void {
  const reader = readerOf(table, cells);
  for (const { name, expressions } of table.expressionKeys ?? []) {
    const parsed = expressions.map(readableExpression);
    const known = parsed.filter((expression) => expression !== null);
    if (known.length < parsed.length) continue;
    const columns = [...new Set(known.flatMap((expression) => [...columnsOf(expression)]))];
    if (columns.some((column) => !cells.has(column))) continue;
    const seen = new Set<string>();
    for (let row = 0; row < Math.min(rows, COMPARED); row += 1) {
      const key = keyOf(known, (column) => reader(column, cells.get(column)?.(row) ?? null));
      if (key === null) continue;
      if (!seen.has(key)) seen.add(key);
      else
        throw new UsageError(
          `${table.name}: the unique index "${name}" on (${expressions.join(', ')}) cannot be filled: the rows made ` +
            `for it do not differ there after ${row} rows. Name values that do in the scenario: ` +
            `data.tables."${table.name}".columns."${columns[0]}".values: { "...": 1 }, or set data.tables."${table.name}".rows to at most ${row}`,
        );
    }
  }
}

/** Null where a part is null, which never equals another one, or cannot be told here. */
function keyOf(expressions: readonly Expression[], read: ReadColumn): string | null {
  try {
    const values = expressions.map((expression) => evaluate(expression, read));
    if (values.includes(null)) return null;
    return JSON.stringify(values.map((value) => (value instanceof Uint8Array ? [...value] : textOf(value))));
  } catch (error) {
    if (error instanceof Doubt || error instanceof UnreadableExpression) return null;
    throw error;
  }
}
