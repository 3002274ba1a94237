/** How the rows of a column fall on its different values, as a profile of production says it. */
import type { ColumnDescription } from '../../engines/engine.ts';
import type { ColumnProfile, TableProfile } from '../../profile/profile.ts';
import type { ColumnRules } from '../checks/rules.ts';
import type { TableSpec } from '../generator.ts';
import { seedOf, unit } from '../random.ts';
import { correlationOf, measuredCorrelation, orderFor } from './correlation.ts';
import { FEW_ROWS, type NullPattern, nullPattern, permutation, placement } from './permutation.ts';
import { scatter } from './scatter.ts';
import { type Spectrum, spectrum } from './spectrum.ts';

export interface FallRequest {
  readonly seed: number;
  readonly nulls: NullPattern;
  readonly rows: number;
  /** Shares of all rows that the most common values have. */
  readonly frequencies: readonly number[];
  /** Different values in this many rows. */
  distinctIn(rows: number): number;
  /** Rows of production, whose values all volumes share where that can be; null makes each volume for itself. */
  readonly ofRows: number | null;
  /** Null leaves the rows in no order. */
  readonly correlation: number | null;
  /** Ranks of the most common values among this many; null scatters them among the others. */
  ranks(distinct: number): readonly number[] | null;
}

/** Rank of the value that a row takes, 0-based in sorted order; below `distinct`. */
export interface Fall {
  readonly distinct: number;
  /** Rows of each value by rank, as far as it is one of the most common ones. */
  readonly common: ReadonlyMap<number, number>;
  /** Rows that are not null, of all that `distinct` and `common` are about. */
  readonly present: number;
  rankOf(row: number): number;
}

/** Where correlation is at least this, rows that come later belong to the last values. */
const ASCENDING = 0.9;
const LAST = 0.01;

export function fall(request: FallRequest): Fall {
  return inEveryVolume(request) ?? inThisVolume(request);
}

function inThisVolume(request: FallRequest): Fall {
  const { seed, nulls, rows, correlation } = request;
  const present = Math.max(0, nulls.present);
  const { values, ranks, ...shape } = shapeOf(request, rows, present);
  const order =
    correlation === null ? { share: 0, descending: false } : orderFor(values.stretches, correlation);
  const nearest = (attempt: number) => placement(seed + attempt, present, order);
  const place =
    correlation === null
      ? nearest(0)
      : nearestPlacement(nearest, { present, rankAt: values.rankAt, wanted: correlation });
  const ascends = !order.descending && order.share >= ASCENDING;
  const later = (row: number): number => {
    const at = unit(seed, row);
    return Math.floor((ascends ? 1 - at * LAST : at) * present);
  };
  return {
    ...shape,
    rankOf: (row) =>
      values.rankAt(row < rows ? place(nulls.placeOf(row)) : Math.min(present - 1, later(row))),
  };
}

/** A correlation this far from what rows in no order have is as good: half of what a filling may be off. */
export const UNORDERED = 0.05;

/**
 * Where the rows lie in no order, a row has the same value in every volume. Null where they lie in one: the first half of
 * them would have only the first half of the values. Values of which there are more in more rows than production has are
 * those of one volume too.
 */
function inEveryVolume(request: FallRequest): Fall | null {
  const { seed, nulls, rows, ofRows, correlation } = request;
  if (ofRows === null || rows < FEW_ROWS || ofRows < FEW_ROWS) return null;
  const grows = request.distinctIn(2 * ofRows) > request.distinctIn(ofRows);
  const volume = grows ? Math.max(rows, ofRows) : ofRows;
  const present = volume - Math.round(volume * nulls.fraction);
  if (present < 1) return null;
  const { values, ranks, ...shape } = shapeOf(request, volume, present);
  const unordered = measuredCorrelation(values.stretches, { share: 0, descending: false });
  if (correlation !== null && Math.abs(unordered - correlation) > UNORDERED) return null;
  const { counts, tail } = values;
  const scattered = scatter({ seed, present, counts, tail, ranks, distinct: shape.distinct, grows });
  return { ...shape, rankOf: (row) => scattered(nulls.ordinalOf(row)) };
}

interface Shape extends Omit<Fall, 'rankOf'> {
  readonly ranks: readonly number[];
  readonly values: Spectrum;
}

function shapeOf(request: FallRequest, rows: number, present: number): Shape {
  const counts = request.frequencies.map((each) => Math.round(each * rows)).filter((count) => count > 0);
  const wanted = Math.round(request.distinctIn(rows));
  const distinct = Math.max(1, Math.min(present, Math.max(counts.length, wanted)));
  const common = counts.slice(0, distinct);
  const mixed = permutation(request.seed ^ 0x3c6ef372, distinct);
  const ranks =
    request.ranks(Math.min(present, Math.max(1, wanted)))?.slice(0, common.length) ??
    common.map((_, index) => mixed(index));
  return {
    distinct,
    present,
    ranks,
    common: new Map(ranks.map((rank, index) => [rank, common[index] ?? 0])),
    values: spectrum({ present, counts: common, distinct, ranks, even: false }),
  };
}

const LEAST_ATTEMPTS = 24;
/** Of 10 rows in a partial order one in some hundred orders is as near. */
const ROWS_TRIED = 20_000;
const NEAR = 0.02;

interface Wanted {
  readonly present: number;
  rankAt(place: number): number;
  readonly wanted: number;
}

