/**
 * How much of a table's file its rows do not need, from statistics alone, as check_postgres and ioguix's queries
 * (https://github.com/ioguix/pgsql-bloat-estimation) reckon it. Pure.
 */

export interface RowShape {
  readonly columns: readonly {
    readonly typeLength: number;
    readonly alignment: number;
    readonly nullFraction: number;
    readonly averageBytes: number;
  }[];
  readonly rows: number;
  readonly pages: number;
  readonly pageBytes: number;
  /** Of the table, in percent; 100 unless set. */
  readonly fillfactor: number;
}

/** https://www.postgresql.org/docs/current/storage-page-layout.html */
const PAGE_HEADER = 24;
const ITEM_POINTER = 4;
const TUPLE_HEADER = 23;
const MAX_ALIGNMENT = 8;
/** A value of variable length up to this is stored without alignment. */
const SHORT_VALUE_BYTES = 127;

/** Share of the pages that are dead or free beyond the fill factor, 0..1; null for a table without a page. */
export function bloatOf(shape: RowShape): number | null {
  if (shape.pages === 0) return null;
  const usable = ((shape.pageBytes - PAGE_HEADER) * shape.fillfactor) / 100;
  const perPage = Math.max(1, Math.floor(usable / (ITEM_POINTER + tupleBytes(shape))));
  const needed = Math.ceil(shape.rows / perPage);
  return Math.max(0, 1 - needed / shape.pages);
}

/** Header with a null bitmap when some value is null, then the values, each at its alignment. */
function tupleBytes({ columns }: RowShape): number {
  const hasNulls = columns.some(({ nullFraction }) => nullFraction > 0);
  const header = aligned(TUPLE_HEADER + (hasNulls ? Math.ceil(columns.length / 8) : 0), MAX_ALIGNMENT);
  let bytes = 0;
  /** Every offset here is a multiple of this; 0 while the offset itself is known. */
  let multiple = 0;
  for (const { typeLength, alignment, nullFraction, averageBytes } of columns) {
    const isShort = typeLength < 0 && averageBytes <= SHORT_VALUE_BYTES;
    const needed = isShort ? 1 : alignment;
    // Behind values of different lengths every offset is as likely.
    const padding = multiple === 0 ? aligned(bytes, needed) - bytes : Math.max(0, needed - multiple) / 2;
    bytes += (1 - nullFraction) * (padding + averageBytes);
    if (typeLength < 0) multiple = 1;
    else if (multiple > 0) multiple = Math.min(Math.max(needed, multiple), typeLength & -typeLength);
    else if (nullFraction > 0) multiple = alignment;
  }
  return header + aligned(bytes, MAX_ALIGNMENT);
}

function aligned(bytes: number, to: number): number {
  return Math.ceil(bytes / to) * to;
}
