/** A partition key without production's own values: as many rows in each partition as production has there. */
import type { PartitionProfile } from '../../profile/profile.ts';
import { isDefault, listOf, rangeOf } from '../checks/partitions.ts';
import { clip, countValues, type Interval } from '../types/scalar-domain.ts';
import type { ScalarValues } from '../types/source.ts';
import type { RankedRequest, RankedShape } from './values.ts';

interface Part {
  readonly interval: Interval;
  readonly rows: number;
}

/**
 * Ticks by rank, ascending. What a default partition holds comes behind the last range, as densely as the rows lie in the
 * others. Null where no ranges are known, or where one has room for fewer values than its share.
 */
export function partitionTicks(
  { partitions }: Pick<RankedRequest, 'partitions'>,
  { domain }: ScalarValues,
  { distinct }: RankedShape,
): ((rank: number) => number) | null {
  const { type } = domain;
  const parts = partitions
    .flatMap((each) => partOf(each, domain))
    .toSorted((one, other) => one.interval.min - other.interval.min);
  const last = parts.at(-1);
  if (last === undefined) return null;
  const others = behind(partitions, parts, { last, max: type.max, step: type.step });
  const all = others === null ? parts : [...parts, others];
  const rows = all.reduce((sum, part) => sum + part.rows, 0);
  let before = 0;
  const lines = all.map(({ interval, rows: own }) => {
    const from = Math.round((before / rows) * distinct);
    before += own;
    const to = Math.round((before / rows) * distinct);
    return { from, count: to - from, interval, values: countValues([interval], type.step) };
  });
  if (lines.some(({ count, values }) => values < count)) return null;
  return (rank) => {
    const line = lines.findLast(({ from, count }) => count > 0 && from <= rank) ?? lines[0];
    if (line === undefined) return domain.plausible[0]?.min ?? 0;
    const place = Math.min(
      line.values - 1,
      Math.floor(((rank - line.from) * line.values) / Math.max(1, line.count)),
    );
    return line.interval.min + place * type.step;
  };
}

function partOf(
  { bound, rows }: PartitionProfile,
  { type, plausible }: ScalarValues['domain'],
): readonly Part[] {
  const range = bound === undefined ? null : rangeOf(bound);
  if (range === null || rows === 0) return [];
  const from = range.from === null ? type.min : type.parse(range.from, 'lower');
  const to = range.to === null ? type.max + type.step : type.parse(range.to, 'upper');
  if (from === null || to === null) return [];
  const min = Math.ceil(from / type.step) * type.step;
  const max = Math.ceil(to / type.step) * type.step - type.step;
  const [interval] = clip(plausible, { min, max });
  return interval === undefined ? [] : [{ interval, rows }];
}

interface Behind {
  readonly last: Part;
  readonly max: number;
  readonly step: number;
}

function behind(
  partitions: readonly PartitionProfile[],
  parts: readonly Part[],
  { last, max, step }: Behind,
): Part | null {
  const rows = partitions.find(({ bound }) => bound !== undefined && isDefault(bound))?.rows ?? 0;
  const end = parts.reduce((most, { interval }) => Math.max(most, interval.max), last.interval.max);
  if (rows === 0 || end >= max) return null;
  const ticks = parts.reduce((sum, { interval }) => sum + interval.max - interval.min + step, 0);
  const inside = parts.reduce((sum, part) => sum + part.rows, 0);
  const width = Math.max(step, Math.round(((ticks / inside) * rows) / step) * step);
  return { interval: { min: end + step, max: Math.min(max, end + width) }, rows };
}

/** The values of list partitions that the most common values stand for, so that each partition gets its rows. */
export function listedByPartition(
  partitions: readonly PartitionProfile[],
  frequencies: readonly number[],
): readonly (string | null)[] {
  const rows = partitions.reduce((sum, part) => sum + part.rows, 0);
  const left = partitions.flatMap(({ bound, rows: own }) => {
    const values = bound === undefined ? null : listOf(bound);
    return values === null ? [] : [{ share: own / rows, values: values.filter((value) => value !== null) }];
  });
  return frequencies.map((share) => {
    const open = left.filter(({ values }) => values.length > 0);
    const fullest = open.toSorted((one, other) => other.share - one.share)[0];
    if (fullest === undefined) return null;
    fullest.share -= share;
    return fullest.values.shift() ?? null;
  });
}
