/** The schema of the current database as DDL, printed by the server, in an order in which everything stands before its users. */
import { type Session, SqlError } from '../../engine.ts';
import { groupBy } from '../groups.ts';
import { readForeignKeys } from '../schema/indexes.ts';
import { dialect } from '../text/dialect.ts';
import { tokensOf } from '../text/scan.ts';
import { isRefused } from '../views/instruments.ts';

export interface CapturedSchema {
  readonly ddl: string;
  readonly missing: readonly { readonly what: string; readonly reason: string }[];
}

type Missing = CapturedSchema['missing'][number];

interface ObjectRow {
  readonly name: string;
  readonly type: string;
}

/** MariaDB lists its sequences here too. */
const TABLES = `
  select table_name as name, table_type as type
  from information_schema.tables
  where table_schema = database() and table_type in ('BASE TABLE', 'SYSTEM VERSIONED', 'VIEW', 'SEQUENCE')
  order by table_name`;

const ROUTINES = `
  select routine_name as name, routine_type as type
  from information_schema.routines
  where routine_schema = database()
  order by routine_name`;

const TRIGGERS = `
  select trigger_name as name, 'TRIGGER' as type
  from information_schema.triggers
  where trigger_schema = database()
  order by event_object_table, action_timing, event_manipulation, action_order`;

const EVENTS = `
  select event_name as name, 'EVENT' as type
  from information_schema.events
  where event_schema = database()
  order by event_name`;

/**
 * In this order: sequences, tables after those they refer to, functions and procedures, views after those they read,
 * triggers. `onProgress` is called with the number of tables that have been printed.
 */
export async function readSchema(
  session: Session,
  onProgress: (tables: number) => void,
): Promise<CapturedSchema> {
  const missing: Missing[] = [];
  const found = await session.query<ObjectRow>(TABLES);
  const ofType = (...types: readonly string[]) =>
    found.filter(({ type }) => types.includes(type)).map(({ name }) => name);

  const sequences = await printed(session, 'SEQUENCE', ofType('SEQUENCE'), missing);
  const { ordered, isCircular } = await inOrder(session, ofType('BASE TABLE', 'SYSTEM VERSIONED'));
  const tables = await printed(session, 'TABLE', ordered, missing, onProgress);
  const routines: string[] = [];
  // A routine that was printed stays locked until the transaction ends, or is taken back.
  await session.execute('savepoint unlocked');
  for (const { name, type } of await session.query<ObjectRow>(ROUTINES))
    routines.push(...(await printed(session, type, [name], missing)).values());
  await session.execute('rollback to savepoint unlocked');
  const views = await printed(session, 'VIEW', ofType('VIEW'), missing);
  const triggerNames = (await session.query<ObjectRow>(TRIGGERS)).map(({ name }) => name);
  const triggers = await printed(session, 'TRIGGER', triggerNames, missing);
  for (const { name } of await session.query<ObjectRow>(EVENTS))
    missing.push({ what: `schema of event ${name}`, reason: 'a rehearsal runs no timed events' });

  const plain = [...sequences.values(), ...[...tables.values()].map(withoutPlace)];
  const compound = [...routines, ...viewsInOrder(views), ...triggers.values()].map(withoutDefiner);
  return {
    ddl: [
      ...(isCircular ? ['set foreign_key_checks = 0;\n'] : []),
      ...plain.map((text) => `${text};\n`),
      ...(isCircular ? ['set foreign_key_checks = 1;\n'] : []),
      // Bodies hold semicolons; the mysql client ends them by a delimiter of their own.
      ...(compound.length === 0
        ? []
        : ['delimiter ;;\n', ...compound.map((text) => `${text} ;;\n`), 'delimiter ;\n']),
    ].join('\n'),
    missing,
  };
}

/** What SHOW CREATE prints, by name. What may not be shown is named; what was dropped meanwhile is left out. */
async function printed(
  session: Session,
  type: string,
  names: readonly string[],
  missing: Missing[],
  onProgress: (count: number) => void = () => undefined,
): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  for (const [index, name] of names.entries()) {
    onProgress(index);
    const text = await showCreate(session, type, name);
    if (text !== null) texts.set(name, text);
    else
      missing.push({
        what: `schema of ${type.toLowerCase()} ${name}`,
        reason: GRANTS[type] ?? 'no privilege',
      });
  }
  return texts;
}

