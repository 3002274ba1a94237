/** Distributions over parents and over literal values; all of them functions of (seed, row). */
import { hash, unit } from './random.ts';

/** Parents up to this many count as a lookup table: every child may refer to each of them. */
export const LOOKUP_ROWS = 20;

/**
 * Exponent of the inverse distribution function: parent = n * u^3, a Zipf law with s = 2/3. Of 1 M parents with ten
 * children each on average the most popular has 1 % of all children and the least popular still has three.
 */
const ZIPF_POWER = 3;

export type Fanout = 'zipf' | 'uniform';

export interface ParentChoice {
  readonly seed: number;
  readonly parents: number;
  readonly children: number;
  readonly fanout: Fanout;
}

/**
 * Number of parents that exist for a child with this row number: parents grow with their children, in the ratio of the
 * two row counts, cut to three digits. A volume scaled in proportion therefore extends a smaller one: a child that was
 * there keeps its parent.
 */
export function parentsFor(row: number, parents: number, children: number): number {
  if (parents <= LOOKUP_ROWS || row >= children) return parents;
  return grown(row, growthOf(parents, children), parents);
}

/** Parents per child; cut, not rounded, so that it never leads past the last parent. */
function growthOf(parents: number, children: number): number {
  const ratio = parents / Math.max(1, children);
  if (ratio >= 1) return Math.floor(ratio);
  const digits = 10 ** (2 - Math.floor(Math.log10(ratio)));
  return Math.floor(ratio * digits + EPSILON) / digits;
}

const EPSILON = 1e-9;

function grown(row: number, growth: number, parents: number): number {
  return Math.min(parents, Math.max(1, Math.ceil((row + 1) * growth - EPSILON)));
}

/** Parent row of each child row. */
export function parentOf(choice: ParentChoice): (row: number) => number {
  const { seed, parents, children, fanout } = choice;
  const fixed = parents <= LOOKUP_ROWS;
  const growth = growthOf(parents, children);
  const share = fanout === 'zipf' ? (u: number) => u ** ZIPF_POWER : (u: number) => u;
  return (row) => {
    const there = fixed || row >= children ? parents : grown(row, growth, parents);
    return Math.min(there - 1, Math.floor(there * share(unit(seed, row))));
  };
}

/** Index of the chosen weight for each row; weights need not add up to one. */
export function weightedIndex(seed: number, weights: readonly number[]): (row: number) => number {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const bounds = new Float64Array(weights.length);
  let sum = 0;
  weights.forEach((weight, index) => {
    sum += weight;
    bounds[index] = sum / total;
  });
  return (row) => {
    const at = unit(seed, row);
    let low = 0;
    let high = bounds.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (at < (bounds[middle] ?? 1)) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

/** True for the given share of the rows. */
export function share(seed: number, fraction: number): (row: number) => boolean {
  const bound = fraction * 4_294_967_296;
  return (row) => hash(seed, row) < bound;
}
