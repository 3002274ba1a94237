/**
 * Bytes on disk per area, without opening a relation: pg_relation_size and its kin wait behind ACCESS EXCLUSIVE
 * (measuring-locks-and-disk.md, 1.3) and must not be called.
 */
import type { DiskArea, RelationDisk } from '../../../recording/recording.ts';
import type { DiskReader, Session } from '../../engine.ts';
import { type DataFile, type DataFiles, filesByFunctions } from './data-files.ts';
import { type FileOfRelation, together, trackFileChanges } from './file-changes.ts';
import { isUserSchema, relationName } from './relation-names.ts';
import { walkDataDirectory } from './walked-files.ts';

/** Stands for all temporary files together among the files of relations. */
const TEMPORARY = 'temporary';

type Areas = Partial<Record<DiskArea, number>>;

/** What a file node belongs to. TOAST counts as its table, with its index: so does pg_table_size. */
interface Owner {
  readonly relation: string;
  readonly kind: RelationDisk['kind'];
  /** Number of the relation, of its table for TOAST. */
  readonly oid: string;
  /** A table, index or materialized view that a user made. */
  readonly ofUser: boolean;
}

/** A statement's new files stay unknown until it commits: asking at each reading would be in vain. */
const ASK_AGAIN_MS = 250;

/**
 * File nodes of the database; the numbers of mapped catalogs come from pg_relation_filenode, which takes no lock.
 * https://www.postgresql.org/docs/current/catalog-pg-class.html
 */
const FILE_NODES = `
  select pg_catalog.pg_relation_filenode(c.oid) as file_node, coalesce(owner.oid, c.oid) as oid, n.nspname as schema, c.relname as name, c.relkind as kind,
    owner_schema.nspname as owner_schema, owner.relname as owner_name
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join pg_catalog.pg_index i on i.indexrelid = c.oid and n.nspname = 'pg_toast'
  left join pg_catalog.pg_class owner on owner.reltoastrelid = coalesce(i.indrelid, c.oid) and n.nspname = 'pg_toast'
  left join pg_catalog.pg_namespace owner_schema on owner_schema.oid = owner.relnamespace
  where pg_catalog.pg_relation_filenode(c.oid) is not null`;

interface FileNodeRow {
  readonly file_node: number | string;
  readonly oid: number | string;
  readonly schema: string;
  readonly name: string;
  readonly kind: string;
  readonly owner_schema: string | null;
  readonly owner_name: string | null;
}

/** `dataDirectory`: path that this process can read, or null. */
export async function openDiskReader(
  cluster: Session,
  inside: Session,
  dataDirectory: string | null,
): Promise<DiskReader> {
  const [facts] = await inside.query<{ oid: number; version: string }>(
    `select oid, current_setting('server_version_num') as version
    from pg_catalog.pg_database where datname = current_database()`,
  );
  if (facts === undefined) throw new Error('current_database() is not in pg_database');
  const serverVersion = Number(facts.version);
  if (dataDirectory !== null)
    return readerOfFiles(walkDataDirectory(dataDirectory, Number(facts.oid)), cluster, inside);
  for (const session of [cluster, inside]) {
    if (await mayListFiles(session))
      return readerOfFiles(filesByFunctions(session, Number(facts.oid), serverVersion), cluster, inside);
  }
  return readerOfTotals(cluster, inside, serverVersion);
}

