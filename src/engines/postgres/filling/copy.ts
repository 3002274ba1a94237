/** COPY FROM STDIN: https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY */
import { setImmediate as pause } from 'node:timers/promises';
import { CHUNKS_AHEAD } from '../binary/binary.ts';
import type { PostgresClient, PostgresConnection, Submittable } from '../connections/client.ts';

/** While the socket takes chunks as fast as they come, nothing else lets timers and the server's errors through. */
const CHUNKS_BETWEEN_PAUSES = 32;

const COPY_DATA = 0x64;
const COPY_DONE = Buffer.from([0x63, 0, 0, 0, 4]);
const COPY_FAIL = 0x66;
const LENGTH_BYTES = 4;

/**
 * Streams chunks into a `COPY ... FROM STDIN` statement, with {@link CHUNKS_AHEAD} on their way while the next one is
 * made, so that memory stays flat. Returns the number of rows. An error of the server, of the connection or of the
 * chunks ends the COPY without a row.
 */
export async function copyIn(
  client: PostgresClient,
  statement: string,
  chunks: Iterable<string | Buffer>,
): Promise<number> {
  const copy = beginCopy(client, statement);
  try {
    await copy.until(copy.isReady);
    let untilPause = CHUNKS_BETWEEN_PAUSES;
    for (const chunk of chunks) {
      copy.send(chunk);
      await copy.until(copy.hasRoom);
      untilPause -= 1;
      // What the socket has not taken yet goes out in the pause as soon as there is room, before the next chunk is made.
      if (untilPause > 0 && !copy.isWaiting()) continue;
      untilPause = CHUNKS_BETWEEN_PAUSES;
      await pause();
    }
    copy.end();
    await copy.until(copy.isDone);
    return copy.rows();
  } catch (error) {
    copy.fail();
    throw error;
  }
}

interface Copy {
  /** Waits for the condition; throws what the server or the connection said meanwhile or before. */
  until(condition: () => boolean): Promise<void>;
  isReady(): boolean;
  hasRoom(): boolean;
  /** For the socket, with a chunk in hand. */
  isWaiting(): boolean;
  isDone(): boolean;
  send(chunk: string | Buffer): void;
  end(): void;
  /** The server ends the statement with an error, unless it has done so. */
  fail(): void;
  rows(): number;
}

/** What `pg` calls while the statement runs. */
interface CopyQuery extends Submittable {
  handleCopyInResponse(): void;
  handleCommandComplete(message: { readonly text?: string }): void;
  handleReadyForQuery(): void;
  handleError(error: unknown): void;
}

function beginCopy(client: PostgresClient, statement: string): Copy {
  const { stream } = client.connection;
  let state: 'asked' | 'ready' | 'done' | 'failing' | 'refused' = 'asked';
  let failure: { readonly error: unknown } | null = null;
  let [rows, inFlight] = [0, 0];
  let wake = () => {};
  const query: CopyQuery = {
    submit: (connection: PostgresConnection) => connection.query(statement),
    handleCopyInResponse() {
      if (state === 'failing') stream.write(copyFail());
      else state = 'ready';
      wake();
    },
    handleCommandComplete({ text }) {
      rows = Number(/^COPY (\d+)/.exec(text ?? '')?.[1] ?? 0);
    },
    handleReadyForQuery() {
      state = 'done';
      wake();
    },
    handleError(error) {
      state = 'refused';
      failure ??= { error };
      wake();
    },
  };
  // A socket that broke meanwhile is told to `handleError`.
  const taken = () => {
    inFlight -= 1;
    wake();
  };
  client.query(query);
  return {
    until: (condition) =>
      new Promise((resolve, reject) => {
        wake = () => {
          if (failure !== null) reject(failure.error);
          else if (condition()) resolve();
        };
        wake();
      }),
    isReady: () => state === 'ready',
    hasRoom: () => inFlight <= CHUNKS_AHEAD,
    isWaiting: () => stream.writableLength > 0,
    isDone: () => state === 'done',
    send(chunk) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      inFlight += 1;
      stream.cork();
      stream.write(headOf(COPY_DATA, bytes.length));
      stream.write(bytes, taken);
      stream.uncork();
    },
    end: () => void stream.write(COPY_DONE),
    fail() {
      if (state === 'ready') stream.write(copyFail());
      if (state === 'asked' || state === 'ready') state = 'failing';
    },
    rows: () => rows,
  };
}

function headOf(type: number, bytes: number): Buffer {
  const head = Buffer.allocUnsafe(1 + LENGTH_BYTES);
  head[0] = type;
  head.writeUInt32BE(bytes + LENGTH_BYTES, 1);
  return head;
}

function copyFail(): Buffer {
  const reason = Buffer.from('the client gave up\0');
  return Buffer.concat([headOf(COPY_FAIL, reason.length), reason]);
}
