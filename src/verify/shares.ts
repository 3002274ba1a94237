/** Shares of the rows: of common values, of parents, of partitions. Pure. */
import type { ColumnProfile } from '../profile/profile.ts';
import { type Comparison, type ComparisonRequest, figure } from './figure.ts';

/** Shares of the rows that partitions hold, counted here; hashes of keys, which nobody chooses, are left out. */
export function comparePartitions(
  request: ComparisonRequest,
  counted: ReadonlyMap<string, number>,
): readonly Comparison[] {
  const { wanted } = request;
  const parts = (wanted.partitions ?? []).filter(
    ({ bound }) => bound !== undefined && !/\bmodulus\b/i.test(bound),
  );
  const theirs = (wanted.partitions ?? []).reduce((sum, { rows }) => sum + rows, 0);
  if (request.rows === 0 || theirs === 0) return [];
  return parts.flatMap(({ name, rows }) => {
    const got = counted.get(name);
    if (got === undefined) return [];
    return figure(request, {
      ...{ of: name, measure: 'share of the rows', note: null },
      ...{ wanted: rows / theirs, got: got / request.rows },
    });
  });
}

/**
 * Of each value where both tell which values they are: a foreign key has production's skew, not its ids. Else of the most
 * common value of each, of the second, and so on.
 */
export function frequencies(
  request: ComparisonRequest,
  wanted: ColumnProfile,
  got: ColumnProfile | undefined,
): Comparison {
  const of = wanted.name;
  const isKey = request.wanted.foreignKeys.some(({ columns }) => columns.includes(of));
  if (isKey || wanted.values === null || (got?.values ?? null) === null)
    return shares(request, { of, measure: 'frequencies', wanted, got });
  const theirs = new Map(wanted.values.map((value, index) => [value, wanted.frequencies[index] ?? 0]));
  const ours = new Map(got?.values?.map((value, index) => [value, got.frequencies[index] ?? 0]));
  const pairs = [...new Set([...theirs.keys(), ...ours.keys()])].map((value) => ({
    wanted: theirs.get(value) ?? 0,
    got: ours.get(value) ?? 0,
  }));
  const none = { wanted: 0, got: 0 };
  const worst = pairs.reduce((most, pair) => {
    return Math.abs(pair.got - pair.wanted) > Math.abs(most.got - most.wanted) ? pair : most;
  }, pairs[0] ?? none);
  const place = [...theirs.values()].toSorted((one, other) => other - one).indexOf(worst.wanted) + 1;
  const note =
    place === 1 ? null : place === 0 ? 'of a value that is not common in production' : placeNote(place);
  return figure(request, { of, measure: 'frequencies', ...worst, note });
}

function placeNote(place: number): string {
  return `of the most common value number ${place}`;
}

interface Shares {
  readonly of: string;
  readonly measure: 'frequencies' | 'children of a parent';
  readonly wanted: { readonly frequencies: readonly number[] };
  readonly got: { readonly frequencies: readonly number[] } | undefined;
}

/** The pair of shares at the same place that differs most; one that is not in a list counts as none. */
export function shares(request: ComparisonRequest, { of, measure, wanted, got }: Shares): Comparison {
  if (got === undefined)
    return figure(request, { of, measure, wanted: wanted.frequencies[0] ?? 0, got: null });
  const length = Math.max(wanted.frequencies.length, got.frequencies.length);
  let worst = { wanted: wanted.frequencies[0] ?? 0, got: got.frequencies[0] ?? 0, place: 1 };
  for (let index = 1; index < length; index += 1) {
    const pair = { wanted: wanted.frequencies[index] ?? 0, got: got.frequencies[index] ?? 0 };
    if (Math.abs(pair.got - pair.wanted) > Math.abs(worst.got - worst.wanted))
      worst = { ...pair, place: index + 1 };
  }
  const note = worst.place === 1 ? null : placeNote(worst.place);
  return figure(request, { of, measure, wanted: worst.wanted, got: worst.got, note });
}
