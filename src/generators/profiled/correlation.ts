/**
 * How many rows must lie in order for the server to measure a wanted correlation. Postgres correlates the place of a
 * row in the table with its place among the sorted values, where equal values keep the order of the table
 * (compute_scalar_stats in analyze.c): a column of one value has 1, one of two values in random order 0.5.
 */
import type { Order } from './permutation.ts';

/** Neighbouring values in sorted order that are equally frequent; shares are of the rows that are not null. */
export interface Stretch {
  readonly share: number;
  readonly values: number;
}

/** Stretches of more values are treated as if no two rows were equal. */
const COUNTED = 32;

/** The correlation that is measured when this part of the rows is in order. */
export function measuredCorrelation(stretches: readonly Stretch[], { share, descending }: Order): number {
  let start = 0;
  let sum = 0;
  for (const stretch of stretches) {
    if (stretch.values > COUNTED) {
      sum += continuous(start, start + stretch.share, { share, descending });
      start += stretch.share;
      continue;
    }
    const mass = stretch.share / stretch.values;
    for (let value = 0; value < stretch.values; value += 1) {
      sum += mass * group(start, mass, { share, descending });
      start += mass;
    }
  }
  return 12 * (sum - 0.25);
}

/** Mean of (place in the table) x (place among the values) over the rows of one value. */
function group(start: number, mass: number, { share, descending }: Order): number {
  const from = descending ? 1 - start - mass : start;
  const to = from + mass;
  const meanPlace = share * (from + mass / 2) + (1 - share) / 2;
  const rampSquared = mass / 3 + (1 - to);
  const rampByPlace = (from * mass) / 2 + (mass * mass) / 3 + (1 - to * to) / 2;
  const squared =
    share * share * rampSquared + 2 * share * (1 - share) * rampByPlace + ((1 - share) * (1 - share)) / 3;
  return start * meanPlace + mass * 0.5 * (1 - squared);
}

/** The same, integrated over values that are all different. */
function continuous(from: number, to: number, { share, descending }: Order): number {
  const squares = (to * to - from * from) / 2;
  const cubes = (to ** 3 - from ** 3) / 3;
  return share * (descending ? squares - cubes : cubes) + ((1 - share) * squares) / 2;
}

const STEPS = 30;
/** A sample of 30 000 rows shows a correlation of this much where there is none. */
const NOISE = 0.01;

/** The order that comes nearest to the wanted correlation, -1..1. */
export function orderFor(stretches: readonly Stretch[], wanted: number): Order {
  const orderOf = (at: number): Order => ({ share: Math.abs(at), descending: at < 0 });
  if (Math.abs(measuredCorrelation(stretches, orderOf(0)) - wanted) < NOISE) return orderOf(0);
  let [low, high] = [-1, 1];
  for (let step = 0; step < STEPS; step += 1) {
    const middle = (low + high) / 2;
    if (measuredCorrelation(stretches, orderOf(middle)) < wanted) low = middle;
    else high = middle;
  }
  return orderOf(high);
}

/** What the server measures when it sees all rows: values in the order of the table, equal ones in that order. */
export function correlationOf(values: readonly number[]): number {
  const { length } = values;
  if (length < 2) return 1;
  const rows = values
    .map((_, row) => row)
    .sort((one, other) => (values[one] ?? 0) - (values[other] ?? 0) || one - other);
  const mean = (length - 1) / 2;
  const sum = rows.reduce((all, row, place) => all + (row - mean) * (place - mean), 0);
  return sum / ((length * (length * length - 1)) / 12);
}
