/**
 * Wear. An update that changes nothing writes nothing in InnoDB, so values are changed and changed back: a share of the rows,
 * in random order, gets the values of other rows, then its own again. Rows that grow meanwhile split pages of the clustered
 * index, keys that move split pages of the secondary ones; half-full pages are left. Old versions are purged before the
 * baseline, as a live server purges them at once.
 */
import { exactly, notMeasured } from '../../../recording/figure.ts';
import type { AgedTable, Ageing, AgeingRequest, Bloat } from '../../ageing.ts';
import { type Session, SqlError, type TableDescription } from '../../engine.ts';
import { serverKind } from '../server/server-kind.ts';
import { dialect } from '../text/dialect.ts';
import { takeTriggers } from './deferred.ts';

const { quote, quoteName } = dialect;

export const ageing: Ageing = { age, bloat };

/** One statement's undo stays small, and an abort waits for no more than a second or two. */
const BATCH_ROWS = 20_000;
const SAMPLE = 'rehearse_wear';

async function age(request: AgeingRequest): Promise<readonly AgedTable[]> {
  const { session, tables, spared } = request;
  await prepareSession(session);
  const facts = await readFacts(session);
  const aged: AgedTable[] = [];
  for (const table of tables.filter(({ name }) => spared?.has(name) !== true)) {
    request.onTable(table.name);
    aged.push(await ageOne(request, table, facts));
  }
  return aged;
}

/** No foreign key cascades; whatever is in a row may be written again. */
async function prepareSession(session: Session): Promise<void> {
  await session.execute('set session foreign_key_checks = 0');
  await session.execute('set session sql_safe_updates = 0');
  await session.execute("set session sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'");
  const { flavor } = await serverKind(session);
  if (flavor === 'mariadb') await session.execute('set session check_constraint_checks = 0');
}

interface Facts {
  /** Storage engine and kind by table. */
  readonly stored: ReadonlyMap<string, string>;
  /** Columns of a unique key without nulls, for tables without a primary key. */
  readonly keys: ReadonlyMap<string, readonly string[]>;
  /** Columns that the server sets at each update unless told otherwise, as "table.column". */
  readonly touched: ReadonlySet<string>;
  /** First columns of secondary indexes, as "table.column". */
  readonly indexed: ReadonlySet<string>;
}

/** https://dev.mysql.com/doc/refman/en/information-schema-tables-table.html and its neighbours. */
const STORED = `
  select table_name as name, concat(coalesce(engine, ''), ' ', table_type) as value
  from information_schema.tables
  where table_schema = database()`;
const UNIQUE_KEYS = `
  select i.table_name as \`table\`, i.index_name as name, i.column_name as \`column\`
  from information_schema.statistics i
    join (
      select table_name, min(index_name) as index_name
      from (
        select table_name, index_name
        from information_schema.statistics
        where table_schema = database() and non_unique = 0
        group by table_name, index_name
        having sum(nullable = 'YES') = 0 and sum(sub_part is not null) = 0 and sum(column_name is null) = 0
      ) whole
      group by table_name
    ) first using (table_name, index_name)
  where i.table_schema = database()
  order by i.table_name, i.seq_in_index`;
const TOUCHED = `
  select concat(table_name, '.', column_name) as name
  from information_schema.columns
  where table_schema = database() and extra like '%on update%'`;
const INDEXED = `
  select distinct concat(table_name, '.', column_name) as name
  from information_schema.statistics
  where table_schema = database() and seq_in_index = 1 and non_unique = 1 and column_name is not null`;

async function readFacts(session: Session): Promise<Facts> {
  const stored = await session.query<{ name: string; value: string }>(STORED);
  const namesOf = async (query: string): Promise<ReadonlySet<string>> =>
    new Set((await session.query<{ name: string }>(query)).map(({ name }) => name));
  return {
    stored: new Map(stored.map(({ name, value }) => [name, value])),
    keys: await readKeys(session),
    touched: await namesOf(TOUCHED),
    indexed: await namesOf(INDEXED),
  };
}

