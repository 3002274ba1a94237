/**
 * Lists the files of a data directory by a walk. It runs every 50 ms in the thread that reads the locks: looking at every
 * file each time took 4 % of a core on an empty server, which has a thousand, and kept a reading of the locks waiting for
 * 9 ms. So a folder is listed again when it has changed, and files are looked at as often as they may grow.
 *
 * Layout: https://www.postgresql.org/docs/current/storage-file-layout.html
 */
import { closeSync, lstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type DataFile, type DataFiles, type FilePlace, fileNode } from './data-files.ts';

/** Other databases, transaction status, statistics: nothing that grows by a migration, walked so often, */
const OTHER_EVERY_MS = 10_000;
/** and so many files of them at each reading. */
const OTHER_AT_ONCE = 50;
/** Files of users that did not change lately are looked at in turn, this many at each reading. */
const TURN_SIZE = 1_000;
/** Those of the catalogs in one of so many readings. */
const CATALOG_TURNS = 20;
/** FirstNormalObjectId in src/include/access/transam.h: files of a new database have lower numbers. */
const FIRST_OF_USERS = 16_384;
/** A file that changed is looked at in each reading for this long. */
const BUSY_MS = 2_000;
/** What happens within one tick of a file system's clock, up to 2 s, leaves a folder's time of change as it was. */
const CLOCK_TICK_MS = 2_000;
/** Disk blocks are counted, not lengths: a file may have holes. POSIX: st_blocks is in units of 512 bytes. */
const BLOCK_BYTES = 512;
const PAGE_BYTES = 8192;
const PAGE_HEADER_BYTES = 24;

interface WalkedFile extends DataFile {
  /** Counts up: which turn is its. */
  readonly place: FilePlace;
  readonly ordinal: number;
  readonly ofCatalog: boolean;
  looked: boolean;
  changedAtMs: number;
}

interface Folder {
  readonly changedAtMs: number;
  /** So long after its last change that a further one shows. */
  readonly settled: boolean;
  readonly files: ReadonlyMap<string, WalkedFile>;
  /** Names. */
  readonly folders: readonly string[];
}

/** `databaseOid`: folder of the rehearsed database under base/ and under each tablespace. */
export function walkDataDirectory(root: string, databaseOid: number): DataFiles {
  const folders = new Map<string, Folder>();
  const other = walkOther(root, () => new Set(hotFolders().map(({ folder }) => folder)));
  let readings = 0;
  let made = 0;
  let listed: readonly DataFile[] = [];
  let changed = true;
  let tablespaces: readonly string[] = [];
  let turns = 1;

  /** Null when it is gone, which happens to temporary ones at any time. */
  function folderAt(path: string, place: FilePlace): Folder | null {
    const found = statSync(join(root, path), { throwIfNoEntry: false });
    const known = folders.get(path);
    if (found === undefined) {
      if (folders.delete(path)) changed = true;
      return null;
    }
    if (known?.settled && known.changedAtMs === found.mtimeMs) return known;
    changed = true;
    const settled = Date.now() - found.mtimeMs > CLOCK_TICK_MS;
    const files = new Map<string, WalkedFile>();
    const inside: string[] = [];
    for (const entry of entriesOf(root, path)) {
      if (entry.isDirectory() || entry.isSymbolicLink()) inside.push(entry.name);
      else files.set(entry.name, known?.files.get(entry.name) ?? newFile(path, entry.name, place));
    }
    const folder = { changedAtMs: found.mtimeMs, settled, files, folders: inside };
    folders.set(path, folder);
    return folder;
  }

  function newFile(folder: string, name: string, place: FilePlace): WalkedFile {
    made += 1;
    const node = place === 'database' ? fileNode(name) : null;
    return {
      path: `${folder}/${name}`,
      name,
      place,
      node,
      ordinal: made,
      ofCatalog: node !== null && Number(node) < FIRST_OF_USERS,
      bytes: 0,
      looked: false,
      changedAtMs: 0,
    };
  }

  /** Folders that a migration makes grow. */
  function hotFolders(): readonly HotFolder[] {
    const hot: HotFolder[] = [
      { folder: `base/${databaseOid}`, place: 'database', deep: false },
      { folder: 'base/pgsql_tmp', place: 'temporary', deep: true },
      { folder: 'pg_wal', place: 'log', deep: true },
    ];
    tablespaces = (folderAt('pg_tblspc', 'other')?.folders ?? []).map((name) => `pg_tblspc/${name}`);
    for (const tablespace of tablespaces) {
      for (const version of folderAt(tablespace, 'other')?.folders ?? []) {
        const folder = `${tablespace}/${version}`;
        hot.push({ folder: `${folder}/${databaseOid}`, place: 'database', deep: false });
        hot.push({ folder: `${folder}/pgsql_tmp`, place: 'temporary', deep: true });
      }
    }
    return hot;
  }

  function filesUnder(hot: readonly HotFolder[], found: WalkedFile[] = []): WalkedFile[] {
    for (const { folder: path, place, deep } of hot) {
      const folder = folderAt(path, place);
      if (folder === null) continue;
      for (const file of folder.files.values()) found.push(file);
      if (deep)
        filesUnder(
          folder.folders.map((name) => ({ folder: `${path}/${name}`, place, deep })),
          found,
        );
    }
    return found;
  }

  function look(file: WalkedFile, nowMs: number): void {
    const found = lstatSync(join(root, file.path), { throwIfNoEntry: false });
    const bytes = (found?.blocks ?? 0) * BLOCK_BYTES;
    if (bytes !== file.bytes) {
      file.changedAtMs = nowMs;
      changed = true;
    }
    file.bytes = bytes;
    file.looked = true;
    // A file system without the time of birth says zero.
    file.bornMs = found?.birthtimeMs || null;
    file.writtenMs = found?.mtimeMs ?? null;
  }

  return {
    source: 'walk of the data directory, blocks on disk',
    list: async (fully = false) => {
      const nowMs = performance.now();
      const files = filesUnder(hotFolders());
      turns = Math.ceil(files.length / TURN_SIZE);
      readings += 1;
      for (const file of files) {
        const every = file.ofCatalog ? Math.max(CATALOG_TURNS, turns) : turns;
        const isTurn = (file.ordinal + readings) % every === 0;
        if (fully || isTurn || !file.looked || nowMs - file.changedAtMs < BUSY_MS) look(file, nowMs);
      }
      const rest = other(fully);
      if (!changed && rest.bytes === listed.at(-1)?.bytes) return listed;
      changed = false;
      listed = [...files, rest];
      return listed;
    },
    // The log may be a link to somewhere else, as a tablespace always is.
    folders: () => [root, ...['pg_wal', ...tablespaces].map((folder) => join(root, folder))],
    turns: () => Math.max(CATALOG_TURNS, turns),
    databaseLength: () =>
      filesUnder(hotFolders().filter(({ place }) => place === 'database')).reduce(
        (sum, { path }) => sum + (lstatSync(join(root, path), { throwIfNoEntry: false })?.size ?? 0),
        0,
      ),
    readPage: (file, page) => readHeader(join(root, file.path), page),
  };
}

