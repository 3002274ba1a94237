/** Booleans, uuids, bytes, bits and networks in the binary form of their `recv` functions in src/backend/utils/adt. */
import { type Encoder, noForm, UTF8_BYTES, writeInt32 } from './writing.ts';

const TRUE = /^(?:true|t)$/;
const FALSE = /^(?:false|f)$/;

export function booleanEncoder(): Encoder {
  return {
    bytesPerCharacter: UTF8_BYTES,
    write(text, chunk, at) {
      const value = text === 'true' || text === 'false' ? text === 'true' : readBoolean(text);
      const next = writeInt32(chunk, at, 1);
      chunk.bytes[next] = value ? 1 : 0;
      return next + 1;
    },
  };
}

function readBoolean(text: string | Uint8Array): boolean {
  const known = String(text);
  if (!TRUE.test(known) && !FALSE.test(known)) throw noForm('boolean', text);
  return TRUE.test(known);
}

const DASH = 45;
/** `8-4-4-4-12` */
const UUID_LENGTH = 36;
const UUID_DASHES: readonly number[] = [8, 13, 18, 23];
const NO_DIGIT = 255;

/** Value of a hexadecimal digit by its code. */
const DIGITS = Uint8Array.from({ length: 256 }, (_, code) => {
  const value = Number.parseInt(String.fromCharCode(code), 16);
  return Number.isNaN(value) ? NO_DIGIT : value;
});

export function uuidEncoder(): Encoder {
  return {
    bytesPerCharacter: UTF8_BYTES,
    write(text, chunk, at) {
      if (typeof text !== 'string' || text.length !== UUID_LENGTH) throw noForm('uuid', text);
      for (const dash of UUID_DASHES) if (text.charCodeAt(dash) !== DASH) throw noForm('uuid', text);
      let next = writeInt32(chunk, at, 16);
      for (let index = 0; index < UUID_LENGTH; index += 2) {
        if (text.charCodeAt(index) === DASH) index += 1;
        chunk.bytes[next] = byteAt(text, index);
        next += 1;
      }
      return next;
    },
  };
}

function byteAt(text: string, at: number): number {
  const high = DIGITS[text.charCodeAt(at)] ?? NO_DIGIT;
  const low = DIGITS[text.charCodeAt(at + 1)] ?? NO_DIGIT;
  if (high === NO_DIGIT || low === NO_DIGIT) throw noForm('hexadecimal digits', text);
  return (high << 4) | low;
}

const HEX = /^\\x(?:[0-9a-f]{2})*$/i;

export function bytesEncoder(): Encoder {
  return {
    bytesPerCharacter: UTF8_BYTES,
    write(value, chunk, at) {
      const bytes = typeof value === 'string' ? fromHex(value) : value;
      const next = writeInt32(chunk, at, bytes.length);
      chunk.bytes.set(bytes, next);
      return next + bytes.length;
    },
  };
}

function fromHex(text: string): Uint8Array {
  if (!HEX.test(text)) throw noForm('bytea', text);
  return Buffer.from(text.slice(2), 'hex');
}

const BITS = /^[01]*$/;

/** Number of bits, then bytes that are filled from the left. */
export function bitEncoder(): Encoder {
  return {
    bytesPerCharacter: UTF8_BYTES,
    write(text, chunk, at) {
      if (typeof text !== 'string' || !BITS.test(text)) throw noForm('bits', text);
      const length = Math.ceil(text.length / 8);
      let next = writeInt32(chunk, writeInt32(chunk, at, 4 + length), text.length);
      for (let index = 0; index < text.length; index += 8) {
        chunk.bytes[next] = Number.parseInt(text.slice(index, index + 8).padEnd(8, '0'), 2);
        next += 1;
      }
      return next;
    },
  };
}

const IPV4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:\/32)?$/;
/** PGSQL_AF_INET of src/include/utils/inet.h */
const FAMILY_IPV4 = 2;
const IPV4_BITS = 32;
const IPV4_BYTES = 4;

/** Single addresses of version 4: family, bits, whether it is a cidr, number of bytes, bytes. */
export function networkEncoder(cidr: boolean): Encoder {
  return {
    bytesPerCharacter: UTF8_BYTES,
    write(text, chunk, at) {
      const match = typeof text === 'string' ? IPV4.exec(text) : null;
      if (match === null) throw noForm('inet', text);
      let next = writeInt32(chunk, at, 4 + IPV4_BYTES);
      for (const byte of [FAMILY_IPV4, IPV4_BITS, cidr ? 1 : 0, IPV4_BYTES, ...match.slice(1).map(Number)]) {
        if (byte > 255) throw noForm('inet', text);
        chunk.bytes[next] = byte;
        next += 1;
      }
      return next;
    },
  };
}
