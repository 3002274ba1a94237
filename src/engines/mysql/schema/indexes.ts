/** Keys of the tables of the current database. */
import type { ForeignKey, Session } from '../../engine.ts';
import type { Flavor } from '../connections/client.ts';
import { groupBy } from '../groups.ts';
import { nameIn, tokensOf } from '../text/scan.ts';
import { decoded } from './decoded.ts';

export interface UniqueIndex {
  readonly primary: boolean;
  /** Those inside of expressions too. */
  readonly columns: readonly string[];
  /** Characters (or bytes) that the index keeps of a column, where they are not all. */
  readonly prefixes: ReadonlyMap<string, number>;
}

interface IndexRow {
  readonly table: string;
  readonly name: string;
  /** Null for an expression. */
  readonly column: string | null;
  readonly prefix: number | string | null;
  readonly expression: string | null;
}

/** https://dev.mysql.com/doc/refman/en/information-schema-statistics-table.html */
const uniqueIndexes = (flavor: Flavor) => `
  select
    table_name as \`table\`,
    index_name as name,
    column_name as \`column\`,
    sub_part as prefix,
    ${flavor === 'mysql' ? 'expression' : 'null'} as expression
  from information_schema.statistics
  where table_schema = database() and non_unique = 0
  order by table_name, index_name = 'PRIMARY' desc, index_name, seq_in_index`;

/** By table, the primary key first. */
export async function readUniqueIndexes(
  session: Session,
  flavor: Flavor,
): Promise<ReadonlyMap<string, readonly UniqueIndex[]>> {
  const found = new Map<string, UniqueIndex[]>();
  const rows = await session.query<IndexRow>(uniqueIndexes(flavor));
  for (const [table, ofTable] of groupBy(rows, (row) => row.table))
    found.set(
      table,
      [...groupBy(ofTable, (row) => row.name)].map(([name, parts]) => ({
        primary: name === 'PRIMARY',
        columns: parts.flatMap(({ column, expression }) =>
          column === null ? namesIn(expression ?? '') : [column],
        ),
        prefixes: new Map(
          parts.flatMap(({ column, prefix }): [string, number][] =>
            column === null || prefix === null ? [] : [[column, Number(prefix)]],
          ),
        ),
      })),
    );
  return found;
}

/** Columns that an expression mentions; the servers quote them. */
export function namesIn(expression: string): readonly string[] {
  const quoted = tokensOf(decoded(expression).replace(/\\(.)/gs, '$1')).filter(
    ({ kind }) => kind === 'quoted',
  );
  return [...new Set(quoted.map((token) => nameIn(token) ?? ''))];
}

interface ForeignKeyRow {
  readonly table: string;
  readonly name: string;
  readonly column: string;
  readonly references: string;
  readonly referencedColumn: string;
}

/** https://dev.mysql.com/doc/refman/en/information-schema-key-column-usage-table.html */
const FOREIGN_KEYS = `
  select
    table_name as \`table\`,
    constraint_name as name,
    column_name as \`column\`,
    case
      when referenced_table_schema = table_schema then referenced_table_name
      else concat(referenced_table_schema, '.', referenced_table_name)
    end as \`references\`,
    referenced_column_name as referencedColumn
  from information_schema.key_column_usage
  where table_schema = database() and referenced_table_name is not null
  order by table_name, constraint_name, ordinal_position`;

/** By table. */
export async function readForeignKeys(session: Session): Promise<ReadonlyMap<string, readonly ForeignKey[]>> {
  const found = new Map<string, ForeignKey[]>();
  const rows = await session.query<ForeignKeyRow>(FOREIGN_KEYS);
  for (const [table, ofTable] of groupBy(rows, (row) => row.table)) {
    const keys = [...groupBy(ofTable, (row) => row.name)].map(([name, parts]) => ({
      name,
      columns: parts.map((part) => part.column),
      references: parts[0]?.references ?? '',
      referencedColumns: parts.map((part) => part.referencedColumn),
    }));
    found.set(table, keys);
  }
  return found;
}
