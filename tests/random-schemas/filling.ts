/** Fills a schema and holds the server's own word against what was promised. */
import type { Engine, Session, TableDescription } from '../../src/engines/engine.ts';
import { UsageError } from '../../src/errors.ts';
import type { DataPlan } from '../../src/scenario/plan.ts';
import { seedSynthetic } from '../../src/seeders/index.ts';
import { dataPlan } from '../tables.ts';
import type { RandomSchema } from './seeds.ts';

/** Far more than a few hundred rows take. */
const LIMIT_MS = 60_000;

export type Outcome = {
  readonly kind: 'discarded' | 'filled' | 'refused' | 'broken';
  readonly message: string;
  readonly digest: string;
};

/** The schema in a database of its own; discarded when the server refuses it. */
export async function tryToFill(session: Session, engine: Engine, schema: RandomSchema): Promise<Outcome> {
  const digest = '';
  try {
    for (const statement of engine.dialect.split(schema.ddl)) await session.execute(statement.text);
  } catch (error) {
    return { kind: 'discarded', message: messageOf(error), digest };
  }
  return fillOne(session, engine, dataPlan(schema.rows));
}

async function fillOne(session: Session, engine: Engine, data: DataPlan): Promise<Outcome> {
  const tables = await engine.schema.describe(session);
  const { target } = session;
  const request = { engine, target, administrator: target, tables, data, onProgress: () => undefined };
  const before = await structureOf(session, tables);
  try {
    const { filling } = await seedSynthetic(request, AbortSignal.timeout(LIMIT_MS));
    const after = await structureOf(session, tables);
    if (after !== before)
      return { kind: 'broken', message: `structure:\n${before}\n---\n${after}`, digest: '' };
    for (const { table, rows } of filling) {
      const description = tables.find(({ name }) => name === table);
      if (description === undefined) throw new Error(`no table ${table}`);
      const counted = await countOwn(session, engine, description);
      if (counted !== rows)
        return { kind: 'broken', message: `${table}: ${rows} rows told, ${counted} counted`, digest: '' };
    }
    return {
      kind: 'filled',
      message: filling.map(({ table, rows }) => `${table} ${rows}`).join(', '),
      digest: '',
    };
  } catch (error) {
    const message = messageOf(error);
    const clear =
      error instanceof UsageError &&
      isClear(
        message,
        tables.map(({ name }) => name),
      );
    return { kind: clear ? 'refused' : 'broken', message, digest: '' };
  }
}

/** Without the rows of tables that inherit from it. */
async function countOwn(session: Session, engine: Engine, table: TableDescription): Promise<number> {
  const only = engine.name === 'postgres' && table.partitioning === 'none' ? 'only' : '';
  const [row] = await session.query<{ total: string | number }>(
    `select count(*) as total from ${only} ${engine.dialect.quoteName(table.parts)}`,
  );
  return Number(row?.total);
}

function isClear(message: string, tables: readonly string[]): boolean {
  return (
    tables.some((name) => message.includes(name)) &&
    /data\.tables\.|in the schema/.test(message) &&
    !/break a constraint of the schema|cannot be filled at row|cannot be filled: .*\(\w{4,5}\)/.test(message)
  );
}

interface Two {
  /** Filled already. */
  readonly session: Session;
  /** In an empty database. */
  readonly other: Session;
  readonly engine: Engine;
}

/** All rows of a schema that is filled, and of the same one filled once more in another database. */
export async function fillTwice(
  { session, other, engine }: Two,
  schema: RandomSchema,
): Promise<readonly [readonly string[], readonly string[]]> {
  await tryToFill(other, engine, schema);
  return [await rowsOf(session, engine), await rowsOf(other, engine)];
}

/** A line for each row of every table, in order; what the server itself computes from its clock or counters is not there. */
async function rowsOf(session: Session, engine: Engine): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const table of await engine.schema.describe(session)) {
    if (table.partitioning === 'partition') continue;
    const columns = table.columns.map(({ name }) => engine.dialect.quote(name)).join(', ');
    const rows = await session.query(`select ${columns} from ${engine.dialect.quoteName(table.parts)}`);
    lines.push(...rows.map((row) => `${table.name} ${JSON.stringify(row)}`).toSorted());
  }
  return lines;
}

function messageOf(error: unknown): string {
  return error instanceof Error
    ? error instanceof UsageError
      ? error.message
      : (error.stack ?? error.message)
    : String(error);
}

const STRUCTURE = `
  select string_agg(line, E'\\n' order by line) as text
  from (
    select conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) || ' ' || convalidated as line
    from pg_constraint where connamespace::regnamespace::text in ('public', 'other')
    union all
    select indrelid::regclass || ' ' || pg_get_indexdef(indexrelid) || ' ' || indisvalid from pg_index
    where indrelid::regclass::oid in (select oid from pg_class where relnamespace::regnamespace::text in ('public', 'other'))
    union all
    select tgrelid::regclass || ' ' || tgname || ' ' || tgenabled::text from pg_trigger where not tgisinternal
  ) lines`;

/** Constraints, indexes and triggers as the server prints them; MySQL gives literals a character set or type as it likes. */
async function structureOf(session: Session, tables: readonly TableDescription[]): Promise<string> {
  if (session.target.database !== undefined && (await isPostgres(session))) {
    const [row] = await session.query<{ text: string | null }>(STRUCTURE);
    return row?.text ?? '';
  }
  const lines: string[] = [];
  for (const { parts } of tables) {
    const name = parts.map((part) => `\`${part.replaceAll('`', '``')}\``).join('.');
    const [row] = await session.query<Record<string, string>>(`show create table ${name}`);
    const made = (row?.['Create Table'] ?? '')
      .replace(/ AUTO_INCREMENT=\d+/, '')
      .replace(/(?:\b_(?:latin1|utf8mb4|utf8mb3|ascii|cp1251|gbk)|\b(?:TIME|DATE|TIMESTAMP))'/g, "'")
      .replace(/(?<=:\d\d)\.0+'/g, "'")
      .replaceAll(/,$/gm, '');
    lines.push(...made.split('\n').toSorted());
    for (const trigger of await session.query<{ Trigger: string }>(
      `show triggers where \`Table\` = '${parts.at(-1)?.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`,
    ))
      lines.push(trigger.Trigger);
  }
  return lines.join('\n');
}

async function isPostgres(session: Session): Promise<boolean> {
  const [row] = await session.query<{ version: string }>('select version() as version');
  return row?.version.startsWith('PostgreSQL') === true;
}
