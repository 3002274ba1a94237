/**
 * Copies the data directory of a stopped server: by reference where the file system can (probed with one file), byte by
 * byte otherwise. Never an overlay: the first write to each file of one copies the whole file (1.5 s per GiB measured),
 * in the middle of what is timed.
 */
import { constants } from 'node:fs';
import {
  chmod,
  chown,
  copyFile,
  mkdir,
  readdir,
  readlink,
  rm,
  stat,
  statfs,
  symlink,
} from 'node:fs/promises';
import { join } from 'node:path';
import { EnvironmentError } from '../errors.ts';
import type { DataCopy } from './provisioner.ts';

/** Two files at a time: 1.3 times as fast as one on two cores, and no faster with four (1 GiB files, page cache). */
const FILES_AT_A_TIME = 2;

interface Entry {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly bytes: number;
}

interface Tree {
  /** Parents before their children; '' is the directory itself. */
  readonly directories: readonly Entry[];
  readonly files: readonly Entry[];
  readonly links: readonly string[];
}

/**
 * Copies everything below `from` to `to`, which must not be there; modes stay, owners too when this is root. EnvironmentError
 * where the disk has no room for it.
 */
export async function copyDataDirectory(from: string, to: string, signal: AbortSignal): Promise<DataCopy> {
  const startedAt = performance.now();
  const tree = await readTree(from);
  for (const directory of tree.directories) {
    await mkdir(join(to, directory.path), { mode: 0o700 });
    await own(join(to, directory.path), directory);
  }
  const method = (await canClone(from, to, tree.files)) ? 'clone' : 'copy';
  const bytes = tree.files.reduce((sum, file) => sum + file.bytes, 0);
  if (method === 'copy') await refuseWithoutRoom(to, bytes);
  const flags = method === 'clone' ? constants.COPYFILE_FICLONE_FORCE : 0;
  // The largest first, so that no worker is left alone with one at the end.
  const queue = tree.files.toSorted((one, other) => one.bytes - other.bytes);
  const copyNext = async (): Promise<void> => {
    for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
      signal.throwIfAborted();
      const target = join(to, file.path);
      await copyFile(join(from, file.path), target, flags).catch((cause) => {
        throw new EnvironmentError(`"${join(from, file.path)}" cannot be copied to "${target}"`, { cause });
      });
      await own(target, file);
    }
  };
  await inTurns(copyNext);
  for (const link of tree.links) await symlink(await readlink(join(from, link)), join(to, link));
  // Last: a directory that must not be written to can then be filled all the same.
  for (const directory of tree.directories) await chmod(join(to, directory.path), directory.mode);
  return { method, durationMs: performance.now() - startedAt, bytes };
}

async function refuseWithoutRoom(to: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(to);
  const [wanted, free] = [bytes, bavail * bsize].map((each) => Math.ceil(each / 2 ** 20));
  if (bavail * bsize < bytes)
    throw new EnvironmentError(
      `not enough free disk for a copy of the data directory: it has ${wanted} MiB, and ${free} MiB are free for "${to}". ` +
        'Ask for fewer rows, or free some space.',
    );
}

/** Every worker ends before the first failure is told, so that nobody writes into what is then removed. */
async function inTurns(work: () => Promise<void>): Promise<void> {
  const results = await Promise.allSettled(Array.from({ length: FILES_AT_A_TIME }, work));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

async function readTree(root: string): Promise<Tree> {
  const directories: Entry[] = [];
  const files: Entry[] = [];
  const links: string[] = [];
  const read = async (path: string): Promise<void> => {
    directories.push(await entryOf(root, path));
    for (const each of await readdir(join(root, path), { withFileTypes: true })) {
      const below = join(path, each.name);
      if (each.isDirectory()) await read(below);
      else if (each.isSymbolicLink()) links.push(below);
      else if (each.isFile()) files.push(await entryOf(root, below));
      // Sockets and pipes belong to a server that runs, and none does.
    }
  };
  await read('');
  return { directories, files, links };
}

async function entryOf(root: string, path: string): Promise<Entry> {
  const { mode, uid, gid, size } = await stat(join(root, path));
  return { path, mode: mode & 0o7777, uid, gid, bytes: size };
}

/** Root's servers run as another user, who must own what it is to write. */
async function own(path: string, { uid, gid }: Entry): Promise<void> {
  if (process.getuid?.() === 0) await chown(path, uid, gid);
}

/** Errors that say "not here": another file system, one without clones, a kernel without the call. */
const CANNOT_CLONE = ['EXDEV', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'ENOTTY', 'EINVAL'];

async function canClone(from: string, to: string, files: readonly Entry[]): Promise<boolean> {
  // A file without bytes can be "cloned" on file systems that clone nothing.
  const probe = files.find(({ bytes }) => bytes > 0);
  if (probe === undefined) return false;
  const target = join(to, '.clone-probe');
  try {
    await copyFile(join(from, probe.path), target, constants.COPYFILE_FICLONE_FORCE);
    return true;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (CANNOT_CLONE.includes(code)) return false;
    throw new EnvironmentError(`"${join(from, probe.path)}" cannot be copied to "${to}"`, { cause: error });
  } finally {
    await rm(target, { force: true });
  }
}
