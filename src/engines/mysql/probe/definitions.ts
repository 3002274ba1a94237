/** What makes a database anew: the statements that the server itself writes for its tables, views and triggers. */
import type { Session } from '../../engine.ts';
import { dialect } from '../text/dialect.ts';
import { readDictionary } from './dictionary.ts';

export interface Definition {
  readonly name: string;
  readonly text: string;
  /** Columns that take a value; generated ones do not. */
  readonly columns: readonly string[];
  /** How many instant changes its rows have seen; of a partitioned table the most that a partition has. */
  readonly rowVersions: number;
}

export interface Definitions {
  /** Base tables, system-versioned ones and sequences. */
  readonly tables: readonly Definition[];
  /** Views and triggers, to be made after them. */
  readonly others: readonly string[];
  /** Options of CREATE DATABASE. */
  readonly charset: string;
}

export async function readDefinitions(session: Session): Promise<Definitions> {
  const { database } = session.target;
  const quote = dialect.quote;
  const objects = await session.query<Record<string, string>>('show full tables');
  const versions = await rowVersionsOf(session);
  const columns = await columnsOf(session);
  const tables: Definition[] = [];
  const others: string[] = [];
  for (const object of objects) {
    const [name = '', kind = ''] = Object.values(object);
    const [created] = await session.query<Record<string, string>>(`show create table ${quote(name)}`);
    const text = created === undefined ? undefined : Object.values(created)[1];
    if (text === undefined) continue;
    if (kind === 'VIEW') others.push(text);
    else
      tables.push({
        name,
        text,
        columns: kind === 'SEQUENCE' ? [] : (columns.get(name) ?? []),
        rowVersions: versions.get(name) ?? 0,
      });
  }
  const triggers = await session.query<{ Trigger: string }>(`show triggers`);
  for (const { Trigger: trigger } of triggers) {
    const [created] = await session.query<Record<string, string>>(`show create trigger ${quote(trigger)}`);
    const text = created?.['SQL Original Statement'];
    if (text !== undefined) others.push(text);
  }
  return { tables, others, charset: await charsetOf(session, database) };
}

async function columnsOf(session: Session): Promise<ReadonlyMap<string, readonly string[]>> {
  const rows = await session.query<{ table_name: string; name: string }>(
    `select c.table_name as table_name, c.column_name as name
    from information_schema.columns c
    where c.table_schema = ? and coalesce(c.generation_expression, '') = ''
    order by c.table_name, c.ordinal_position`,
    [session.target.database],
  );
  const columns = new Map<string, string[]>();
  for (const { table_name: table, name } of rows) columns.set(table, [...(columns.get(table) ?? []), name]);
  return columns;
}

async function charsetOf(session: Session, database: string): Promise<string> {
  const [row] = await session.query<{ charset: string; collation: string }>(
    `select s.default_character_set_name as charset, s.default_collation_name as collation
    from information_schema.schemata s
    where s.schema_name = ?`,
    [database],
  );
  return row === undefined ? '' : `character set ${row.charset} collate ${row.collation}`;
}

async function rowVersionsOf(session: Session): Promise<ReadonlyMap<string, number>> {
  const versions = new Map<string, number>();
  const dictionary = await readDictionary(session, session.target.database);
  for (const { table, rowVersions } of dictionary.values())
    versions.set(table, Math.max(versions.get(table) ?? 0, rowVersions ?? 0));
  return versions;
}
