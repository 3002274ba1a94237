/** Arrays with as many elements as the width in the profile asks for. */
import type { CellValue, ColumnType } from '../../engines/engine.ts';
import { unit } from '../random.ts';
import { UNBOUNDED } from '../types/source.ts';
import { valueSource } from '../types/values.ts';
import type { RankedRequest, RankedValues } from './values.ts';

/** Bytes of an array of one dimension before its first element: https://www.postgresql.org/docs/current/xtypes.html */
const HEADER_BYTES = 21;
/** Longer ones have four bytes in front instead of one. */
const LONG_HEADER_BYTES = 24;
const SHORT = 127;
const FIXED_BYTES: Readonly<Record<string, number>> = {
  bool: 1,
  int2: 2,
  int4: 4,
  date: 4,
  float4: 4,
  int8: 8,
  float8: 8,
  timestamp: 8,
  timestamptz: 8,
  uuid: 16,
};
const SAMPLED = 64;
const LENGTH_BYTES = 4;
/** Longer arrays are not made. */
const MOST_ELEMENTS = 10_000;

export function arrayValues(request: RankedRequest): RankedValues {
  const { column, profile, rules, seed } = request;
  const limited = { ...rules, minLength: rules.minLength, maxLength: rules.maxLength ?? MOST_ELEMENTS };
  const of = (count: number) =>
    valueSource({ ...request, rules: { ...rules, minLength: count, maxLength: count } });
  const wide = profile.averageBytes ?? 0;
  const header = wide <= SHORT ? HEADER_BYTES : LONG_HEADER_BYTES;
  const single = of(1)?.plain ?? null;
  const wanted = (wide - header) / elementBytes(column.type, single);
  const count = Math.min(limited.maxLength, Math.max(limited.minLength, wanted, 0));
  const fewer = of(Math.floor(count));
  const more = of(Math.ceil(count)) ?? fewer;
  return {
    capacity: fewer === null ? 0 : UNBOUNDED,
    endless: false,
    ranks: () => null,
    ticks: null,
    at: () => (rank) => {
      if (single !== null && column.type.element?.kind === 'text' && rules.maxLength === null)
        return texts(single, rank, { count, bytes: wide - header });
      const source = unit(seed ^ 0x2545f491, rank) < count - Math.floor(count) ? more : fewer;
      return source?.plain(rank) ?? null;
    },
  };
}

interface TextArray {
  readonly count: number;
  /** Of all elements together. */
  readonly bytes: number;
}

/** Words, the last one as long as it takes to fill the bytes. */
function texts(single: (row: number) => CellValue, rank: number, { count, bytes }: TextArray): string {
  const elements = Math.max(1, Math.round(count));
  const words: string[] = [];
  let left = bytes;
  for (let index = 0; index < elements; index += 1) {
    const last = index === elements - 1;
    const room = Math.max(0, Math.round(last ? left - LENGTH_BYTES : left / 2 - LENGTH_BYTES));
    const word = contentOf(single(rank * elements + index));
    words.push(last ? word.slice(0, room).padEnd(room, 'x') : word.slice(0, room));
    left -= Math.ceil((LENGTH_BYTES + (words.at(-1) ?? '').length) / LENGTH_BYTES) * LENGTH_BYTES;
  }
  return `{${words.map((word) => `"${word.replace(/["\\]/g, ' ')}"`).join(',')}}`;
}

function contentOf(array: CellValue): string {
  return typeof array === 'string' ? array.replace(/^\{"?|"?\}$/g, '') : '';
}

/** What an element takes inside of an array, aligned; from arrays of one where its length is its own. */
function elementBytes({ element }: ColumnType, single: ((row: number) => CellValue) | null): number {
  const fixed = FIXED_BYTES[element?.base ?? ''];
  if (fixed !== undefined || single === null) return fixed ?? LENGTH_BYTES;
  let sum = 0;
  for (let row = 0; row < SAMPLED; row += 1) {
    const { length } = contentOf(single(row));
    sum += Math.ceil((LENGTH_BYTES + length) / LENGTH_BYTES) * LENGTH_BYTES;
  }
  return sum / SAMPLED;
}
