/** Puts the parts together: the generator of one table from its description, the rules and the other tables. */
import type { CellValue, ColumnDescription, TableDescription } from '../engines/engine.ts';
import { UsageError } from '../errors.ts';
import { unsolvable } from './checks/checks.ts';
import { compareColumns } from './checks/comparisons.ts';
import { columnsOf } from './checks/evaluate.ts';
import { readableExpression } from './checks/expression.ts';
import { type PartitionRule, partitionRules } from './checks/partitions.ts';
import { testedColumns, verifyChecks, verifyExpressionKeys } from './checks/row-tests.ts';
import { asExpression, NO_RULES, type TableRules } from './checks/rules.ts';
import type { TableGenerator, TableSpec } from './generator.ts';
import { chosenColumns } from './keys/circles.ts';
import { existingColumns } from './keys/existing.ts';
import { type ForeignColumns, foreignColumns } from './keys/foreign.ts';
import type { Ownership } from './keys/ownership.ts';
import type { ParentLookup } from './keys/parents.ts';
import { type FreeColumn, solveUniqueness, type Uniqueness } from './keys/uniqueness.ts';
import { nullFractionOf, withNulls } from './nulls.ts';
import { asTheyCome } from './profiled/arrival.ts';
import { columnProfile, isProfiled, profiledOrder } from './profiled/column.ts';
import { pairing } from './profiled/pairs.ts';
import { withProfile } from './profiled/source.ts';
import { seedOf, shuffle } from './random.ts';
import type { Pools } from './types/pools.ts';
import { rawOf, rawThrough, withRaw } from './types/raw.ts';
import type { ValueSource } from './types/source.ts';
import { valueSource } from './types/values.ts';

export interface TableRequest {
  readonly spec: TableSpec;
  readonly randomSeed: number;
  readonly ownership: Ownership;
  readonly rules: TableRules;
  readonly pools: Pools;
  readonly lookup: ParentLookup;
}

export type CellOf = (row: number) => CellValue;

/** A generator that other tables can refer to. */
export interface CompiledTable extends TableGenerator {
  readonly cellOf: (column: string) => CellOf;
  /** The columns that have no further value at the capacity. */
  readonly limitedBy: readonly string[];
  readonly limitedByCombinations: boolean;
  /** Columns that no two rows share a value of. */
  readonly differing: ReadonlySet<string>;
  /** UsageError when the rows that it makes break a rule. */
  verify(): void;
}

/** Throws UsageError for a constraint or a setting that cannot be met; what its rows show is in `verify`. */
export function compileTable(given: TableRequest): CompiledTable {
  const profile = asTheyCome(given.spec.profile, given.spec.description);
  const request = profile === undefined ? given : { ...given, spec: { ...given.spec, profile } };
  const { spec, rules } = request;
  const { description: table } = spec;
  const filled = table.columns.filter(({ generated }) => generated !== 'stored' && generated !== 'virtual');
  const cells = new Map<string, CellOf>();
  const cellOf = (name: string): CellOf => {
    const cell = cells.get(name);
    if (cell === undefined) throw new Error(`${table.name} has no filled column "${name}"`);
    return cell;
  };
  const foreign = foreignColumns({ ...request, cellOf });
  const sources = sourcesOf(request, filled, foreign);
  const free = freeColumns(filled, sources, rules);
  const unique = solveUniqueness({
    table,
    rows: spec.rows,
    seed: seedOf(request.randomSeed, table.name, 'runs'),
    free,
    groups: foreign.groups,
    apart: foreign.apart,
    paired: pairing(request, free, foreign.groups),
  });
  foreign.choose(unique.groups);
  const numbered = numberedOrdinals(request, sources, unique);
  for (const column of filled) {
    const plain =
      foreign.cells.get(column.name) ?? sourceCell(sources.get(column.name), numbered.get(column.name));
    cells.set(column.name, plain);
  }
  const compared = compareColumns({
    table,
    rules,
    sources,
    numbered,
    cells,
    rows: spec.rows,
    seed: request.randomSeed,
    profiled: (name) => isProfiled(spec, name),
  });
  for (const [name, cell] of compared.cells) cells.set(name, cell);
  for (const column of filled) {
    const fraction = nullFractionOf(request, column, { foreign, numbered });
    if (fraction > 0)
      cells.set(column.name, withNulls(request, column, { cell: cellOf(column.name), fraction, foreign }));
  }
  const chosen = chosenColumns(spec);
  const tested = testedColumns({
    table,
    tests: [...rules.tests, ...compared.unmet.map(asExpression)],
    relations: rules.relations.filter((relation) => !compared.unmet.includes(relation)),
    cells,
    fixed: fixedColumns(foreign, numbered, unique),
    rows: spec.rows,
    seed: request.randomSeed,
  });
  for (const [name, cell] of tested) cells.set(name, cell);
  for (const [name, cell] of existingColumns(spec, cells, table)) cells.set(name, cell);
  const made = spec.existingKeys === null ? Math.min(spec.rows, unique.capacity) : 0;
  const verify = () => {
    foreign.verify(cells);
    verifyChecks(table, { cells, rows: made, chosen });
    verifyExpressionKeys(table, { cells, rows: made });
  };
  return { ...assemble(request, { filled, cells, unique, cellOf }), verify };
}

