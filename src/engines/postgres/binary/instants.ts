/**
 * Dates and times in the binary form of their `recv` functions (src/backend/utils/adt/{date,timestamp}.c): microseconds,
 * or days, since 2000-01-01. Only the ISO form is read here, of the years 1 to 9999.
 */
import {
  type Chunk,
  type Encoder,
  noForm,
  twoDigits,
  UTF8_BYTES,
  writeInt32,
  writeInt64,
} from './writing.ts';

/** Days from 0000-03-01, where the years of {@link daysOf} begin, to 2000-01-01. */
const TO_2000 = 730_425;
const DAY_MICROSECONDS = 86_400_000_000;
const MONTH_DAYS: readonly number[] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const DATE_LENGTH = 'YYYY-MM-DD'.length;
const TIME_LENGTH = 'HH:MM:SS'.length;
const DASH = 45;
const COLON = 58;
const SPACE = 32;
const LETTER_T = 84;

export function dateEncoder(): Encoder {
  const daysAt = cachedDays();
  return {
    bytesPerCharacter: UTF8_BYTES,
    write(text, chunk, at) {
      if (typeof text !== 'string' || text.length !== DATE_LENGTH) throw noForm('date', text);
      return writeInt32(chunk, writeInt32(chunk, at, 4), daysAt(text));
    },
  };
}

/** Neighbouring rows often have the same day. */
function cachedDays(): (text: string) => number {
  let day = Number.NaN;
  let [year, month] = [Number.NaN, Number.NaN];
  let monthStart = Number.NaN;
  return (text) => {
    const century = twoDigits(text, 0);
    const atYear = century * 100 + twoDigits(text, 2);
    const atMonth = twoDigits(text, 5);
    day = twoDigits(text, 8);
    if (atYear !== year || atMonth !== month) {
      if (!(atYear >= 1 && atMonth >= 1 && atMonth <= 12)) throw noForm('date', text);
      [year, month] = [atYear, atMonth];
      monthStart = daysOf(year, month) - 1;
    }
    const right = day >= 1 && (day <= 28 || day <= daysIn(year, month));
    if (!right || text.charCodeAt(4) !== DASH || text.charCodeAt(7) !== DASH) throw noForm('date', text);
    return monthStart + day;
  };
}

function daysIn(year: number, month: number): number {
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return (MONTH_DAYS[month - 1] ?? 0) + (leap ? 1 : 0);
}

/** Of the first of the month: years begin in March, so that the leap day is the last one of a year. */
function daysOf(year: number, month: number): number {
  const shifted = month > 2 ? year : year - 1;
  const ofYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5);
  const leaps = Math.floor(shifted / 4) - Math.floor(shifted / 100) + Math.floor(shifted / 400);
  return shifted * 365 + leaps + ofYear - TO_2000;
}

export function timestampEncoder(zoned: boolean): Encoder {
  const daysAt = cachedDays();
  return {
    bytesPerCharacter: UTF8_BYTES,
    write(text, chunk, at) {
      if (typeof text !== 'string') throw noForm('timestamp', text);
      const separator = text.charCodeAt(DATE_LENGTH);
      if (separator !== SPACE && separator !== LETTER_T) throw noForm('timestamp', text);
      const ofDay = microsecondsAt(text, DATE_LENGTH + 1, zoned);
      // Microseconds stay below 2^53 until the year 2255 only: both parts are whole numbers on their own.
      return writeMicroseconds(chunk, writeInt32(chunk, at, 8), { days: daysAt(text), ofDay });
    },
  };
}

const UINT32 = 4_294_967_296;
const DAY_HIGH = Math.floor(DAY_MICROSECONDS / UINT32);
const DAY_LOW = DAY_MICROSECONDS - DAY_HIGH * UINT32;

function writeMicroseconds(
  chunk: Chunk,
  at: number,
  { days, ofDay }: { readonly days: number; readonly ofDay: number },
): number {
  const low = days * DAY_LOW + ofDay;
  const carry = Math.floor(low / UINT32);
  return writeInt32(chunk, writeInt32(chunk, at, days * DAY_HIGH + carry), low - carry * UINT32);
}

