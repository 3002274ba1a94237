/** Keys of the tables that the schema itself filled: children refer to them. */
import type { Engine, Session, TableDescription } from '../engines/engine.ts';
import { UsageError } from '../errors.ts';

/** A lookup table that a schema fills is far smaller. */
const MAX_KEYS = 10_000;

/** Values by column of every key that some foreign key refers to, and of the primary key. */
export async function readExistingKeys(
  { engine, session }: { readonly engine: Engine; readonly session: Session },
  table: TableDescription,
  tables: readonly TableDescription[],
): Promise<Readonly<Record<string, readonly string[]>>> {
  const referenced = tables
    .flatMap((each) => each.foreignKeys)
    .filter((key) => key.references === table.name)
    .map((key) => key.referencedColumns);
  const keys: Record<string, readonly string[]> = {};
  for (const columns of [table.primaryKey, ...referenced]) {
    const [first] = columns;
    if (columns.length === 1 && first !== undefined && keys[first] === undefined)
      keys[first] = await engine.schema.sampleKeys(session, table, first, MAX_KEYS);
  }
  const [composite] = referenced.filter((columns) => columns.length > 1);
  if (composite !== undefined) Object.assign(keys, await readRows({ engine, session }, table, composite));
  return keys;
}

/** The columns of a composite key come from the same rows. */
async function readRows(
  { engine, session }: { readonly engine: Engine; readonly session: Session },
  table: TableDescription,
  columns: readonly string[],
): Promise<Readonly<Record<string, readonly string[]>>> {
  const names = columns.map(engine.dialect.quote);
  const rows = await session.query(
    `select ${names.join(', ')} from ${engine.dialect.quoteName(table.parts)} ` +
      `where ${names.map((name) => `${name} is not null`).join(' and ')} ` +
      `order by ${names.join(', ')} limit ${MAX_KEYS}`,
  );
  const textOf = (value: unknown, column: string): string => {
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint')
      return String(value);
    if (typeof value === 'boolean') return value ? 'true' : 'false';
    throw new UsageError(
      `${table.name}: the schema fills this table, and its key (${columns.join(', ')}) is referenced. The column ` +
        `"${column}" cannot be read back as text. Fill the table with rows of its own instead: leave its rows out of the schema.`,
    );
  };
  return Object.fromEntries(
    columns.map((column) => [column, rows.map((row) => textOf(row[column], column))]),
  );
}
