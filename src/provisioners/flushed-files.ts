/**
 * A server that fills with `fsync` off leaves gigabytes in the page cache, which the kernel would write out in the
 * middle of the baseline. This writes them out before.
 */
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Flushes every file below the directory of a stopped server to disk. */
export async function flushFiles(directory: string, signal: AbortSignal): Promise<void> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true });
  for (const entry of entries) {
    signal.throwIfAborted();
    if (!entry.isFile()) continue;
    await using file = await open(join(entry.parentPath, entry.name), 'r+');
    await file.sync();
  }
}
