/** Numbers in the binary form of their `recv` functions: src/backend/utils/adt/{int,int8,float,numeric}.c */
import {
  type Chunk,
  type Encoder,
  noForm,
  UTF8_BYTES,
  writeInt16,
  writeInt32,
  writeInt64,
  ZERO,
} from './writing.ts';

type IntegerSize = 2 | 4 | 8 | 'oid';

const BYTES = { 2: 2, 4: 4, 8: 8, oid: 4 } as const;
const LEAST = { 2: -32_768, 4: -2_147_483_648, 8: -Number.MAX_SAFE_INTEGER, oid: 0 } as const;
const MOST = { 2: 32_767, 4: 2_147_483_647, 8: Number.MAX_SAFE_INTEGER, oid: 4_294_967_295 } as const;
/** So many digits are below 2^53. */
const EXACT_DIGITS = 15;
const INT8 = 2n ** 63n;

export function integerEncoder(size: IntegerSize): Encoder {
  const [bytes, least, most] = [BYTES[size], LEAST[size], MOST[size]];
  return {
    bytesPerCharacter: UTF8_BYTES,
    write(text, chunk, at) {
      if (typeof text !== 'string') throw noForm('a number', text);
      if (text.length > EXACT_DIGITS && size === 8) return writeLong(text, chunk, at);
      const value = wholeNumber(text);
      if (!(value >= least && value <= most)) throw noForm('a whole number', text);
      const next = writeInt32(chunk, at, bytes);
      if (size === 2) return writeInt16(chunk, next, value);
      return size === 8 ? writeInt64(chunk, next, value) : writeInt32(chunk, next, value);
    },
  };
}

/** From a whole number that the type holds. */
export function writeWhole(base: 'int2' | 'int4' | 'int8' | 'oid') {
  return (value: number, chunk: Chunk, at: number): number => {
    if (base === 'int8') return writeInt64(chunk, writeInt32(chunk, at, 8), value);
    if (base === 'int2') return writeInt16(chunk, writeInt32(chunk, at, 2), value);
    return writeInt32(chunk, writeInt32(chunk, at, 4), value);
  };
}

