/**
 * What slows a bulk load, taken away and put back exactly: secondary indexes are built once from all rows (sorted) where
 * they would be kept up row by row, and triggers would run for each.
 */
import type { DeferredObjects, RestoreTask, Session, TableDescription } from '../../engine.ts';
import { dialect } from '../text/dialect.ts';
import { isToken, nameIn, type Token, tokensOf } from '../text/scan.ts';

const { quote, quoteName, quoteLiteral } = dialect;

/**
 * Drops triggers, then foreign keys, then the indexes that nothing needs. The SQL to restore comes from the server itself
 * (SHOW CREATE TABLE, SHOW CREATE TRIGGER). What something depends on stays in place: see {@link isKept}.
 */
export async function prepare(
  session: Session,
  described: readonly TableDescription[],
): Promise<DeferredObjects> {
  const versioned = new Set((await session.query<{ name: string }>(VERSIONED)).map(({ name }) => name));
  const tables = described.map((table): Altered => ({ ...table, versioned: versioned.has(table.name) }));
  const triggers = await dropTriggers(session, tables);
  const definitions = [];
  for (const table of tables) definitions.push({ table, parts: await partsOf(session, table) });
  const indexes: RestoreTask[] = [];
  const foreignKeys: RestoreTask[] = [];
  for (const { table, parts } of definitions) {
    const own = parts.filter((part) => part.kind === 'foreign key');
    if (own.length === 0) continue;
    await alter(
      session,
      table,
      own.map(({ name }) => `drop foreign key ${quote(name)}`),
    );
    foreignKeys.push(
      task(table, 'foreign keys', [
        TAKE_ZERO_DATES,
        ...own.map((part) => restoreForeignKey(table, part)),
        TAKE_AS_BEFORE,
      ]),
    );
  }
  const referenced = await referencedColumns(session);
  for (const { table, parts } of definitions) {
    const taken = parts.filter(
      (part) => part.kind !== 'foreign key' && !isKept(part, { table, parts, referenced }),
    );
    if (taken.length === 0) continue;
    await alter(
      session,
      table,
      taken.map(({ name }) => `drop index ${quote(name)}`),
    );
    indexes.push(task(table, 'indexes', restoreIndexes(table, taken)));
  }
  // Each locks two tables: two at once can wait for each other.
  return { restore: [indexes, ...foreignKeys.map((each) => [each]), triggers] };
}

/** https://mariadb.com/kb/en/system-versioned-tables/ */
const VERSIONED = `
  select table_name as name
  from information_schema.tables
  where table_schema = database() and table_type = 'SYSTEM VERSIONED'`;

interface Altered extends TableDescription {
  /** MariaDB keeps the rows that were. */
  readonly versioned: boolean;
}

function task({ name }: TableDescription, what: string, statements: readonly string[]): RestoreTask {
  return { table: name, what: `${what} of ${name}`, statements };
}

export interface Part {
  readonly kind: 'index' | 'unique' | 'special' | 'foreign key';
  readonly name: string;
  /** Columns in order; an expression has none. */
  readonly columns: readonly string[];
  /** As SHOW CREATE TABLE prints it. */
  readonly definition: string;
}

