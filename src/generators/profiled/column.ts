/** How the rows of a column fall on its different values, as a profile of production says it. */
import type { ColumnDescription } from '../../engines/engine.ts';
import type { ColumnProfile, TableProfile } from '../../profile/profile.ts';
import type { ColumnRules } from '../checks/rules.ts';
import type { TableSpec } from '../generator.ts';
import { seedOf, unit } from '../random.ts';
import { correlationOf, orderFor } from './correlation.ts';
import { type NullPattern, nullPattern, permutation, placement } from './permutation.ts';
import { spectrum } from './spectrum.ts';

export interface FallRequest {
  readonly seed: number;
  readonly nulls: NullPattern;
  readonly rows: number;
  /** Shares of all rows that the most common values have. */
  readonly frequencies: readonly number[];
  readonly distinct: number;
  /** Null leaves the rows in no order. */
  readonly correlation: number | null;
  /** Ranks of the most common values; null scatters them among the others. */
  readonly ranks: readonly number[] | null;
}

/** Rank of the value that a row takes, 0-based in sorted order; below `distinct`. */
export interface Fall {
  readonly distinct: number;
  /** Rows of each value by rank, as far as it is one of the most common ones. */
  readonly common: ReadonlyMap<number, number>;
  rankOf(row: number): number;
}

/** Where correlation is at least this, rows that come later belong to the last values. */
const ASCENDING = 0.9;
const LAST = 0.01;

export function fall(request: FallRequest): Fall {
  const { seed, nulls, rows } = request;
  const present = Math.max(0, nulls.present);
  const counts = request.frequencies.map((each) => Math.round(each * rows)).filter((count) => count > 0);
  const distinct = Math.max(1, Math.min(present, Math.max(counts.length, Math.round(request.distinct))));
  const common = counts.slice(0, distinct);
  const scatter = permutation(seed ^ 0x3c6ef372, distinct);
  const ranks = request.ranks?.slice(0, common.length) ?? common.map((_, index) => scatter(index));
  const values = spectrum({ present, counts: common, distinct, ranks, even: false });
  const order =
    request.correlation === null
      ? { share: 0, descending: false }
      : orderFor(values.stretches, request.correlation);
  const nearest = (attempt: number) => placement(seed + attempt, present, order);
  const place =
    request.correlation === null
      ? nearest(0)
      : nearestPlacement(nearest, { present, rankAt: values.rankAt, wanted: request.correlation });
  const ascends = !order.descending && order.share >= ASCENDING;
  const later = (row: number): number => {
    const at = unit(seed, row);
    return Math.floor((ascends ? 1 - at * LAST : at) * present);
  };
  return {
    distinct,
    common: new Map(ranks.map((rank, index) => [rank, common[index] ?? 0])),
    rankOf: (row) =>
      values.rankAt(row < rows ? place(nulls.ordinalOf(row)) : Math.min(present - 1, later(row))),
  };
}

/** Above this many rows chance moves a correlation by less than 0.02. */
const FEW_ROWS = 3000;
const ATTEMPTS = 24;
const NEAR = 0.02;

interface Wanted {
  readonly present: number;
  rankAt(place: number): number;
  readonly wanted: number;
}

/** Of a few rows in random order some are in order by chance: the first of several orders that has what is wanted. */
function nearestPlacement(
  placementOf: (attempt: number) => (row: number) => number,
  { present, rankAt, wanted }: Wanted,
): (row: number) => number {
  if (present > FEW_ROWS) return placementOf(0);
  let best = { place: placementOf(0), away: Number.POSITIVE_INFINITY };
  for (let attempt = 0; attempt < ATTEMPTS && best.away > NEAR; attempt += 1) {
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
export function profiledOrder(spec: TableSpec, name: string, seed: number): ((row: number) => number) | null {
  const correlation = columnProfile(spec.profile, name)?.correlation ?? null;
  if (correlation === null || !isProfiled(spec, name)) return null;
  if (isInOrder(spec.profile, name)) return (row) => row;
  const { rows } = spec;
  const order = orderFor([{ share: 1, values: rows }], correlation);
  const placementOf = (attempt: number) => placement(seed + attempt, rows, order);
  const place = nearestPlacement(placementOf, { present: rows, rankAt: (at) => at, wanted: correlation });
  return (row) => (row < rows ? place(row) : row);
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
