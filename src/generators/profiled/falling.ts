/**
 * Row counts of the values that are too rare to be listed. Where the listed ones fall off, these go on falling: many
 * with one row, fewer with two, as a geometric law has them, never more than the rarest listed one.
 */
import { permutation } from './permutation.ts';

export interface Falling {
  /** Rows of this many values from the first one on. */
  rowsUntil(values: number): number;
  /** The value that has this row, counted over all of them. */
  valueOf(row: number): number;
  /** Share of the values that have more than so many rows, from none on. */
  readonly more: readonly number[];
}

const TEMPLATE = 4096;
/** A mean below this leaves nothing to fall. */
const LEAST_MEAN = 1.02;
/** The rarest listed value must stand out of the mean by this factor. */
const STANDS_OUT = 2;

export interface FallingRequest {
  readonly values: number;
  readonly rows: number;
  /** Rows of the rarest listed value; 0 when none is listed. */
  readonly most: number;
}

/** Null where nothing says that the values differ in frequency. */
export function falling({ values, rows, most }: FallingRequest): Falling | null {
  const mean = rows / Math.max(1, values);
  if (values < 2 || mean < LEAST_MEAN || most < mean * STANDS_OUT) return null;
  const size = Math.min(TEMPLATE, values);
  const counts = countsOf(size, mean, most);
  const ends = new Float64Array(size);
  const sum = counts.reduce((end, count, index) => {
    ends[index] = end + count;
    return end + count;
  }, 0);
  return {
    more: moreThan(counts),
    rowsUntil: (until) => {
      const turns = Math.floor(until / size);
      return turns * sum + (until % size === 0 ? 0 : (ends[(until % size) - 1] ?? 0));
    },
    valueOf: (row) => {
      const turn = Math.floor(row / sum);
      const at = row - turn * sum;
      let low = 0;
      let high = size - 1;
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((ends[middle] ?? 0) > at) high = middle;
        else low = middle + 1;
      }
      return turn * size + low;
    },
  };
}

function moreThan(counts: readonly number[]): readonly number[] {
  const shares = new Array<number>(counts.reduce((most, count) => Math.max(most, count), 0)).fill(0);
  for (const count of counts) shares[count - 1] = (shares[count - 1] ?? 0) + 1 / counts.length;
  for (let rows = shares.length - 2; rows >= 0; rows -= 1)
    shares[rows] = (shares[rows] ?? 0) + (shares[rows + 1] ?? 0);
  return shares;
}

/** In mixed order; their mean is the wanted one as near as whole rows come to it. */
function countsOf(size: number, mean: number, most: number): readonly number[] {
  const decay = Math.log((mean - 1) / mean);
  const counts = Array.from({ length: size }, (_, index) =>
    Math.min(most, 1 + Math.floor(Math.log(1 - (index + 0.5) / size) / decay)),
  );
  const wanted = Math.round(mean * size);
  let sum = counts.reduce((all, count) => all + count, 0);
  for (let index = 0; sum !== wanted && index < size * most; index += 1) {
    const at = index % size;
    const step = sum < wanted ? 1 : -1;
    const changed = (counts[at] ?? 1) + step;
    if (changed < 1 || changed > most) continue;
    counts[at] = changed;
    sum += step;
  }
  const mixed = permutation(13, size);
  return counts.map((_, index) => counts[mixed(index)] ?? 1);
}
