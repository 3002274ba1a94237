/** Cells of the columns that checks compare with each other. */
import type { CellValue, ColumnDescription, TableDescription } from '../../engines/engine.ts';
import { seedOf } from '../random.ts';
import { withRaw } from '../types/raw.ts';
import { scalarType } from '../types/scalar-types.ts';
import type { ValueSource } from '../types/source.ts';
import { holds as passes, sqlValue } from './evaluate.ts';
import { type ComparedColumn, relate } from './relations.ts';
import { asExpression, type Relation, type TableRules } from './rules.ts';

type CellOf = (row: number) => CellValue;

export interface ComparisonRequest {
  readonly table: TableDescription;
  readonly rules: TableRules;
  readonly sources: ReadonlyMap<string, ValueSource>;
  /** Columns that uniqueness has numbered. */
  readonly numbered: ReadonlyMap<string, (row: number) => number>;
  readonly cells: ReadonlyMap<string, CellOf>;
  readonly rows: number;
  readonly seed: number;
  /** True for a column whose values a profile gives: only a check moves them. */
  profiled(name: string): boolean;
}

export interface Compared {
  /** New cells for the columns that give way. */
  readonly cells: ReadonlyMap<string, CellOf>;
  /** Comparisons that do not hold in every row yet. */
  readonly unmet: readonly Relation[];
}

export function compareColumns(request: ComparisonRequest): Compared {
  const { table, rules } = request;
  const relations = [...rules.relations, ...usualOrder(request)];
  const compared = new Map<string, ComparedColumn>();
  for (const column of table.columns) {
    if (!relations.some(({ lower, higher }) => lower === column.name || higher === column.name)) continue;
    const found = comparedColumn(request, column);
    if (found !== null) compared.set(column.name, found);
  }
  const scalar = relations.filter(({ lower, higher }) => compared.has(lower) && compared.has(higher));
  const values = relate(scalar, compared) ?? new Map();
  const cells = new Map<string, CellOf>();
  for (const [name, ticks] of values) {
    const column = compared.get(name);
    if (column === undefined || column.fixed) continue;
    const { format, perUnit } = column.type;
    const cell = withRaw(
      (row) => {
        const at = ticks(row);
        return at === null ? null : format(at);
      },
      () => ({ kind: 'number', perUnit, at: (row) => ticks(row) ?? Number.NaN }),
    );
    cells.set(name, cell);
  }
  const cellOf = (name: string) => cells.get(name) ?? request.cells.get(name) ?? (() => null);
  for (const relation of relations)
    if (!scalar.includes(relation) || relation.operator === '<>')
      giveWay(request, relation, { cells, cellOf });
  const unmet = rules.relations.filter((relation) => !isMet(request, relation, cellOf));
  return { cells, unmet };
}

/** `updated_at` is not before `created_at`, without any check that says so. */
function usualOrder({ table, sources, rules, numbered, profiled }: ComparisonRequest): readonly Relation[] {
  const temporal = table.columns.filter(
    ({ name }) => sources.get(name)?.scalar?.domain.type.temporal === true && !numbered.has(name),
  );
  const created = temporal.find(({ name }) => /^(created|inserted)/i.test(name));
  const updated = temporal.find(({ name }) => /^(updated|modified|changed)/i.test(name));
  if (created === undefined || updated === undefined || rules.relations.length > 0) return [];
  if (profiled(updated.name)) return [];
  if (sources.get(updated.name)?.scalar?.domain.spread === true) return [];
  return [{ lower: created.name, operator: '<=', higher: updated.name }];
}

function comparedColumn(request: ComparisonRequest, column: ColumnDescription): ComparedColumn | null {
  const { sources, numbered, cells, seed, table } = request;
  const type = scalarType(column.type);
  if (type === null) return null;
  const scalar = sources.get(column.name)?.scalar ?? null;
  const ordinalOf = numbered.get(column.name);
  const intervals = scalar?.domain.intervals ?? [{ min: type.min, max: type.max }];
  const own = seedOf(seed, table.name, column.name, 'above');
  const listed = intervals.length > 1 && intervals.every(({ min, max }) => min === max);
  if (scalar !== null && ordinalOf === undefined)
    return { type, intervals, ticks: scalar.plain, fixed: listed, seed: own };
  const cell = cells.get(column.name);
  return {
    type,
    intervals,
    fixed: true,
    seed: own,
    ticks: (row) => {
      const value = cell?.(row) ?? null;
      return typeof value === 'string' ? type.parse(value, 'upper') : null;
    },
  };
}

/** Rows further on whose value is tried instead. */
const STRIDE = 1_000_003;
const ATTEMPTS = 16;

/** Equality and inequality of columns that do not lie on a line. */
function giveWay(
  { sources, numbered }: ComparisonRequest,
  relation: Relation,
  { cells, cellOf }: { readonly cells: Map<string, CellOf>; readonly cellOf: (name: string) => CellOf },
): void {
  const free = (name: string) => sources.has(name) && !numbered.has(name);
  const [name, other] = free(relation.higher)
    ? [relation.higher, relation.lower]
    : [relation.lower, relation.higher];
  if (!free(name)) return;
  const [own, its] = [cellOf(name), cellOf(other)];
  if (relation.operator === '=') cells.set(name, its);
  else if (relation.operator === '<>')
    cells.set(name, (row) => {
      const avoided = its(row);
      for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
        const value = own(row + attempt * STRIDE);
        if (value !== avoided) return value;
      }
      return own(row);
    });
}

/** Rows that are looked at before anything is filled. */
const SAMPLED = 256;

function isMet(
  { table, rows }: ComparisonRequest,
  relation: Relation,
  cellOf: (name: string) => CellOf,
): boolean {
  const [lower, higher] = [cellOf(relation.lower), cellOf(relation.higher)];
  const column = (name: string) => table.columns.find((each) => each.name === name);
  const types = [column(relation.lower), column(relation.higher)].map(
    (each) => each && scalarType(each.type),
  );
  // What comes first of two labels or texts is not told by their characters.
  const isUnordered = types.includes(null) && relation.operator.startsWith('<') && relation.operator !== '<>';
  const read = (name: string, cell: CellValue) => {
    const type = column(name)?.type;
    return type === undefined ? null : sqlValue(cell, type);
  };
  const step = Math.max(1, Math.floor(rows / SAMPLED));
  for (let row = 0; row < rows; row += step) {
    const [one, other] = [lower(row), higher(row)];
    if (one === null || other === null) continue;
    if (typeof one !== 'string' || typeof other !== 'string' || isUnordered) {
      const cell = (name: string) => read(name, name === relation.lower ? one : other);
      if (passes(asExpression(relation), cell) !== true) return false;
      continue;
    }
    if (!holds(relation.operator, unitsOf(types[0], one), unitsOf(types[1], other))) return false;
  }
  return true;
}

function unitsOf(type: ReturnType<typeof scalarType> | undefined, text: string): number | string {
  if (type === null || type === undefined) return text;
  const ticks = type.parse(text, 'upper');
  return ticks === null ? text : ticks / type.perUnit;
}

function holds(operator: Relation['operator'], one: number | string, other: number | string): boolean {
  if (operator === '<>') return one !== other;
  if (operator === '=') return one === other;
  return operator === '<' ? one < other : one <= other;
}
