/**
 * State of tables and their indexes in InnoDB's dictionary. On MySQL these views take a shared metadata lock on each
 * table in turn and wait behind a pending ALTER (seen on 9.7), and so does information_schema.columns on MariaDB: they
 * are read between statements of a migration only, and not at all while anybody owns or wants an exclusive lock.
 * https://dev.mysql.com/doc/refman/8.4/en/information-schema-innodb-tables-table.html
 */
import type { RelationStates, Session } from '../../engine.ts';
import { type ServerKind, serverKind } from '../server/server-kind.ts';
import { decodeName } from './file-names.ts';
import { switchOn } from './instruments.ts';

/** From here on a table counts its instant changes, https://dev.mysql.com/doc/relnotes/mysql/8.0/en/news-8-0-29.html */
export const ROW_VERSIONS_SINCE = 80_029;
/** The limit was 64 until 9.1; 255 was measured on 9.7.4. */
const HIGHER_LIMIT_SINCE = 90_100;

/** Most row versions that a table may have; null where the server has no such thing. */
export function rowVersionLimit({ flavor, version }: ServerKind): number | null {
  if (flavor === 'mariadb' || version < ROW_VERSIONS_SINCE) return null;
  return version >= HIGHER_LIMIT_SINCE ? 255 : 64;
}

/** Far longer than the last moments of a statement that has just ended. */
const LOCKED_LIMIT_MS = 500;
const LOOK_EVERY_MS = 20;

const EXCLUSIVE = `
  select l.object_name as name
  from performance_schema.metadata_locks l
  where l.object_type = 'TABLE' and l.object_schema = ? and l.lock_type = 'EXCLUSIVE'
    and l.lock_status in ('PENDING', 'GRANTED')
  order by l.object_name like '#sql%'
  limit 1`;

const COLUMNS = `
  select c.table_name as table_name, c.column_name as name, c.column_type as type,
    c.is_nullable = 'YES' as nullable
  from information_schema.columns c
  where c.table_schema = ?
  order by c.table_name, c.ordinal_position`;

const OTHER_TABLES = `
  select t.table_name as name, t.engine as engine, t.create_time as made
  from information_schema.tables t
  where t.table_schema = ? and t.table_type <> 'VIEW' and t.engine <> 'InnoDB'`;

/** INNODB_INDEXES of MySQL has none of them (seen on 9.7). */
const INDEXES_OF_PARTITIONED = `
  select distinct i.table_name as table_name, i.index_name as name
  from information_schema.statistics i
  where i.table_schema = ?
    and i.table_name in (
      select p.table_name
      from information_schema.partitions p
      where p.table_schema = i.table_schema and p.partition_name is not null)`;

/** Stages that tell a copy from an in-place build; counted for all sessions since the server started. */
const STAGES = `
  select s.event_name as name, s.count_star as count
  from performance_schema.events_stages_summary_global_by_event_name s
  join performance_schema.setup_instruments i on i.name = s.event_name and i.enabled = 'YES'
  where s.event_name = 'stage/sql/copy to tmp table' or s.event_name like 'stage/innodb/alter table (read PK%'`;

interface TableRow {
  readonly id: number;
  readonly name: string;
  readonly row_versions: number | null;
  readonly rows: number | null;
}
interface IndexRow {
  readonly id: number;
  readonly table_id: number;
  readonly name: string;
}
interface OtherTableRow {
  readonly name: string;
  readonly engine: string;
  readonly made: string | Date | null;
}
interface NamedIndexRow {
  readonly table_name: string;
  readonly name: string;
}
interface ColumnRow {
  readonly table_name: string;
  readonly name: string;
  readonly type: string;
  readonly nullable: number;
}

type State = Record<string, string | number | null>;

/** What InnoDB makes for itself: tables of a FULLTEXT index, and of an index of vectors (MariaDB). */
const INTERNAL = /^fts_[0-9a-f]{16}_|#i#\d+$/i;

/** Between a column's name, which may hold anything else, and its type. */
export const AFTER_NAME = '\u0000';

/**
 * Keys are "table <name>", with partitions as one, and "stages". Of a table: `ids` has a line for each partition, its
 * TABLE_ID and its name; `made` tells a table of another engine than InnoDB from a later one.
 */
