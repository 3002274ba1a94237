/** Bytes of a folder as `du` tells them, again and again: what the disk observer is held against. */
import { execa } from 'execa';

/** `du` exits with an error when a file goes away under it, and tells the sum all the same. */
const LOOP = 'while :; do du -s -B1 "$0" 2>/dev/null; sleep 0.01; done';

export interface DuLoop extends AsyncDisposable {
  /** Largest sum so far; NaN before the first one. */
  readonly peakBytes: number;
  readonly readings: number;
}

/** The whole folder, blocks on disk, with 10 ms between one walk and the next. */
export function startDu(folder: string): DuLoop {
  let peakBytes = Number.NaN;
  let readings = 0;
  const loop = execa('sh', ['-c', LOOP, folder], { reject: false, detached: true, buffer: false });
  const read = (async () => {
    for await (const line of loop) {
      const bytes = Number(String(line).split('\t')[0]);
      readings += 1;
      peakBytes = readings === 1 ? bytes : Math.max(peakBytes, bytes);
    }
  })();
  return {
    get peakBytes() {
      return peakBytes;
    },
    get readings() {
      return readings;
    },
    async [Symbol.asyncDispose]() {
      // The shell and the du that it is waiting for.
      if (loop.pid !== undefined) process.kill(-loop.pid, 'SIGKILL');
      await loop;
      await read.catch(() => undefined);
    },
  };
}
