/** Cells in the binary format of COPY straight from what their texts are made of, without the texts. */
import type { CellSource, ColumnDescription, NumberedRows, RawCells } from '../../engine.ts';
import { CHUNK_BYTES, columnEncoder, createRing, FIXED_ROOM, HEADER, type Told, TRAILER } from './binary.ts';
import { writeDays, writeInterval, writeTicksAsTime, writeTicksAsTimestamp } from './instants.ts';
import { writeDecimal, writeFloat, writeWhole } from './numbers.ts';
import { packedTexts } from './packed.ts';
import { type Chunk, type Encoder, writeInt16, writeInt32 } from './writing.ts';

/** Writes the field of a row; returns where the next one begins, or NO_ROOM. */
type CellWriter = (row: number, chunk: Chunk, at: number) => number;

const NO_ROOM = -1;
const NULL_LENGTH = -1;

/** Chunks of numbered rows, as `binaryChunks` makes them of texts. Null when a type among the columns has no encoder. */
export function numberedChunks(
  { ranges, cells }: NumberedRows,
  columns: readonly (ColumnDescription | undefined)[],
  told: Told,
): Iterable<Buffer> | null {
  const encoders = columns.map(columnEncoder);
  if (encoders.some((encoder) => encoder === null)) return null;
  return chunks(
    ranges,
    () => cells.map((cell, index) => writerFor(cell, columns[index], encoders[index])),
    told,
  );
}

function* chunks(
  ranges: NumberedRows['ranges'],
  make: () => readonly CellWriter[],
  told: Told,
): Iterable<Buffer> {
  const writers = make();
  const nextChunk = createRing();
  let chunk = nextChunk(CHUNK_BYTES);
  let at = HEADER.copy(chunk.bytes);
  let count = 0;
  let bytes = 0;
  for (const [from, to] of ranges)
    for (let row = from; row < to; ) {
      const next = writeRow(writers, row, { chunk, at });
      if (next !== NO_ROOM) {
        at = next;
        row += 1;
        count += 1;
        continue;
      }
      const size = at === 0 ? chunk.bytes.length * 2 : CHUNK_BYTES;
      if (at > 0) {
        yield chunk.bytes.subarray(0, at);
        bytes += at;
        told(count, bytes);
      }
      chunk = nextChunk(size);
      at = 0;
    }
  yield Buffer.concat([chunk.bytes.subarray(0, at), TRAILER]);
  told(count, bytes + at + TRAILER.length);
}

function writeRow(
  writers: readonly CellWriter[],
  row: number,
  { chunk, at }: { readonly chunk: Chunk; readonly at: number },
): number {
  if (at + 2 > chunk.bytes.length) return NO_ROOM;
  let next = writeInt16(chunk, at, writers.length);
  for (let index = 0; index < writers.length; index += 1) {
    const write = writers[index];
    if (write === undefined) return NO_ROOM;
    next = write(row, chunk, next);
    if (next === NO_ROOM) return NO_ROOM;
  }
  return next;
}

function writerFor(
  { text, raw }: CellSource,
  column: ColumnDescription | undefined,
  encoder: Encoder | null | undefined,
): CellWriter {
  if (encoder === null || encoder === undefined || column === undefined) throw new Error('no encoder');
  return rawWriter(raw, column, encoder) ?? textWriter(text, encoder);
}

function textWriter(text: CellSource['text'], { bytesPerCharacter, write }: Encoder): CellWriter {
  return (row, chunk, at) => {
    const value = text(row);
    const room = FIXED_ROOM + (value === null ? 0 : value.length * bytesPerCharacter);
    if (at + room > chunk.bytes.length) return NO_ROOM;
    return value === null ? writeInt32(chunk, at, NULL_LENGTH) : write(value, chunk, at);
  };
}

/** Null when there is nothing behind the text, or something that leads to a form of its own for this type only as text. */
function rawWriter(raw: RawCells | null, { type }: ColumnDescription, encoder: Encoder): CellWriter | null {
  if (raw === null) return null;
  if (raw.kind === 'choice') return choiceWriter(raw, encoder);
  if (type.element !== null) return null;
  if (raw.kind === 'words') return type.base === 'uuid' ? wordsWriter(raw) : null;
  const write = numberWriter(type.base, raw.perUnit);
  if (write === null) return null;
  const { at: ticksAt } = raw;
  return (row, chunk, at) => {
    if (at + FIXED_ROOM > chunk.bytes.length) return NO_ROOM;
    const ticks = ticksAt(row);
    return Number.isNaN(ticks) ? writeInt32(chunk, at, NULL_LENGTH) : write(ticks, chunk, at);
  };
}

type NumberWriter = (ticks: number, chunk: Chunk, at: number) => number;

function numberWriter(base: string, perUnit: number): NumberWriter | null {
  switch (base) {
    case 'int2':
    case 'int4':
    case 'int8':
    case 'oid':
      return perUnit === 1 ? writeWhole(base) : null;
    case 'numeric':
      return writeDecimal(perUnit);
    case 'float4':
    case 'float8':
      return writeFloat(base, perUnit);
    case 'date':
      return writeDays;
    case 'timestamp':
    case 'timestamptz':
      return writeTicksAsTimestamp;
    case 'time':
    case 'timetz':
      return writeTicksAsTime(base === 'timetz');
    case 'interval':
      return writeInterval;
    default:
      return null;
  }
}

/** The fields of all texts are made once. */
function choiceWriter(
  { values, at: placeAt }: RawCells & { readonly kind: 'choice' },
  encoder: Encoder,
): CellWriter {
  const { room, copy } = packedTexts(values(), encoder);
  return (row, chunk, at) => {
    const place = placeAt(row);
    const isNull = place < 0;
    if (at + (isNull ? FIXED_ROOM : room(place)) > chunk.bytes.length) return NO_ROOM;
    return isNull ? writeInt32(chunk, at, NULL_LENGTH) : copy(place, chunk, at);
  };
}

const UUID_BYTES = 16;

function wordsWriter({ read }: RawCells & { readonly kind: 'words' }): CellWriter {
  const words = new Uint32Array(4);
  return (row, chunk, at) => {
    if (at + FIXED_ROOM > chunk.bytes.length) return NO_ROOM;
    if (!read(row, words)) return writeInt32(chunk, at, NULL_LENGTH);
    let next = writeInt32(chunk, at, UUID_BYTES);
    for (let index = 0; index < 4; index += 1) next = writeInt32(chunk, next, words[index] ?? 0);
    return next;
  };
}
