/** The values that a scalar column may take: its type, checks, partitions and the scenario's range together. */

import type { ColumnRules, Limit } from '../checks/rules.ts';
import { hash, hashBelow } from '../random.ts';
import type { ScalarType } from './scalar-types.ts';

/** Inclusive, in ticks, on the grid of the type. */
export interface Interval {
  readonly min: number;
  readonly max: number;
}

export interface ScalarDomain {
  readonly type: ScalarType;
  /** Every allowed value; disjoint, ascending, never empty. */
  readonly intervals: readonly Interval[];
  /** The part of it that looks plausible. */
  readonly plausible: readonly Interval[];
  /** Rows shall reach all of the plausible values, whatever their number. */
  readonly spread: boolean;
}

/** The limits that are no values of the type (`now()` on a number) make the domain unreadable: null. */
export function intervalsOf(
  type: ScalarType,
  rules: ColumnRules,
  ranges: readonly Interval[],
): readonly Interval[] | null {
  let intervals: readonly Interval[] = ranges.length > 0 ? ranges : [{ min: type.min, max: type.max }];
  for (const limit of rules.lowers) {
    const min = bound(type, limit, 'lower');
    if (min === null) return null;
    intervals = clip(intervals, { min, max: Number.POSITIVE_INFINITY });
  }
  for (const limit of rules.uppers) {
    const max = bound(type, limit, 'upper');
    if (max === null) return null;
    intervals = clip(intervals, { min: Number.NEGATIVE_INFINITY, max });
  }
  for (const text of rules.excluded) {
    const value = type.parse(text, 'upper');
    if (value !== null) intervals = without(intervals, value, type.step);
  }
  return intervals;
}

/** The outermost value on the grid that obeys the limit. */
function bound(type: ScalarType, limit: Limit, side: 'lower' | 'upper'): number | null {
  const parsed = type.parse(limit.text, side);
  if (parsed === null) return null;
  const steps = parsed / type.step;
  if (side === 'lower') {
    const first = Math.ceil(steps);
    return (first === steps && !limit.inclusive ? first + 1 : first) * type.step;
  }
  const last = Math.floor(steps);
  return (last === steps && !limit.inclusive ? last - 1 : last) * type.step;
}

/** What of the intervals lies inside another one. */
export function clip(intervals: readonly Interval[], inside: Interval): readonly Interval[] {
  return intervals
    .map(({ min, max }) => ({ min: Math.max(min, inside.min), max: Math.min(max, inside.max) }))
    .filter(({ min, max }) => min <= max);
}

function without(intervals: readonly Interval[], value: number, step: number): readonly Interval[] {
  return intervals
    .flatMap(({ min, max }) =>
      value < min || value > max
        ? [{ min, max }]
        : [
            { min, max: value - step },
            { min: value + step, max },
          ],
    )
    .filter(({ min, max }) => min <= max);
}

/** Number of values. */
export function countValues(intervals: readonly Interval[], step: number): number {
  return intervals.reduce((sum, { min, max }) => sum + Math.floor((max - min) / step) + 1, 0);
}

/** The values by ordinal, ascending through the intervals: the first is 0. */
export function valueByOrdinal(intervals: readonly Interval[], step: number): (ordinal: number) => number {
  const [first] = intervals;
  if (first === undefined) throw new Error('a domain without values');
  if (intervals.length === 1) return (ordinal) => first.min + ordinal * step;
  const counts = intervals.map((interval) => countValues([interval], step));
  return (ordinal) => {
    let left = ordinal;
    for (let index = 0; index < intervals.length; index += 1) {
      const count = counts[index] ?? 0;
      const interval = intervals[index] ?? first;
      if (left < count) return interval.min + left * step;
      left -= count;
    }
    return first.min;
  };
}

/** A value for each row: any interval with the same chance, any value in it. */
export function valueByRow(
  intervals: readonly Interval[],
  step: number,
  seed: number,
): (row: number) => number {
  const [first] = intervals;
  if (first === undefined) throw new Error('a domain without values');
  const counts = intervals.map((interval) => countValues([interval], step));
  const [count = 1] = counts;
  if (intervals.length === 1)
    return count < 4_294_967_296
      ? (row) => first.min + hashBelow(seed, row, count) * step
      : (row) => first.min + Math.floor((hash(seed, row) / 4_294_967_296) * count) * step;
  const chooser = seed ^ 0x51ed270b;
  return (row) => {
    const index = hash(chooser, row) % intervals.length;
    const interval = intervals[index] ?? first;
    return interval.min + (hash(seed, row) % (counts[index] ?? 1)) * step;
  };
}
