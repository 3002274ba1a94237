/**
 * Tables, indexes and row versions as InnoDB numbers them. To be read while nothing of ours runs: these views take a shared
 * metadata lock on each table in turn. MySQL 9.7 does not list the indexes of partitions; MariaDB does.
 * https://dev.mysql.com/doc/refman/en/information-schema-innodb-tables-table.html
 */
import type { Session } from '../../engine.ts';
import { serverKind } from '../server/server-kind.ts';
import { decodeName } from '../views/file-names.ts';
import { ROW_VERSIONS_SINCE } from '../views/states.ts';

export interface DictionaryTable {
  /** Name of the table, without its partition. */
  readonly table: string;
  readonly id: number;
  /** Null where the server does not count them. */
  readonly rowVersions: number | null;
  /** Index names by their id. */
  readonly indexes: ReadonlyMap<number, string>;
}

/** Tables of a database by their name, partitions apart: `orders`, `orders#p#p0`. */
export type Dictionary = ReadonlyMap<string, DictionaryTable>;

export async function readDictionary(session: Session, database: string): Promise<Dictionary> {
  const { flavor, version } = await serverKind(session);
  const prefix = flavor === 'mariadb' ? 'innodb_sys_' : 'innodb_';
  const versions = flavor === 'mysql' && version >= ROW_VERSIONS_SINCE ? 't.total_row_versions' : 'null';
  const rows = await session.query<{
    readonly name: string;
    readonly id: number;
    readonly row_versions: number | null;
    readonly index_id: number | null;
    readonly index_name: string | null;
  }>(
    `select t.name as name, t.table_id as id, ${versions} as row_versions, i.index_id as index_id, i.name as index_name
    from information_schema.${prefix}tables t
    left join information_schema.${prefix}indexes i on i.table_id = t.table_id
    order by t.table_id, i.index_id`,
  );
  const tables = new Map<string, DictionaryTable & { readonly indexes: Map<number, string> }>();
  for (const { name, id, row_versions: rowVersions, index_id: indexId, index_name: indexName } of rows) {
    const [folder = '', file] = name.split('/', 2);
    if (file === undefined || decodeName(folder) !== database) continue;
    const known = tables.get(decodeName(file)) ?? {
      // A # of the table's own name is encoded.
      table: decodeName(file.replace(/#p#.*$/i, '')),
      id: Number(id),
      rowVersions: rowVersions === null ? null : Number(rowVersions),
      indexes: new Map<number, string>(),
    };
    if (indexId !== null && indexName !== null) known.indexes.set(Number(indexId), indexName);
    tables.set(decodeName(file), known);
  }
  return tables;
}

export interface DictionaryChanges {
  /** Tables and partitions that are there before and after, and have a TABLE_ID that is new. */
  readonly rebuilt: readonly string[];
  /** Those that have now the TABLE_ID that another one had: renamed or exchanged, and nothing of them written. */
  readonly exchanged: readonly string[];
  /** Tables and partitions that went, and those that came in their place; none where some only came, or only went. */
  readonly replaced: readonly string[];
  /** Names of indexes that were not there before, of tables that were. */
  readonly newIndexes: readonly string[];
  /** Tables of which a part was rebuilt or replaced, or that have an index with a number that is new. */
  readonly workedOn: readonly string[];
  /** Before and after, of those where the number changed; under the name that they have now. */
  readonly rowVersions: Readonly<Record<string, readonly [number, number]>>;
}

interface Pair {
  readonly name: string;
  readonly old: DictionaryTable;
  readonly now: DictionaryTable;
}

export function compareDictionaries(before: Dictionary, after: Dictionary): DictionaryChanges {
  const knownIds = new Set([...before.values()].map(({ id }) => id));
  const knownIndexes = new Set([...before.values()].flatMap(({ indexes }) => [...indexes.keys()]));
  const both = [...after].flatMap(([name, now]): readonly Pair[] => {
    const old = before.get(name);
    return old === undefined ? [] : [{ name, old, now }];
  });
  const others = both.filter(({ old, now }) => old.id !== now.id);
  const rebuilt = others.filter(({ now }) => !knownIds.has(now.id));
  const [went, came] = [without(before, after), without(after, before)];
  const replaced = went.length > 0 && came.length > 0 ? [...went, ...came] : [];
  const indexed = both.filter(({ now }) => [...now.indexes.keys()].some((id) => !knownIndexes.has(id)));
  return {
    rebuilt: rebuilt.map(({ name }) => name),
    exchanged: others.filter((pair) => !rebuilt.includes(pair)).map(({ name }) => name),
    replaced: replaced.map(([name]) => name),
    newIndexes: both.flatMap(({ old, now }) =>
      [...now.indexes].filter(([id]) => !old.indexes.has(id)).map(([, index]) => index),
    ),
    workedOn: [
      ...new Set([
        ...[...rebuilt, ...indexed].map(({ now }) => now.table),
        ...replaced.map(([, { table }]) => table),
      ]),
    ],
    rowVersions: Object.fromEntries(rowVersionsOf(before, after)),
  };
}

/** By its number a table is the same under another name; a rebuilt one has its name alone. */
function rowVersionsOf(
  before: Dictionary,
  after: Dictionary,
): readonly (readonly [string, readonly [number, number]])[] {
  const byId = new Map([...before.values()].map((table) => [table.id, table]));
  return [...after].flatMap(([name, now]) => {
    const old = byId.get(now.id) ?? before.get(name);
    const [was, is] = [old?.rowVersions ?? null, now.rowVersions];
    return was === null || is === null || was === is ? [] : [[name, [was, is] as const] as const];
  });
}

/** Of one dictionary what the other has neither under its name nor, by its number, under another name. */
function without(one: Dictionary, other: Dictionary): readonly (readonly [string, DictionaryTable])[] {
  const ids = new Set([...other.values()].map(({ id }) => id));
  return [...one].filter(([name, { id }]) => !other.has(name) && !ids.has(id));
}
