/** Values of a column by their rank among all of its different values, in the server's sort order as far as it matters. */
import type { CellValue } from '../../engines/engine.ts';
import type { ColumnProfile, PartitionProfile } from '../../profile/profile.ts';
import { hash } from '../random.ts';
import { countValues, valueByOrdinal } from '../types/scalar-domain.ts';
import type { ScalarValues, ValueSource } from '../types/source.ts';
import type { SourceRequest } from '../types/values.ts';
import { arrayValues } from './arrays.ts';
import { captured } from './captured.ts';
import { listedValues } from './listed.ts';
import { withLiterals } from './literals.ts';
import { numericTicks } from './numerics.ts';
import { partitionTicks } from './partitioned.ts';
import { ruledText } from './ruled-text.ts';
import { isFreeText, textMaker } from './strings.ts';

export interface RankedRequest extends SourceRequest {
  readonly profile: ColumnProfile;
  /** The source without a profile. */
  readonly source: ValueSource;
  /** Bytes out of line that are this column's, a row; 0 when none are. */
  readonly toastBytesPerRow: number;
  /** Of the profile, when the column is what they go by; else none. */
  readonly partitions: readonly PartitionProfile[];
}

/** Values that are yet to be told how many of them differ. */
export interface RankedValues {
  /** Most different values that can be made. */
  readonly capacity: number;
  /** Ranks beyond the wanted number give further different values. */
  readonly endless: boolean;
  /** Ranks of the most common values, when production's own values are known. */
  ranks(distinct: number): readonly number[] | null;
  at(shape: RankedShape): (rank: number) => CellValue;
  /** The same before it becomes text, for values that lie on a line. */
  ticks: ((shape: RankedShape) => (rank: number) => number) | null;
}

export interface RankedShape {
  readonly distinct: number;
  /** Rows by rank of the most common values. */
  readonly common: ReadonlyMap<number, number>;
  /** Rows that are not null. */
  readonly present: number;
}

export function rankedValues(request: RankedRequest): RankedValues {
  const { source, column, rules, partition } = request;
  const { scalar } = source;
  const free = rules.allowed === null && partition?.values == null;
  if (scalar !== null && free) return scalarValues(request, scalar);
  if (isFreeText(request)) return textMaker(request);
  const ruled = free ? ruledText(request) : null;
  if (ruled !== null) return ruled;
  if (column.type.element !== null && request.profile.averageBytes !== null)
    return withLiterals(arrayValues(request), request);
  if (column.type.kind === 'uuid' && partition === null) return withLiterals(uuidValues(request), request);
  return listedValues(request);
}

/** Production's own numbers with a point are told apart further behind it than those that are made up. */
const FLOAT_STEP = 1e-6;

function scalarValues(request: RankedRequest, scalar: ScalarValues): RankedValues {
  const { column } = request;
  const { type } = scalar.domain;
  const exact = column.type.kind === 'float' && request.profile.bounds !== null;
  const format = exact ? (ticks: number) => String(ticks / type.perUnit) : scalar.format;
  const real = captured(request.profile, {
    parse: (text) => type.parse(text, 'upper'),
    inside: (ticks) => scalar.domain.intervals.some(({ min, max }) => ticks >= min && ticks <= max),
    step: column.type.kind === 'float' ? FLOAT_STEP : type.step,
  });
  const ticks = (shape: RankedShape) =>
    real?.at(shape.distinct) ??
    partitionTicks(request, scalar, shape) ??
    numericTicks(request, scalar, shape) ??
    ticksWithin(request, scalar, shape);
  return {
    capacity: request.source.capacity,
    endless: false,
    ranks: (distinct) => real?.ranks(distinct) ?? null,
    ticks,
    at: (shape) => {
      const tickOf = ticks(shape);
      return (rank) => format(tickOf(rank));
    },
  };
}

/** Whole numbers count up from the first plausible one; everything else is spread over what is plausible. */
function ticksWithin(
  { column, source }: RankedRequest,
  { domain, unique }: ScalarValues,
  { distinct }: RankedShape,
): (rank: number) => number {
  const { plausible, type, spread } = domain;
  const count = countValues(plausible, type.step);
  if (count < distinct) return (rank) => unique(Math.min(source.capacity - 1, rank));
  const byOrdinal = valueByOrdinal(plausible, type.step);
  const stride = column.type.kind === 'integer' && !spread ? 1 : Math.max(1, count / distinct);
  return (rank) => byOrdinal(Math.floor(rank * stride));
}

const UINT32 = 4_294_967_296;

/** Ascending with the rank in their first 32 bits; version 4 in form. */
function uuidValues({ seed }: RankedRequest): RankedValues {
  const hex = (number: number, digits: number) => number.toString(16).padStart(digits, '0');
  return {
    capacity: UINT32,
    endless: true,
    ranks: () => null,
    ticks: null,
    at:
      ({ distinct }) =>
      (rank) => {
        const first = Math.min(UINT32 - 1, Math.floor(rank * Math.max(1, Math.floor(UINT32 / distinct))));
        const [two, three, four] = [
          hash(seed, rank),
          hash(seed ^ 0x6a09e667, rank),
          hash(seed ^ 0x3c6ef372, rank),
        ];
        return (
          `${hex(first, 8)}-${hex(two >>> 16, 4)}-4${hex(two & 0xfff, 3)}-` +
          `${hex(((three >>> 16) & 0x3fff) | 0x8000, 4)}-${hex(three & 0xffff, 4)}${hex(four, 8)}`
        );
      },
  };
}
