/** Messages to the server: https://www.postgresql.org/docs/current/protocol-message-formats.html */

const INT32_BYTES = 4;
const NULL_LENGTH = -1;

/** `Q`: text as one message of the simple protocol. */
export function encodeQuery(text: string): Buffer {
  const bytes = Buffer.byteLength(text);
  const message = Buffer.allocUnsafe(1 + INT32_BYTES + bytes + 1);
  message.write('Q', 0, 'latin1');
  message.writeInt32BE(INT32_BYTES + bytes + 1, 1);
  message.write(text, 5, 'utf8');
  message[5 + bytes] = 0;
  return message;
}

/** `P`: a named ('' for the unnamed) statement whose parameter types the server infers. */
export function encodeParse(name: string, text: string): Buffer {
  const nameBytes = Buffer.byteLength(name);
  const textBytes = Buffer.byteLength(text);
  const length = INT32_BYTES + nameBytes + 1 + textBytes + 1 + 2;
  const message = Buffer.allocUnsafe(1 + length);
  message.write('P', 0, 'latin1');
  let at = message.writeInt32BE(length, 1);
  at += message.write(name, at, 'utf8');
  at = message.writeUInt8(0, at);
  at += message.write(text, at, 'utf8');
  at = message.writeUInt8(0, at);
  message.writeInt16BE(0, at);
  return message;
}

/** `D` of a named statement: its parameters and its rows. */
export function encodeDescribe(name: string): Buffer {
  const nameBytes = Buffer.byteLength(name);
  const length = INT32_BYTES + 1 + nameBytes + 1;
  const message = Buffer.allocUnsafe(1 + length);
  message.write('D', 0, 'latin1');
  let at = message.writeInt32BE(length, 1);
  at += message.write('S', at, 'latin1');
  at += message.write(name, at, 'utf8');
  message.writeUInt8(0, at);
  return message;
}

/** `B`, `E` and `S` in one buffer: all values as text, all rows, unnamed portal. */
export function encodeBindExecuteSync(name: string, values: readonly (string | null)[]): Buffer {
  const nameBytes = Buffer.byteLength(name);
  let bindLength = INT32_BYTES + 1 + nameBytes + 1 + 2 + 2 + 2;
  for (const value of values) bindLength += INT32_BYTES + (value === null ? 0 : Buffer.byteLength(value));
  const message = Buffer.allocUnsafe(1 + bindLength + EXECUTE_SYNC.length);
  message.write('B', 0, 'latin1');
  let at = message.writeInt32BE(bindLength, 1);
  at = message.writeUInt8(0, at);
  at += message.write(name, at, 'utf8');
  at = message.writeUInt8(0, at);
  at = message.writeInt16BE(0, at);
  at = message.writeInt16BE(values.length, at);
  for (const value of values) {
    const written = value === null ? 0 : message.write(value, at + INT32_BYTES, 'utf8');
    at = message.writeInt32BE(value === null ? NULL_LENGTH : written, at) + written;
  }
  at = message.writeInt16BE(0, at);
  EXECUTE_SYNC.copy(message, at);
  return message;
}

/** Execute of the unnamed portal without a row limit, then Sync. */
const EXECUTE_SYNC = Buffer.from([0x45, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0x53, 0, 0, 0, 4]);