/**
 * Of a few rows in random order some are in order by chance: the first of several orders that has what is wanted. More rows
 * move a correlation by less than 0.02 by chance.
 */
function nearestPlacement(
  placementOf: (attempt: number) => (row: number) => number,
  { present, rankAt, wanted }: Wanted,
): (row: number) => number {
  if (present > FEW_ROWS) return placementOf(0);
  const attempts = Math.max(LEAST_ATTEMPTS, Math.ceil(ROWS_TRIED / Math.max(1, present)));
  let best = { place: placementOf(0), away: Number.POSITIVE_INFINITY };
  for (let attempt = 0; attempt < attempts && best.away > NEAR; attempt += 1) {
    const place = placementOf(attempt);
    const ranks = Array.from({ length: present }, (_, row) => rankAt(place(row)));
    const away = Math.abs(correlationOf(ranks) - wanted);
    if (away < best.away) best = { place, away };
  }
  return best.place;
}

/** Of a column, where a profile tells of it. */
export function columnProfile(profile: TableProfile | undefined, name: string): ColumnProfile | null {
  return profile?.columns.find((column) => column.name === name) ?? null;
}

/** What the scenario does not say of the values of a column is taken from the profile. */
export function isProfiled({ profile, overrides }: TableSpec, name: string): boolean {
  const override = overrides[name];
  if (columnProfile(profile, name) === null) return false;
  return (
    override === undefined || (override.values ?? override.range ?? override.faker ?? override.width) === null
  );
}

/** Share of nulls by the profile; null where it does not tell, or where nulls are decided by something else. */
export function profiledNullFraction(
  { profile, overrides, description }: TableSpec,
  column: ColumnDescription,
  rules: ColumnRules | undefined,
): number | null {
  const known = columnProfile(profile, column.name);
  if (known === null || (overrides[column.name]?.nullFraction ?? null) !== null) return null;
  if (!column.nullable || description.primaryKey.includes(column.name)) return null;
  return (rules?.nullness ?? null) === null ? known.nullFraction : null;
}

/** Nulls of one column, or of all columns of one foreign key, given the name of either. */
export function nullsOf(spec: TableSpec, name: string, randomSeed: number, fraction: number): NullPattern {
  return nullPattern(seedOf(randomSeed, spec.description.name, name, 'null'), spec.rows, fraction);
}

/** Postgres itself takes a number of different values above this share of the rows to grow with them (analyze.c). */
const GROWS_ABOVE = 0.1;

/** Different values at another volume than production's. */
export function scaledDistinct(distinct: number, nullFraction: number, ofRows: number, rows: number): number {
  const present = ofRows * (1 - nullFraction);
  if (present <= 0 || distinct <= present * GROWS_ABOVE) return distinct;
  return Math.max(1, Math.round((distinct / present) * rows * (1 - nullFraction)));
}

/** Correlations above this are those of rows in order, seen in a sample. */
const IN_ORDER = 0.995;

/** True when the rows of a unique column lie in the order of its values, or when the profile does not tell. */
export function isInOrder(profile: TableProfile | undefined, name: string): boolean {
  const correlation = columnProfile(profile, name)?.correlation ?? null;
  return correlation === null || correlation > IN_ORDER;
}

/** Number of the value of each row of a unique column; null where the profile does not tell of it. */
export function profiledOrder(
  spec: TableSpec,
  name: string,
  { seed, capacity }: { readonly seed: number; readonly capacity: number },
): ((row: number) => number) | null {
  const correlation = columnProfile(spec.profile, name)?.correlation ?? null;
  if (correlation === null || !isProfiled(spec, name)) return null;
  if (isInOrder(spec.profile, name)) return (row) => row;
  const unordered = isUnordered(spec, correlation);
  const rows = unordered ? Math.max(spec.rows, Math.min(capacity, volumeOf(spec))) : spec.rows;
  const order = orderFor([{ share: 1, values: rows }], unordered ? 0 : correlation);
  const placementOf = (attempt: number) => placement(seed + attempt, rows, order);
  const place = nearestPlacement(placementOf, { present: rows, rankAt: (at) => at, wanted: correlation });
  return (row) => (row < rows ? place(row) : row);
}

/** True when a unique column has the same value in the same row of every volume up to production's, though in no order. */
export function isUnordered({ rows, profile }: TableSpec, correlation: number | null): boolean {
  if (rows < FEW_ROWS || (profile?.rows ?? 0) < FEW_ROWS) return false;
  return correlation === null || Math.abs(correlation) <= UNORDERED;
}

/** Rows of production, or of this volume where it is larger. */
export function volumeOf({ rows, profile }: TableSpec): number {
  return Math.max(rows, profile?.rows ?? 0);
}

/** Different values that a column of the profile has in this many rows; null when the profile does not tell. */
export function productionDistinct(
  table: Pick<TableProfile, 'rows'>,
  column: ColumnProfile,
  rows: number,
): number | null {
  if (column.distinct === null) return null;
  const distinct = scaledDistinct(column.distinct, column.nullFraction, table.rows, rows);
  if (rows >= table.rows) return distinct;
  // Fewer rows cannot hold as many rare values beside the common ones, whose shares count more.
  const common = column.frequencies.reduce((sum, share) => sum + share, 0);
  const left = Math.max(0, Math.round((1 - column.nullFraction - common) * rows));
  return Math.min(distinct, Math.max(1, column.frequencies.length + left));
}
