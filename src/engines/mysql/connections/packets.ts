/**
 * Commands to the server, each as the bytes of its packets:
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_command_phase.html
 */
import type { CellValue } from '../../engine.ts';

const HEADER_BYTES = 4;
/** A payload of this length or more goes in several packets, the last one shorter, perhaps empty. */
export const LONGEST_PAYLOAD = 0xffffff;

const COM_QUERY = 0x03;
const COM_STMT_PREPARE = 0x16;
const COM_STMT_EXECUTE = 0x17;

/** Command, statement, cursor type, iteration count. */
const EXECUTE_BYTES = 1 + 4 + 1 + 4;
const NO_CURSOR = 0;
const BLOB = 0xfc;
const VARCHAR = 0xfd;

/** Text as one message; without query attributes. */
export function encodeQuery(text: string): Buffer {
  return encodeText(COM_QUERY, text);
}

export function encodePrepare(text: string): Buffer {
  return encodeText(COM_STMT_PREPARE, text);
}

/**
 * Runs a prepared statement, all rows at once. Text is sent as text of the connection's character set, from which the
 * server makes what the column wants, as drivers do with text parameters; bytes are sent as BLOB.
 */
export function encodeExecute(statement: number, values: readonly CellValue[]): Buffer {
  const count = values.length;
  const nullBytes = (count + 7) >> 3;
  let length = EXECUTE_BYTES + (count === 0 ? 0 : nullBytes + 1 + 2 * count);
  for (const value of values) length += value === null ? 0 : encodedBytes(bytesOf(value));
  const buffer = Buffer.allocUnsafe(HEADER_BYTES + length);
  let at = HEADER_BYTES;
  buffer[at] = COM_STMT_EXECUTE;
  buffer.writeUInt32LE(statement, at + 1);
  buffer[at + 5] = NO_CURSOR;
  buffer.writeUInt32LE(1, at + 6);
  at += EXECUTE_BYTES;
  if (count > 0) {
    const nulls = at;
    buffer.fill(0, nulls, nulls + nullBytes);
    at += nullBytes;
    buffer[at] = 1;
    let type = at + 1;
    at = type + 2 * count;
    for (let index = 0; index < count; index += 1) {
      const value = values[index] ?? null;
      buffer[type] = value instanceof Uint8Array ? BLOB : VARCHAR;
      buffer[type + 1] = 0;
      type += 2;
      if (value === null)
        buffer[nulls + (index >> 3)] = (buffer[nulls + (index >> 3)] ?? 0) | (1 << (index & 7));
      else at = writeValue(buffer, at, value);
    }
  }
  return packetsOf(buffer);
}

/** Answer to a server that asks for a file of this machine: there is none. */
export function encodeNoFile(sequence: number): Buffer {
  return Buffer.from([0, 0, 0, sequence & 0xff]);
}

function encodeText(command: number, text: string): Buffer {
  const buffer = Buffer.allocUnsafe(HEADER_BYTES + 1 + Buffer.byteLength(text));
  buffer[HEADER_BYTES] = command;
  buffer.write(text, HEADER_BYTES + 1, 'utf8');
  return packetsOf(buffer);
}

function bytesOf(value: string | Uint8Array): number {
  return typeof value === 'string' ? Buffer.byteLength(value) : value.length;
}

/** https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_dt_integers.html#sect_protocol_basic_dt_int_le */
function encodedBytes(bytes: number): number {
  if (bytes < 0xfb) return 1 + bytes;
  if (bytes <= 0xffff) return 3 + bytes;
  return (bytes <= 0xffffff ? 4 : 9) + bytes;
}

function writeValue(buffer: Buffer, from: number, value: string | Uint8Array): number {
  const bytes = bytesOf(value);
  let at = from;
  if (bytes < 0xfb) {
    buffer[at] = bytes;
    at += 1;
  } else if (bytes <= 0xffff) {
    buffer[at] = 0xfc;
    at = buffer.writeUInt16LE(bytes, at + 1);
  } else if (bytes <= 0xffffff) {
    buffer[at] = 0xfd;
    at = buffer.writeUIntLE(bytes, at + 1, 3);
  } else {
    buffer[at] = 0xfe;
    at = buffer.writeBigUInt64LE(BigInt(bytes), at + 1);
  }
  if (typeof value === 'string') return at + buffer.write(value, at, 'utf8');
  buffer.set(value, at);
  return at + bytes;
}

/** Puts headers before the payload, which stands behind room for one. */
function packetsOf(buffer: Buffer): Buffer {
  const length = buffer.length - HEADER_BYTES;
  if (length < LONGEST_PAYLOAD) {
    writeHeader(buffer, length, 0);
    return buffer;
  }
  const pieces: Buffer[] = [];
  for (let at = 0, sequence = 0; at <= length; at += LONGEST_PAYLOAD, sequence += 1) {
    const payload = buffer.subarray(HEADER_BYTES + at, HEADER_BYTES + Math.min(length, at + LONGEST_PAYLOAD));
    const header = Buffer.allocUnsafe(HEADER_BYTES);
    writeHeader(header, payload.length, sequence);
    pieces.push(header, payload);
  }
  return Buffer.concat(pieces);
}

function writeHeader(buffer: Buffer, length: number, sequence: number): void {
  buffer[0] = length & 0xff;
  buffer[1] = (length >> 8) & 0xff;
  buffer[2] = (length >> 16) & 0xff;
  buffer[3] = sequence & 0xff;
}
