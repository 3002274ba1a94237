/** Types whose values lie on a line (numbers, dates, times): how they are counted, printed and read. */
import type { ColumnType } from '../../engines/engine.ts';
import { NOW } from '../checks/rules.ts';
import {
  DAY,
  EARLIEST,
  FAR_FUTURE,
  formatDate,
  formatTime,
  formatTimestamp,
  HISTORY_TO,
  LATEST,
  parseInstant,
  parseTime,
} from './calendar.ts';

/** Values are whole numbers of ticks; `perUnit` ticks make one unit (1, or one second). */
export interface ScalarType {
  readonly perUnit: number;
  /** Ticks between neighbouring values. */
  readonly step: number;
  /** Smallest and largest value of the type that is ever made, in ticks. */
  readonly min: number;
  readonly max: number;
  /** Seconds since the epoch, so that dates and timestamps can be compared; else a plain number. */
  readonly temporal: boolean;
  format(ticks: number): string;
  /** Ticks, not always on the grid; null when the text is no value of this type. */
  parse(text: string, side: 'lower' | 'upper'): number | null;
}

/** Whole numbers that a double holds exactly, with room for sums. */
const SAFE = 4_000_000_000_000_000;

const INTEGER_BITS: Readonly<Record<string, number>> = {
  tinyint: 8,
  int2: 16,
  smallint: 16,
  mediumint: 24,
  int4: 32,
  int: 32,
  integer: 32,
  oid: 32,
  int8: 64,
  bigint: 64,
};

/** The type as a scalar; null when its values do not lie on a line. */
export function scalarType(type: ColumnType): ScalarType | null {
  if (type.element !== null) return null;
  switch (type.kind) {
    case 'integer':
      return integerType(type);
    case 'decimal':
      return decimalType(type);
    case 'float':
      return type.scale === null
        ? { ...numberType(3), min: type.unsigned ? 0 : -1e9, max: 1e9 }
        : decimalType(type);
    case 'date':
      return type.base === 'year' ? yearType() : { ...temporalType(formatDate), step: DAY };
    case 'timestamp':
      return temporalType(zoned(type) ? (ticks) => `${formatTimestamp(ticks)}+00` : formatTimestamp);
    case 'time':
      return timeType(type);
    case 'interval':
      return intervalType();
    default:
      return null;
  }
}

function zoned(type: ColumnType): boolean {
  return type.base === 'timestamptz' || type.base === 'timetz';
}

function integerType(type: ColumnType): ScalarType {
  if (type.base === 'year') return yearType();
  const bits = INTEGER_BITS[type.base] ?? 32;
  const unsigned = type.unsigned || type.base === 'oid';
  const span = 2 ** bits;
  return {
    ...numberType(0),
    min: unsigned ? 0 : Math.max(-SAFE, -span / 2),
    max: Math.min(SAFE, unsigned ? span - 1 : span / 2 - 1),
  };
}

function yearType(): ScalarType {
  return { ...numberType(0), min: 1901, max: 2155 };
}

/** Digits behind the point of a numeric that sets none, and of money. */
const DEFAULT_SCALE = 2;
const MAX_SCALE = 12;

function decimalType(type: ColumnType): ScalarType {
  const scale = Math.min(MAX_SCALE, type.scale ?? DEFAULT_SCALE);
  const base = numberType(scale);
  if (type.precision === null) return base;
  const digits = type.precision - (type.scale ?? 0) + scale;
  const largest = digits >= 16 ? SAFE : 10 ** Math.max(0, digits) - base.step;
  const max = Math.min(SAFE, Math.max(0, largest));
  return { ...base, min: type.unsigned ? 0 : -max, max };
}

function numberType(scale: number): ScalarType {
  const perUnit = 10 ** Math.max(0, scale);
  return {
    perUnit,
    step: 10 ** Math.max(0, -scale),
    min: -SAFE,
    max: SAFE,
    temporal: false,
    format: scale <= 0 ? (ticks) => String(ticks) : (ticks) => formatDecimal(ticks, scale),
    parse: (text) => {
      const number = text.trim() === '' ? Number.NaN : Number(text.replace(/^\$/, ''));
      return Number.isFinite(number) ? Math.round(number * perUnit * 1e6) / 1e6 : null;
    },
  };
}

function formatDecimal(ticks: number, scale: number): string {
  const digits = String(Math.abs(ticks)).padStart(scale + 1, '0');
  const point = digits.length - scale;
  return `${ticks < 0 ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`;
}

function temporalType(format: (ticks: number) => string): ScalarType {
  return {
    perUnit: 1,
    step: 1,
    min: EARLIEST,
    max: LATEST,
    temporal: true,
    format,
    parse: (text, side) => {
      if (!text.startsWith(NOW)) return parseInstant(text);
      return (side === 'upper' ? HISTORY_TO : FAR_FUTURE) + Number(text.slice(NOW.length) || 0);
    },
  };
}

function timeType(type: ColumnType): ScalarType {
  return {
    perUnit: 1,
    step: 1,
    min: 0,
    max: DAY - 1,
    temporal: false,
    format: zoned(type) ? (ticks) => `${formatTime(ticks)}+00` : formatTime,
    parse: parseTime,
  };
}

/** Intervals up to a year; Postgres prints and compares them by days of 24 hours. */
function intervalType(): ScalarType {
  return {
    perUnit: 1,
    step: 60,
    min: 0,
    max: 3650 * DAY,
    temporal: false,
    format: (ticks) => `${Math.floor(ticks / DAY)} days ${formatTime(ticks)}`,
    parse: (text) => {
      const days = /(\d+)\s*days?/.exec(text);
      const time = /(\d+):(\d+)(?::(\d+))?/.exec(text);
      if (days === null && time === null) return text.trim() === '0' ? 0 : null;
      const [, hours, minutes, seconds] = time ?? [];
      const ofDay = Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0);
      return Number(days?.[1] ?? 0) * DAY + ofDay;
    },
  };
}
