/** Types of columns as kinds of values: https://dev.mysql.com/doc/refman/en/data-types.html */
import type { ColumnType, ValueKind } from '../engine.ts';
import { stringValue } from './cells.ts';
import { tokensOf } from './scan.ts';

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
};

function kinds(kind: ValueKind, names: readonly string[]): Record<string, ValueKind> {
  return Object.fromEntries(names.map((name) => [name, kind]));
}

/** Types of geometry: a value is told by its well-known text. */
export const SPATIAL_TYPES: readonly string[] = [
  ...['geometry', 'point', 'linestring', 'polygon', 'multipoint', 'multilinestring', 'multipolygon'],
  ...['geometrycollection', 'geomcollection'],
];

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

/**
 * `tinyint(1)` is what BOOLEAN is an alias of; its labels are the words for true and false. A BIT takes text as bytes, so
 * that its values are characters by their numbers: the first 128 have one byte in UTF-8.
 */
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
  return type;
}

const ONE_BYTE_CHARACTERS = 128;

function bitType(type: ColumnType): ColumnType {
  const values = Math.min(ONE_BYTE_CHARACTERS, 2 ** (type.precision ?? 1));
  const labels = Array.from({ length: values }, (_, value) => String.fromCharCode(value));
  const kind = values === 2 ? 'boolean' : 'enum';
  return { ...type, kind, precision: null, labels: values === 2 ? labels.toReversed() : labels };
}

function labelsOf(declared: string): readonly string[] {
  return tokensOf(declared).flatMap(({ kind, text }) => (kind === 'string' ? [stringValue(text)] : []));
}

/** Sizes above 2^53 do not occur; drivers give them as numbers or as text. */
function number(value: number | string | null): number | null {
  return value === null ? null : Number(value);
}
