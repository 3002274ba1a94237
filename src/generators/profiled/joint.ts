/** Several columns of a key as one: combinations of their values so frequent that each column has its own distribution. */
import { permutation } from './permutation.ts';

export interface Marginal {
  readonly distinct: number;
  /** Rows of the most common values; the other rows are shared out evenly among the others. */
  readonly counts: readonly number[];
}

export interface Joint {
  /** Combinations that have rows. */
  readonly distinct: number;
  /** Rows of each combination, those of the most rows first. */
  readonly counts: readonly number[];
  /** Value of one of the columns, by its place, in the combination with this place in `counts`. */
  partOf(combination: number, column: number): number;
}

export interface JointRequest {
  readonly marginals: readonly Marginal[];
  readonly rows: number;
  /** Rows that one combination may have at most. */
  readonly most: number;
  readonly seed: number;
}

/** More combinations are not counted out. */
const MOST_COMBINATIONS = 1_000_000;
/** After so many the shares of the columns moved by less than a thousandth where they can be met at all. */
const ROUNDS = 40;

/** Null where there are too many combinations, or too few for the rows. */
export function jointly({ marginals, rows, most, seed }: JointRequest): Joint | null {
  const { size, digit } = combinations(marginals);
  if (size > MOST_COMBINATIONS || size * most < rows) return null;
  const weights = fitted({ marginals, rows, most, size, digit });
  // In mixed order, so that what rounding takes from one combination goes to one of other values.
  const mixed = permutation(seed, size);
  let exact = 0;
  let given = 0;
  const found: { readonly combination: number; readonly count: number }[] = [];
  for (let index = 0; index < size; index += 1) {
    const combination = mixed(index);
    exact += weights[combination] ?? 0;
    const count = Math.round(exact) - given;
    given += count;
    if (count > 0) found.push({ combination, count });
  }
  found.sort((one, other) => other.count - one.count);
  return {
    distinct: found.length,
    counts: found.map(({ count }) => count),
    partOf: (place, column) => digit(found[place]?.combination ?? 0, column),
  };
}

/** All of them, each as frequent as the others. */
export function everyCombination(marginals: readonly Marginal[]): Joint | null {
  const { size, digit } = combinations(marginals);
  return Number.isSafeInteger(size) ? { distinct: size, counts: [], partOf: digit } : null;
}

function combinations(marginals: readonly Marginal[]) {
  const size = marginals.reduce((product, { distinct }) => product * distinct, 1);
  const steps = marginals.map((_, column) =>
    marginals.slice(0, column).reduce((product, { distinct }) => product * distinct, 1),
  );
  const digit = (combination: number, column: number): number =>
    Math.floor(combination / (steps[column] ?? 1)) % (marginals[column]?.distinct ?? 1);
  return { size, digit };
}

interface Fitting extends Omit<JointRequest, 'seed'> {
  readonly size: number;
  readonly digit: (combination: number, column: number) => number;
}

/** Iterative proportional fitting, with a most for each combination; all of them together are the rows. */
function fitted({ marginals, rows, most, size, digit }: Fitting): Float64Array {
  const weights = new Float64Array(size).fill(Math.min(most, rows / size));
  const wanted = marginals.map((marginal) => rowsOf(marginal, rows));
  for (let round = 0; round < ROUNDS; round += 1)
    for (const [column, target] of wanted.entries()) {
      const sums = new Float64Array(target.length);
      for (let at = 0; at < size; at += 1) {
        const value = digit(at, column);
        sums[value] = (sums[value] ?? 0) + (weights[at] ?? 0);
      }
      for (let at = 0; at < size; at += 1) {
        const value = digit(at, column);
        weights[at] = Math.min(most, ((weights[at] ?? 0) * (target[value] ?? 0)) / (sums[value] || 1));
      }
    }
  for (let round = 0; round < ROUNDS; round += 1) {
    const sum = weights.reduce((all, each) => all + each, 0);
    const free = weights.reduce((all, each) => all + (each < most ? each : 0), 0);
    if (rows - sum < 0.5 || free === 0) break;
    for (let at = 0; at < size; at += 1) {
      const weight = weights[at] ?? 0;
      if (weight < most) weights[at] = Math.min(most, weight * (1 + (rows - sum) / free));
    }
  }
  return weights;
}

/** By value: the common ones lie scattered among the others. */
function rowsOf({ distinct, counts }: Marginal, rows: number): readonly number[] {
  const common = counts.slice(0, distinct);
  const left = Math.max(0, rows - common.reduce((sum, count) => sum + count, 0));
  const others = distinct - common.length;
  const scatter = permutation(distinct, distinct);
  const found = Array.from({ length: distinct }, () => left / Math.max(1, others));
  for (const [index, count] of common.entries()) found[scatter(index)] = count;
  const sum = found.reduce((all, each) => all + each, 0);
  return found.map((each) => (each / sum) * rows);
}
