/**
 * Files of a data directory with their bytes: by a walk where this process can read it (walked-files.ts), through functions
 * of the server otherwise. None of them opens a relation, so that none waits behind a lock.
 */
import type { Session } from '../../engine.ts';

/** Where a file belongs, as far as its path tells. */
export type FilePlace = 'database' | 'temporary' | 'log' | 'other';

export interface DataFile {
  /** Relative to the data directory. */
  readonly path: string;
  readonly name: string;
  readonly place: FilePlace;
  /** Of a relation of the database: the number at the head of its name. */
  readonly node: string | null;
  bytes: number;
  /** By the clock of the file system, as milliseconds since the epoch; left out or null where it is not known. */
  bornMs?: number | null;
  writtenMs?: number | null;
}

export interface DataFiles {
  readonly source: string;
  /** All files; where nothing has changed it may be the array of the last call. `fully`: those that hardly ever change are looked at anew, too. */
  list(fully?: boolean): Promise<readonly DataFile[]>;
  /** Where they all are, by paths of this process; left out where the server lists the files. */
  folders?(): readonly string[];
  /** Listings in which each file is looked at once at least; left out: one. */
  turns?(): number;
  /** Lengths of all files of the database together, looked at anew; left out where the server itself lists the files. */
  databaseLength?(): number;
  /** First bytes of a file's page, or null where they cannot be read. */
  readPage(file: DataFile, page: number): Uint8Array | null;
}

/** The number at the head of a relation's file name ("16384", "16384.1", "16384_fsm"), null for other files. */
export function fileNode(name: string): string | null {
  return /^(?:t\d+_)?(\d+)(?:_(?:fsm|vm|init))?(?:\.\d+)?$/.exec(name)?.[1] ?? null;
}

/**
 * Through the server, for a user that may call pg_ls_dir and pg_stat_file; lengths, not blocks.
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
          files.push({
            path: `${folder}/${name}`,
            name,
            place,
            node: place === 'database' ? fileNode(name) : null,
            bytes: Number(bytes),
          });
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
