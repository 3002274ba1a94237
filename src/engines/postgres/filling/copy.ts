/** COPY FROM STDIN through pg-copy-streams, which is imported here alone. */
import { setImmediate as pause } from 'node:timers/promises';
import { from } from 'pg-copy-streams';
import type { PostgresClient } from '../connections/client.ts';

/**
 * While the server takes chunks as fast as they come, none of the waits lets timers, messages or the server's errors
 * through.
 */
const CHUNKS_BETWEEN_PAUSES = 32;

/**
 * Streams chunks into a `COPY ... FROM STDIN` statement, no faster than the server takes them, so that memory stays
 * flat; a chunk has left when the next one is pulled, so that its buffer can be used again. Returns the number of rows. An error of the server, of the chunks or an abort ends the COPY without a row.
 */
export async function copyIn(
  client: PostgresClient,
  statement: string,
  chunks: Iterable<string | Buffer>,
  signal?: AbortSignal,
): Promise<number> {
  const copy = client.query(from(statement));
  const { stream } = client.connection;
  // The wait of the moment: a race with one promise for all chunks would keep a reaction for each of them.
  let giveUp: (reason: unknown) => void = () => undefined;
  let refusal: { readonly error: unknown } | null = null;
  const abort = () => giveUp(signal?.reason);
  copy.on('error', (error) => {
    refusal ??= { error };
    giveUp(error);
  });
  const wait = (begin: (done: (error?: Error | null) => void) => void): Promise<void> =>
    new Promise((resolve, reject) => {
      giveUp = reject;
      if (refusal !== null) reject(refusal.error);
      else begin((error) => (error ? reject(error) : resolve()));
    });
  signal?.addEventListener('abort', abort, { once: true });
  try {
    signal?.throwIfAborted();
    let untilPause = CHUNKS_BETWEEN_PAUSES;
    for (const chunk of chunks) {
      untilPause -= 1;
      if (untilPause === 0) {
        untilPause = CHUNKS_BETWEEN_PAUSES;
        await pause();
      }
      // One at a time: pg-copy-streams 7 keeps further chunks in a list of its own, and writes that list to a connection
      // that is no longer there when the server refuses the data meanwhile.
      await wait((done) => copy.write(chunk, done));
      // Only a small chunk is still held back when the stream takes more.
      while (stream.writableLength > 0) await wait(setImmediate);
      signal?.throwIfAborted();
    }
    await wait((done) => copy.end(done));
    return copy.rowCount;
  } catch (error) {
    // After an error of the server the stream has no connection to send a CopyFail to.
    if (refusal === null) copy.destroy(new Error('the client gave up'));
    throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}
