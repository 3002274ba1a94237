/**
 * Lists the files of a data directory with their bytes: by a walk where this process can read it, through functions
 * of the server otherwise. None of them opens a relation, so that none waits behind a lock.
 *
 * Layout: https://www.postgresql.org/docs/current/storage-file-layout.html
 */
import { closeSync, lstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { Session } from '../../engine.ts';

/** Where a file belongs, as far as its path tells. */
export type FilePlace = 'database' | 'temporary' | 'log' | 'other';

export interface DataFile {
  /** Relative to the data directory. */
  readonly path: string;
  readonly name: string;
  readonly place: FilePlace;
  bytes: number;
}

export interface DataFiles {
  readonly source: string;
  /** All files as of now; the array belongs to the caller. */
  list(): Promise<readonly DataFile[]>;
  /** First bytes of a file's page, or null where they cannot be read. */
  readPage(file: DataFile, page: number): Uint8Array | null;
}

/** Other databases, transaction status, statistics: nothing that grows by a migration, looked at once a second. */
const OTHER_EVERY_MS = 1_000;
/** Files that did not change lately are looked at in turn, this many at each reading. */
const TURN_SIZE = 1_000;
/** A file that changed is looked at in each reading for this long. */
const BUSY_MS = 2_000;
/** Disk blocks are counted, not lengths: a file may have holes. POSIX: st_blocks is in units of 512 bytes. */
const BLOCK_BYTES = 512;
const PAGE_BYTES = 8192;
const PAGE_HEADER_BYTES = 24;

interface WalkedFile extends DataFile {
  changedAtMs: number;
}

/** `databaseOid`: folder of the rehearsed database under base/ and under each tablespace. */
export function walkDataDirectory(root: string, databaseOid: number): DataFiles {
  let known = new Map<string, WalkedFile>();
  let other: readonly DataFile[] = [];
  let otherAtMs = -Infinity;
  let turn = 0;

  function look(file: WalkedFile, nowMs: number): boolean {
    const found = lstatSync(join(root, file.path), { throwIfNoEntry: false });
    if (found === undefined) return false;
    const bytes = found.blocks * BLOCK_BYTES;
    if (bytes !== file.bytes) file.changedAtMs = nowMs;
    file.bytes = bytes;
    return true;
  }

  /** Files of the folders that a migration makes grow; each is looked at when new, when busy, or when it is its turn. */
  function readHot(nowMs: number): void {
    const next = new Map<string, WalkedFile>();
    let position = 0;
    const total = known.size;
    for (const { folder, place, deep } of hotFolders(root, databaseOid)) {
      for (const path of filesUnder(root, folder, deep)) {
        const before = known.get(path);
        const file = before ?? {
          path,
          name: path.slice(path.lastIndexOf('/') + 1),
          place,
          bytes: 0,
          changedAtMs: nowMs,
        };
        const inTurn = total <= TURN_SIZE || (position - turn + total) % total < TURN_SIZE;
        position += 1;
        const due = before === undefined || inTurn || nowMs - file.changedAtMs < BUSY_MS;
        if (!due || look(file, nowMs)) next.set(path, file);
      }
    }
    turn = total === 0 ? 0 : (turn + TURN_SIZE) % total;
    known = next;
  }

  function readOther(): void {
    const hot = new Set(hotFolders(root, databaseOid).map(({ folder }) => folder));
    other = filesUnder(root, '', true, hot).flatMap((path) => {
      const found = lstatSync(join(root, path), { throwIfNoEntry: false });
      if (found === undefined) return [];
      return [
        {
          path,
          name: path.slice(path.lastIndexOf('/') + 1),
          place: 'other',
          bytes: found.blocks * BLOCK_BYTES,
        },
      ];
    });
  }

  return {
    source: 'walk of the data directory, blocks on disk',
    list: async () => {
      const nowMs = performance.now();
      readHot(nowMs);
      if (nowMs - otherAtMs >= OTHER_EVERY_MS) {
        readOther();
        otherAtMs = nowMs;
      }
      return [...known.values(), ...other];
    },
    readPage: (file, page) => readHeader(join(root, file.path), page),
  };
}

interface HotFolder {
  readonly folder: string;
  readonly place: FilePlace;
  readonly deep: boolean;
}

function hotFolders(root: string, databaseOid: number): readonly HotFolder[] {
  const folders: HotFolder[] = [
    { folder: `base/${databaseOid}`, place: 'database', deep: false },
    { folder: 'base/pgsql_tmp', place: 'temporary', deep: true },
    { folder: 'pg_wal', place: 'log', deep: true },
  ];
  for (const tablespace of entriesOf(root, 'pg_tblspc')) {
    for (const version of entriesOf(root, `pg_tblspc/${tablespace.name}`)) {
      const folder = `pg_tblspc/${tablespace.name}/${version.name}`;
      folders.push({ folder: `${folder}/${databaseOid}`, place: 'database', deep: false });
      folders.push({ folder: `${folder}/pgsql_tmp`, place: 'temporary', deep: true });
    }
  }
  return folders;
}

/** Paths of the files under a folder, the folders in `without` left out. */
function filesUnder(
  root: string,
  folder: string,
  deep: boolean,
  without?: ReadonlySet<string>,
): readonly string[] {
  const paths: string[] = [];
  for (const entry of entriesOf(root, folder)) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (without?.has(path)) continue;
    if (!entry.isDirectory() && !entry.isSymbolicLink()) paths.push(path);
    else if (deep) paths.push(...filesUnder(root, path, deep, without));
  }
  return paths;
}

