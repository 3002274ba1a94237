/** Values that are a list, or that only have a number: labels, what a check or a partition names, flags. */
import type { CellValue, ColumnType } from '../../engines/engine.ts';
import { type ScalarType, scalarType } from '../types/scalar-types.ts';
import { withLiterals } from './literals.ts';
import { listedByPartition } from './partitioned.ts';
import type { RankedRequest, RankedValues } from './values.ts';

/** More values than this are no list: they are taken as they are numbered, without being looked at. */
const MOST_LISTED = 4096;

/**
 * In the server's order. Where the profile has production's own values, or tells the rows of each list partition, those are
 * taken first, each with its own share of the rows; values of the profile that are not in the list are left out.
 */
export function listedValues(request: RankedRequest): RankedValues {
  const { source, column, profile, partitions } = request;
  const { capacity, scalar } = source;
  if (capacity > MOST_LISTED) return withLiterals(numbered(request), request);
  const texts = Array.from({ length: capacity }, (_, ordinal) => source.unique(ordinal));
  const key = keyOf(column.type);
  const byKey = new Map(texts.map((text, ordinal) => [key(text), ordinal]));
  const own = profile.values ?? listedByPartition(partitions, profile.frequencies);
  const known = own.map((text) => (text === null ? null : (byKey.get(key(text)) ?? null)));
  const place = orderOf(texts, column.type);
  const chosen = (distinct: number) => chosenOf({ known, place, distinct });
  const ordinalAt = (distinct: number): ((rank: number) => number) => {
    const ordinals = chosen(distinct);
    return (rank) => ordinals[Math.min(rank, ordinals.length - 1)] ?? 0;
  };
  return {
    capacity,
    endless: false,
    ranks: (distinct) => ranksOf(known, chosen(distinct)),
    ticks:
      scalar === null
        ? null
        : ({ distinct }) => {
            const at = ordinalAt(distinct);
            return (rank) => scalar.unique(at(rank));
          },
    at: ({ distinct }) => {
      const at = ordinalAt(distinct);
      return (rank) => texts[at(rank)] ?? null;
    },
  };
}

function numbered({ source }: RankedRequest): RankedValues {
  const { capacity, scalar } = source;
  return {
    capacity,
    endless: false,
    ranks: () => null,
    ticks: scalar === null ? null : () => scalar.unique,
    at: () => source.unique,
  };
}

interface Choice {
  /** Ordinals of production's own values, most common first; null for one that is not in the list. */
  readonly known: readonly (number | null)[];
  /** All ordinals in the server's order. */
  readonly place: readonly number[];
  readonly distinct: number;
}

/** Ordinals in the server's order: production's own, and others at equal distances. */
function chosenOf({ known, place, distinct }: Choice): readonly number[] {
  const wanted = Math.min(distinct, place.length);
  const own = new Set(known.filter((ordinal) => ordinal !== null).slice(0, wanted));
  const others = place.filter((ordinal) => !own.has(ordinal));
  const more = Math.min(others.length, wanted - own.size);
  for (let index = 0; index < more; index += 1)
    own.add(others[Math.floor((index * others.length) / more)] ?? 0);
  return place.filter((ordinal) => own.has(ordinal));
}

/** Those that are not in the list take the places that are left; null where the profile has no values that are. */
function ranksOf(known: Choice['known'], chosen: readonly number[]): readonly number[] | null {
  if (known.every((ordinal) => ordinal === null)) return null;
  const ranks = known.map((ordinal) => (ordinal === null ? -1 : chosen.indexOf(ordinal)));
  const taken = new Set(ranks);
  const left = chosen.map((_, rank) => rank).filter((rank) => !taken.has(rank));
  return ranks.map((rank) => (rank < 0 ? (left.shift() ?? -1) : rank)).filter((rank) => rank >= 0);
}

const TRUE = /^(t|true|y|yes|on|1)$/i;

/** The same for every way in which the server writes a value. */
function keyOf(type: ColumnType): (value: CellValue) => string {
  const scalar = scalarType(type);
  if (scalar !== null)
    return (value) => String(typeof value === 'string' ? (scalar.parse(value, 'upper') ?? value) : value);
  if (type.kind === 'boolean' && type.labels.length === 0) return (value) => String(TRUE.test(String(value)));
  return String;
}

/** Numbers as they count, flags with false first, texts by their letters; labels as they were declared. */
function orderOf(texts: readonly CellValue[], type: ColumnType): readonly number[] {
  const ordinals = texts.map((_, ordinal) => ordinal);
  const weigh = weightOf(type, scalarType(type));
  if (weigh === null) return ordinals;
  const weights = texts.map((text) => weigh(String(text)));
  return ordinals.toSorted((one, other) => {
    const [first = '', second = ''] = [weights[one], weights[other]];
    return first < second ? -1 : first > second ? 1 : one - other;
  });
}

function weightOf(type: ColumnType, scalar: ScalarType | null): ((text: string) => string | number) | null {
  if (scalar !== null) return (text) => scalar.parse(text, 'upper') ?? 0;
  if (type.kind === 'enum') return (text) => type.labels.indexOf(text);
  if (type.kind === 'boolean' && type.labels.length === 0) return (text) => (TRUE.test(text) ? 1 : 0);
  return type.kind === 'text' ? (text) => text.toLowerCase() : null;
}
