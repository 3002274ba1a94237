/** How many bytes values take in InnoDB: https://dev.mysql.com/doc/refman/8.4/en/storage-requirements.html. Pure. */
import type { ColumnType } from '../../engine.ts';

/** Of the types that take the same for every value. */
const FIXED: Readonly<Record<string, number>> = {
  ...{ tinyint: 1, smallint: 2, mediumint: 3, int: 4, bigint: 8, float: 4, double: 8, year: 1, date: 3 },
  ...{ uuid: 16, inet6: 16, inet4: 4 },
};
/** Without the fraction of a second, which takes a byte for two digits. */
const TIMES: Readonly<Record<string, number>> = { time: 3, datetime: 5, timestamp: 4 };
/** Of the digits that are left over beside groups of nine, which take four bytes. */
const DIGIT_BYTES = [0, 1, 1, 2, 2, 3, 3, 4, 4];
const ONE_BYTE_LABELS = 255;

/** Bytes of every value of a type; null when they differ. */
export function fixedBytes(type: ColumnType): number | null {
  const fixed = FIXED[type.base];
  if (fixed !== undefined) return fixed;
  const time = TIMES[type.base];
  if (time !== undefined) return time + Math.ceil((type.precision ?? 0) / 2);
  switch (type.base) {
    case 'decimal': {
      const scale = type.scale ?? 0;
      return digitBytes((type.precision ?? 10) - scale) + digitBytes(scale);
    }
    case 'enum':
      return type.labels.length > ONE_BYTE_LABELS ? 2 : 1;
    case 'set':
      return setBytes(type.labels.length);
    case 'bit':
      return Math.ceil((type.precision ?? 1) / 8);
    case 'binary':
      return type.maxLength;
    default:
      return null;
  }
}

function digitBytes(digits: number): number {
  return Math.floor(digits / 9) * 4 + (DIGIT_BYTES[digits % 9] ?? 0);
}

function setBytes(labels: number): number {
  const bytes = Math.ceil(labels / 8);
  return bytes > 4 ? 8 : bytes;
}

/** As stored, with the bytes that say how long it is. */
export function storedBytes(contentBytes: number): number {
  return contentBytes + (contentBytes < SHORT_CONTENT ? 1 : 2);
}
const SHORT_CONTENT = 128;

export interface RowWidths {
  /** Bytes of the clustered index for one row. */
  readonly rowBytes: number;
  readonly columns: readonly {
    /** Of a value, where it is known. */
    readonly bytes: number | null;
    readonly nullFraction: number;
    /** Longest value allowed; null for no limit worth the name. */
    readonly maxLength: number | null;
  }[];
}

/** Record header, transaction number and roll pointer. */
const RECORD_OVERHEAD = 5 + 6 + 7;
/** InnoDB leaves a sixteenth of a page free when it fills it in order, and has about 150 of 16,384 bytes for itself. */
const PAGE_FILLING = 15 / 16 - 150 / 16_384;
/** A text column is taken to hold this much where only its limit is known. */
const LIKELY_LENGTH = 255;

/** Bytes of the values that are not known: what the row has beyond the known ones, by the lengths that are allowed. */
export function estimateWidths({ rowBytes, columns }: RowWidths): readonly (number | null)[] {
  const known = columns.reduce((sum, { bytes, nullFraction }) => sum + (bytes ?? 0) * (1 - nullFraction), 0);
  const nullBits = Math.ceil(columns.length / 8);
  const rest = rowBytes * PAGE_FILLING - RECORD_OVERHEAD - nullBits - known;
  const weight = ({ maxLength, nullFraction }: RowWidths['columns'][number]) =>
    Math.min(maxLength ?? LIKELY_LENGTH, LIKELY_LENGTH) * (1 - nullFraction);
  const weights = columns
    .filter(({ bytes }) => bytes === null)
    .reduce((sum, column) => sum + weight(column), 0);
  return columns.map((column) => {
    if (column.bytes !== null) return column.bytes;
    if (rowBytes <= 0 || weights === 0 || column.nullFraction >= 1) return null;
    const share = (Math.max(0, rest) * weight(column)) / weights / (1 - column.nullFraction);
    return Math.round(Math.max(1, share) * 10) / 10;
  });
}
