/**
 * Rows in the binary format of COPY, made from the texts of their cells:
 * https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4
 */
import type { CellValue, ColumnDescription } from '../../engine.ts';
import { arrayEncoder } from './arrays.ts';
import { dateEncoder, intervalEncoder, timeEncoder, timestampEncoder } from './instants.ts';
import { decimalEncoder, floatEncoder, integerEncoder } from './numbers.ts';
import { bitEncoder, booleanEncoder, bytesEncoder, networkEncoder, uuidEncoder } from './specials.ts';
import { textEncoder } from './texts.ts';
import { type Chunk, createChunk, type Encoder, writeInt16, writeInt32 } from './writing.ts';

const TEXTS = ['text', 'varchar', 'bpchar', 'citext', 'json', 'xml'];

const ENCODERS: Readonly<Record<string, () => Encoder>> = {
  ...Object.fromEntries(TEXTS.map((base) => [base, () => textEncoder()])),
  jsonb: () => textEncoder(JSONB_VERSION),
  int2: () => integerEncoder(2),
  int4: () => integerEncoder(4),
  int8: () => integerEncoder(8),
  oid: () => integerEncoder('oid'),
  float4: () => floatEncoder(4),
  float8: () => floatEncoder(8),
  numeric: decimalEncoder,
  bool: booleanEncoder,
  uuid: uuidEncoder,
  date: dateEncoder,
  time: () => timeEncoder(false),
  timetz: () => timeEncoder(true),
  timestamp: () => timestampEncoder(false),
  timestamptz: () => timestampEncoder(true),
  interval: intervalEncoder,
  bytea: bytesEncoder,
  bit: bitEncoder,
  varbit: bitEncoder,
  inet: () => networkEncoder(false),
  cidr: () => networkEncoder(true),
};

/** In front of the text, as jsonb_recv wants it. */
const JSONB_VERSION = 1;

/** Null when the type has none. */
export function columnEncoder(column: ColumnDescription | undefined): Encoder | null {
  if (column === undefined) return null;
  const { type } = column;
  if (type.element !== null)
    return type.base.startsWith('_') ? arrayEncoder(type.element, ENCODERS[type.element.base]) : null;
  // The labels of an enum travel as they are, whatever its name is.
  if (type.kind === 'enum') return textEncoder();
  return type.kind === 'composite' || type.kind === 'range' ? null : (ENCODERS[type.base]?.() ?? null);
}

/** Encoders of the columns in this order; null when a type among them has none. */
export function encodersFor(columns: readonly (ColumnDescription | undefined)[]): readonly Encoder[] | null {
  const encoders = columns.map(columnEncoder);
  return encoders.every((encoder) => encoder !== null) ? encoders : null;
}

/** Signature, flags, and the length of an extension: none. */
export const HEADER = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
/** In the place of a row's number of fields. */
export const TRAILER = Buffer.from([0xff, 0xff]);
const NULL_LENGTH = -1;
/** A field of a number, date or uuid with its length takes less. */
export const FIXED_ROOM = 64;

/** Made in some 0.2 ms, before the server has emptied what the socket holds. */
export const CHUNK_BYTES = 64 * 1024;

/**
 * The bytes of a chunk stay as they are until so many further ones have been pulled and the next one is asked for. A
 * socket on this machine holds 208 KiB and asks for more when three quarters of that are gone: with one chunk at a time
 * the server waited 40 % of the time for one that was still to be made (12 columns, 300 bytes a row).
 */
export const CHUNKS_AHEAD = 7;

/** Chunks that take turns. */
export function createRing(): (bytes: number) => Chunk {
  const ring = Array.from({ length: CHUNKS_AHEAD + 1 }, () => createChunk(CHUNK_BYTES));
  let turn = 0;
  return (bytes) => {
    turn = (turn + 1) % ring.length;
    const next = ring[turn];
    return next !== undefined && bytes <= CHUNK_BYTES ? next : createChunk(bytes);
  };
}

/** Told after each chunk: rows that are complete in the chunks so far, and their bytes. */
export type Told = (rows: number, bytes: number) => void;

/**
 * Chunks of about {@link CHUNK_BYTES} each, the header and the trailer among them. Throws NoBinaryForm for a cell
 * that only the server itself can read.
 */
export function* binaryChunks(
  rows: Iterable<readonly CellValue[]>,
  encoders: readonly Encoder[],
  told: Told,
): Iterable<Buffer> {
  const width = encoders.length;
  const nextChunk = createRing();
  let chunk = nextChunk(CHUNK_BYTES);
  let at = HEADER.copy(chunk.bytes);
  let count = 0;
  let bytes = 0;
  for (const row of rows) {
    const start = at;
    const room = roomFor(row, encoders);
    if (at + room > chunk.bytes.length) {
      yield chunk.bytes.subarray(0, start);
      bytes += start;
      told(count, bytes);
      chunk = nextChunk(Math.max(CHUNK_BYTES, room));
      at = 0;
    }
    at = writeInt16(chunk, at, width);
    for (let index = 0; index < width; index += 1) {
      const value = row[index];
      const encoder = encoders[index];
      if (value === null || value === undefined || encoder === undefined)
        at = writeInt32(chunk, at, NULL_LENGTH);
      else at = encoder.write(value, chunk, at);
    }
    count += 1;
  }
  yield Buffer.concat([chunk.bytes.subarray(0, at), TRAILER]);
  told(count, bytes + at + TRAILER.length);
}

/** Never too little, often too much: characters take up to three bytes. */
function roomFor(row: readonly CellValue[], encoders: readonly Encoder[]): number {
  let room = 2;
  for (let index = 0; index < encoders.length; index += 1)
    room += FIXED_ROOM + (row[index]?.length ?? 0) * (encoders[index]?.bytesPerCharacter ?? 3);
  return room;
}
