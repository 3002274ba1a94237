/** The source of a column's values with the frequencies, order and widths of production. */
import type { TableProfile } from '../../profile/profile.ts';
import type { TableSpec } from '../generator.ts';
import type { ValueSource } from '../types/source.ts';
import type { SourceRequest } from '../types/values.ts';
import {
  columnProfile,
  fall,
  isProfiled,
  nullsOf,
  productionDistinct,
  profiledNullFraction,
} from './column.ts';
import type { NullPattern } from './permutation.ts';
import { type RankedRequest, rankedValues } from './values.ts';

interface ProfiledRequest extends RankedRequest {
  readonly rows: number;
  /** Rows that production has. */
  readonly ofRows: number;
  readonly nulls: NullPattern;
}

/** The source that the type and the rules allow, with the values of the profile where it tells of the column. */
export function withProfile(
  request: SourceRequest,
  source: ValueSource,
  { spec, randomSeed }: { readonly spec: TableSpec; readonly randomSeed: number },
): ValueSource {
  const { column, rules } = request;
  const profile = columnProfile(spec.profile, column.name);
  if (profile === null || spec.profile === undefined || !isProfiled(spec, column.name)) return source;
  const fraction =
    profiledNullFraction(spec, column, rules) ?? spec.overrides[column.name]?.nullFraction ?? 0;
  return profiledSource({
    ...request,
    profile,
    source,
    toastBytesPerRow: toastOf(spec.profile, column.name),
    rows: spec.rows,
    ofRows: spec.profile.rows,
    nulls: nullsOf(spec, column.name, randomSeed, fraction),
  });
}

/** A value out of line counts as its pointer: the columns whose mean is nearest to one have them. */
const POINTER_BYTES = 18;
/** Fewer bytes a row out of line come from a few odd values, which no mean tells of. */
const FEW_BYTES = 20;

function toastOf(table: TableProfile, column: string): number {
  const perRow = table.toastBytes / Math.max(1, table.rows);
  if (perRow < FEW_BYTES) return 0;
  const wide = table.columns
    .filter(({ averageBytes }) => averageBytes !== null && averageBytes >= POINTER_BYTES)
    .map(({ name, averageBytes }) => ({ name, away: (averageBytes ?? 0) - POINTER_BYTES }))
    .toSorted((one, other) => one.away - other.away);
  return wide[0]?.name === column ? perRow : 0;
}

function profiledSource(request: ProfiledRequest): ValueSource {
  const { source, profile, rows, ofRows, nulls, seed } = request;
  if (source.capacity < 1) return source;
  const values = rankedValues(request);
  const wanted = profile.distinct ?? (profile.frequencies.length > 0 ? profile.frequencies.length : null);
  // Every row is another one as far as the values of a unique column go.
  const all = { distinct: Math.max(1, rows), common: new Map<number, number>(), present: rows };
  const { capacity } = source;
  const unique = values.endless && values.capacity >= rows ? values.at(all) : source.unique;
  if (wanted === null) return withoutDistinct(request, unique);
  const told = { ...profile, distinct: wanted };
  const distinct = Math.min(values.capacity, productionDistinct({ rows: ofRows }, told, rows) ?? wanted);
  const falls = fall({
    seed,
    nulls,
    rows,
    frequencies: profile.frequencies,
    distinct,
    correlation: profile.correlation,
    ranks: values.ranks(Math.min(nulls.present, Math.max(1, Math.round(distinct)))),
  });
  const shape = { distinct: falls.distinct, common: falls.common, present: nulls.present };
  const at = values.at(shape);
  const ticks = values.ticks?.(shape) ?? null;
  const { scalar } = source;
  return {
    capacity,
    plain: (row) => at(falls.rankOf(row)),
    unique,
    scalar:
      scalar === null || ticks === null ? scalar : { ...scalar, plain: (row) => ticks(falls.rankOf(row)) },
  };
}

/** Types that the server does not compare (json), and columns without statistics: as wide as production's at least. */
function withoutDistinct({ source }: ProfiledRequest, unique: ValueSource['unique']): ValueSource {
  return unique === source.unique ? source : { ...source, plain: unique };
}
