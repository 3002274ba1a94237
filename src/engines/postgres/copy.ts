/** COPY FROM STDIN through pg-copy-streams, which is imported here alone. */
import type { Writable } from 'node:stream';
import { from } from 'pg-copy-streams';
import type { PostgresClient } from './client.ts';

/**
 * Streams chunks into a `COPY ... FROM STDIN` statement, no faster than the server takes them, so that memory stays
 * flat. Returns the number of rows. An error of the server, of the chunks or an abort ends the COPY without a row.
 */
export async function copyIn(
  client: PostgresClient,
  statement: string,
  chunks: Iterable<string | Buffer>,
  signal?: AbortSignal,
): Promise<number> {
  const copy = client.query(from(statement));
  let refused = false;
  let abort = () => {};
  const failed = new Promise<never>((_, reject) => {
    abort = () => reject(signal?.reason);
    copy.on('error', (error) => {
      refused = true;
      reject(error);
    });
  });
  // After an abort was told, the server's answer to it interests nobody.
  failed.catch(() => undefined);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    signal?.throwIfAborted();
    for (const chunk of chunks) {
      await Promise.race([taken(copy, chunk), failed]);
      signal?.throwIfAborted();
    }
    await Promise.race([ended(copy), failed]);
    return copy.rowCount;
  } catch (error) {
    // After an error of the server the stream has no connection to send a CopyFail to.
    if (!refused) copy.destroy(new Error('the client gave up'));
    throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

/**
 * One chunk at a time: pg-copy-streams 7 keeps further chunks in a list of its own, and writes that list to a
 * connection that is no longer there when the server refuses the data meanwhile.
 */
function taken(copy: Writable, chunk: string | Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    copy.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
}

function ended(copy: Writable): Promise<void> {
  return new Promise((resolve) => {
    copy.end(resolve);
  });
}
