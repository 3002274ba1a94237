/** Rows of each value when none may have more than some number of them. */

export interface LevelRequest {
  /** Rows of the most common values, in any order; more than `distinct` of them are left out. */
  readonly counts: readonly number[];
  /** Different values, those of `counts` included; at most `rows`. */
  readonly distinct: number;
  readonly rows: number;
  /** Rows that one value may have at most. */
  readonly most: number;
}

/**
 * The counts nearest to the given ones with which each value has a row and none has more than `most`; the other rows are
 * for the other values. Null where the values are too few for the rows, or the rows for the values.
 */
export function levelled({ counts, distinct, rows, most }: LevelRequest): readonly number[] | null {
  if (distinct > rows || distinct * most < rows) return null;
  const common = counts.slice(0, distinct).map((count) => Math.min(most, Math.max(1, count)));
  const others = distinct - common.length;
  const sum = common.reduce((all, count) => all + count, 0);
  const least = rows - others * most;
  if (sum < least) return moved(common, most, (least - sum) / (common.length * most - sum));
  return sum > rows - others ? moved(common, 1, (sum - rows + others) / (sum - common.length)) : common;
}

/** Each of them this share of its way to a bound; rounded so that the sum comes out. */
function moved(counts: readonly number[], bound: number, share: number): readonly number[] {
  let [way, gone] = [0, 0];
  return counts.map((count) => {
    way += bound - count;
    const step = Math.round(way * share) - gone;
    gone += step;
    return count + step;
  });
}
