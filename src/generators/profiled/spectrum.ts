/**
 * The values of a column by their frequency: which of the different values, counted in sorted order, stands at each
 * place of the sorted column. Frequencies and the number of different values come out exactly.
 */
import type { Stretch } from './correlation.ts';
import { type Falling, falling } from './falling.ts';

export interface SpectrumRequest {
  /** Rows that are not null. */
  readonly present: number;
  /** Rows of each of the most common values. */
  readonly counts: readonly number[];
  /** Different values, those of `counts` included. */
  readonly distinct: number;
  /** Rank, 0-based among all different values, of each of the most common ones; all different. */
  readonly ranks: readonly number[];
  /** Each value but the common ones has as many rows as every other: then occurrences can be counted. */
  readonly even: boolean;
}

export interface Spectrum {
  readonly distinct: number;
  /** Rank of the value at this place of the sorted column. */
  rankAt(place: number): number;
  /** The same with how many places before it have this value, and how many have it at all; only when `even`. */
  occurrenceAt(place: number): Occurrence;
  readonly stretches: readonly Stretch[];
  /** Rows of each of the most common values, as far as the others leave room for them. */
  readonly counts: readonly number[];
  /** How the rows of the other values fall off; null where all have as many. */
  readonly tail: Falling | null;
}

export interface Occurrence {
  readonly rank: number;
  readonly before: number;
  readonly all: number;
}

interface Segment {
  readonly start: number;
  readonly rows: number;
  readonly rank: number;
  readonly values: number;
  /** Values of the runs before this one. */
  readonly passed: number;
}

export function spectrum(request: SpectrumRequest): Spectrum {
  const common = fitted(request.counts, request.present, request.distinct);
  const tail = tailOf(request, common);
  const segments = segmentsOf(request, common, tail);
  const starts = Float64Array.from(segments, ({ start }) => start);
  const present = Math.max(1, request.present);
  const segmentAt = (place: number): Segment => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= place) low = middle;
      else high = middle - 1;
    }
    return segments[low] ?? NOTHING;
  };
  const valueIn = ({ start, rows, values }: Segment, place: number): number =>
    values === 1 ? 0 : Math.min(values - 1, Math.floor(((place - start) * values) / rows));
  return {
    counts: common,
    tail,
    distinct: segments.reduce((sum, { values }) => sum + values, 0),
    stretches: segments.map(({ rows, values }) => ({ share: rows / present, values })),
    rankAt(place) {
      const segment = segmentAt(place);
      const { start, rank, values, passed } = segment;
      if (tail === null || values === 1) return rank + valueIn(segment, place);
      const value = tail.valueOf(tail.rowsUntil(passed) + place - start) - passed;
      // A handful of rows is left over at the end: they go to values all over.
      return rank + (value < values ? value : valueIn(segment, place));
    },
    occurrenceAt(place) {
      const segment = segmentAt(place);
      const { start, rows, values } = segment;
      const value = valueIn(segment, place);
      const first = Math.ceil((value * rows) / values);
      const end = value === values - 1 ? rows : Math.ceil(((value + 1) * rows) / values);
      return { rank: segment.rank + value, before: place - start - first, all: end - first };
    },
  };
}

const NOTHING: Segment = { start: 0, rows: 1, rank: 0, values: 1, passed: 0 };

function tailOf({ even, present, distinct }: SpectrumRequest, common: readonly number[]): Falling | null {
  if (even || common.length === 0) return null;
  const rows = present - common.reduce((sum, count) => sum + count, 0);
  return falling({ values: distinct - common.length, rows, most: Math.min(...common) });
}

function segmentsOf(
  { present, distinct, ranks }: SpectrumRequest,
  counts: readonly number[],
  tail: Falling | null,
): readonly Segment[] {
  const common = counts
    .map((rows, index) => ({ rows, rank: ranks[index] ?? index }))
    .toSorted((one, other) => one.rank - other.rank);
  const others = distinct - common.length;
  const left = present - common.reduce((sum, { rows }) => sum + rows, 0);
  const segments: Segment[] = [];
  let start = 0;
  let rank = 0;
  let passed = 0;
  const run = (until: number): void => {
    const values = until - rank;
    if (values <= 0) return;
    const rows = rowsUntil(passed + values) - rowsUntil(passed);
    if (rows > 0) segments.push({ start, rows, rank, values: Math.min(values, rows), passed });
    start += rows;
    passed += values;
    rank = until;
  };
  const rowsUntil = (values: number): number => {
    if (values >= others) return left;
    return tail === null
      ? Math.floor((values * left) / Math.max(1, others))
      : Math.min(left, tail.rowsUntil(values));
  };
  for (const each of common) {
    run(each.rank);
    segments.push({ start, rows: each.rows, rank: each.rank, values: 1, passed });
    start += each.rows;
    rank = each.rank + 1;
  }
  run(distinct);
  return segments;
}

/** Counts that leave each other value a row, or take all rows when there is no other value. */
function fitted(counts: readonly number[], present: number, distinct: number): readonly number[] {
  const others = distinct - counts.length;
  const sum = counts.reduce((all, count) => all + count, 0);
  const room = others === 0 ? present : Math.min(sum, Math.max(counts.length, present - others));
  if (sum === room || sum === 0) return counts;
  let before = 0;
  return counts.map((count) => {
    const from = Math.round((before / sum) * room);
    before += count;
    return Math.max(1, Math.round((before / sum) * room) - from);
  });
}
