/** Free space where the server's files are: how much of it a migration took, and whether any file can have grown since. */
import { statfsSync } from 'node:fs';
import { explain } from '../errors.ts';
import { exactly, type Figure, isMeasured, notMeasured } from '../recording/figure.ts';
import type { ObserveRequest } from './observer.ts';

/** The least free space since the beginning, against that at the beginning. */
export function watchFree(request: ObserveRequest) {
  let firstBytes: number | null = null;
  let leastBytes = Number.POSITIVE_INFINITY;
  let missing = 'the disk was not read';
  return {
    begin(): void {
      firstBytes = null;
      leastBytes = Number.POSITIVE_INFINITY;
    },
    async read(): Promise<void> {
      const free = await freeBytes(request).catch((error: unknown) =>
        notMeasured(explain(error).split('\n')[0] ?? ''),
      );
      if (!isMeasured(free)) {
        missing = free.notMeasured;
        return;
      }
      firstBytes ??= free.lower;
      leastBytes = Math.min(leastBytes, free.lower);
    },
    takenBytes: (): Figure =>
      firstBytes === null
        ? notMeasured(missing)
        : exactly(firstBytes - leastBytes, 'statfs of the data directory, least against first'),
  };
}

export async function freeBytes({ server }: ObserveRequest): Promise<Figure> {
  if ('missing' in server.dataDirectory) return notMeasured(server.dataDirectory.missing);
  // Asking takes 4 us, by a thread of the pool 76 us; the files beside it are walked by this thread too.
  const { bavail, bsize } = statfsSync(server.dataDirectory.path);
  return exactly(bavail * bsize, 'statfs of the data directory');
}

/**
 * File systems that count a block as taken as soon as a file has it (statfs(2), f_type): ext4 with what it allocates later,
 * XFS, tmpfs. Others, btrfs and ZFS among them, settle that seconds later.
 */
const PROMPT = new Set([0xef53, 0x58465342, 0x01021994]);

/** Tells whether any file in these folders can have got or lost a block since this was last asked. */
export interface FileSystems {
  mayHaveChanged(): boolean;
}

/**
 * Free blocks tell it for the price of a system call, a walk for hundreds. What is taken and given back between two questions
 * stays unseen, and so does what one file takes that another one gives: walk every now and then all the same. `folders` are on
 * one file system or more; of a kind that is not known to be prompt the answer is always yes, unless it shows the very figures
 * of one that is, as overlayfs does.
 */
export function watchFileSystems(folders: () => readonly string[]): FileSystems {
  let before = '';
  return {
    mayHaveChanged() {
      const now = stateOf(folders());
      const changed = now === null || now !== before;
      before = now ?? '';
      return changed;
    },
  };
}

/** Null where that does not tell. */
function stateOf(folders: readonly string[]): string | null {
  try {
    const found = folders.map((folder) => statfsSync(folder));
    const identityOf = ({ blocks, files, bsize }: (typeof found)[number]) => `${blocks} ${files} ${bsize}`;
    const prompt = new Set(found.filter(({ type }) => PROMPT.has(type)).map(identityOf));
    if (found.length === 0 || !found.every((each) => prompt.has(identityOf(each)))) return null;
    return found.map(({ bfree, ffree }) => `${bfree} ${ffree}`).join(', ');
  } catch {
    return null; // a folder that has just gone
  }
}

/** While the free space stays as it was, files are walked so often all the same. */
export const WALK_EVERY_MS = 500;

/** When a walk may be left out: not before each file was looked at since the free space changed, in `turns` walks. */
export function planRests() {
  let walkedAtMs = Number.NEGATIVE_INFINITY;
  let walks = 0;
  return {
    walked(atMs: number): void {
      walkedAtMs = atMs;
      walks += 1;
    },
    may({
      changed,
      turns,
      nowMs,
    }: {
      readonly changed: boolean;
      readonly turns: number;
      readonly nowMs: number;
    }): boolean {
      if (changed) walks = 0;
      return walks >= turns && nowMs - walkedAtMs < WALK_EVERY_MS;
    },
  };
}