/** Columns of unique sets differ between rows by what they are in their own row. */
function fixedColumns(
  { apart }: ForeignColumns,
  numbered: ReadonlyMap<string, unknown>,
  { groups }: Uniqueness,
): ReadonlySet<string> {
  return new Set([...numbered.keys(), ...[...groups.keys()].flatMap((group) => group.columns), ...apart]);
}

function sourcesOf(
  { spec, rules, pools, randomSeed }: TableRequest,
  filled: readonly ColumnDescription[],
  foreign: ForeignColumns,
): ReadonlyMap<string, ValueSource> {
  const { description: table, overrides } = spec;
  const partitions = partitionRules(table);
  const sources = new Map<string, ValueSource>();
  for (const column of filled) {
    if (foreign.cells.has(column.name)) continue;
    const request = {
      table: table.name,
      column,
      rules: rules.columns.get(column.name) ?? NO_RULES,
      override: overrides[column.name] ?? null,
      partition: ruleOf(spec, column.name, partitions),
      seed: seedOf(randomSeed, table.name, column.name),
      pools,
    };
    const source = valueSource(request);
    if (source === null) throw withoutValues(table, column);
    sources.set(column.name, withProfile(request, source, { spec, randomSeed }));
  }
  return sources;
}

/** Production's own values find their partitions themselves where a default one takes what no other does. */
function ruleOf(spec: TableSpec, name: string, rules: readonly PartitionRule[]): PartitionRule | null {
  const rule = rules.find(({ column }) => column === name) ?? null;
  const known = columnProfile(spec.profile, name);
  const isKnown = known !== null && (known.values ?? known.bounds) !== null && isProfiled(spec, name);
  return rule?.open === true && isKnown ? null : rule;
}

function withoutValues(table: TableDescription, column: ColumnDescription): UsageError {
  const rules = [...table.checks, ...(table.implied ?? [])];
  const named = ({ expression }: { readonly expression: string }) => expression.includes(column.name);
  const alone = rules.find((rule) => named(rule) && columnsNamed(rule.expression) === 1);
  const check = alone ?? rules.find(named);
  const reason = `no value of the type ${column.type.declared} was found that meets it`;
  if (check !== undefined) return unsolvable(table, check, reason);
  const inPartitions = partitionRules(table).some((rule) => rule.column === column.name)
    ? ` in its partitions (${table.partitionBounds.join('; ')})`
    : '';
  return new UsageError(
    `${table.name}: no value was found for the column "${column.name}" of type ${column.type.declared}${inPartitions}. ` +
      `Name some in the scenario: data.tables."${table.name}".columns."${column.name}".values: { "...": 1 }`,
  );
}