/** NaN for anything but digits with a minus sign in front. */
function wholeNumber(text: string): number {
  const first = text.charCodeAt(0) === MINUS ? 1 : 0;
  if (text.length === first || text.length > EXACT_DIGITS) return Number.NaN;
  let value = 0;
  for (let index = first; index < text.length; index += 1) {
    const digit = text.charCodeAt(index) - ZERO;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return first === 1 ? -value : value;
}

const MINUS = 45;
const POINT = 46;

function writeLong(text: string, chunk: Chunk, at: number): number {
  if (!/^-?\d+$/.test(text)) throw noForm('a whole number', text);
  const value = BigInt(text);
  if (value < -INT8 || value >= INT8) throw noForm('a whole number', text);
  return chunk.bytes.writeBigInt64BE(value, writeInt32(chunk, at, 8));
}

/** So few digits that rounding twice, to a double and then to a float4, is rounding once. */
const FLOAT4 = /^-?(?:\d{1,12}(?:\.\d{1,3})?|\d{1,7}\.\d{1,8})$/;
/** What JavaScript and the server's strtod read alike. */
const FLOAT8 = /^-?\d+(?:\.\d+)?(?:e[-+]?\d+)?$/i;

export function floatEncoder(bytes: 4 | 8): Encoder {
  const readable = bytes === 4 ? FLOAT4 : FLOAT8;
  return {
    bytesPerCharacter: UTF8_BYTES,
    write(text, chunk, at) {
      const value = typeof text === 'string' && readable.test(text) ? Number(text) : Number.NaN;
      if (!Number.isFinite(value)) throw noForm('a number', text);
      const next = writeInt32(chunk, at, bytes);
      return bytes === 8 ? chunk.bytes.writeDoubleBE(value, next) : chunk.bytes.writeFloatBE(value, next);
    },
  };
}

export function writeFloat(base: 'float4' | 'float8', perUnit: number) {
  return (ticks: number, chunk: Chunk, at: number): number =>
    base === 'float8'
      ? chunk.bytes.writeDoubleBE(ticks / perUnit, writeInt32(chunk, at, 8))
      : chunk.bytes.writeFloatBE(ticks / perUnit, writeInt32(chunk, at, 4));
}

const BASE_DIGITS = 4;
const BASE = 10 ** BASE_DIGITS;
const NEGATIVE = 0x4000;
/** Header of numeric_recv: number of digits, weight of the first, sign, digits behind the point. */
const NUMERIC_HEADER = 8;
/** Longer ones are left to the server, whose limits differ by version. */
const MOST_DIGITS = 1000;

/** From ticks, of which `perUnit` (a power of ten) are 1: its digits are those behind the point. */
export function writeDecimal(perUnit: number) {
  const scale = Math.round(Math.log10(perUnit));
  const below = Math.ceil(scale / BASE_DIGITS);
  const align = BASE ** below / perUnit;
  return (ticks: number, chunk: Chunk, at: number): number => {
    const size = Math.abs(ticks);
    let whole = Math.floor(size / perUnit);
    let fraction = (size - whole * perUnit) * align;
    let above = 1;
    for (let rest = whole; rest >= BASE; rest = Math.floor(rest / BASE)) above += 1;
    let next = writeInt32(chunk, at, NUMERIC_HEADER + 2 * (above + below));
    next = writeInt16(chunk, next, above + below);
    next = writeInt16(chunk, next, above - 1);
    next = writeInt16(chunk, next, ticks < 0 ? NEGATIVE : 0);
    next = writeInt16(chunk, next, scale);
    const end = next + 2 * (above + below);
    // From the last digit to the first, since that is how they come off.
    for (let place = end - 2; place >= next + 2 * above; place -= 2) {
      const rest = Math.floor(fraction / BASE);
      writeInt16(chunk, place, fraction - rest * BASE);
      fraction = rest;
    }
    for (let place = next + 2 * (above - 1); place >= next; place -= 2) {
      const rest = Math.floor(whole / BASE);
      writeInt16(chunk, place, whole - rest * BASE);
      whole = rest;
    }
    return end;
  };
}

/** Digits to the base 10,000, aligned at the point; zeros at either end are dropped by the server. */
export function decimalEncoder(): Encoder {
  return {
    bytesPerCharacter: UTF8_BYTES,
    write(text, chunk, at) {
      if (typeof text !== 'string' || text.length > MOST_DIGITS) throw noForm('numeric', text);
      const first = text.charCodeAt(0) === MINUS ? 1 : 0;
      let point = text.indexOf('.', first);
      if (point === -1) point = text.length;
      const whole = point - first;
      const scale = Math.max(0, text.length - point - 1);
      if (whole === 0 || (point < text.length && scale === 0)) throw noForm('numeric', text);
      const above = Math.ceil(whole / BASE_DIGITS);
      const below = Math.ceil(scale / BASE_DIGITS);
      let next = writeInt32(chunk, at, NUMERIC_HEADER + 2 * (above + below));
      next = writeInt16(chunk, next, above + below);
      next = writeInt16(chunk, next, above - 1);
      next = writeInt16(chunk, next, first === 1 ? NEGATIVE : 0);
      next = writeInt16(chunk, next, scale);
      for (let group = 0; group < above; group += 1) {
        const end = point - (above - 1 - group) * BASE_DIGITS;
        next = writeInt16(chunk, next, groupAt(text, Math.max(first, end - BASE_DIGITS), end));
      }
      for (let group = 0; group < below; group += 1) {
        const start = point + 1 + group * BASE_DIGITS;
        next = writeInt16(chunk, next, groupAt(text, start, start + BASE_DIGITS));
      }
      return next;
    },
  };
}

/** Four digits from `start` on; those beyond the end of the text are zeros. */
function groupAt(text: string, start: number, end: number): number {
  let value = 0;
  for (let index = start; index < end; index += 1) {
    const code = index < text.length ? text.charCodeAt(index) : ZERO;
    const digit = code - ZERO;
    if (digit < 0 || digit > 9 || code === POINT) throw noForm('numeric', text);
    value = value * 10 + digit;
  }
  return value;
}