async function readKeys(session: Session): Promise<ReadonlyMap<string, readonly string[]>> {
  const keys = new Map<string, string[]>();
  for (const { table, column } of await session.query<{ table: string; column: string }>(UNIQUE_KEYS))
    keys.set(table, [...(keys.get(table) ?? []), column]);
  return keys;
}

/** By which a row is met: the primary key, else another one; empty without any. */
function keyOf({ primaryKey, parts }: TableDescription, { keys }: Facts): readonly string[] {
  return primaryKey.length > 0 ? primaryKey : (keys.get(parts.at(-1) ?? '') ?? []);
}

const EVERY_EVENT = 'INSERT, UPDATE, DELETE';

async function ageOne(request: AgeingRequest, table: TableDescription, facts: Facts): Promise<AgedTable> {
  const { session, updateShare, deleteShare, randomSeed } = request;
  const reason = whyNot(table, facts);
  if (reason !== null) return { table: table.name, updatedRows: 0, reinsertedRows: 0, notAged: reason };
  let [updatedRows, reinsertedRows] = [0, 0];
  // No session can keep them from firing.
  const triggers = await takeTriggers(session, table, EVERY_EVENT);
  try {
    updatedRows = await updateAndBack(session, table, { facts, share: updateShare, seed: randomSeed });
    reinsertedRows = await deleteAndInsert(session, table, {
      facts,
      share: deleteShare,
      seed: randomSeed + 2,
    });
    return { table: table.name, updatedRows, reinsertedRows, notAged: null };
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    return { table: table.name, updatedRows, reinsertedRows, notAged: error.message };
  } finally {
    await session.execute(`drop temporary table if exists ${SAMPLE}`);
    for (const statement of triggers) await session.execute(statement);
  }
}

function whyNot(table: TableDescription, facts: Facts): string | null {
  const { stored } = facts;
  if (keyOf(table, facts).length === 0)
    return 'it has no primary key, and no unique key without nulls, by which its rows could be met in random order';
  const kind = stored.get(table.parts.at(-1) ?? '') ?? '';
  return kind === 'InnoDB BASE TABLE' ? null : `it is no ordinary InnoDB table ("${kind}")`;
}

interface Part {
  readonly facts: Facts;
  readonly share: number;
  readonly seed: number;
}

/** Kinds whose values of one row another row can take over without a further thought. */
const PLAIN = new Set(['integer', 'decimal', 'text', 'date', 'time', 'timestamp', 'boolean', 'enum', 'uuid']);

/** One that begins an index, and one whose rows grow and shrink. */
function columnsToChange(table: TableDescription, facts: Facts): readonly string[] {
  const name = table.parts.at(-1) ?? '';
  const { indexed } = facts;
  const unique = new Set([...keyOf(table, facts), ...table.uniques.flat()]);
  const free = table.columns.filter(
    (column) => column.generated === 'no' && !unique.has(column.name) && PLAIN.has(column.type.kind),
  );
  const key = free.find((column) => indexed.has(`${name}.${column.name}`));
  const text = free.find((column) => column.type.kind === 'text' && column !== key);
  const chosen = [key, text].flatMap((column) => (column === undefined ? [] : [column.name]));
  return chosen.length > 0 ? chosen : free.slice(0, 1).map((column) => column.name);
}

async function updateAndBack(session: Session, table: TableDescription, part: Part): Promise<number> {
  const changed = columnsToChange(table, part.facts);
  if (part.share <= 0 || changed.length === 0) return 0;
  const name = table.parts.at(-1) ?? '';
  const own = changed.map((column, index) => `s.${quote(column)} as own${index}`);
  const others = changed.map(
    (column, index) => `coalesce(lead(s.${quote(column)}) over picked, s.${quote(column)}) as other${index}`,
  );
  const rows = await takeSample(session, table, { ...part, columns: [...own, ...others] });
  const stays = table.columns
    .filter((column) => part.facts.touched.has(`${name}.${column.name}`) && !changed.includes(column.name))
    .map((column) => `t.${quote(column.name)} = t.${quote(column.name)}`);
  for (const value of ['other', 'own']) {
    const set = [...changed.map((column, index) => `t.${quote(column)} = w.${value}${index}`), ...stays];
    await inBatches(rows, (from, to) =>
      session.execute(
        `update ${SAMPLE} w straight_join ${quoteName(table.parts)} t on ${onKey(table, part.facts)}
         set ${set.join(', ')}
         where w.n between ${from} and ${to}`,
      ),
    );
  }
  return rows;
}

