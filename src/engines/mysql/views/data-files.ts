/**
 * Lists the files of a data directory by a walk, each with the area that it belongs to and its blocks on disk. Nothing
 * is asked of the server, so that nothing waits behind a lock.
 *
 * Layout: https://dev.mysql.com/doc/refman/8.4/en/innodb-file-space.html and the pages on redo, undo and temporary files.
 */
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DiskArea, RelationDisk } from '../../../recording/recording.ts';
import { decodeName } from './file-names.ts';

export interface DataFile {
  /** Names the file and not its path: the same after it was renamed, another one for a later file of its name. */
  readonly node: string;
  /** Relative to the data directory. */
  readonly path: string;
  readonly area: DiskArea;
  /** Table that it belongs to, when it is one of the rehearsed database. */
  readonly relation: string | null;
  readonly kind: RelationDisk['kind'];
  readonly bytes: number;
}

/** What tells one file from another on this server. */
export interface Layout {
  readonly database: string;
  /** Last part of log_bin_basename: `binlog`, `mysql-bin`, or null when it is off or kept elsewhere. */
  readonly binlogName: string | null;
}

/** Schemas of the server and of others do not grow by a migration: looked at so often, and when all is looked at. */
const OTHER_EVERY_MS = 10_000;
/** Files of the server's own that hardly ever change, as those of its redo log: each in one of so many readings. */
export const OWN_TURNS = 5;
/** Disk blocks are counted, not lengths: a page-compressed file has holes. POSIX: st_blocks is in units of 512 bytes. */
const BLOCK_BYTES = 512;

/** Returns a function that lists all files as of now, with `fully` those of other schemas too. */
export function walkDataDirectory(root: string, layout: Layout): (fully?: boolean) => readonly DataFile[] {
  let other: readonly DataFile[] = [];
  let otherAtMs = -Infinity;
  let readings = 0;
  let known = new Map<string, DataFile>();

  /** Those whose turn it is not as they were last seen. */
  function own(folders: readonly string[], fully: boolean): readonly DataFile[] {
    readings += 1;
    const before = known;
    const isTurn = (ordinal: number): boolean => fully || (ordinal + readings) % OWN_TURNS === 0;
    const files = folders.flatMap((folder) =>
      filesIn(root, folder, layout, (path, ordinal) => {
        const seen = before.get(path);
        return seen !== undefined && SELDOM.has(seen.area) && !isTurn(ordinal) ? seen : null;
      }),
    );
    known = new Map(files.map((file) => [file.path, file]));
    return files;
  }

  const isHot = (folder: string): boolean =>
    folder.startsWith('#') || decodeName(folder) === layout.database || folder === '';
  return (fully = false) => {
    const folders = entriesOf(root, '')
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
    const files = own(['', ...folders.filter(isHot)], fully);
    if (fully || performance.now() - otherAtMs >= OTHER_EVERY_MS) {
      other = folders.filter((folder) => !isHot(folder)).flatMap((folder) => filesIn(root, folder, layout));
      otherAtMs = performance.now();
    }
    return [...files, ...other];
  };
}

const SELDOM: ReadonlySet<DiskArea> = new Set(['log', 'other']);

/** `as`: what stands for the nth file of the folder without a look at it; null for a look. */
function filesIn(
  root: string,
  folder: string,
  layout: Layout,
  as: (path: string, ordinal: number) => DataFile | null = () => null,
): readonly DataFile[] {
  return entriesOf(root, folder).flatMap((entry, ordinal) => {
    if (entry.isDirectory()) return [];
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    const seen = as(path, ordinal);
    if (seen !== null) return [seen];
    const found = lstatSync(join(root, path), { throwIfNoEntry: false });
    if (found === undefined || !found.isFile()) return [];
    // A number is given again to a later file, at once on ext4.
    const node = `${found.ino} ${found.birthtimeMs}`;
    return [{ node, path, bytes: found.blocks * BLOCK_BYTES, ...belongsTo(path, layout) }];
  });
}

/** Where a file belongs by its path alone. */
export function belongsTo(path: string, layout: Layout): Pick<DataFile, 'area' | 'relation' | 'kind'> {
  const [folder, name] = path.includes('/') ? (path.split('/', 2) as [string, string]) : ['', path];
  const at = (area: DiskArea) => ({ area, relation: null, kind: 'table' as const });
  if (folder === '#innodb_redo' || /^(ib_logfile\d+|#ib_redo.*)$/.test(name)) return at('log');
  if (folder === '#innodb_temp' || folder === '#binlog_cache_files' || /^(ibtmp\d+|#sql.*)$/.test(name))
    return at('temporary');
  if (folder === '' && (/^undo_?\d+$/.test(name) || name.endsWith('.ibu'))) return at('undo');
  if (folder === '' && layout.binlogName !== null && name.startsWith(`${layout.binlogName}.`))
    return at('binlog');
  if (folder === '' || decodeName(folder) !== layout.database || name === 'db.opt') return at('other');
  const relation = decodeName(name.replace(/\.[^.]*$/, '').replace(/#p#.*$/i, ''));
  return name.endsWith('.MYI')
    ? { area: 'indexes', relation, kind: 'index' }
    : { area: 'tables', relation, kind: 'table' };
}

/**
 * Files of a table that an ALTER builds beside the old one; they go away when it ends, however it ends, but not with its
 * server. https://dev.mysql.com/doc/refman/8.4/en/innodb-troubleshooting-datadict.html
 */
export function isLeftBehind(path: string, database: string): boolean {
  const [folder = '', name] = path.split('/', 2);
  return name?.startsWith('#sql') === true && decodeName(folder) === database;
}

/** Entries of a folder; none when it is gone, which happens to temporary ones at any time. */
function entriesOf(root: string, folder: string) {
  try {
    return readdirSync(join(root, folder), { withFileTypes: true });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
