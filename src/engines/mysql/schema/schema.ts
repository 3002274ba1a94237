/** What the database looks like: https://dev.mysql.com/doc/refman/en/information-schema.html */
import type { SchemaAccess, Session, TableDescription } from '../../engine.ts';
import { serverKind } from '../server/server-kind.ts';
import { dialect } from '../text/dialect.ts';
import { readChecks } from './checks.ts';
import { type ColumnRow, columnOf, readColumns } from './columns.ts';
import { withReferredLengths } from './distinct-lengths.ts';
import { namesIn, readForeignKeys, readUniqueIndexes, type UniqueIndex } from './indexes.ts';
import { inspect } from './inspect.ts';
import { sampleKeys } from './keys.ts';
import { readPartitioning } from './partitions.ts';
import { bytesInHex, sampleRows } from './rows.ts';

export const schema: SchemaAccess = { describe, inspect, sampleKeys, sampleRows, bytesInHex, countRows };

async function describe(session: Session): Promise<readonly TableDescription[]> {
  const { flavor } = await serverKind(session);
  const tables = await session.query<{ name: string; schema: string }>(TABLES);
  const columns = await readColumns(session, flavor);
  const checks = await readChecks(session, flavor);
  const indexes = await readUniqueIndexes(session, flavor);
  const foreignKeys = await readForeignKeys(session);
  const partitionings = await readPartitioning(session);
  const filled = await tablesWithRows(session, tables);
  const described = tables
    .map(({ name, schema: database }) => {
      const rules = checks.get(name) ?? [];
      const keys = indexes.get(name) ?? [];
      const rows = columns.get(name) ?? [];
      return {
        name,
        parts: [database, name],
        columns: rows.map((row) => ({ ...columnOf(row, rules, flavor), ...distinctLength(row, keys) })),
        primaryKey: keys.find((key) => key.primary)?.columns ?? [],
        uniques: keys.filter((key) => !key.primary).map((key) => withoutGenerated(key, rows)),
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
  return withReferredLengths(described);
}

function distinctLength({ name }: ColumnRow, keys: readonly UniqueIndex[]): { distinctLength?: number } {
  const lengths = keys.flatMap(({ prefixes }) => prefixes.get(name) ?? []);
  return lengths.length === 0 ? {} : { distinctLength: Math.min(...lengths) };
}

/** Rows differ in a generated column when they differ in what it is generated from. */
function withoutGenerated({ columns }: UniqueIndex, rows: readonly ColumnRow[]): readonly string[] {
  const sources = columns.flatMap((column) => {
    const names = namesIn(rows.find(({ name }) => name === column)?.expression ?? '');
    return names.length === 0 ? [column] : names;
  });
  return [...new Set(sources)];
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
