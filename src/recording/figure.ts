/**
 * A measured quantity. The true value lies in [lower, upper], in the unit that the field's name ends with;
 * `source` names the view, log or clock it was read from. What could not be measured says why, and is never zero.
 * A bare number in a recording is an input or a count of our own.
 */
export type Figure =
  | { readonly lower: number; readonly upper: number; readonly source: string }
  | { readonly notMeasured: string };

/** A figure known exactly, as far as its source tells. */
export function exactly(value: number, source: string): Figure {
  return { lower: value, upper: value, source };
}

/** A figure known to lie between two bounds (both inclusive); they are put in order. */
export function between(one: number, other: number, source: string): Figure {
  return { lower: Math.min(one, other), upper: Math.max(one, other), source };
}

/** A figure that could not be read; `reason` says why in words a user can act on. */
export function notMeasured(reason: string): Figure {
  return { notMeasured: reason };
}

/** True when the figure carries a value. */
export function isMeasured(figure: Figure): figure is Extract<Figure, { readonly lower: number }> {
  return 'lower' in figure;
}
