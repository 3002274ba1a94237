/** Bytes on disk per area, by a walk of the files where they can be read, and by InnoDB's own views otherwise. */
import type { DiskArea } from '../../../recording/recording.ts';
import type { DiskReader, Session } from '../../engine.ts';
import { type ServerKind, serverKind } from '../server/server-kind.ts';
import { type DataFile, isLeftBehind, type Layout, OWN_TURNS, walkDataDirectory } from './data-files.ts';
import { decodeName } from './file-names.ts';
import { trackFileSizes } from './file-sizes.ts';
import { isRefused } from './instruments.ts';
import { findOpenFiles, TURNS } from './open-files.ts';

type Areas = Partial<Record<DiskArea, number>>;
type Relations = Awaited<ReturnType<DiskReader['relations']>>;

interface Folders {
  readonly datadir: string;
  readonly tmpdir: string | null;
  readonly innodb_tmpdir: string | null;
  readonly log_bin_basename: string | null;
}

const FOLDERS = `
  select @@global.datadir as datadir, @@global.tmpdir as tmpdir, @@global.innodb_tmpdir as innodb_tmpdir,
    @@global.log_bin_basename as log_bin_basename`;

/** `dataDirectory`: path that this process can read, or null. */
export async function openDiskReader(
  cluster: Session,
  inside: Session,
  dataDirectory: string | null,
): Promise<DiskReader> {
  const kind = await serverKind(cluster);
  const [folders] = await cluster.query<Folders>(FOLDERS);
  if (folders === undefined) throw new Error('@@datadir gave no row');
  const { database } = inside.target;
  return dataDirectory === null
    ? readerOfViews(cluster, kind, database)
    : readerOfFiles(cluster, { dataDirectory, folders, database, kind });
}

interface Walk {
  readonly dataDirectory: string;
  readonly folders: Folders;
  readonly database: string;
  readonly kind: ServerKind;
}

const NOT_OURS =
  'the server is a process whose /proc we may not read, and its sort files are deleted as soon as they are made';
const NO_FILES = 'its files are not ours to read, and its own views do not tell of sort files';

function readerOfFiles(session: Session, { dataDirectory, folders, database, kind }: Walk): DiskReader {
  const ownBinlog = binlogName(folders);
  const list = walkDataDirectory(dataDirectory, { database, binlogName: ownBinlog });
  const binlogElsewhere = ownBinlog === null && (folders.log_bin_basename ?? '') !== '';
  const several = (folder: string | null): readonly string[] =>
    folder === null || folder === '' ? [] : folder.split(':').map(withoutSlash);
  const tmpdir = several(folders.tmpdir);
  const innodbTmpdir = several(folders.innodb_tmpdir).filter((folder) => !tmpdir.includes(folder));
  const open = findOpenFiles(dataDirectory, {
    dataDirectory: withoutSlash(folders.datadir),
    tmpdir,
    innodbTmpdir,
  });
  const sizes = trackFileSizes();
  return {
    source:
      'walk of the data directory, blocks on disk; tables hold their indexes; ' +
      (open === null
        ? 'temporary files that are deleted but open could not be seen'
        : `files that are deleted but open from /proc, ${innodbTmpdir.length > 0 ? 'those of InnoDB’s sorts in innodb_tmpdir' : 'those of InnoDB’s sorts in tmpdir, since innodb_tmpdir is not set apart'}`),
    ...(open === null && { unseen: NOT_OURS }),
    read: async (fully) => {
      const areas: Areas = { tables: 0, temporary: 0, log: 0, undo: 0, other: 0 };
      const files = list(fully);
      for (const { area, bytes } of files) areas[area] = (areas[area] ?? 0) + bytes;
      const hidden = open?.bytes() ?? null;
      sizes.see(files, hidden === null ? 0 : hidden.temporary + hidden.tmpdir + hidden.innodbTmpdir);
      const elsewhere = binlogElsewhere ? await binlogBytes(session) : {};
      if (hidden === null) return { ...areas, ...elsewhere };
      areas.temporary = (areas.temporary ?? 0) + hidden.temporary;
      return {
        ...areas,
        ...elsewhere,
        tmpdir: hidden.tmpdir,
        ...(innodbTmpdir.length > 0 && { innodbTmpdir: hidden.innodbTmpdir }),
      };
    },
    ...(binlogElsewhere ? {} : { folders: () => [dataDirectory, ...(open?.folders ?? [])] }),
    turns: () => Math.max(OWN_TURNS, TURNS),
    changedFiles: sizes.changed,
    ownerOf: sizes.ownerOf,
    logPosition: () => readLogPosition(session, kind),
    relations: async () => relationsOf(list()),
    leftBehind: async () =>
      list()
        .filter(({ path }) => isLeftBehind(path, database))
        .map(({ path, bytes }) => ({ file: path, bytes })),
  };
}

/** Name of the binary log's files when they lie in the data directory. */
function binlogName({ datadir, log_bin_basename: base }: Folders): Layout['binlogName'] {
  if (base === null || base === '') return null;
  const end = base.lastIndexOf('/');
  return end < 0 || withoutSlash(base.slice(0, end)) === withoutSlash(datadir) ? base.slice(end + 1) : null;
}

