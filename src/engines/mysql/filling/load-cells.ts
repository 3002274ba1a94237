/** Cells of LOAD DATA straight from what their texts are made of: numbers, instants and choices, without the texts. */
import type { CellSource, ColumnType, RawCells } from '../../engine.ts';
import {
  type CellForm,
  createLines,
  endCell,
  formOf,
  type Lines,
  makeRoom,
  takeLines,
  writeCell,
  writeNull,
} from './load-lines.ts';

/** Writes the cell of a row and its end. */
export type CellWriter = (lines: Lines, row: number) => void;

export function cellWriter({ text, raw }: CellSource, type: ColumnType | undefined): CellWriter {
  const form = formOf(type);
  if (raw?.kind === 'choice') return choiceWriter(raw, form);
  const number = raw?.kind === 'number' && type !== undefined ? numberWriter(raw, type) : null;
  if (number !== null) return number;
  return (lines, row) => {
    writeCell(lines, text(row), form);
    endCell(lines);
  };
}

/** Up to here a loop is faster than a call of the runtime. */
const SHORT_BYTES = 48;

/** The texts are made into bytes once, one behind the other: what is chosen at random lies close together. */
function choiceWriter(raw: Extract<RawCells, { kind: 'choice' }>, form: CellForm): CellWriter {
  const values = raw.values();
  const starts = new Uint32Array(values.length + 1);
  const lines = createLines(values.reduce((sum, value) => sum + value.length + 1, 0));
  values.forEach((value, choice) => {
    writeCell(lines, value, form);
    endCell(lines);
    starts[choice + 1] = lines.at;
  });
  const made = Buffer.from(takeLines(lines, 0));
  return (into, row) => {
    const choice = raw.at(row);
    if (choice < 0) {
      writeNull(into);
      endCell(into);
      return;
    }
    const start = starts[choice] ?? 0;
    const length = (starts[choice + 1] ?? start) - start;
    makeRoom(into, length);
    const { bytes, at } = into;
    if (length > SHORT_BYTES) made.copy(bytes, at, start, start + length);
    else for (let index = 0; index < length; index += 1) bytes[at + index] = made[start + index] ?? 0;
    into.at = at + length;
  };
}

/** Most digits of a number, its sign and its point. */
const NUMBER_ROOM = 40;

type NumberCells = Extract<RawCells, { kind: 'number' }>;
type WriteTicks = (lines: Lines, ticks: number) => void;

function numberWriter({ at, perUnit }: NumberCells, type: ColumnType): CellWriter | null {
  const write = ticksWriter(type, perUnit);
  if (write === null) return null;
  return (lines, row) => {
    const ticks = at(row);
    makeRoom(lines, NUMBER_ROOM);
    if (Number.isNaN(ticks)) writeNull(lines);
    else write(lines, ticks);
    endCell(lines);
  };
}

/** Null for a type whose text is not known from its number. */
function ticksWriter(type: ColumnType, perUnit: number): WriteTicks | null {
  switch (type.kind) {
    case 'integer':
    case 'decimal':
    case 'float':
      return perUnit === 1 ? writeWhole : decimalWriter(Math.round(Math.log10(perUnit)));
    case 'date':
      return perUnit === 1 ? writeDate : null;
    case 'timestamp':
      return perUnit === 1 ? writeTimestamp : null;
    case 'time':
      return perUnit === 1 ? writeTime : null;
    default:
      return null;
  }
}

const ZERO = 48;
const MINUS = 45;
const POINT = 46;
const DASH = 45;
const COLON = 58;
const SPACE = 32;
/** Whole numbers below are counted in 32 bits, which is several times faster. */
const BILLION = 1_000_000_000;
const BILLION_DIGITS = 9;

function writeWhole(lines: Lines, whole: number): void {
  let rest = whole;
  if (rest < 0) {
    lines.bytes[lines.at] = MINUS;
    lines.at += 1;
    rest = -rest;
  }
  if (rest < BILLION) {
    writeDigits(lines, rest, digitsOf(rest));
    return;
  }
  const high = Math.floor(rest / BILLION);
  writeWhole(lines, high);
  writeDigits(lines, rest - high * BILLION, BILLION_DIGITS);
}

function digitsOf(small: number): number {
  let digits = 1;
  for (let limit = 10; small >= limit; limit *= 10) digits += 1;
  return digits;
}

/** A number below a billion, with zeros in front. */
function writeDigits(lines: Lines, small: number, digits: number): void {
  const { bytes, at } = lines;
  let rest = small | 0;
  for (let index = at + digits - 1; index >= at; index -= 1) {
    const tenth = (rest / 10) | 0;
    bytes[index] = ZERO + rest - tenth * 10;
    rest = tenth;
  }
  lines.at = at + digits;
}

function decimalWriter(scale: number): WriteTicks {
  const perUnit = 10 ** scale;
  const lowDigits = Math.min(scale, BILLION_DIGITS);
  const lowUnit = 10 ** lowDigits;
  return (lines, ticks) => {
    let rest = ticks;
    if (rest < 0) {
      lines.bytes[lines.at] = MINUS;
      lines.at += 1;
      rest = -rest;
    }
    const whole = Math.floor(rest / perUnit);
    writeWhole(lines, whole);
    lines.bytes[lines.at] = POINT;
    lines.at += 1;
    const fraction = rest - whole * perUnit;
    const high = Math.floor(fraction / lowUnit);
    if (scale > lowDigits) writeDigits(lines, high, scale - lowDigits);
    writeDigits(lines, fraction - high * lowUnit, lowDigits);
  };
}

const DAY = 86_400;
const DATE_BYTES = 10;
const days = new Map<number, Buffer>();
const MAX_CACHED_DAYS = 50_000;

function writeDate(lines: Lines, seconds: number): void {
  const day = Math.floor(seconds / DAY);
  let text = days.get(day);
  if (text === undefined) {
    text = Buffer.from(new Date(day * DAY * 1000).toISOString().slice(0, DATE_BYTES), 'latin1');
    if (days.size < MAX_CACHED_DAYS) days.set(day, text);
  }
  const { bytes, at } = lines;
  for (let index = 0; index < DATE_BYTES; index += 1) bytes[at + index] = text[index] ?? DASH;
  lines.at = at + DATE_BYTES;
}

function writeTime(lines: Lines, seconds: number): void {
  const ofDay = seconds - Math.floor(seconds / DAY) * DAY;
  const minutes = Math.floor(ofDay / 60);
  const hour = Math.floor(minutes / 60);
  writeDigits(lines, hour, 2);
  lines.bytes[lines.at++] = COLON;
  writeDigits(lines, minutes - hour * 60, 2);
  lines.bytes[lines.at++] = COLON;
  writeDigits(lines, ofDay - minutes * 60, 2);
}

function writeTimestamp(lines: Lines, seconds: number): void {
  writeDate(lines, seconds);
  lines.bytes[lines.at++] = SPACE;
  writeTime(lines, seconds);
}