/** Entries of a folder; none when it is gone, which happens to temporary files at any time. */
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

/**
 * The same through the server, for a user that may call pg_ls_dir and pg_stat_file; lengths, not blocks.
 * https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-GENFILE
 */
const FILES_OF_DATABASE = `
  select f.name, s.size::float8 as bytes
  from pg_catalog.pg_ls_dir($1, true, false) as f(name)
  cross join lateral pg_catalog.pg_stat_file($1 || '/' || f.name, true) s
  where not s.isdir`;

const WAL_FILES = 'select name, size::float8 as bytes from pg_catalog.pg_ls_waldir()';
const TEMPORARY_FILES = 'select name, size::float8 as bytes from pg_catalog.pg_ls_tmpdir()';
/** server_version_num from which pg_ls_tmpdir exists. */
const TMPDIR_SINCE = 120_000;

const FOLDERS = `
  select distinct
    case t.spcname
      when 'pg_default' then 'base'
      else 'pg_tblspc/' || t.oid || '/' || v.name
    end || '/' || $1 as folder
  from pg_catalog.pg_tablespace t
  left join lateral pg_catalog.pg_ls_dir(
    case when t.spcname in ('pg_default', 'pg_global') then null else 'pg_tblspc/' || t.oid end
  ) as v(name) on true
  where t.spcname <> 'pg_global'`;

interface FileRow {
  readonly name: string;
  readonly bytes: number;
}

/** Files through a session that may list the folder of the database. */
export function filesByFunctions(session: Session, databaseOid: number, serverVersion: number): DataFiles {
  return {
    source: 'pg_stat_file, pg_ls_waldir, pg_ls_tmpdir',
    list: async () => {
      const files: DataFile[] = [];
      const add = (rows: readonly FileRow[], folder: string, place: FilePlace): void => {
        for (const { name, bytes } of rows)
          files.push({ path: `${folder}/${name}`, name, place, bytes: Number(bytes) });
      };
      for (const { folder } of await session.query<{ folder: string }>(FOLDERS, [String(databaseOid)]))
        add(await session.query<FileRow>(FILES_OF_DATABASE, [folder]), folder, 'database');
      add(await session.query<FileRow>(WAL_FILES), 'pg_wal', 'log');
      if (serverVersion >= TMPDIR_SINCE)
        add(await session.query<FileRow>(TEMPORARY_FILES), 'base/pgsql_tmp', 'temporary');
      return files;
    },
    readPage: () => null,
  };
}