/** A line of SHOW CREATE TABLE that defines an index or a foreign key; the primary key is never among them. */
const PART =
  /^ {2}(?:(UNIQUE |FULLTEXT |SPATIAL )?KEY|CONSTRAINT (?=`(?:[^`]|``)+` FOREIGN KEY)) *(`(?:[^`]|``)+`)/;

/** Secondary indexes and foreign keys in the order of the table, as the server prints them. */
export async function partsOf(session: Session, table: TableDescription): Promise<readonly Part[]> {
  const [row] = await session.query<{ 'Create Table': string }>(
    `show create table ${quoteName(table.parts)}`,
  );
  return (row?.['Create Table'] ?? '').split('\n').flatMap((line): Part[] => {
    const [match, special, quotedName] = PART.exec(line) ?? [];
    if (match === undefined || quotedName === undefined) return [];
    const definition = line.trim().replace(/,$/, '');
    const kind = match.includes('CONSTRAINT')
      ? 'foreign key'
      : special === 'UNIQUE '
        ? 'unique'
        : special === undefined
          ? 'index'
          : 'special';
    const name = quotedName.slice(1, -1).replaceAll('``', '`');
    return [{ kind, name, columns: columnsIn(tokensOf(definition)), definition }];
  });
}

/** Names right behind the opening bracket and the commas of the first list. */
function columnsIn(tokens: readonly Token[]): readonly string[] {
  const open = tokens.findIndex((token) => isToken(token, '('));
  const columns: string[] = [];
  let depth = 0;
  for (const [index, token] of tokens.entries()) {
    if (index < open) continue;
    if (isToken(token, '(')) depth += 1;
    if (isToken(token, ')')) depth -= 1;
    if (depth === 0) break;
    const begins = isToken(token, '(') || isToken(token, ',');
    const name = tokens[index + 1];
    if (depth === 1 && begins && name?.kind === 'quoted') columns.push(nameIn(name) ?? '');
  }
  return columns;
}

interface Surroundings {
  readonly table: TableDescription;
  readonly parts: readonly Part[];
  /** "table.column" of the first column of each key that a foreign key still refers to or rests on. */
  readonly referenced: ReadonlySet<string>;
}

/**
 * Kept are: the index of an AUTO_INCREMENT column that the primary key does not begin with; unique keys of a table
 * without a primary key, one of which is its clustered index; what a foreign key of a table that is not filled needs.
 */
function isKept(part: Part, { table, parts, referenced }: Surroundings): boolean {
  const [first] = part.columns;
  if (first === undefined) return part.kind === 'unique' && table.primaryKey.length === 0;
  if (part.kind === 'unique' && table.primaryKey.length === 0) return true;
  if (referenced.has(`${table.name}.${first}`)) return true;
  const counter = table.columns.find(({ generated }) => generated === 'identity by default')?.name;
  if (counter !== first || table.primaryKey[0] === first) return false;
  return parts.find(({ kind, columns }) => kind !== 'foreign key' && columns[0] === counter) === part;
}

/** Both ends of the foreign keys that are still there. */
const STILL_REFERENCED = `
  select
    k.table_name as \`table\`,
    k.column_name as \`column\`,
    k.referenced_table_name as referencedTable,
    k.referenced_column_name as referencedColumn
  from information_schema.key_column_usage k
  where k.referenced_table_schema = database() and k.ordinal_position = 1`;

async function referencedColumns(session: Session): Promise<ReadonlySet<string>> {
  const rows = await session.query<{
    table: string;
    column: string;
    referencedTable: string;
    referencedColumn: string;
  }>(STILL_REFERENCED);
  return new Set(
    rows.flatMap((row) => [`${row.table}.${row.column}`, `${row.referencedTable}.${row.referencedColumn}`]),
  );
}

/** All of a table's indexes in one statement, so that its rows are read once; InnoDB builds special ones singly. */
function restoreIndexes(table: Altered, parts: readonly Part[]): readonly string[] {
  const together = parts
    .filter(({ kind }) => kind !== 'special')
    .map(({ definition }) => `add ${definition}`);
  const singly = parts
    .filter(({ kind }) => kind === 'special')
    .map(({ definition }) => [`add ${definition}`]);
  const alterations = [...(together.length === 0 ? [] : [together]), ...singly].map((changes) =>
    alteration(table, changes),
  );
  return [TAKE_ZERO_DATES, ...alterations, TAKE_AS_BEFORE];
}

/**
 * A table whose columns have the default '0000-00-00' was made under a sql_mode that takes it; an ALTER TABLE of anything
 * else in it is refused under one that does not ("Invalid default value"). TRADITIONAL brings those modes with it.
 * https://dev.mysql.com/doc/refman/en/sql-mode.html#sqlmode_no_zero_date
 */
const TAKE_ZERO_DATES = `
  set @rehearse_sql_mode = @@session.sql_mode,
    session sql_mode = trim(leading ',' from replace(replace(replace(concat(',', @@session.sql_mode),
      ',NO_ZERO_IN_DATE', ''), ',NO_ZERO_DATE', ''), ',TRADITIONAL', ''))`.trim();
const TAKE_AS_BEFORE = 'set session sql_mode = @rehearse_sql_mode';

/**
 * Without looking at the rows: with foreign_key_checks on, the server would copy the whole table. The rows are looked at
 * afterwards, by advanceCounters.
 */
function restoreForeignKey(table: Altered, part: Part): string {
  return `set foreign_key_checks = 0; ${alteration(table, [`add ${part.definition}`])}; set foreign_key_checks = 1`;
}

async function alter(session: Session, table: Altered, changes: readonly string[]): Promise<void> {
  await session.execute(TAKE_ZERO_DATES);
  await session.execute(alteration(table, changes));
  await session.execute(TAKE_AS_BEFORE);
}

/** A table with versions refuses other columns for its history, and indexes with them, unless told otherwise. */
function alteration(table: Altered, changes: readonly string[]): string {
  const text = `alter table ${quoteName(table.parts)} ${changes.join(', ')}`;
  return table.versioned ? `set statement system_versioning_alter_history = keep for ${text}` : text;
}

interface TriggerRow {
  readonly schema: string;
  readonly name: string;
}

/** https://dev.mysql.com/doc/refman/en/information-schema-triggers-table.html */
const TRIGGERS = `
  select trigger_schema as \`schema\`, trigger_name as name
  from information_schema.triggers
  where event_object_schema = ? and event_object_table = ? and locate(event_manipulation, ?) > 0
  order by action_timing, action_order`;

async function dropTriggers(
  session: Session,
  tables: readonly TableDescription[],
): Promise<readonly RestoreTask[]> {
  const tasks: RestoreTask[] = [];
  for (const table of tables) {
    const restore = await takeTriggers(session, table, 'INSERT');
    if (restore.length > 0) tasks.push(task(table, 'triggers', restore));
  }
  return tasks;
}

/**
 * Drops the triggers of these events ("INSERT, UPDATE"); returns the statements that make them again, in their order, each
 * under the sql_mode that it was made with.
 */
export async function takeTriggers(
  session: Session,
  table: TableDescription,
  events: string,
): Promise<readonly string[]> {
  const restore: string[] = [];
  for (const { schema, name } of await session.query<TriggerRow>(TRIGGERS, [...table.parts, events])) {
    const trigger = quoteName([schema, name]);
    const [made] = await session.query<{ sql_mode: string; 'SQL Original Statement': string }>(
      `show create trigger ${trigger}`,
    );
    if (made === undefined) throw new Error(`the trigger ${trigger} gave no row`);
    await session.execute(`drop trigger ${trigger}`);
    restore.push(
      `set @rehearse_sql_mode = @@session.sql_mode; set session sql_mode = ${quoteLiteral(made.sql_mode)}`,
      // By itself: MySQL takes a semicolon behind it into the trigger.
      made['SQL Original Statement'],
      'set session sql_mode = @rehearse_sql_mode',
    );
  }
  return restore;
}