async function readerOfFiles(files: DataFiles, cluster: Session, inside: Session): Promise<DiskReader> {
  let owners = await readOwners(inside);
  /** Everything that was ever known: a file that is gone keeps its name. */
  const known = new Map(owners);
  const changes = trackFileChanges();
  let askedAtMs = performance.now();
  let guesses = new Map<string, Owner['kind']>();
  let hasUnknown = false;
  /** What the areas were made of, where all owners were known: the same list has the same areas. */
  let settled: { readonly files: readonly DataFile[]; readonly areas: Areas } | null = null;

  async function list(fully?: boolean): Promise<readonly DataFile[]> {
    const found = await files.list(fully);
    if (found === settled?.files) return found;
    const unknown = found.some(isUnknown);
    if (unknown && performance.now() - askedAtMs >= ASK_AGAIN_MS) {
      await learnOwners();
      askedAtMs = performance.now();
      guesses = new Map();
    }
    hasUnknown = unknown;
    return found;
  }

  async function learnOwners(): Promise<void> {
    owners = await readOwners(inside);
    for (const [node, owner] of owners) known.set(node, owner);
  }

  function isUnknown({ node }: DataFile): boolean {
    return node !== null && !owners.has(node);
  }

  /** A file of an open transaction: its pages tell an index from a table, once one of them is written. */
  function guess(file: DataFile): Owner['kind'] {
    const base = file.path.replace(/(\d+)[^/]*$/, '$1');
    const known = guesses.get(base);
    if (known !== undefined) return known;
    const kind = kindByPage(files, { ...file, path: base });
    if (kind !== null) guesses.set(base, kind);
    return kind ?? 'table';
  }

  function areaOf(file: DataFile): DiskArea {
    if (file.place !== 'database') return file.place;
    if (file.name.startsWith('t')) return 'temporary';
    if (file.node === null) return 'other';
    return (owners.get(file.node)?.kind ?? guess(file)) === 'index' ? 'indexes' : 'tables';
  }

  return {
    source: `${files.source}; files of an open transaction told apart by their pages`,
    read: async (fully) => {
      const areas: Areas = { tables: 0, indexes: 0, temporary: 0, log: 0, other: 0 };
      const now = new Map<string, FileOfRelation>();
      const found = await list(fully);
      if (found === settled?.files) return settled.areas;
      for (const file of found) {
        const area = areaOf(file);
        areas[area] = (areas[area] ?? 0) + file.bytes;
        const key = area === 'temporary' ? TEMPORARY : file.node;
        if (key !== null) now.set(key, together(now.get(key), file));
      }
      changes.compare(now);
      settled = hasUnknown ? null : { files: found, areas };
      return areas;
    },
    ...(files.folders === undefined ? {} : { folders: files.folders }),
    ...(files.turns === undefined ? {} : { turns: files.turns }),
    changedFiles: changes.since,
    ownerOf: (file) => {
      if (file === TEMPORARY) return { relation: null, kind: 'temporary' };
      const owner = known.get(file);
      const guessed = [...guesses].find(([path]) => path.endsWith(`/${file}`))?.[1];
      return { relation: owner?.relation ?? null, kind: owner?.kind ?? guessed ?? 'table' };
    },
    ...comparison(files, cluster, inside.target.database),
    logPosition: () => readLogPosition(cluster),
    relations: async () => {
      await learnOwners();
      return relationBytes(await files.list(), owners);
    },
    leftBehind: async () => {
      const found = await files.list();
      // A server that has gone says nothing more: then counts what it said last.
      owners = await readOwners(inside).catch(() => owners);
      // The file of a dropped relation stays until the next checkpoint, empty.
      return found
        .filter((file) => file.bytes > 0 && isUnknown(file))
        .map(({ path, bytes }) => ({ file: path, bytes }));
    },
  };
}

/** The server is asked before and after the walk: what grows meanwhile lies between the two answers. */
function comparison(
  { databaseLength }: DataFiles,
  cluster: Session,
  database: string,
): Pick<DiskReader, 'compare'> {
  if (databaseLength === undefined) return {};
  const told = async (): Promise<number> => {
    const [row] = await cluster.query<{ bytes: number }>(DATABASE_SIZE, [database]);
    if (row === undefined) throw new Error('pg_database_size gave no row');
    return Number(row.bytes);
  };
  return {
    async compare() {
      const first = await told();
      const seenBytes = databaseLength();
      const second = await told();
      return { seenBytes, toldBytes: { lower: Math.min(first, second), upper: Math.max(first, second) } };
    },
  };
}

/** Lengths of all files in the folders of the database: https://www.postgresql.org/docs/current/functions-admin.html */
const DATABASE_SIZE = 'select pg_catalog.pg_database_size($1)::float8 as bytes';

