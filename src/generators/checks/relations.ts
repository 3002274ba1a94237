/** Makes columns of a row obey comparisons with each other: `starts_at < ends_at`. */

import { hash } from '../random.ts';
import { DAY } from '../types/calendar.ts';
import { clip, type Interval, valueByRow } from '../types/scalar-domain.ts';
import type { ScalarType } from '../types/scalar-types.ts';
import type { Relation } from './rules.ts';

/** A column that is compared with another one. */
export interface ComparedColumn {
  readonly type: ScalarType;
  readonly intervals: readonly Interval[];
  /** Its value in ticks, as it would be without the comparison; null when the cell is null. */
  readonly ticks: (row: number) => number | null;
  /** A key or a value list: only the other column can give way. */
  readonly fixed: boolean;
  readonly seed: number;
}

type Ticks = (row: number) => number | null;

/** Days that a later date lies behind an earlier one at most. */
const SPREAD_DAYS = 30;

/**
 * New values of the columns that give way, in ticks. Null when the comparisons run in a circle or leave a column
 * without a value.
 */
export function relate(
  relations: readonly Relation[],
  columns: ReadonlyMap<string, ComparedColumn>,
): ReadonlyMap<string, Ticks> | null {
  const ordered = relations.filter(({ operator }) => operator !== '<>');
  const order = sortByRelation(ordered, [...columns.keys()]);
  if (order === null) return null;
  const caps = capsOf(ordered, columns, order);
  const values = new Map<string, Ticks>();
  for (const name of order) {
    const column = columns.get(name);
    if (column === undefined) continue;
    const below = ordered.filter((relation) => relation.higher === name && values.has(relation.lower));
    const above = ordered.filter(
      (relation) => relation.lower === name && columns.get(relation.higher)?.fixed,
    );
    const cap = caps.get(name) ?? Number.POSITIVE_INFINITY;
    const made = column.fixed ? column.ticks : giveWay(column, { below, above, cap, values, columns });
    if (made === null) return null;
    values.set(name, made);
  }
  return values;
}

function sortByRelation(relations: readonly Relation[], names: readonly string[]): readonly string[] | null {
  const order: string[] = [];
  const left = new Set(names);
  while (left.size > 0) {
    const next = [...left].find(
      (name) => !relations.some(({ lower, higher }) => higher === name && lower !== name && left.has(lower)),
    );
    if (next === undefined) return null;
    left.delete(next);
    order.push(next);
  }
  return order;
}

/** Largest value, in units, that leaves room for what must be above. */
function capsOf(
  relations: readonly Relation[],
  columns: ReadonlyMap<string, ComparedColumn>,
  order: readonly string[],
): ReadonlyMap<string, number> {
  const caps = new Map<string, number>();
  for (const name of order.toReversed()) {
    const column = columns.get(name);
    if (column === undefined) continue;
    let cap = (column.intervals.at(-1)?.max ?? column.type.max) / column.type.perUnit;
    for (const { lower, higher, operator } of relations) {
      const other = columns.get(higher);
      if (lower !== name || other === undefined) continue;
      const room = operator === '<' ? other.type.step / other.type.perUnit : 0;
      cap = Math.min(cap, (caps.get(higher) ?? Number.POSITIVE_INFINITY) - room);
    }
    caps.set(name, cap);
  }
  return caps;
}

interface Bounds {
  readonly below: readonly Relation[];
  readonly above: readonly Relation[];
  readonly cap: number;
  readonly values: ReadonlyMap<string, Ticks>;
  readonly columns: ReadonlyMap<string, ComparedColumn>;
}

function giveWay(column: ComparedColumn, bounds: Bounds): Ticks | null {
  const { type, intervals, seed } = column;
  const { below, above, cap, values, columns } = bounds;
  const max = Math.floor((cap * type.perUnit) / type.step + 1e-6) * type.step;
  const possible = clip(intervals, { min: Number.NEGATIVE_INFINITY, max });
  const [first] = possible;
  if (first === undefined) return null;
  const limits = (relations: readonly Relation[], side: 'lower' | 'higher') =>
    relations.map((relation) => {
      const other = columns.get(relation[side]);
      const ticks = values.get(relation[side]) ?? other?.ticks ?? (() => null);
      return { relation, perUnit: other?.type.perUnit ?? 1, ticks };
    });
  const [floors, ceilings] = [limits(below, 'lower'), limits(above, 'higher')];
  const fallback = valueByRow(possible, type.step, seed);
  const equalBelow = below.some(({ operator }) => operator === '=');
  const equalAbove = above.some(({ operator }) => operator === '=');
  return (row) => {
    let [low, high] = [first.min, max];
    for (const { relation, perUnit, ticks } of floors) {
      const at = ticks(row);
      if (at === null) continue;
      const steps = Math.round(((at / perUnit) * type.perUnit * 1e6) / type.step) / 1e6;
      if (relation.within !== undefined)
        high = Math.min(high, (at / perUnit + relation.within) * type.perUnit);
      low = Math.max(low, (relation.operator === '<' ? Math.floor(steps) + 1 : Math.ceil(steps)) * type.step);
    }
    for (const { relation, perUnit, ticks } of ceilings) {
      const at = ticks(row);
      if (at === null) continue;
      const steps = Math.round(((at / perUnit) * type.perUnit * 1e6) / type.step) / 1e6;
      high = Math.min(
        high,
        (relation.operator === '<' ? Math.ceil(steps) - 1 : Math.floor(steps)) * type.step,
      );
    }
    const own = column.ticks(row);
    if (own === null) return null;
    if (equalAbove) return high;
    if (floors.length === 0 && own <= high) return own;
    if (floors.length === 0 && ceilings.length === 0) return fallback(row);
    if (equalBelow) return low;
    if (floors.length === 0)
      return within(possible, high - offset(column, { row, room: high - low, at: high }));
    return within(possible, low + offset(column, { row, room: high - low, at: low }));
  };
}

function offset(
  { type, seed }: ComparedColumn,
  { row, room, at }: { readonly row: number; readonly room: number; readonly at: number },
): number {
  const usual = type.temporal ? SPREAD_DAYS * DAY : Math.max(10 * type.step, Math.abs(at) / 2);
  const steps = Math.floor(Math.max(0, Math.min(room, usual)) / type.step);
  return (hash(seed, row) % (steps + 1)) * type.step;
}

/** The value itself, or the next allowed one above it, or the largest one. */
function within(intervals: readonly Interval[], value: number): number {
  for (const { min, max } of intervals) {
    if (value < min) return min;
    if (value <= max) return value;
  }
  return intervals.at(-1)?.max ?? value;
}
