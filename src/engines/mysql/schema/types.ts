/** Types of columns as kinds of values: https://dev.mysql.com/doc/refman/en/data-types.html */
import type { ColumnType, ValueKind } from '../../engine.ts';
import { stringValue } from '../filling/cells.ts';
import { tokensOf } from '../text/scan.ts';

/** A column's type as information_schema.columns has it. */
export interface TypeFacts {
  /** "int unsigned", "enum('a','b')". */
  readonly declared: string;
  /** "int", "enum". */
  readonly base: string;
  readonly maxLength: number | string | null;
  readonly precision: number | string | null;
  readonly scale: number | string | null;
  readonly fraction: number | string | null;
  /** Longest length in bytes. */
  readonly octets: number | string | null;
  readonly charset: string | null;
  /** Spatial reference system; MySQL alone tells it. */
  readonly referenceSystem: number | string | null;
}

/** What the checks of the table say about the column. */
export interface CheckFacts {
  /** MariaDB's JSON is LONGTEXT with a check. */
  readonly isJson: boolean;
  /** A check compares it with something, so that a one-digit number is more than yes or no. */
  readonly isChecked: boolean;
}

const KINDS: Readonly<Record<string, ValueKind>> = {
  ...kinds('integer', ['tinyint', 'smallint', 'mediumint', 'int', 'bigint', 'year']),
  ...kinds('decimal', ['decimal']),
  ...kinds('float', ['float', 'double']),
  ...kinds('text', ['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext']),
  ...kinds('bytes', ['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob']),
  ...kinds('date', ['date']),
  ...kinds('time', ['time']),
  ...kinds('timestamp', ['datetime', 'timestamp']),
  ...kinds('json', ['json']),
  ...kinds('enum', ['enum']),
  ...kinds('set', ['set']),
  ...kinds('uuid', ['uuid']),
  ...kinds('network', ['inet4', 'inet6']),
  ...kinds('vector', ['vector']),
  ...kinds('shape', [
    ...['geometry', 'point', 'linestring', 'polygon', 'multipoint', 'multilinestring', 'multipolygon'],
    ...['geometrycollection', 'geomcollection'],
  ]),
};

function kinds(kind: ValueKind, names: readonly string[]): Record<string, ValueKind> {
  return Object.fromEntries(names.map((name) => [name, kind]));
}

/** The type of a parameter of which nothing is known. */
export const UNKNOWN_TYPE: ColumnType = {
  ...{ kind: 'other', declared: 'unknown', base: 'unknown', unsigned: false, labels: [] },
  ...{ maxLength: null, precision: null, scale: null, element: null, fields: [] },
};

/** The type of a row count. */
export const COUNT_TYPE: ColumnType = {
  ...UNKNOWN_TYPE,
  ...{ kind: 'integer', declared: 'bigint unsigned', base: 'bigint', unsigned: true },
};

/** `tinyint(1)` is what BOOLEAN is an alias of; its labels are the words for true and false. */
export function typeOf(facts: TypeFacts, checks: CheckFacts): ColumnType {
  const { declared, base } = facts;
  const type: ColumnType = {
    ...UNKNOWN_TYPE,
    ...{ kind: KINDS[base] ?? 'other', declared, base },
    ...{ maxLength: number(facts.maxLength), precision: number(facts.precision), scale: number(facts.scale) },
    unsigned: /\bunsigned\b/.test(declared),
  };
  if (base === 'enum' || base === 'set') return { ...type, maxLength: null, labels: labelsOf(declared) };
  if (base === 'bit') return bitType(type);
  if (/^tinyint\(1\)$/.test(declared) && !checks.isChecked)
    return { ...type, kind: 'boolean', precision: null, scale: null, labels: ['1', '0'] };
  if (base === 'longtext' && checks.isJson) return { ...type, kind: 'json', maxLength: null };
  if (type.kind === 'time' || type.kind === 'timestamp')
    return { ...type, precision: number(facts.fraction) };
  if (type.kind === 'shape') return { ...type, referenceSystem: number(facts.referenceSystem) ?? 0 };
  if (type.kind === 'vector') return { ...type, maxLength: number(facts.octets) ?? type.maxLength };
  return type.kind === 'text' ? textType(type, facts) : type;
}

/** A BIT takes text as bytes: one bit is told by its character, several by their bytes. */
function bitType(type: ColumnType): ColumnType {
  const bits = type.precision ?? 1;
  if (bits === 1) return { ...type, kind: 'boolean', precision: null, labels: ['\u0001', '\u0000'] };
  return { ...type, kind: 'bytes', precision: bits, maxLength: Math.ceil(bits / 8) };
}

/** Character sets with the same number of bytes for each character, apart from those beyond the basic plane. */
const FIXED_WIDTHS: Readonly<Record<string, number>> = { ucs2: 2, utf16: 2, utf16le: 2, utf32: 4 };

/** TEXT and its like are limited in bytes. https://dev.mysql.com/doc/refman/en/charset-charsets.html */
function textType(type: ColumnType, { base, octets, charset }: TypeFacts): ColumnType {
  const width = FIXED_WIDTHS[charset ?? ''] ?? 1;
  const bytes = number(octets);
  const maxLength = base.endsWith('text') && bytes !== null ? Math.floor(bytes / width) : type.maxLength;
  if (charset === null || charset.startsWith('utf') || charset === 'ucs2' || charset === 'gb18030')
    return { ...type, maxLength };
  // What the others hold beyond ASCII differs.
  return { ...type, maxLength, repertoire: charset === 'latin1' ? 'latin1' : 'ascii' };
}

function labelsOf(declared: string): readonly string[] {
  return tokensOf(declared).flatMap(({ kind, text }) => (kind === 'string' ? [stringValue(text)] : []));
}

/** Sizes above 2^53 do not occur; drivers give them as numbers or as text. */
function number(value: number | string | null): number | null {
  return value === null ? null : Number(value);
}
