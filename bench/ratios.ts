/** Statistics of pairs of measurements; pure. */

/** Work finished per second (more is better), seconds or milliseconds (less is better): the same unit on both sides. */
export interface Pair {
  readonly ours: number;
  readonly peer: number;
}

export interface JudgedPair extends Pair {
  /** ours / peer */
  readonly ratio: number;
  /** The peer, which nobody changed, was this time far from what it does usually: the machine had other work. */
  readonly noisy: boolean;
}

/** What the median of the ratios has to keep. */
export type Goal =
  | { readonly atLeast: number }
  | { readonly atMost: number }
  /** From 1 in either direction: 0.03 holds for 0.97 to 1.03. */
  | { readonly within: number };

export interface Ratio {
  /** Median over the quiet pairs; over all pairs when too few are quiet. */
  readonly ratio: number;
  /** Smallest and largest ratio of the same pairs. */
  readonly least: number;
  readonly most: number;
  /** Fewer than half of the wanted pairs were quiet: the median is over all of them and to be read with care. */
  readonly noisy: boolean;
  readonly pairs: readonly JudgedPair[];
}

/** The peer of a quiet pair is at most this far from the median of all peers (load-and-filling.md, D). */
export const NOISE = 0.15;

/** Throws for no pair, and for a figure that is not above zero. */
export function judgePairs(pairs: readonly Pair[], wanted: number): Ratio {
  for (const pair of pairs)
    if (!(pair.ours > 0 && pair.peer > 0)) throw new Error(`not a pair of figures: ${JSON.stringify(pair)}`);
  const usual = median(pairs.map(({ peer }) => peer));
  const judged = pairs.map((pair) => ({
    ...pair,
    ratio: pair.ours / pair.peer,
    noisy: Math.abs(pair.peer / usual - 1) > NOISE,
  }));
  const quiet = judged.filter((pair) => !pair.noisy);
  const noisy = quiet.length === 0 || quiet.length * 2 < wanted;
  const ratios = (noisy ? judged : quiet).map(({ ratio }) => ratio);
  return {
    ratio: median(ratios),
    least: Math.min(...ratios),
    most: Math.max(...ratios),
    noisy,
    pairs: judged,
  };
}

/** How many pairs are quiet so far. */
export function countQuiet(pairs: readonly Pair[]): number {
  return pairs.length === 0 ? 0 : judgePairs(pairs, 0).pairs.filter(({ noisy }) => !noisy).length;
}

export function holds(ratio: number, goal: Goal): boolean {
  if ('within' in goal) return Math.abs(ratio - 1) <= goal.within;
  return 'atLeast' in goal ? ratio >= goal.atLeast : ratio <= goal.atMost;
}

/** The mean of the two in the middle when their number is even. Throws for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[sorted.length >> 1];
  const lower = sorted[(sorted.length - 1) >> 1];
  if (upper === undefined || lower === undefined) throw new Error('the median of no value');
  return (lower + upper) / 2;
}