async function readOwners(inside: Session): Promise<ReadonlyMap<string, Owner>> {
  const rows = await inside.query<FileNodeRow>(FILE_NODES);
  return new Map(
    rows.map((row) => {
      const schema = row.owner_schema ?? row.schema;
      const isIndex = row.owner_name === null && (row.kind === 'i' || row.kind === 'I');
      return [
        String(row.file_node),
        {
          relation: relationName(schema, row.owner_name ?? row.name),
          kind: isIndex ? 'index' : 'table',
          oid: String(row.oid),
          ofUser: isUserSchema(schema) && row.kind !== 'S',
        },
      ];
    }),
  );
}

function relationBytes(files: readonly DataFile[], owners: ReadonlyMap<string, Owner>) {
  const bytes = new Map<string, { relation: string; kind: Owner['kind']; bytes: number; id: string }>();
  for (const file of files) {
    const owner = owners.get(file.node ?? '');
    if (owner === undefined || !owner.ofUser) continue;
    const { relation, kind, oid: id } = owner;
    const entry = bytes.get(id) ?? { relation, kind, bytes: 0, id };
    entry.bytes += file.bytes;
    bytes.set(id, entry);
  }
  return [...bytes.values()].sort((one, other) => (one.relation < other.relation ? -1 : 1));
}

/** Page size and layout version as they stand in a page header of 8 kB pages. */
const PAGE_SIZE_AND_VERSION = 8192 + 4;
/** A build writes the first page of an index last; by then others are there. */
const PAGES_TO_TRY = [0, 1];

/**
 * Pages of every index kind end in a special space, those of a table have none: pd_special of the page header.
 * https://www.postgresql.org/docs/current/storage-page-layout.html
 */
function kindByPage(files: DataFiles, file: DataFile): Owner['kind'] | null {
  for (const page of PAGES_TO_TRY) {
    const header = files.readPage(file, page);
    if (header === null) continue;
    const view = new DataView(header.buffer, header.byteOffset);
    if (view.getUint16(18, true) !== PAGE_SIZE_AND_VERSION) continue;
    return view.getUint16(16, true) < 8192 ? 'index' : 'table';
  }
  return null;
}

/** pg_ls_dir and pg_stat_file are for superusers, and for whom they were granted to. */
async function mayListFiles(session: Session): Promise<boolean> {
  const [row] = await session.query<{ may: boolean }>(`
    select has_function_privilege('pg_catalog.pg_ls_dir(text, boolean, boolean)', 'execute')
      and has_function_privilege('pg_catalog.pg_stat_file(text, boolean)', 'execute')
      and has_function_privilege('pg_catalog.pg_ls_waldir()', 'execute') as may`);
  return row?.may ?? false;
}

/** https://www.postgresql.org/docs/current/functions-admin.html: pg_database_size opens no relation. */
function readerOfTotals(cluster: Session, inside: Session, serverVersion: number): DiskReader {
  const temporary =
    serverVersion < 120_000
      ? 'null::float8'
      : '(select coalesce(sum(size), 0)::float8 from pg_catalog.pg_ls_tmpdir())';
  const totals = `
    select pg_catalog.pg_database_size($1)::float8 as database,
      (select coalesce(sum(size), 0)::float8 from pg_catalog.pg_ls_waldir()) as log,
      ${temporary} as temporary`;
  return {
    source: 'pg_database_size (tables with their indexes), pg_ls_waldir, pg_ls_tmpdir',
    read: async () => {
      const [row] = await cluster.query<{ database: number; log: number; temporary: number | null }>(totals, [
        inside.target.database,
      ]);
      if (row === undefined) throw new Error('pg_database_size gave no row');
      const areas: Areas = { tables: Number(row.database), log: Number(row.log) };
      if (row.temporary !== null) areas.temporary = Number(row.temporary);
      return areas;
    },
    logPosition: () => readLogPosition(cluster),
    relations: async () => [],
  };
}

/**
 * The insert position counts what still lies in the WAL buffers too.
 * https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-BACKUP
 */
async function readLogPosition(session: Session): Promise<number | null> {
  const [row] = await session.query<{ position: number | null }>(
    "select pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')::float8 as position",
  );
  return row === undefined || row.position === null ? null : Number(row.position);
}
