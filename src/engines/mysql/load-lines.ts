/** Rows as the lines that LOAD DATA reads: https://dev.mysql.com/doc/refman/en/load-data.html#load-data-field-line-handling */
import type { CellValue, ColumnType } from '../engine.ts';

/**
 * How a column's cells travel: as text; as hex, for what is bytes; as hex of the bits, for BIT; as hex or as well-known text,
 * for shapes.
 */
export type CellForm = 'text' | 'hex' | 'bits' | 'shape';

/** BIT takes text as bytes, whatever digits it shows. */
export function formOf(type: ColumnType | undefined): CellForm {
  if (type?.base === 'bit') return 'bits';
  if (type?.kind === 'shape') return 'shape';
  return type?.kind === 'bytes' || type?.kind === 'vector' ? 'hex' : 'text';
}

/** Lines that are collected until they are taken. */
export interface LineBuffer {
  /** Bytes collected. */
  size(): number;
  add(row: readonly CellValue[]): void;
  /** What was collected since the last time; it is not touched any more. */
  take(): Buffer;
}

/** Longer text is written by the runtime: its own loop over bytes is faster from there on, calling it costs 50 ns. */
const SHORT_TEXT = 96;
const BACKSLASH = 92;
const TAB = 9;
const NEWLINE = 10;
const NULL_MARK = 78;
/** What a character takes at most in UTF-8; an escaped one takes two. */
const CHARACTER_BYTES = 3;
const ESCAPES: Readonly<Record<number, number>> = { 92: 92, 10: 110, 9: 116, 0: 48 };

/** A buffer for lines of about so many bytes; a larger row makes it larger. */
export function createLines(forms: readonly CellForm[], chunkBytes: number): LineBuffer {
  let bytes = Buffer.allocUnsafeSlow(chunkBytes * 2);
  let at = 0;
  const makeRoom = (wanted: number): void => {
    if (at + wanted <= bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(bytes.length * 2, at + wanted));
    bytes.copy(larger, 0, 0, at);
    bytes = larger;
  };
  const addText = (text: string): void => {
    makeRoom(text.length * CHARACTER_BYTES + 2);
    const { length } = text;
    if (length > SHORT_TEXT) {
      at += bytes.write(escaped(text), at, 'utf8');
      return;
    }
    const start = at;
    for (let index = 0; index < length; index += 1) {
      const code = text.charCodeAt(index);
      if (code > 127) {
        at = start + bytes.write(escaped(text), start, 'utf8');
        return;
      }
      if (code === BACKSLASH || code <= NEWLINE) {
        const letter = ESCAPES[code];
        if (letter !== undefined) {
          bytes[at] = BACKSLASH;
          bytes[at + 1] = letter;
          at += 2;
          continue;
        }
      }
      bytes[at] = code;
      at += 1;
    }
  };
  const addHex = (value: Uint8Array): void => {
    makeRoom(value.length * 2 + 2);
    at += bytes.write(hexOf(value), at, 'latin1');
  };
  return {
    size: () => at,
    add: (row) => {
      for (let index = 0; index < row.length; index += 1) {
        const value = row[index] ?? null;
        if (value === null) {
          makeRoom(3);
          bytes[at] = BACKSLASH;
          bytes[at + 1] = NULL_MARK;
          at += 2;
        } else if (typeof value !== 'string') addHex(value);
        else if (forms[index] === 'hex') addHex(Buffer.from(value));
        else if (forms[index] === 'bits') addHex(bitsOf(value));
        else addText(value);
        makeRoom(1);
        bytes[at] = TAB;
        at += 1;
      }
      bytes[row.length === 0 ? at++ : at - 1] = NEWLINE;
    },
    take: () => {
      const taken = bytes.subarray(0, at);
      bytes = Buffer.allocUnsafeSlow(chunkBytes * 2);
      at = 0;
      return taken;
    },
  };
}

const SPECIAL = /[\\\n\t\0]/;
const TEXT_ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\n': '\\n',
  '\t': '\\t',
  '\0': '\\0',
};

function escaped(text: string): string {
  return SPECIAL.test(text)
    ? text.replace(/[\\\n\t\0]/g, (character) => TEXT_ESCAPES[character] ?? character)
    : text;
}

function hexOf(value: Uint8Array): string {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex');
}

/** Digits as written in `values:` of the scenario ("101"), or the characters that the bytes stand for. */
function bitsOf(text: string): Uint8Array {
  if (!/^[01]+$/.test(text)) return Buffer.from(text, 'latin1');
  const digits = text.padStart(Math.ceil(text.length / 8) * 8, '0');
  return Uint8Array.from({ length: digits.length / 8 }, (_, index) =>
    Number.parseInt(digits.slice(index * 8, index * 8 + 8), 2),
  );
}
