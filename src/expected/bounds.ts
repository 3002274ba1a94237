/** Figures and counts against the bounds of expected.json. Pure. */
import { exactly, type Figure } from '../recording/figure.ts';
import type { Bounds } from './schema.ts';

/** Null when the whole interval of the figure lies within the bounds. */
export function boundsDifference(figure: Figure, wanted: Bounds): string | null {
  if ('notMeasured' in figure) return `not measured (${figure.notMeasured}), expected ${boundsText(wanted)}`;
  if (isWithin(figure.lower, wanted) && isWithin(figure.upper, wanted)) return null;
  const value = figure.lower === figure.upper ? `${figure.lower}` : `${figure.lower} to ${figure.upper}`;
  return `is ${value}, expected ${boundsText(wanted)}`;
}

function isWithin(value: number, wanted: Bounds): boolean {
  if (typeof wanted === 'number') return value === wanted;
  return (
    value >= (wanted.min ?? Number.NEGATIVE_INFINITY) && value <= (wanted.max ?? Number.POSITIVE_INFINITY)
  );
}

function boundsText(wanted: Bounds): string {
  if (typeof wanted === 'number') return `${wanted}`;
  if (wanted.min === undefined) return `at most ${wanted.max}`;
  if (wanted.max === undefined) return `at least ${wanted.min}`;
  return `${wanted.min} to ${wanted.max}`;
}

/** Null when a count of our own lies within the bounds. */
export function countDifference(count: number, wanted: Bounds): string | null {
  return boundsDifference(exactly(count, 'counted'), wanted);
}
