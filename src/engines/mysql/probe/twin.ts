/**
 * A copy of a database beside it, on which statements are tried: same tables, keys, constraints, partitions, routines, views
 * and row versions, with all rows, a few or none. What a statement did to it is undone by making it anew.
 */
import { type ConnectionTarget, type Session, SqlError } from '../../engine.ts';
import { connections } from '../connections/connections.ts';
import { dialect } from '../text/dialect.ts';
import { nameIn, scan } from '../text/scan.ts';
import { type Definition, readDefinitions } from './definitions.ts';
import { readRoutines } from './routines.ts';
import { differingSettings } from './session-settings.ts';

/** `few`: MariaDB alters an empty table otherwise, under one lock from beginning to end. */
export type TwinRows = 'none' | 'few' | 'all';

export interface Twin extends AsyncDisposable {
  readonly database: string;
  /** Base tables. */
  readonly tables: readonly string[];
  /** A session in the twin, with the settings of the probed session. */
  open(): Promise<Session>;
  /** The text with names of the database replaced by those of the twin. */
  retarget(statement: string): string;
  /** Makes it as the database is, with these rows, if it is otherwise. */
  renew(rows: TwinRows): Promise<void>;
  /** Says that something was done to it. */
  spoil(): void;
}

const APPLICATION = 'rehearse probe';
/** Far more than any statement on a small copy needs. */
const STATEMENT_LIMIT_MS = 30_000;
const FEW = 5;
const quote = dialect.quote;

/** `session` is one in the database, of a user who may make another one. */
export async function openTwin(session: Session, name: string): Promise<Twin> {
  const source = session.target.database;
  const definitions = await readDefinitions(session);
  const others = [...(await readRoutines(session)), ...definitions.others];
  const settings = await differingSettings(session);
  const target: ConnectionTarget = { ...session.target, database: name };
  const retarget = (statement: string) => renamed(statement, source, name);
  let current: TwinRows | null = null;

  async function renew(rows: TwinRows): Promise<void> {
    if (current === rows) return;
    await session.execute(
      `drop database if exists ${quote(name)}; create database ${quote(name)} ${definitions.charset}`,
    );
    await using builder = await connections.connect(target, { applicationName: APPLICATION });
    await builder.execute(
      "set foreign_key_checks = 0, unique_checks = 0, sql_mode = 'no_auto_value_on_zero'",
    );
    for (const definition of definitions.tables) await build(builder, definition);
    if (rows !== 'none')
      for (const table of definitions.tables) await builder.execute(copying(table, { source, rows }));
    // A routine, view or trigger that cannot be made here is none that the statement could use.
    for (const text of others) await builder.execute(retarget(text)).catch(onlySqlErrors);
    current = rows;
  }

  return {
    database: name,
    tables: definitions.tables.map((table) => table.name),
    async open() {
      const opened = await connections.connect(target, {
        applicationName: APPLICATION,
        statementTimeoutMs: STATEMENT_LIMIT_MS,
      });
      try {
        for (const statement of settings) await opened.execute(statement);
        return opened;
      } catch (error) {
        await opened[Symbol.asyncDispose]();
        throw error;
      }
    },
    retarget,
    renew,
    spoil: () => {
      current = null;
    },
    async [Symbol.asyncDispose]() {
      await session.execute(`drop database if exists ${quote(name)}`);
    },
  };
}

function onlySqlErrors(error: unknown): void {
  if (!(error instanceof SqlError)) throw error;
}

const SPARE = quote('rehearse spare column');

/** A table with as many row versions as the real one: a spare column comes and goes, each time instantly. */
async function build(builder: Session, { name, text, rowVersions }: Definition): Promise<void> {
  await builder.execute(text);
  const add = `alter table ${quote(name)} add column ${SPARE} int`;
  const drop = `alter table ${quote(name)} drop column ${SPARE}`;
  if (rowVersions % 2 === 1) await builder.execute(`${add}, algorithm=inplace`);
  for (let left = rowVersions; left > 0; left -= 1)
    await builder.execute(`${left % 2 === 0 ? add : drop}, algorithm=instant`);
}

function copying(
  { name, columns }: Definition,
  { source, rows }: { readonly source: string; readonly rows: TwinRows },
): string {
  const names = columns.map(quote).join(', ');
  const limit = rows === 'few' ? ` limit ${FEW}` : '';
  return names === ''
    ? 'do 0'
    : `insert into ${quote(name)} (${names}) select ${names} from ${quote(source)}.${quote(name)}${limit}`;
}

/** Names of one database replaced by another's, where they stand before a dot. */
function renamed(statement: string, source: string, name: string): string {
  const tokens = [...scan(statement)].filter(({ kind }) => kind !== 'comment');
  return tokens.reduceRight((text, token, index) => {
    const isQualifier = tokens[index + 1]?.text === '.' && tokens[index - 1]?.text !== '.';
    if (!isQualifier || (token.kind !== 'word' && token.kind !== 'quoted')) return text;
    const meant = token.kind === 'quoted' ? nameIn(token) : statement.slice(token.from, token.to);
    return meant === source ? text.slice(0, token.from) + quote(name) + text.slice(token.to) : text;
  }, statement);
}
