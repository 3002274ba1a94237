/** The source of a column's values with the frequencies, order and widths of production. */
import type { TableProfile } from '../../profile/profile.ts';
import { partitionRules } from '../checks/partitions.ts';
import type { TableSpec } from '../generator.ts';
import type { ValueSource } from '../types/source.ts';
import type { SourceRequest } from '../types/values.ts';
import {
  columnProfile,
  fall,
  isProfiled,
  isUnordered,
  nullsOf,
  productionDistinct,
  profiledNullFraction,
  volumeOf,
} from './column.ts';
import { type NullPattern, permutation } from './permutation.ts';
import { type RankedRequest, rankedValues } from './values.ts';

interface ProfiledRequest extends RankedRequest {
  readonly spec: TableSpec;
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
  const isKey = partitionRules(spec.description).some((rule) => rule.column === column.name);
  return profiledSource({
    ...request,
    profile,
    source,
    toastBytesPerRow: toastOf(spec.profile, column.name),
    partitions: isKey ? (spec.profile.partitions ?? []) : [],
    spec,
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
  const { source, profile, spec, nulls, seed } = request;
  if (source.capacity < 1) return source;
  const { rows } = spec;
  const ofRows = spec.profile?.rows ?? rows;
  const values = rankedValues(request);
  const wanted = profile.distinct ?? (profile.frequencies.length > 0 ? profile.frequencies.length : null);
  // Every row is another one as far as the values of a unique column go.
  const volume = isUnordered(spec, profile.correlation) ? volumeOf(spec) : rows;
  const all = { distinct: Math.max(1, volume), common: new Map<number, number>(), present: volume };
  const { capacity } = source;
  const unique = values.endless && values.capacity >= rows ? values.at(all) : source.unique;
  if (wanted === null) return withoutDistinct(request, unique, volume);
  const told = { ...profile, distinct: wanted };
  const falls = fall({
    seed,
    nulls,
    rows,
    frequencies: profile.frequencies,
    distinctIn: (many) =>
      Math.min(values.capacity, productionDistinct({ rows: ofRows }, told, many) ?? wanted),
    ofRows,
    correlation: profile.correlation,
    ranks: values.ranks,
  });
  const at = values.at(falls);
  const ticks = values.ticks?.(falls) ?? null;
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
function withoutDistinct(
  { source, profile, seed, spec }: ProfiledRequest,
  unique: ValueSource['unique'],
  volume: number,
): ValueSource {
  if (unique === source.unique) return source;
  const order = isUnordered(spec, profile.correlation) ? permutation(seed, volume) : null;
  return { ...source, plain: order === null ? unique : (row) => unique(row < volume ? order(row) : row) };
}
