/**
 * Tables, indexes and row versions as InnoDB numbers them. To be read while nothing of ours runs: these views take a shared
 * metadata lock on each table in turn. MySQL 9.7 does not list the indexes of partitions; MariaDB does.
 * https://dev.mysql.com/doc/refman/en/information-schema-innodb-tables-table.html
 */
import type { Session } from '../../engine.ts';
import { serverKind } from '../server/server-kind.ts';
import { decodeName } from '../views/data-files.ts';
import { ROW_VERSIONS_SINCE } from '../views/states.ts';

export interface DictionaryTable {
  readonly id: number;
  /** Null where the server does not count them. */
  readonly rowVersions: number | null;
  /** Index names by their id. */
  readonly indexes: ReadonlyMap<number, string>;
}

/** Tables of a database by their name in InnoDB, partitions apart: `orders`, `orders#p#p0`. */
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
    const known = tables.get(file) ?? {
      id: Number(id),
      rowVersions: rowVersions === null ? null : Number(rowVersions),
      indexes: new Map<number, string>(),
    };
    if (indexId !== null && indexName !== null) known.indexes.set(Number(indexId), indexName);
    tables.set(file, known);
  }
  return tables;
}

export interface DictionaryChanges {
  /** Tables and partitions that are there before and after, and have another TABLE_ID. */
  readonly rebuilt: readonly string[];
  /** Tables and partitions that came or went. */
  readonly replaced: readonly string[];
  /** Names of indexes that were not there before, of tables that were. */
  readonly newIndexes: readonly string[];
  /** Before and after, of those where the number changed. */
  readonly rowVersions: Readonly<Record<string, readonly [number, number]>>;
}

export function compareDictionaries(before: Dictionary, after: Dictionary): DictionaryChanges {
  const both = [...after].flatMap(([name, now]) => {
    const old = before.get(name);
    return old === undefined ? [] : [{ name, old, now }];
  });
  return {
    rebuilt: both.filter(({ old, now }) => old.id !== now.id).map(({ name }) => name),
    replaced: [...new Set([...before.keys(), ...after.keys()])].filter(
      (name) => !before.has(name) || !after.has(name),
    ),
    newIndexes: both.flatMap(({ old, now }) =>
      [...now.indexes].filter(([id]) => !old.indexes.has(id)).map(([, index]) => index),
    ),
    rowVersions: Object.fromEntries(
      both.flatMap(({ name, old, now }) =>
        old.rowVersions === null || now.rowVersions === null || old.rowVersions === now.rowVersions
          ? []
          : [[name, [old.rowVersions, now.rowVersions] as const]],
      ),
    ),
  };
}
