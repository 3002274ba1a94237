/** Which files of relations are not as they were at the reading before, and what the file system says of their times. */
import type { ChangedFile } from '../../engine.ts';
import type { DataFile } from './data-files.ts';

export interface FileChanges {
  /** With the reading before; the names are the numbers of file nodes. */
  compare(now: ReadonlyMap<string, FileOfRelation>): void;
  /** What has changed since this was last asked. */
  since(): readonly ChangedFile[];
}

export function trackFileChanges(): FileChanges {
  let sizes: ReadonlyMap<string, FileOfRelation> = new Map();
  const changed = new Map<string, FileOfRelation>();
  let readAtMs = Date.now();
  return {
    compare(now) {
      for (const [file, found] of now) if (sizes.get(file)?.bytes !== found.bytes) changed.set(file, found);
      for (const file of sizes.keys()) if (!now.has(file)) changed.set(file, GONE);
      sizes = now;
      readAtMs = Date.now();
    },
    since() {
      const found = [...changed].map(([file, { bytes, bornMs, writtenMs }]) => ({
        file,
        bytes,
        ...(bornMs === null ? {} : { bornAgoMs: readAtMs - bornMs }),
        ...(writtenMs === null ? {} : { writtenAgoMs: readAtMs - writtenMs }),
      }));
      changed.clear();
      return found;
    },
  };
}

/** All files of one relation's file node together; null where the file system or the server tells no time. */
export interface FileOfRelation {
  readonly bytes: number;
  readonly bornMs: number | null;
  readonly writtenMs: number | null;
}

const GONE: FileOfRelation = { bytes: 0, bornMs: null, writtenMs: null };

/** The relation is as old as its first file, and was written when one of them was last. */
export function together(
  known: FileOfRelation | undefined,
  { bytes, bornMs = null, writtenMs = null }: DataFile,
): FileOfRelation {
  if (known === undefined) return { bytes, bornMs, writtenMs };
  return {
    bytes: known.bytes + bytes,
    bornMs: known.bornMs === null || bornMs === null ? null : Math.min(known.bornMs, bornMs),
    writtenMs: known.writtenMs === null || writtenMs === null ? null : Math.max(known.writtenMs, writtenMs),
  };
}
