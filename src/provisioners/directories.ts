/** Where things are kept: fetched servers (cache), servers that run (scratch), notes of what was started (state). */
import { lstat, mkdir } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { EnvironmentError } from '../errors.ts';

const uid = (): number => process.getuid?.() ?? 0;
const isRoot = (): boolean => process.getuid?.() === 0;

/** Of this user alone, and readable by others: root's servers run as another user, who cannot enter /root. */
const ownFolder = (): string => join(tmpdir(), `rehearse-${uid()}`);

/** Fetched packages and copies of binaries: REHEARSE_CACHE, else below XDG_CACHE_HOME; root's is below the temporary folder. */
export async function cacheDirectory(): Promise<string> {
  const { REHEARSE_CACHE, XDG_CACHE_HOME } = process.env;
  if (REHEARSE_CACHE) return made(REHEARSE_CACHE);
  if (isRoot()) return made(join(await trusted(ownFolder()), 'cache'));
  return made(join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'rehearse'));
}

/** Notes of what was started: below XDG_STATE_HOME when set, else below the temporary folder. */
export async function stateDirectory(): Promise<string> {
  const { XDG_STATE_HOME } = process.env;
  if (XDG_STATE_HOME) return made(join(XDG_STATE_HOME, 'rehearse'));
  return made(join(await trusted(ownFolder()), 'state'));
}

/** Parent of the data directories: REHEARSE_TMP, else the temporary folder. */
export async function scratchDirectory(): Promise<string> {
  const { REHEARSE_TMP } = process.env;
  return REHEARSE_TMP ? made(REHEARSE_TMP) : tmpdir();
}

async function made(path: string): Promise<string> {
  try {
    await mkdir(path, { recursive: true, mode: 0o755 });
  } catch (cause) {
    throw new EnvironmentError(`cannot make the folder "${path}"`, { cause });
  }
  return path;
}

/** A folder with a known name in a place where anyone may write: it must be ours, or someone else plants binaries in it. */
async function trusted(path: string): Promise<string> {
  await made(path);
  const status = await lstat(path);
  const ours = process.getuid === undefined || (status.uid === uid() && (status.mode & 0o022) === 0);
  if (status.isDirectory() && ours) return path;
  throw new EnvironmentError(
    `the folder "${path}" belongs to another user or others may write to it. ` +
      'Remove it, or set REHEARSE_CACHE and XDG_STATE_HOME to folders of your own.',
  );
}
