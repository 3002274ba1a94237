/** Where the values of one column come from. */
import type { CellValue } from '../../engines/engine.ts';
import type { ScalarDomain } from './scalar-domain.ts';

export interface ValueSource {
  /** Number of distinct values that `unique` can give; ordinals are below it. */
  readonly capacity: number;
  /** Any allowed value; equal for equal rows. */
  plain(row: number): CellValue;
  /** A different value for each ordinal below the capacity. */
  unique(ordinal: number): CellValue;
  /** Set when the values lie on a line, so that other columns can be put above them. */
  readonly scalar: ScalarValues | null;
}

/** A scalar column's values before they become text, in ticks. */
export interface ScalarValues {
  readonly domain: ScalarDomain;
  plain(row: number): number;
  unique(ordinal: number): number;
  format(ticks: number): string;
}

/** Ordinals beyond this are not told apart by a double. */
export const UNBOUNDED = 9_007_199_254_740_991;

/** A source whose values have no numbers behind them. */
export function sourceOf(parts: {
  readonly capacity: number;
  readonly plain: (row: number) => CellValue;
  readonly unique: (ordinal: number) => CellValue;
}): ValueSource {
  return { ...parts, scalar: null };
}

/** Of texts that some collation takes for the same (by case, accents or blanks behind them) the first one. */
export function toldApart<Text extends CellValue>(values: readonly Text[]): readonly Text[] {
  const seen = new Map<string, Text>();
  for (const value of values) {
    const key = typeof value === 'string' ? foldedText(value) : String(value);
    if (!seen.has(key)) seen.set(key, value);
  }
  return [...seen.values()];
}

function foldedText(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().trimEnd();
}
