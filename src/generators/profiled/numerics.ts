/**
 * Postgres' numeric as wide as the profile says. It keeps four decimal digits in two bytes, without the zeros at either end,
 * behind three bytes in front (NumericShort and a short varlena header): numeric.c, "on-disk format".
 */
import { hash } from '../random.ts';
import { clip, countValues, type Interval, valueByOrdinal } from '../types/scalar-domain.ts';
import type { ScalarValues } from '../types/source.ts';
import type { RankedRequest, RankedShape } from './values.ts';

const HEADER_BYTES = 3;
const GROUP_BYTES = 2;
const GROUP = 10_000;
const GROUP_DIGITS = 4;

/** What the values are made of so that their mean width is the wanted one. */
interface Makeup {
  /** Groups of digits before the point; the fraction is the share of values with one more. */
  readonly groups: number;
  /** Share of the values that have digits behind the point. */
  readonly broken: number;
}

/** Ticks by rank, ascending but for what is behind the point; null where the width is not ours to choose. */
export function numericTicks(
  { column, profile, rules, seed }: RankedRequest,
  { domain }: ScalarValues,
  shape: RankedShape,
): ((rank: number) => number) | null {
  const { type } = domain;
  if (column.type.base !== 'numeric' || profile.averageBytes === null || domain.spread) return null;
  if (rules.lowers.length > 0 || rules.uppers.length > 0) return null;
  const { groups, broken } = makeup(profile.averageBytes, type.perUnit);
  const few = Math.floor(groups);
  const narrow = rangeOf(few, type.perUnit);
  const wide = rangeOf(few + 1, type.perUnit);
  const border = rankAtShare(shape, 1 - (groups - few));
  const lower = line(narrow, border);
  const upper = line(wide, shape.distinct - border);
  if (lower === null || upper === null) return null;
  // The last group is never all zeros, which would not be kept.
  const last = 10 ** (Math.round(Math.log10(type.perUnit)) % GROUP_DIGITS || GROUP_DIGITS);
  const isBroken = (rank: number) => Math.floor((rank + 1) * broken) > Math.floor(rank * broken);
  return (rank) => {
    const ticks = rank < border ? lower(rank) : upper(rank - border);
    const whole = Math.floor(ticks / type.perUnit) * type.perUnit;
    if (type.perUnit === 1 || !isBroken(rank)) return whole;
    return ticks % last === 0 ? ticks + 1 + (hash(seed, rank) % (last - 1)) : ticks;
  };

  /** So many different values of an interval, in order; null where there are not as many that are allowed. */
  function line(range: Interval, count: number): ((index: number) => number) | null {
    if (count <= 0) return () => 0;
    for (const allowed of [domain.plausible, domain.intervals]) {
      const inside = clip(allowed, range);
      // Whole numbers tell the values apart, or all of them have digits behind the point that do.
      const step = broken < 1 ? type.perUnit : type.step;
      const values = countValues(inside, step);
      if (values < count) continue;
      const byOrdinal = valueByOrdinal(inside, step);
      return (index) => byOrdinal(Math.floor((index * values) / count));
    }
    return null;
  }
}

function makeup(averageBytes: number, perUnit: number): Makeup {
  const wanted = Math.max(1, (averageBytes - HEADER_BYTES) / GROUP_BYTES);
  const behind = Math.ceil(Math.log10(perUnit) / GROUP_DIGITS);
  if (behind === 0) return { groups: wanted, broken: 0 };
  if (wanted >= 1 + behind) return { groups: wanted - behind, broken: 1 };
  return { groups: 1, broken: (wanted - 1) / behind };
}

/** In ticks: what has exactly so many groups before the point. */
function rangeOf(groups: number, perUnit: number): Interval {
  return { min: GROUP ** (groups - 1) * perUnit, max: GROUP ** groups * perUnit - 1 };
}

/** The rank below which this share of the rows lies. */
function rankAtShare({ distinct, common, present }: RankedShape, share: number): number {
  const listed = [...common].toSorted(([one], [other]) => one - other);
  const rowsOfListed = listed.reduce((sum, [, rows]) => sum + rows, 0);
  const perOther = Math.max(0, present - rowsOfListed) / Math.max(1, distinct - listed.length);
  const wanted = share * present;
  let rows = 0;
  let rank = 0;
  for (const [place, count] of listed) {
    const before = (place - rank) * perOther;
    if (rows + before >= wanted) break;
    rows += before + count;
    rank = place + 1;
  }
  const rest = perOther > 0 ? Math.round((wanted - rows) / perOther) : 0;
  return Math.min(distinct, Math.max(0, rank + Math.max(0, rest)));
}
