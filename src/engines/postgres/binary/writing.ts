/** What the encoders of COPY's binary format share. */

/** Where rows are written: the same bytes in two guises, since whole words are written faster than their bytes. */
export interface Chunk {
  readonly bytes: Buffer;
  readonly view: DataView;
}

export function createChunk(size: number): Chunk {
  const bytes = Buffer.allocUnsafeSlow(size);
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) };
}

export interface Encoder {
  /** Writes the length of the field and the field; returns where the next one begins. There is room for it. */
  write(value: string | Uint8Array, chunk: Chunk, at: number): number;
  /** Bytes that a character of the text takes at most, beside a few for the whole field. */
  readonly bytesPerCharacter: number;
}

/** A text that the server may well understand ("tomorrow", "1e3"), but no encoder does: it has to travel as text. */
export class NoBinaryForm extends Error {
  override readonly name = 'NoBinaryForm';
}

/** Bytes per character of text in UTF-8, at most: a character beyond that is two in JavaScript. */
export const UTF8_BYTES = 3;

export function noForm(type: string, text: string | Uint8Array): NoBinaryForm {
  return new NoBinaryForm(`${JSON.stringify(text)} has no binary form as ${type} here`);
}

export function writeInt16({ view }: Chunk, at: number, value: number): number {
  view.setInt16(at, value);
  return at + 2;
}

export function writeInt32({ view }: Chunk, at: number, value: number): number {
  view.setInt32(at, value);
  return at + 4;
}

const UINT32 = 4_294_967_296;

/** A whole number that a double holds exactly. */
export function writeInt64(chunk: Chunk, at: number, value: number): number {
  const high = Math.floor(value / UINT32);
  return writeInt32(chunk, writeInt32(chunk, at, high), value - high * UINT32);
}

/** The two digits at this place; NaN when one is none. */
export function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - ZERO;
  const ones = text.charCodeAt(at + 1) - ZERO;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

export const ZERO = 48;
