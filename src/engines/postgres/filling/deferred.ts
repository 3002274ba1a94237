/**
 * What slows a bulk load, taken away and put back exactly: COPY with a key and an index in place took 9.6 s where
 * COPY, key and index one after the other took 5.1 s. A primary key alone, its rows in order: 1.30 s against 0.76 s
 * and 0.19 s for the key (800,000 rows, Postgres 18).
 */
import type { DeferredObjects, RestoreTask, Session, TableDescription } from '../../engine.ts';
import { nameOf as nameOfTable } from '../schema/schema.ts';
import { dialect } from '../text/dialect.ts';
import { INDEXES, type IndexRow, MEMBERS, type OnTable } from './deferred-indexes.ts';
import { WORKERS_AS_BEFORE, workersFor } from './rows-in-order.ts';

const { quote, quoteName, quoteLiteral } = dialect;

/**
 * In one transaction: drops foreign keys, then indexes and the constraints behind them, and disables triggers.
 * The SQL to restore comes from the server itself (pg_get_constraintdef, pg_get_indexdef), comments included. What
 * could not be restored as it was stays in place: see INDEXES.
 *
 * Indexes of partitioned tables come back as pg_dump restores them: on the parent alone, on each partition, attached.
 * A key of a plain table comes back as an index, which several sessions build on one table at once, and becomes the
 * constraint afterwards. Foreign keys are declared first and then validated, which locks no other out: several at once.
 */
export async function prepare(
  session: Session,
  tables: readonly TableDescription[],
): Promise<DeferredObjects> {
  const names = tables.map((table) => quoteName(table.parts));
  await session.execute('begin');
  try {
    // Then every name that the server prints is qualified, whatever the search path is when it is restored.
    await session.execute('set local search_path = pg_catalog');
    const foreignKeys = await session.query<ForeignKeyRow>(FOREIGN_KEYS, [names]);
    for (const each of foreignKeys) await session.execute(dropConstraint(each));
    const indexes = await session.query<IndexRow>(INDEXES, [names]);
    for (const each of indexes.filter((index) => index.parent === null))
      await session.execute(each.constraint === null ? `drop index ${nameOf(each)}` : dropConstraint(each));
    const triggers = await session.query<TriggerRow>(TRIGGERS, [names]);
    for (const each of triggers)
      await session.execute(`alter table only ${tableOf(each)} disable trigger ${quote(each.name)}`);
    await session.execute('commit');
    return {
      restore: [
        ...depthsOf(indexes).flatMap((level) => [level.map(restoreIndex), level.flatMap(restoreKey)]),
        // Each locks two tables against the others: two at once can wait for each other.
        ...foreignKeys.map((key) => [declareForeignKey(key)]),
        foreignKeys.filter(isValidatedLater).map(validateForeignKey),
        triggers.map(restoreTrigger),
      ],
    };
  } catch (error) {
    await session.execute('rollback');
    throw error;
  }
}

interface ForeignKeyRow extends OnTable {
  readonly constraint: string;
  readonly definition: string;
  /** It holds for the rows that are there, and can be made without looking at them and be validated afterwards. */
  readonly validatedLater: boolean;
  readonly comment: string | null;
}

/**
 * NOT VALID on a partitioned table is there since Postgres 18, and reaches the copies for its partitions since then. A partition's copy of its parent's key (conparentid, since Postgres 11) goes and comes with that one. */
const FOREIGN_KEYS = `
  with recursive ${MEMBERS}
  select
    n.nspname::text as schema,
    t.relname::text as table,
    c.conname::text as constraint,
    pg_get_constraintdef(c.oid) as definition,
    c.convalidated
      and ('p' not in (t.relkind, r.relkind) or current_setting('server_version_num')::int >= 180000) as "validatedLater",
    obj_description(c.oid, 'pg_constraint') as comment
  from members m
    join pg_class t on t.oid = m.oid
    join pg_namespace n on n.oid = t.relnamespace
    join pg_constraint c on c.conrelid = t.oid and c.contype = 'f'
    join pg_class r on r.oid = c.confrelid
  where coalesce((to_jsonb(c) ->> 'conparentid')::oid, 0) = 0
  order by c.oid`;

interface TriggerRow extends OnTable {
  readonly name: string;
  /** tgenabled: O origin, A always, R replica. */
  readonly enabled: string;
}