async function deleteAndInsert(session: Session, table: TableDescription, part: Part): Promise<number> {
  const stored = table.columns.filter(({ generated }) => generated !== 'stored' && generated !== 'virtual');
  if (part.share <= 0) return 0;
  const columns = stored.map(({ name }, index) => `s.${quote(name)} as c${index}`);
  const rows = await takeSample(session, table, { ...part, columns });
  await inBatches(rows, async (from, to) => {
    const these = `w.n between ${from} and ${to}`;
    await session.execute('start transaction');
    await session.execute(
      `delete t from ${SAMPLE} w straight_join ${quoteName(table.parts)} t on ${onKey(table, part.facts)} where ${these}`,
    );
    await session.execute(
      `insert into ${quoteName(table.parts)} (${stored.map(({ name }) => quote(name)).join(', ')})
       select ${stored.map((_, index) => `w.c${index}`).join(', ')} from ${SAMPLE} w where ${these} order by w.n`,
    );
    await session.execute('commit');
  });
  return rows;
}

const onKey = (table: TableDescription, facts: Facts): string =>
  keyOf(table, facts)
    .map((column, index) => `t.${quote(column)} = w.k${index}`)
    .join(' and ');

/**
 * Rows of the table, numbered in random order, each with its key; returns how many. The same for the same seed. The limit
 * keeps MySQL from merging the query inside with the one around it, whose window may not be ordered by rand().
 */
async function takeSample(
  session: Session,
  table: TableDescription,
  { columns, share, seed, facts }: Part & { readonly columns: readonly string[] },
): Promise<number> {
  const key = keyOf(table, facts).map((column, index) => `s.${quote(column)} as k${index}`);
  const visible = table.columns.map(({ name }) => `t.${quote(name)}`);
  await session.execute(`drop temporary table if exists ${SAMPLE}`);
  await session.execute(
    `create temporary table ${SAMPLE} (primary key (n)) engine = InnoDB as
     select row_number() over picked as n, ${[...key, ...columns].join(', ')}
     from (
       select ${visible.join(', ')}, rand(${seed + 1}) as rehearse_order
       from ${quoteName(table.parts)} t
       where rand(${seed}) < ${share}
       limit 18446744073709551615
     ) s
     window picked as (order by s.rehearse_order)`,
  );
  const [counted] = await session.query<{ rows: number | string }>(
    `select count(*) as \`rows\` from ${SAMPLE}`,
  );
  return Number(counted?.rows ?? 0);
}

async function inBatches(rows: number, work: (from: number, to: number) => Promise<unknown>): Promise<void> {
  for (let from = 1; from <= rows; from += BATCH_ROWS) await work(from, from + BATCH_ROWS - 1);
}

/** Whole free extents of each table's file; https://dev.mysql.com/doc/refman/en/information-schema-tables-table.html */
const FREE = `
  select
    table_name as name,
    coalesce(data_free, 0) / nullif(coalesce(data_length, 0) + coalesce(index_length, 0) + coalesce(data_free, 0), 0) as free
  from information_schema.tables
  where table_schema = database()`;

async function bloat(
  session: Session,
  tables: readonly TableDescription[],
): Promise<ReadonlyMap<string, Bloat>> {
  const rows = await session.query<{ name: string; free: number | string | null }>(FREE);
  const free = new Map(rows.map((row) => [row.name, row.free]));
  return new Map(
    tables.map(({ name, parts }): [string, Bloat] => {
      const share = free.get(parts.at(-1) ?? '') ?? null;
      return [
        name,
        {
          deadRows: notMeasured(
            'InnoDB keeps old versions in undo logs, which are purged before the baseline',
          ),
          freeShare:
            share === null
              ? notMeasured('the server tells no size of the table')
              : exactly(
                  Number(share),
                  'data_free: whole free extents, without the free space inside of pages',
                ),
        },
      ];
    }),
  );
}
