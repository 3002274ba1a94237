/** Cells as LOAD DATA reads them: https://dev.mysql.com/doc/refman/en/load-data.html#load-data-field-line-handling */
import type { CellValue, ColumnType } from '../../engine.ts';

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
export interface Lines {
  bytes: Buffer;
  /** Bytes collected. */
  at: number;
}

/** Of the row that ends a chunk. */
const ROW_ROOM = 4096;

/** Room for lines of about so many bytes; a larger row makes it larger. */
export function createLines(chunkBytes: number): Lines {
  return { bytes: Buffer.allocUnsafeSlow(chunkBytes + ROW_ROOM), at: 0 };
}

/** What was collected since the last time; it is not touched any more. */
export function takeLines(lines: Lines, chunkBytes: number): Buffer {
  const taken = lines.bytes.subarray(0, lines.at);
  Object.assign(lines, createLines(chunkBytes));
  return taken;
}

export function makeRoom(lines: Lines, wanted: number): void {
  if (lines.at + wanted <= lines.bytes.length) return;
  const larger = Buffer.allocUnsafeSlow(Math.max(lines.bytes.length * 2, lines.at + wanted));
  lines.bytes.copy(larger, 0, 0, lines.at);
  lines.bytes = larger;
}

const BACKSLASH = 92;
const TAB = 9;
const NEWLINE = 10;
const NULL_MARK = 78;

/** Null is a backslash and an N. */
export function writeNull(lines: Lines): void {
  makeRoom(lines, 2);
  lines.bytes[lines.at] = BACKSLASH;
  lines.bytes[lines.at + 1] = NULL_MARK;
  lines.at += 2;
}

/** Behind a cell. */
export function endCell(lines: Lines): void {
  makeRoom(lines, 1);
  lines.bytes[lines.at] = TAB;
  lines.at += 1;
}

/** Behind the end of a row's last cell, in whose place it comes. */
export function endRow(lines: Lines): void {
  lines.bytes[lines.at - 1] = NEWLINE;
}

export function writeCell(lines: Lines, value: CellValue, form: CellForm): void {
  if (value === null) writeNull(lines);
  else if (typeof value !== 'string') writeHex(lines, value);
  else if (form === 'hex') writeHex(lines, Buffer.from(value));
  else if (form === 'bits') writeHex(lines, bitsOf(value));
  else writeText(lines, value);
}

export function writeRow(lines: Lines, row: readonly CellValue[], forms: readonly CellForm[]): void {
  if (row.length === 0) endCell(lines);
  for (let index = 0; index < row.length; index += 1) {
    writeCell(lines, row[index] ?? null, forms[index] ?? 'text');
    endCell(lines);
  }
  endRow(lines);
}

/** Longer text is written by the runtime: its own loop is faster from there on, calling it costs 50 ns. */
const SHORT_TEXT = 96;
/** What a character takes at most in UTF-8; an escaped one takes two. */
const CHARACTER_BYTES = 3;
const ESCAPES: Readonly<Record<number, number>> = { 92: 92, 10: 110, 9: 116, 0: 48 };

function writeText(lines: Lines, text: string): void {
  const { length } = text;
  makeRoom(lines, length * CHARACTER_BYTES);
  const { bytes, at: start } = lines;
  let at = start;
  for (let index = 0; index < length; index += 1) {
    const code = text.charCodeAt(index);
    if (code > 127 || length > SHORT_TEXT) {
      at = start + bytes.write(escaped(text), start, 'utf8');
      break;
    }
    const letter = code === BACKSLASH || code <= NEWLINE ? ESCAPES[code] : undefined;
    if (letter === undefined) {
      bytes[at] = code;
      at += 1;
    } else {
      bytes[at] = BACKSLASH;
      bytes[at + 1] = letter;
      at += 2;
    }
  }
  lines.at = at;
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

function writeHex(lines: Lines, value: Uint8Array): void {
  makeRoom(lines, value.length * 2);
  const hex = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex');
  lines.at += lines.bytes.write(hex, lines.at, 'latin1');
}

/** Digits as written in `values:` of the scenario ("101"), or the characters that the bytes stand for. */
function bitsOf(text: string): Uint8Array {
  if (!/^[01]+$/.test(text)) return Buffer.from(text, 'latin1');
  const digits = text.padStart(Math.ceil(text.length / 8) * 8, '0');
  return Uint8Array.from({ length: digits.length / 8 }, (_, index) =>
    Number.parseInt(digits.slice(index * 8, index * 8 + 8), 2),
  );
}