/** https://www.postgresql.org/docs/current/catalog-pg-trigger.html */
const TRIGGERS = `
  with recursive ${MEMBERS}
  select
    n.nspname::text as schema,
    t.relname::text as table,
    g.tgname::text as name,
    g.tgenabled::text as enabled
  from members m
    join pg_class t on t.oid = m.oid
    join pg_namespace n on n.oid = t.relnamespace
    join pg_trigger g on g.tgrelid = t.oid
  where not g.tgisinternal and g.tgenabled <> 'D'
  order by g.oid`;

const ENABLE: Readonly<Record<string, string>> = { O: 'enable', A: 'enable always', R: 'enable replica' };

/** An index of a partition is attached to that of its parent, which has to be there. */
function depthsOf(rows: readonly IndexRow[]): readonly (readonly IndexRow[])[] {
  const levels: IndexRow[][] = [];
  for (const row of rows) {
    const level = levels[row.depth] ?? [];
    level.push(row);
    levels[row.depth] = level;
  }
  return levels;
}

function restoreIndex(row: IndexRow): RestoreTask {
  if (row.made !== null) return task(row, `index ${row.index}`, built(row, row.made.index));
  const own = nameOf(row);
  const made =
    row.constraint === null
      ? row.definition
      : `alter table only ${tableOf(row)} add constraint ${quote(row.constraint)} ${row.definition}`;
  const statements = [...built(row, made)];
  if (row.parent !== null && row.parentSchema !== null)
    statements.push(`alter index ${quoteName([row.parentSchema, row.parent])} attach partition ${own}`);
  return task(row, `index ${row.index}`, [...statements, ...commentOn(row)]);
}

function built(row: IndexRow, statement: string): readonly string[] {
  if (row.ascending === null) return [statement];
  return [workersFor(tableOf(row), row.ascending), statement, WORKERS_AS_BEFORE];
}

function commentOn(row: IndexRow): readonly string[] {
  if (row.comment === null) return [];
  const what =
    row.constraint === null
      ? `index ${nameOf(row)}`
      : `constraint ${quote(row.constraint)} on ${tableOf(row)}`;
  return [`comment on ${what} is ${quoteLiteral(row.comment)}`];
}

/** Quick, but nobody may build an index of the table meanwhile. */
function restoreKey(row: IndexRow): readonly RestoreTask[] {
  if (row.made === null || row.constraint === null) return [];
  const made = `alter table only ${tableOf(row)} add constraint ${quote(row.constraint)} ${row.made.key}`;
  return [task(row, `key ${row.constraint}`, [made, ...commentOn(row)])];
}

function declareForeignKey(row: ForeignKeyRow): RestoreTask {
  const constraint = quote(row.constraint);
  const later = row.validatedLater ? ' not valid' : '';
  const statements = [`alter table ${tableOf(row)} add constraint ${constraint} ${row.definition}${later}`];
  if (row.comment !== null)
    statements.push(`comment on constraint ${constraint} on ${tableOf(row)} is ${quoteLiteral(row.comment)}`);
  return task(row, `foreign key ${row.constraint}`, statements);
}

function isValidatedLater({ validatedLater }: ForeignKeyRow): boolean {
  return validatedLater;
}

function validateForeignKey(row: ForeignKeyRow): RestoreTask {
  const statement = `alter table ${tableOf(row)} validate constraint ${quote(row.constraint)}`;
  return task(row, `rows of foreign key ${row.constraint}`, [statement]);
}

function restoreTrigger(row: TriggerRow): RestoreTask {
  const enable = ENABLE[row.enabled] ?? 'enable';
  const statement = `alter table only ${tableOf(row)} ${enable} trigger ${quote(row.name)}`;
  return task(row, `trigger ${row.name}`, [statement]);
}

function task({ schema, table }: OnTable, what: string, statements: readonly string[]): RestoreTask {
  return { table: nameOfTable({ schema, name: table }), what, statements };
}

function dropConstraint(row: OnTable & { readonly constraint: string | null }): string {
  return `alter table ${tableOf(row)} drop constraint ${quote(row.constraint ?? '')}`;
}

function tableOf(row: OnTable): string {
  return quoteName([row.schema, row.table]);
}

function nameOf(row: IndexRow): string {
  return quoteName([row.schema, row.index]);
}
