/** Production's own common values, from a profile that was captured with them, among values that are made. */
import { passes } from '../checks/tried.ts';
import { unfit } from '../types/fits.ts';
import type { RankedRequest, RankedValues } from './values.ts';

/** The values with the common ones of the profile in their places; as they are where it has none that the column takes. */
export function withLiterals(values: RankedValues, { profile, column, rules }: RankedRequest): RankedValues {
  const literals = profile.values;
  if (literals === null || literals.length === 0) return values;
  const pass = passes(rules, column.type);
  if (!literals.every((text) => unfit(text, column.type) === null && pass(text))) return values;
  return {
    ...values,
    ranks: (distinct) => literalRanks(literals, distinct),
    at: (shape) => {
      const known = literalsByRank(literals, shape.distinct);
      const made = values.at(shape);
      return (rank) => known.get(rank) ?? made(rank);
    },
  };
}

/** Ranks of the common values, which stand among the others as the letters they begin with. */
export function literalRanks(values: readonly string[], distinct: number): readonly number[] {
  const others = Math.max(0, distinct - values.length);
  const ranks: number[] = values.map(() => 0);
  values
    .map((value, index) => ({ value, index }))
    .toSorted((one, other) => (one.value < other.value ? -1 : 1))
    .forEach(({ value, index }, before) => {
      const letter = Math.min(25, Math.max(0, value.toLowerCase().charCodeAt(0) - 97)) / 26;
      ranks[index] = Math.round((Number.isNaN(letter) ? 0 : letter) * others) + before;
    });
  return ranks;
}

export function literalsByRank(values: readonly string[], distinct: number): ReadonlyMap<number, string> {
  const ranks = literalRanks(values, distinct);
  return new Map(values.map((value, index) => [ranks[index] ?? 0, value]));
}