const GRANTS: Readonly<Record<string, string>> = {
  TABLE: 'no privilege: grant select',
  SEQUENCE: 'no privilege: grant select',
  VIEW: 'no privilege, or the view is broken: grant show view, select',
  TRIGGER: 'no privilege: grant trigger',
  FUNCTION:
    'no privilege: grant show_routine on *.* (MySQL 8.0.20 and later) or select on mysql.proc (MariaDB)',
  PROCEDURE:
    'no privilege: grant show_routine on *.* (MySQL 8.0.20 and later) or select on mysql.proc (MariaDB)',
};

/** ER_NO_SUCH_TABLE, ER_BAD_TABLE_ERROR, ER_VIEW_INVALID, ER_SP_DOES_NOT_EXIST: gone, broken, or hidden. */
const NOT_THERE = ['1146', '1051', '1356', '1305', '1142', '1227', '1044'];

async function showCreate(session: Session, type: string, name: string): Promise<string | null> {
  try {
    const [row] = await session.query<Record<string, string | null>>(
      `show create ${type.toLowerCase()} ${dialect.quote(name)}`,
    );
    const [, text] =
      Object.entries(row ?? {}).find(([key]) => /^(?:create |sql original statement)/i.test(key)) ?? [];
    return text ?? null;
  } catch (error) {
    if (isRefused(error) || (error instanceof SqlError && NOT_THERE.includes(error.code ?? ''))) return null;
    throw error;
  }
}

async function inOrder(
  session: Session,
  names: readonly string[],
): Promise<{ readonly ordered: readonly string[]; readonly isCircular: boolean }> {
  const keys = await readForeignKeys(session);
  const known = new Set(names);
  const needs = (name: string) =>
    (keys.get(name) ?? [])
      .map(({ references }) => references)
      .filter((each) => each !== name && known.has(each));
  return sorted(names, needs);
}

/** Depth first by name; a circle is cut where it closes. */
function sorted(names: readonly string[], needs: (name: string) => readonly string[]) {
  const ordered: string[] = [];
  const state = new Map<string, 'open' | 'done'>();
  let isCircular = false;
  function place(name: string): void {
    if (state.get(name) === 'open') isCircular = true;
    if (state.has(name)) return;
    state.set(name, 'open');
    for (const each of [...needs(name)].sort()) place(each);
    state.set(name, 'done');
    ordered.push(name);
  }
  for (const name of names) place(name);
  return { ordered, isCircular };
}

/** Views that a view mentions stand before it; the server tells its own list on MySQL only. */
function viewsInOrder(views: ReadonlyMap<string, string>): readonly string[] {
  const mentions = new Map(
    [...views].map(([name, text]) => [
      name,
      [...groupBy(tokensOf(text), (token) => token.text).keys()]
        .map((word) => word.replace(/^`(.*)`$/s, '$1').replaceAll('``', '`'))
        .filter((word) => word !== name && views.has(word)),
    ]),
  );
  const { ordered } = sorted([...views.keys()], (name) => mentions.get(name) ?? []);
  return ordered.flatMap((name) => views.get(name) ?? []);
}

/** The account that made it is not there on another server. */
function withoutDefiner(text: string): string {
  return text.replace(
    /^(\s*create\b(?:\s+or\s+replace)?(?:\s+algorithm\s*=\s*\w+)?)\s+definer\s*=\s*(?:`(?:[^`]|``)*`|'[^']*'|[\w$]+)\s*(?:@\s*(?:`(?:[^`]|``)*`|'[^']*'|[\w.%-]+))?/i,
    '$1',
  );
}

/** Options of the table behind its last bracket that say how many rows there were, or name a place or key of production. */
const PLACES =
  /\s(?:auto_increment=\d+|(?:data|index) directory='[^']*'|tablespace[ =]`[^`]*`|encryption='[^']*'|`?encrypted`?=\w+|`?encryption_key_id`?=\d+)/gi;

function withoutPlace(text: string): string {
  const end = text.lastIndexOf('\n) ');
  if (end < 0) return text;
  const [, options = '', partitions = ''] = /^(.*?)(\n.*)?$/s.exec(text.slice(end + 1)) ?? [];
  const [, , comment = ''] = /^(.*?)(\scomment='.*)?$/is.exec(options) ?? [];
  const bare = options.slice(0, options.length - comment.length).replace(PLACES, '');
  return `${text.slice(0, end + 1)}${bare}${comment}${partitions}`;
}