export async function readRelationStates(
  inside: Session,
  leaveOut: ReadonlySet<string> = new Set(),
): Promise<RelationStates> {
  const kind = await serverKind(inside);
  await switchOnOnce(inside);
  await refuseWhileLocked(inside);
  const { database } = inside.target;
  const tables = await inside.query<TableRow>(tablesQuery(kind));
  const indexes = await inside.query<IndexRow>(indexesQuery(kind));
  const columns = await inside.query<ColumnRow>(COLUMNS, [database]);
  const others = await inside.query<OtherTableRow>(OTHER_TABLES, [database]);
  const partitioned =
    kind.flavor === 'mysql' ? await inside.query<NamedIndexRow>(INDEXES_OF_PARTITIONED, [database]) : [];
  const states = new Map<string, State>();
  const nameOf = new Map<number, string>();
  for (const table of tables) {
    const [folder = '', file] = table.name.split('/', 2);
    if (file === undefined || decodeName(folder) !== database) continue;
    const name = decodeName(file.replace(/#p#.*$/i, ''));
    if (leaveOut.has(name) || INTERNAL.test(file)) continue;
    nameOf.set(table.id, name);
    const known = states.get(`table ${name}`);
    states.set(`table ${name}`, {
      engine: 'InnoDB',
      made: '',
      ids: joined(known?.ids, `${table.id} ${partitionIn(file)}`, '\n'),
      rows: Number(known?.rows ?? 0) + Number(table.rows ?? 0),
      rowVersions:
        table.row_versions === null
          ? null
          : Math.max(Number(known?.rowVersions ?? 0), Number(table.row_versions)),
      rowVersionLimit: rowVersionLimit(kind),
      indexes: known?.indexes ?? '',
      columns: '',
    });
  }
  for (const { id, table_id: tableId, name } of indexes) {
    const state = states.get(`table ${nameOf.get(tableId)}`);
    if (state !== undefined) state.indexes = joined(state.indexes, `${id} ${name}`, '\n');
  }
  for (const { name, engine, made } of others) {
    if (!states.has(`table ${name}`) && !leaveOut.has(name))
      states.set(`table ${name}`, { ...NO_INNODB, engine, made: String(made) });
  }
  for (const { table_name: table, name } of partitioned) {
    const state = states.get(`table ${table}`);
    if (state === undefined) continue;
    state.indexes = joined(state.indexes, `${name} ${name}`, '\n');
    state.indexesBy = 'name';
  }
  for (const { table_name: table, name, type, nullable } of columns) {
    const state = states.get(`table ${table}`);
    if (state !== undefined)
      state.columns = joined(
        state.columns,
        `${name}${AFTER_NAME}${type}${Number(nullable) === 1 ? '' : ' not null'}`,
        '\n',
      );
  }
  states.set('stages', await readStages(inside));
  return states;
}

const NO_INNODB: State = {
  ids: '',
  rows: null,
  rowVersions: null,
  rowVersionLimit: null,
  indexes: '',
  columns: '',
};

/** `p0`, `p0/p0sp1` of a subpartition, or nothing. */
function partitionIn(file: string): string {
  const [, partition = ''] = /#p#(.*)$/i.exec(file) ?? [];
  return decodeName(partition.replace(/#sp#/i, '/'));
}

function joined(before: string | number | null | undefined, more: string, separator: string): string {
  return before === undefined || before === null || before === '' ? more : `${before}${separator}${more}`;
}

/** Should somebody want an exclusive lock just now, the reading gives up instead of standing in the queue. */
const GIVE_UP = `/*+ max_execution_time(${LOCKED_LIMIT_MS}) */`;

function tablesQuery({ flavor, version }: ServerKind): string {
  const prefix = flavor === 'mariadb' ? 'innodb_sys_' : 'innodb_';
  const versions = flavor === 'mysql' && version >= ROW_VERSIONS_SINCE ? 't.total_row_versions' : 'null';
  return `
  select ${GIVE_UP} t.table_id as id, t.name as name, ${versions} as row_versions, s.num_rows as \`rows\`
  from information_schema.${prefix}tables t
  left join information_schema.${prefix}tablestats s on s.table_id = t.table_id
  order by t.table_id`;
}

function indexesQuery({ flavor }: ServerKind): string {
  const prefix = flavor === 'mariadb' ? 'innodb_sys_' : 'innodb_';
  return `
  select ${GIVE_UP} i.index_id as id, i.table_id as table_id, i.name as name
  from information_schema.${prefix}indexes i
  order by i.index_id`;
}

async function readStages(inside: Session): Promise<State> {
  const rows = await inside.query<{ name: string; count: number }>(STAGES);
  const countOf = (copy: boolean): number | null => {
    const counts = rows.filter(({ name }) => name.startsWith('stage/sql/') === copy);
    return counts.length === 0 ? null : counts.reduce((sum, { count }) => sum + Number(count), 0);
  };
  return { copies: countOf(true), builds: countOf(false) };
}

const switched = new WeakMap<Session, Promise<void>>();

function switchOnOnce(session: Session): Promise<void> {
  const done = switched.get(session) ?? switchOn(session);
  switched.set(session, done);
  return done;
}

async function refuseWhileLocked(inside: Session): Promise<void> {
  const until = performance.now() + LOCKED_LIMIT_MS;
  for (;;) {
    const [locked] = await inside.query<{ name: string }>(EXCLUSIVE, [inside.target.database]);
    if (locked === undefined) return;
    if (performance.now() > until)
      throw new Error(
        `somebody owns or wants an exclusive metadata lock on "${locked.name}", and reading the dictionary would wait behind it`,
      );
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
