/** Which cells are null. */
import type { CellValue, ColumnDescription } from '../engines/engine.ts';
import { UsageError } from '../errors.ts';
import { share } from './distributions.ts';
import type { ForeignColumns } from './keys/foreign.ts';
import { isProfiled, nullsOf, profiledNullFraction } from './profiled/column.ts';
import { seedOf } from './random.ts';
import type { TableRequest } from './table.ts';
import { rawOf, rawThrough, withRaw } from './types/raw.ts';

/** Share of nulls in a nullable column that is no key. */
const USUAL_FRACTION = 0.05;
/** Share in columns that say when something ended, which most rows have not. */
const ENDED_FRACTION = 0.9;
const ENDED =
  /(^|_)(deleted|archived|cancell?ed|closed|revoked|suspended|locked|disabled|refunded|failed|discarded|banned)(_(at|on|by|time|date))?$/i;

interface Surroundings {
  readonly foreign: ForeignColumns;
  readonly numbered: ReadonlyMap<string, unknown>;
}

/** UsageError when the scenario wants nulls where none may be. */
export function nullFractionOf(
  { spec, rules }: TableRequest,
  column: ColumnDescription,
  { foreign, numbered }: Surroundings,
): number {
  const { description: table, overrides } = spec;
  const wanted = overrides[column.name]?.nullFraction ?? null;
  const inPrimaryKey = table.primaryKey.includes(column.name);
  if (wanted !== null && wanted > 0 && (!column.nullable || inPrimaryKey))
    throw new UsageError(
      `data.tables."${table.name}".columns."${column.name}".nullFraction: ${wanted}, but the column cannot be null.`,
    );
  const nullness = rules.columns.get(column.name)?.nullness ?? null;
  if (nullness === 'null') return 1;
  if (wanted !== null) return wanted;
  const profiled = profiledNullFraction(spec, column, rules.columns.get(column.name));
  if (profiled !== null) return profiled;
  const isKey =
    numbered.has(column.name) ||
    foreign.cells.has(column.name) ||
    table.uniques.some((set) => set.includes(column.name));
  const decides = table.partitionKey?.includes(column.name) === true;
  if (!column.nullable || inPrimaryKey || isKey || decides || nullness === 'not null') return 0;
  return ENDED.test(column.name) ? ENDED_FRACTION : USUAL_FRACTION;
}

/** The columns of one foreign key are null in the same rows. */
export function withNulls(
  { spec, randomSeed }: TableRequest,
  column: ColumnDescription,
  {
    cell,
    fraction,
    foreign,
  }: {
    readonly cell: (row: number) => CellValue;
    readonly fraction: number;
    readonly foreign: ForeignColumns;
  },
): (row: number) => CellValue {
  if (fraction >= 1) return () => null;
  const key = foreign.keyNameOf(column.name) ?? column.name;
  // Exact, so that a place among the other rows can be told too.
  const isNull = isProfiled(spec, column.name)
    ? nullsOf(spec, key, randomSeed, fraction).isNull
    : share(seedOf(randomSeed, spec.description.name, key, 'null'), fraction);
  return withRaw(
    (row) => (isNull(row) ? null : cell(row)),
    () => rawThrough(rawOf(cell), (row) => (isNull(row) ? -1 : row)),
  );
}