function withoutSlash(folder: string): string {
  return folder.replace(/\/+$/, '');
}

function relationsOf(files: readonly Pick<DataFile, 'relation' | 'kind' | 'bytes' | 'area'>[]): Relations {
  const found = new Map<string, { relation: string; kind: DataFile['kind']; bytes: number }>();
  for (const { relation, kind, bytes, area } of files) {
    if (relation === null || area === 'temporary') continue;
    const entry = found.get(`${kind} ${relation}`) ?? { relation, kind, bytes: 0 };
    entry.bytes += bytes;
    found.set(`${kind} ${relation}`, entry);
  }
  return [...found.values()].sort((one, other) => (one.relation < other.relation ? -1 : 1));
}

interface SpaceRow {
  readonly name: string;
  readonly bytes: number;
}

/**
 * These views open no table. https://dev.mysql.com/doc/refman/8.4/en/information-schema-innodb-tablespaces-table.html
 * and https://mariadb.com/kb/en/information-schema-innodb_sys_tablespaces-table/
 */
const SPACES = {
  mysql: 'select s.name as name, s.file_size as bytes from information_schema.innodb_tablespaces s',
  mariadb: 'select s.name as name, s.file_size as bytes from information_schema.innodb_sys_tablespaces s',
} as const;

/** Redo log files: the view exists from MySQL 8.0.30 on; MariaDB has one file of a fixed size. */
const REDO = {
  mysql: 'select coalesce(sum(f.size_in_bytes), 0) as bytes from performance_schema.innodb_redo_log_files f',
  mariadb: 'select @@global.innodb_log_file_size as bytes',
} as const;
const REDO_VIEW_SINCE = 80_030;

function readerOfViews(session: Session, kind: ServerKind, database: string): DiskReader {
  const spaces = async (): Promise<readonly SpaceRow[]> => session.query<SpaceRow>(SPACES[kind.flavor]);
  return {
    source:
      `${kind.flavor === 'mariadb' ? 'innodb_sys_tablespaces' : 'innodb_tablespaces'} (tables hold their indexes); ` +
      'sort files of an index build are not seen here',
    unseen: NO_FILES,
    read: async () => {
      const areas: Areas = { tables: 0, temporary: 0, undo: 0, other: 0 };
      for (const { name, bytes } of await spaces()) {
        const area = areaOfSpace(name, database);
        areas[area] = (areas[area] ?? 0) + Number(bytes);
      }
      return { ...areas, ...(await redoBytes(session, kind)), ...(await binlogBytes(session)) };
    },
    logPosition: () => readLogPosition(session, kind),
    relations: async () =>
      relationsOf(
        (await spaces()).flatMap(({ name, bytes }) => {
          const [folder = '', file] = name.split('/', 2);
          if (file === undefined || decodeName(folder) !== database || file.startsWith('#sql')) return [];
          const relation = decodeName(file.replace(/#p#.*$/i, ''));
          return [{ relation, kind: 'table' as const, area: 'tables' as const, bytes: Number(bytes) }];
        }),
      ),
  };
}

function areaOfSpace(name: string, database: string): DiskArea {
  if (name.startsWith('innodb_undo')) return 'undo';
  if (name === 'innodb_temporary' || name.includes('/#sql')) return 'temporary';
  const [folder = '', file] = name.split('/', 2);
  return file !== undefined && decodeName(folder) === database ? 'tables' : 'other';
}

async function redoBytes(session: Session, { flavor, version }: ServerKind): Promise<Areas> {
  if (flavor === 'mysql' && version < REDO_VIEW_SINCE) return {};
  const [row] = await session.query<{ bytes: number }>(REDO[flavor]);
  return row === undefined ? {} : { log: Number(row.bytes) };
}

/** ER_NO_BINARY_LOGGING. */
const NO_BINARY_LOG = '1381';

/** https://dev.mysql.com/doc/refman/8.4/en/show-binary-logs.html: needs REPLICATION CLIENT. */
async function binlogBytes(session: Session): Promise<Areas> {
  try {
    const logs = await session.query<{ File_size: number }>('show binary logs');
    return { binlog: logs.reduce((sum, { File_size: bytes }) => sum + Number(bytes), 0) };
  } catch (error) {
    if (isRefused(error) || (error instanceof Error && 'code' in error && error.code === NO_BINARY_LOG))
      return {};
    throw error;
  }
}

/** The position where the server tells it, else the bytes written: both count bytes of the redo log. */
const POSITIONS = ['Innodb_redo_log_current_lsn', 'Innodb_lsn_current', 'Innodb_os_log_written'];

async function readLogPosition(session: Session, { flavor }: ServerKind): Promise<number | null> {
  const rows = await session.query<{ Variable_name: string; Value: string }>(
    `show global status where variable_name in (${POSITIONS.map((name) => `'${name}'`).join(', ')})`,
  );
  const values = new Map(rows.map(({ Variable_name: name, Value: value }) => [name, Number(value)]));
  const name = POSITIONS.find((position) => values.has(position));
  return name === undefined || (flavor === 'mysql' && values.get(name) === 0)
    ? null
    : (values.get(name) ?? null);
}
