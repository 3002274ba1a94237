/**
 * Reads the server's answers and keeps nothing of them but their end: rows and definitions of columns are skipped where
 * they stand. https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_command_phase_sp.html
 */
import { LONGEST_PAYLOAD } from './packets.ts';

export interface AnswerListener {
  /** The answer is complete: all its results. `statement` is the number of a prepared statement, else 0. */
  answered(statement: number): void;
  /** The server refused; nothing more comes of this answer. Also told while no answer is expected. */
  refused(code: number, message: string): void;
  /** The server asks for a file; the reply has this sequence number. */
  fileWanted(sequence: number): void;
}

export interface AnswerReader {
  /** To be told before the command is sent. */
  expect(answer: 'results' | 'prepared'): void;
  read(chunk: Buffer): void;
}

const HEADER_BYTES = 4;
/** Enough of a packet: an error's message has at most 512 characters, the other ends of answers are shorter. */
const HEAD_BYTES = 4096;
/** An EOF packet is shorter than any row that begins with the same byte. */
const EOF_BYTES = 9;
const OK = 0x00;
const FILE_WANTED = 0xfb;
const EOF = 0xfe;
const REFUSED = 0xff;
/** SERVER_MORE_RESULTS_EXISTS */
const MORE_RESULTS = 0x08;

type State = 'idle' | 'result' | 'columns' | 'rows' | 'preparing' | 'definitions';

export function createAnswerReader(listener: AnswerListener): AnswerReader {
  let state: State = 'idle';
  /** Packets of definitions that are still to come, with the EOF behind them. */
  let definitions = 0;
  let statement = 0;

  function end(): void {
    state = 'idle';
    listener.answered(statement);
  }

  function endOfResult(status: number): void {
    if ((status & MORE_RESULTS) === 0) end();
    else state = 'result';
  }

  /** `from` is where the payload begins; at least its first {@link HEAD_BYTES} are there. */
  function take(bytes: Buffer, from: number, length: number): void {
    const first = bytes[from] ?? 0;
    if (first === REFUSED) {
      state = 'idle';
      const message = bytes.toString('utf8', from + 3, from + Math.min(length, HEAD_BYTES));
      listener.refused(bytes.readUInt16LE(from + 1), message.replace(/^#.{5}/, ''));
    } else if (state === 'rows') {
      if (first === EOF && length < EOF_BYTES) endOfResult(bytes.readUInt16LE(from + 3));
    } else if (state === 'columns') {
      definitions -= 1;
      if (definitions === 0) state = 'rows';
    } else if (state === 'result') takeResult(bytes, from, first);
    else if (state === 'preparing') takePrepared(bytes, from);
    else if (state === 'definitions') {
      definitions -= 1;
      if (definitions === 0) end();
    }
  }

  function takeResult(bytes: Buffer, from: number, first: number): void {
    if (first === OK) {
      const inserted = from + 1 + integerBytes(bytes[from + 1]);
      endOfResult(bytes.readUInt16LE(inserted + integerBytes(bytes[inserted])));
    } else if (first === FILE_WANTED) listener.fileWanted((bytes[from - 1] ?? 0) + 1);
    else {
      definitions = (first < FILE_WANTED ? first : bytes.readUInt16LE(from + 1)) + 1;
      state = 'columns';
    }
  }

  function takePrepared(bytes: Buffer, from: number): void {
    statement = bytes.readUInt32LE(from + 1);
    const columns = bytes.readUInt16LE(from + 5);
    const parameters = bytes.readUInt16LE(from + 7);
    definitions = columns + parameters + Number(columns > 0) + Number(parameters > 0);
    if (definitions === 0) end();
    else state = 'definitions';
  }

  return {
    expect(answer) {
      state = answer === 'prepared' ? 'preparing' : 'result';
      statement = 0;
    },
    read: createPacketReader(take),
  };
}

/** Of an integer that begins with this byte, which holds it when it is small. */
function integerBytes(first = 0): number {
  if (first < FILE_WANTED) return 1;
  return first === 0xfc ? 3 : first === 0xfd ? 4 : 9;
}

/** Calls `take` for each packet with the place of its payload; what is long is given in part, and never put together. */
function createPacketReader(take: (bytes: Buffer, from: number, length: number) => void) {
  /** Beginning of a packet of which too little has come. */
  let rest: Buffer | null = null;
  /** Bytes of a packet that has been taken already, or continues another. */
  let skipped = 0;
  let continues = false;

  return (chunk: Buffer): void => {
    const bytes = rest === null ? chunk : Buffer.concat([rest, chunk]);
    const to = bytes.length;
    rest = null;
    let at = Math.min(skipped, to);
    skipped -= at;
    while (to - at >= HEADER_BYTES) {
      const length = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
      const from = at + HEADER_BYTES;
      const isMore = continues;
      if (!isMore && to - from < length && to - from < HEAD_BYTES) break;
      continues = length === LONGEST_PAYLOAD;
      at = Math.min(from + length, to);
      skipped = from + length - at;
      if (!isMore && length > 0) take(bytes, from, length);
    }
    if (at < to) rest = bytes.subarray(at);
  };
}
