/** Which rows a share of a table leaves out: the condition that all engines have in common. Pure. */
import type { Reference, Thinning } from './reshaping.ts';

/** A hash of a row is compared with this many steps. */
export const SHARE_STEPS = 2 ** 20;

export interface ThinningTerms {
  readonly quote: (name: string) => string;
  /** True for a row `t` that is not in the share. */
  readonly outside: string;
  /** True when the row's parent is gone, for the reference with this place in {@link Thinning.follows}. */
  readonly missing: (reference: Reference, index: number) => string;
}

/** True for a row `t` that goes, unless a child keeps it. */
export function goes({ follows }: Thinning, { quote, outside, missing }: ThinningTerms): string {
  if (follows.length === 0) return outside;
  const refers = ({ key }: Reference): string =>
    key.columns.map((column) => `t.${quote(column)} is not null`).join(' and ');
  const others = follows.filter(({ own }) => !own);
  const orphaned = follows.map((each, index) => `${refers(each)} and ${missing(each, index)}`);
  const rooted =
    others.length === 0
      ? []
      : [`${others.map((each) => `not (${refers(each)})`).join(' and ')} and ${outside}`];
  return [...orphaned, ...rooted].map((condition) => `(${condition})`).join(' or ');
}
