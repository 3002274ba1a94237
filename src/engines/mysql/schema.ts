/** What the database looks like: https://dev.mysql.com/doc/refman/en/information-schema.html */
import type { SchemaAccess, Session, TableDescription } from '../engine.ts';
import { readChecks } from './checks.ts';
import { columnOf, readColumns } from './columns.ts';
import { dialect } from './dialect.ts';
import { readForeignKeys, readUniqueIndexes } from './indexes.ts';
import { inspect } from './inspect.ts';
import { sampleKeys } from './keys.ts';
import { readPartitioning } from './partitions.ts';
import { serverKind } from './server-kind.ts';

export const schema: SchemaAccess = { describe, inspect, sampleKeys, countRows };

async function describe(session: Session): Promise<readonly TableDescription[]> {
  const { flavor } = await serverKind(session);
  const tables = await session.query<{ name: string; schema: string }>(TABLES);
  const columns = await readColumns(session);
  const checks = await readChecks(session, flavor);
  const indexes = await readUniqueIndexes(session);
  const foreignKeys = await readForeignKeys(session);
  const partitionings = await readPartitioning(session);
  const filled = await tablesWithRows(session, tables);
  return tables
    .map(({ name, schema: database }) => {
      const rules = checks.get(name) ?? [];
      const keys = indexes.get(name) ?? [];
      return {
        name,
        parts: [database, name],
        columns: (columns.get(name) ?? []).map((row) => columnOf(row, rules, flavor)),
        primaryKey: keys.find((key) => key.primary)?.columns ?? [],
        uniques: keys.filter((key) => !key.primary).map((key) => key.columns),
        foreignKeys: foreignKeys.get(name) ?? [],
        checks: rules
          .filter((rule) => rule.jsonColumn === null)
          .map(({ name, expression }) => ({ name, expression })),
        partitioning: 'none' as const,
        partitionBounds: [],
        partitionKey: null,
        ...partitionings.get(name),
        hasRows: filled.has(name),
      };
    })
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}

async function countRows(session: Session, table: TableDescription): Promise<number> {
  const [row] = await session.query<{ total: number | string }>(
    `select count(*) as total from ${dialect.quoteName(table.parts)}`,
  );
  return Number(row?.total);
}

/** Tables of the current database; views and MariaDB's sequences have other types. */
const TABLES = `
  select table_name as name, table_schema as \`schema\`
  from information_schema.tables
  where table_schema = database() and table_type in ('BASE TABLE', 'SYSTEM VERSIONED')`;

async function tablesWithRows(
  session: Session,
  tables: readonly { readonly name: string; readonly schema: string }[],
): Promise<ReadonlySet<string>> {
  if (tables.length === 0) return new Set();
  const probes = tables.map(
    ({ name, schema: database }) =>
      `select ${dialect.quoteLiteral(name)} as name from dual where exists (select 1 from ${dialect.quoteName([database, name])})`,
  );
  const rows = await session.query<{ name: string }>(probes.join('\nunion all\n'));
  return new Set(rows.map((row) => row.name));
}