/** 2000-01-01 in seconds since 1970, and a day. */
const EPOCH = 946_684_800;
const DAY = 86_400;

/** From whole seconds since 1970, UTC. */
export function writeTicksAsTimestamp(seconds: number, chunk: Chunk, at: number): number {
  const days = Math.floor((seconds - EPOCH) / DAY);
  const ofDay = (seconds - EPOCH - days * DAY) * 1_000_000;
  return writeMicroseconds(chunk, writeInt32(chunk, at, 8), { days, ofDay });
}

export function writeDays(seconds: number, chunk: Chunk, at: number): number {
  return writeInt32(chunk, writeInt32(chunk, at, 4), Math.floor((seconds - EPOCH) / DAY));
}

/** From whole seconds of any day. */
export function writeTicksAsTime(zoned: boolean): (seconds: number, chunk: Chunk, at: number) => number {
  return (seconds, chunk, at) => {
    const ofDay = (seconds - Math.floor(seconds / DAY) * DAY) * 1_000_000;
    const next = writeInt64(chunk, writeInt32(chunk, at, zoned ? 12 : 8), ofDay);
    return zoned ? writeInt32(chunk, next, 0) : next;
  };
}

/** From whole seconds of days of 24 hours. */
export function writeInterval(seconds: number, chunk: Chunk, at: number): number {
  const days = Math.floor(seconds / DAY);
  const next = writeInt64(chunk, writeInt32(chunk, at, 16), (seconds - days * DAY) * 1_000_000);
  return writeInt32(chunk, writeInt32(chunk, next, days), 0);
}

export function timeEncoder(zoned: boolean): Encoder {
  return {
    bytesPerCharacter: UTF8_BYTES,
    write(text, chunk, at) {
      if (typeof text !== 'string') throw noForm('time', text);
      const ofDay = microsecondsAt(text, 0, zoned);
      const next = writeInt64(chunk, writeInt32(chunk, at, zoned ? 12 : 8), ofDay);
      return zoned ? writeInt32(chunk, next, 0) : next;
    },
  };
}

const ZONE = '+00';
const FRACTION = /^\.\d{1,6}$/;

/** Of the day, from `HH:MM:SS` with up to six digits behind a point; a zoned one must be UTC and say so. */
function microsecondsAt(text: string, at: number, zoned: boolean): number {
  const hour = twoDigits(text, at);
  const minute = twoDigits(text, at + 3);
  const second = twoDigits(text, at + 6);
  const right = hour <= 23 && minute <= 59 && second <= 59;
  if (!right || text.charCodeAt(at + 2) !== COLON || text.charCodeAt(at + 5) !== COLON)
    throw noForm('time', text);
  const end = zoned ? text.length - ZONE.length : text.length;
  if (zoned && !text.endsWith(ZONE)) throw noForm('time with a zone', text);
  const seconds = (hour * 60 + minute) * 60 + second;
  if (end === at + TIME_LENGTH) return seconds * 1_000_000;
  const fraction = text.slice(at + TIME_LENGTH, end);
  if (!FRACTION.test(fraction)) throw noForm('time', text);
  return seconds * 1_000_000 + Number(fraction.slice(1).padEnd(6, '0'));
}

const INTERVAL = /^(\d{1,6}) days (\d\d:\d\d:\d\d)$/;

/** Microseconds, days and months; as the generator writes it: "12 days 03:04:05". */
export function intervalEncoder(): Encoder {
  return {
    bytesPerCharacter: UTF8_BYTES,
    write(text, chunk, at) {
      const match = typeof text === 'string' ? INTERVAL.exec(text) : null;
      if (match === null) throw noForm('interval', text);
      const next = writeInt64(chunk, writeInt32(chunk, at, 16), microsecondsAt(match[2] ?? '', 0, false));
      return writeInt32(chunk, writeInt32(chunk, next, Number(match[1])), 0);
    },
  };
}