function columnsNamed(expression: string): number {
  const parsed = readableExpression(expression);
  return parsed === null ? 0 : columnsOf(parsed).size;
}

function freeColumns(
  filled: readonly ColumnDescription[],
  sources: ReadonlyMap<string, ValueSource>,
  rules: TableRules,
): ReadonlyMap<string, FreeColumn> {
  const free = new Map<string, FreeColumn>();
  for (const { name, type, generated, defaultExpression, ...column } of filled) {
    const nullable = column.nullable && rules.columns.get(name)?.nullness !== 'not null';
    const counter = generated !== 'no' || /\bnextval\(/i.test(defaultExpression ?? '');
    const source = sources.get(name);
    if (source !== undefined)
      free.set(name, { name, kind: type.kind, capacity: source.capacity, nullable, counter });
  }
  return free;
}

/** Unique numbers that are no primary key do not follow the row order. */
function numberedOrdinals(
  { spec, randomSeed }: TableRequest,
  sources: ReadonlyMap<string, ValueSource>,
  { columns }: Uniqueness,
): ReadonlyMap<string, (row: number) => number> {
  const { description: table } = spec;
  const found = new Map<string, (row: number) => number>();
  for (const [name, ordinalOf] of columns) {
    const source = sources.get(name);
    const alone = table.uniques.some((set) => set.length === 1 && set[0] === name);
    const scattered =
      alone && !table.primaryKey.includes(name) && source?.scalar?.domain.type.temporal === false;
    const seed = seedOf(randomSeed, table.name, name, 'order');
    const capacity = source?.capacity ?? 0;
    const order =
      alone || table.primaryKey.join() === name ? profiledOrder(spec, name, { seed, capacity }) : null;
    if (order !== null) {
      found.set(name, (row) => {
        const ordinal = ordinalOf(row);
        return ordinal < 0 ? ordinal : order(ordinal);
      });
      continue;
    }
    found.set(
      name,
      !scattered
        ? ordinalOf
        : (row) => {
            const ordinal = ordinalOf(row);
            return ordinal < 0 ? ordinal : shuffle(seed, ordinal, capacity);
          },
    );
  }
  return found;
}

function sourceCell(
  source: ValueSource | undefined,
  ordinalOf: ((row: number) => number) | undefined,
): CellOf {
  if (source === undefined) throw new Error('a column with neither a source nor a foreign key');
  if (ordinalOf === undefined) return source.plain;
  return withRaw(
    (row) => {
      const ordinal = ordinalOf(row);
      return ordinal < 0 ? null : source.unique(ordinal);
    },
    () => rawThrough(rawOf(source.unique), ordinalOf),
  );
}

interface Parts {
  readonly filled: readonly ColumnDescription[];
  readonly cells: ReadonlyMap<string, CellOf>;
  readonly unique: Uniqueness;
  readonly cellOf: (column: string) => CellOf;
}

function assemble(
  { spec }: TableRequest,
  { filled, cells, unique, cellOf }: Parts,
): Omit<CompiledTable, 'verify'> {
  const { description: table, rows } = spec;
  const columns = filled.map(({ name }) => name);
  const makers = columns.map(cellOf);
  const values: CellValue[] = columns.map(() => null);
  return {
    table,
    rows,
    columns,
    capacity: spec.existingKeys === null ? unique.capacity : Number.POSITIVE_INFINITY,
    limitedBy: unique.limitedBy,
    limitedByCombinations: unique.limitedByCombinations,
    differing: spec.existingKeys === null ? unique.numbered : new Set(),
    row: (rowNumber) => {
      for (let index = 0; index < makers.length; index += 1)
        values[index] = makers[index]?.(rowNumber) ?? null;
      return values;
    },
    cell: (rowNumber, column) => {
      const cell = cells.get(column);
      if (cell === undefined) throw new UsageError(`${table.name} has no column "${column}" that is filled.`);
      return cell(rowNumber);
    },
    cellSources: () => makers.map((text) => ({ text, raw: rawOf(text) })),
    cellOf,
  };
}
