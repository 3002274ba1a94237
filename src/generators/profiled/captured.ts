/** Production's own values, from a profile that was captured with them: the common ones, and buckets of the others. */
import type { ColumnProfile } from '../../profile/profile.ts';

export interface CapturedRequest {
  /** Of a value, on a line; null when the text is no value of the type. */
  parse(text: string): number | null;
  /** False for values that the rules of the column forbid. */
  inside(ticks: number): boolean;
  readonly step: number;
}

export interface CapturedValues {
  /** Of the most common values, in the order of their frequencies. */
  ranks(distinct: number): readonly number[];
  /** The value of each rank, ascending. */
  at(distinct: number): (rank: number) => number;
}

/**
 * Null when the profile has no values, or has some that cannot be placed on the line. A bucket holds equally many rows
 * wherever it lies, so a value is placed inside its own bucket, never between the outermost bounds.
 */
export function captured(
  profile: ColumnProfile,
  { parse, inside, step }: CapturedRequest,
): CapturedValues | null {
  const common = parsed(profile.values ?? [], parse);
  const bounds = parsed(profile.bounds ?? [], parse);
  if (common === null || bounds === null) return null;
  if (profile.values === null && profile.bounds === null) return null;
  if (![...common, ...bounds].every(inside)) return null;
  const sorted = bounds.toSorted((one, other) => one - other);
  const ordered = common
    .map((ticks, index) => ({ ticks, index }))
    .toSorted((one, other) => one.ticks - other.ticks);
  const ranksOf = (distinct: number): readonly number[] => {
    const others = Math.max(0, distinct - common.length);
    const ranks: number[] = common.map(() => 0);
    ordered.forEach(({ ticks, index }, before) => {
      ranks[index] = Math.min(others, Math.round(shareBelow(sorted, ticks) * others)) + before;
    });
    return ranks;
  };
  return {
    ranks: ranksOf,
    at: (distinct) => {
      const others = Math.max(1, distinct - common.length);
      const places = ranksOf(distinct);
      const byRank = new Map(places.map((rank, index) => [rank, common[index] ?? 0]));
      const ascending = places.toSorted((one, other) => one - other);
      const between = (other: number) => Math.round(valueAt(sorted, (other + 0.5) / others) / step) * step;
      const apart =
        others <= MOST_APART ? toldApart(others, between, { taken: new Set(common), step, inside }) : null;
      return (rank) => {
        const known = byRank.get(rank);
        if (known !== undefined) return known;
        const other = rank - countBelow(ascending, rank);
        return apart?.[other] ?? between(other);
      };
    },
  };
}

/** More values are left where their buckets put them, also when two fall together. */
const MOST_APART = 2_000_000;

/** The same values, each moved up to the next one that is free, as far as the rules of the column let it. */
function toldApart(
  count: number,
  between: (other: number) => number,
  { taken, step, inside }: Pick<CapturedRequest, 'step' | 'inside'> & { readonly taken: ReadonlySet<number> },
): Float64Array {
  const found = new Float64Array(count);
  let last = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < count; index += 1) {
    let next = Math.max(between(index), last + step);
    while (taken.has(next)) next += step;
    found[index] = inside(next) ? next : between(index);
    last = next;
  }
  return found;
}

function parsed(texts: readonly string[], parse: CapturedRequest['parse']): readonly number[] | null {
  const found = texts.map(parse);
  return found.every((each) => each !== null) ? found : null;
}

/** Number of the sorted ones that are smaller. */
function countBelow(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Share of the values that are no common ones below this one. */
function shareBelow(bounds: readonly number[], ticks: number): number {
  if (bounds.length < 2) return bounds.length === 1 && ticks > (bounds[0] ?? 0) ? 1 : 0;
  const above = countBelow(bounds, ticks);
  if (above === 0) return 0;
  if (above >= bounds.length) return 1;
  const [low, high] = [bounds[above - 1] ?? 0, bounds[above] ?? 0];
  const within = high > low ? (ticks - low) / (high - low) : 0;
  return (above - 1 + within) / (bounds.length - 1);
}

/** Interpolated inside of the bucket that this share of the values ends in. */
function valueAt(bounds: readonly number[], share: number): number {
  if (bounds.length < 2) return bounds[0] ?? 0;
  const place = share * (bounds.length - 1);
  const bucket = Math.min(bounds.length - 2, Math.floor(place));
  const [low, high] = [bounds[bucket] ?? 0, bounds[bucket + 1] ?? 0];
  return low + (place - bucket) * (high - low);
}
