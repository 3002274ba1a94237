/** Reads a file that another process is writing, line by line as it grows. */
import { type FileHandle, open } from 'node:fs/promises';

export interface LogTail extends AsyncDisposable {
  /** Reads what is new; lines that are not complete yet come with the next reading. */
  read(): Promise<void>;
}

const CHUNK_BYTES = 1 << 16;

/** The file may not be there yet. */
export function tailLog(file: string, onLine: (line: string) => void): LogTail {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let handle: FileHandle | null = null;
  let rest = '';
  let reading: Promise<void> = Promise.resolve();

  async function readOn(): Promise<void> {
    handle ??= await open(file, 'r').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    for (;;) {
      const got = await handle?.read(chunk, 0, CHUNK_BYTES, null);
      if (got === undefined || got.bytesRead === 0) return;
      const lines = (rest + chunk.toString('latin1', 0, got.bytesRead)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) onLine(line);
    }
  }

  return {
    read() {
      // One after the other: the position in the file is the handle's own.
      reading = reading.then(readOn);
      return reading;
    },
    async [Symbol.asyncDispose]() {
      await Promise.allSettled([reading]);
      await handle?.close();
    },
  };
}