interface HotFolder {
  readonly folder: string;
  readonly place: FilePlace;
  readonly deep: boolean;
}

/** All that is in no hot folder as one file, as of its last walk; `fully`: as of now. */
function walkOther(root: string, without: () => ReadonlySet<string>): (fully: boolean) => DataFile {
  const sum = { path: '', name: '', place: 'other' as const, node: null, bytes: 0 };
  let walk: Iterator<number> | null = null;
  let startedAtMs = Number.NEGATIVE_INFINITY;
  let bytes = 0;
  return (fully) => {
    const isFirst = startedAtMs === Number.NEGATIVE_INFINITY;
    if (fully || (walk === null && performance.now() - startedAtMs >= OTHER_EVERY_MS)) {
      walk = bytesUnder(root, '', without());
      startedAtMs = performance.now();
      bytes = 0;
    }
    const limit = fully || isFirst ? Number.POSITIVE_INFINITY : OTHER_AT_ONCE;
    for (let count = 0; walk !== null && count < limit; count += 1) {
      const next = walk.next();
      if (next.done === true) {
        sum.bytes = bytes;
        walk = null;
      } else bytes += next.value;
    }
    return { ...sum };
  };
}

/** Of each file under a folder, the folders in `without` left out. */
function* bytesUnder(root: string, folder: string, without: ReadonlySet<string>): Generator<number> {
  for (const entry of entriesOf(root, folder)) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (without.has(path)) continue;
    if (entry.isDirectory() || entry.isSymbolicLink()) yield* bytesUnder(root, path, without);
    else yield (lstatSync(join(root, path), { throwIfNoEntry: false })?.blocks ?? 0) * BLOCK_BYTES;
  }
}

/** Entries of a folder; none when it is gone. */
function entriesOf(root: string, folder: string) {
  try {
    return readdirSync(join(root, folder), { withFileTypes: true });
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

function readHeader(path: string, page: number): Uint8Array | null {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
  try {
    const header = new Uint8Array(PAGE_HEADER_BYTES);
    return readSync(descriptor, header, 0, header.length, page * PAGE_BYTES) === header.length
      ? header
      : null;
  } finally {
    closeSync(descriptor);
  }
}
