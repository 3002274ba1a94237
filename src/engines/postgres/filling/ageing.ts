/**
 * Wear, in this order:
 *
 *  1. half of the updates or more, and all deletes, in random order: dead rows everywhere, index pages split
 *  2. VACUUM (ANALYZE): the dead rows become free space inside the pages, as autovacuum leaves it
 *  3. the other updates: the dead rows of a system that stands between two autovacuums, never more than half of
 *     what would call the next one, which therefore does not come in the baseline
 */
import type { AgedTable, Ageing, AgeingRequest } from '../../ageing.ts';
import { type Session, SqlError, type TableDescription } from '../../engine.ts';
import { dialect } from '../text/dialect.ts';
import { bloat } from './measured-bloat.ts';
import { vacuum } from './vacuum.ts';

const { quote, quoteName } = dialect;

export const ageing: Ageing = { age, bloat };

/** Above it the random order of a batch would be sorted on disk. */
const SORT_MEMORY = '256MB';

async function age(request: AgeingRequest): Promise<readonly AgedTable[]> {
  const { session, tables, spared, updateShare, deleteShare } = request;
  // Partitions are worn with their parent.
  const roots = tables.filter(
    ({ name, partitioning }) => partitioning !== 'partition' && spared?.has(name) !== true,
  );
  const refusal = await silenceTriggers(session);
  if (refusal !== null) return roots.map(({ name }) => unworn(name, refusal));
  try {
    await session.execute(`set work_mem = '${SORT_MEMORY}'`);
    // Row by row in the order of the sample; a join by hash or merge would follow the order of the table.
    await session.execute('set enable_hashjoin = off; set enable_mergejoin = off');
    const late = (leaf: Leaf): number => Math.min(updateShare / 2, quietShare(leaf));
    const first = await passOver(request, roots, {
      update: (leaf) => updateShare - late(leaf),
      delete: deleteShare,
      seed: 1,
    });
    await vacuum(session, tables);
    const second = await passOver(request, roots, { update: late, delete: 0, seed: 2 });
    return first.map((one, index) => ({
      ...one,
      updatedRows: one.updatedRows + (second[index]?.updatedRows ?? 0),
      notAged: one.notAged ?? second[index]?.notAged ?? null,
    }));
  } finally {
    await session.execute('reset all');
  }
}

function unworn(table: string, reason: string): AgedTable {
  return { table, updatedRows: 0, reinsertedRows: 0, notAged: reason };
}

/**
 * As a replica applies changes: no trigger fires, those of foreign keys included, and no rule.
 * https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-SESSION-REPLICATION-ROLE
 */
async function silenceTriggers(session: Session): Promise<string | null> {
  try {
    await session.execute('set session_replication_role = replica');
    return null;
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    return `triggers would fire: ${error.message}`;
  }
}

interface Pass {
  readonly update: (leaf: Leaf) => number;
  readonly delete: number;
  /** Tells the samples of the passes apart. */
  readonly seed: number;
}

async function passOver(
  request: AgeingRequest,
  roots: readonly TableDescription[],
  pass: Pass,
): Promise<readonly AgedTable[]> {
  const aged: AgedTable[] = [];
  for (const table of roots) {
    request.onTable(table.name);
    aged.push(await passOne(request, table, pass));
  }
  return aged;
}

async function passOne(request: AgeingRequest, table: TableDescription, pass: Pass): Promise<AgedTable> {
  const { session } = request;
  let [updatedRows, reinsertedRows] = [0, 0];
  try {
    for (const leaf of await session.query<Leaf>(LEAVES, [quoteName(table.parts)])) {
      const share = pass.update(leaf);
      await session.query('select setseed($1)', [((request.randomSeed + pass.seed) % 1000) / 1000]);
      updatedRows += await run(session, updateOf(table, leaf, share, request.randomSeed + pass.seed));
      reinsertedRows += await run(session, reinsertOf(table, leaf, pass.delete, request.randomSeed + 10));
    }
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    // A CHECK that is NOT VALID refuses rows that were there before it, for one.
    return { ...unworn(table.name, error.message), updatedRows, reinsertedRows };
  }
  return { table: table.name, updatedRows, reinsertedRows, notAged: null };
}

async function run(session: Session, statement: string | null): Promise<number> {
  return statement === null ? 0 : ((await session.execute(statement)).rows ?? 0);
}

interface Leaf {
  readonly name: string;
  readonly vacuum_share: number;
  readonly analyze_share: number;
}

/**
 * Share of a table's rows whose change calls autovacuum, of a table whose rows have never been counted without the
 * threshold: https://www.postgresql.org/docs/current/routine-vacuuming.html#AUTOVACUUM
 */
const callsAutovacuum = (what: string): string => `
    coalesce(
      option.value ->> 'autovacuum_${what}_scale_factor',
      current_setting('autovacuum_${what}_scale_factor')
    )::float8
    + coalesce(
        coalesce(option.value ->> 'autovacuum_${what}_threshold', current_setting('autovacuum_${what}_threshold'))::float8
        / nullif(greatest(c.reltuples, 0), 0)::float8,
        0
      )`;

/** The tables that hold rows: the named one, its partitions, and what inherits from it. */
const LEAVES = `
  with recursive tree (oid) as (
    select $1::regclass::oid
    union
    select i.inhrelid from tree t join pg_inherits i on i.inhparent = t.oid
      join pg_class p on p.oid = i.inhrelid and p.relispartition
  )
  select
    c.oid::regclass::text as name,
    ${callsAutovacuum('vacuum')} as vacuum_share,
    ${callsAutovacuum('analyze')} as analyze_share
  from tree t
    join pg_class c on c.oid = t.oid
    cross join lateral (
      select coalesce(jsonb_object_agg(o.option_name, o.option_value), '{}') as value
      from pg_options_to_table(c.reloptions) o
    ) option
  where c.relkind = 'r'
  order by c.oid`;

/** Autovacuum comes at the whole of it; a live system stands half-way on average. */
const HALF_WAY = 0.5;

function quietShare({ vacuum_share, analyze_share }: Leaf): number {
  return HALF_WAY * Math.min(vacuum_share, analyze_share);
}

/** A new version of the same values, of rows in random order; an update that changes nothing is one all the same. */
function updateOf(table: TableDescription, leaf: Leaf, share: number, seed: number): string | null {
  const writable = table.columns.filter(
    ({ generated }) => generated === 'no' || generated === 'identity by default',
  );
  const column = writable.find(({ name }) => !table.primaryKey.includes(name)) ?? writable[0];
  if (share <= 0 || column === undefined) return null;
  const name = quote(column.name);
  return `
    update only ${leaf.name} aged
    set ${name} = aged.${name}
    from (${sample(leaf, share, seed)}) picked
    where aged.ctid = picked.ctid`;
}

function reinsertOf(table: TableDescription, leaf: Leaf, share: number, seed: number): string | null {
  const stored = table.columns.filter(({ generated }) => generated !== 'stored' && generated !== 'virtual');
  if (share <= 0 || stored.length === 0) return null;
  const columns = stored.map(({ name }) => quote(name));
  return `
    with gone as (
      delete from only ${leaf.name} aged
      using (${sample(leaf, share, seed)}) picked
      where aged.ctid = picked.ctid
      returning ${columns.map((name) => `aged.${name}`).join(', ')}
    )
    insert into ${leaf.name} (${columns.join(', ')}) overriding system value
    select ${columns.join(', ')} from gone`;
}

/** https://www.postgresql.org/docs/current/sql-select.html#SQL-FROM: the same rows for the same seed and table. */
function sample(leaf: Leaf, share: number, seed: number): string {
  return `
      select ctid
      from only ${leaf.name} tablesample bernoulli (${Math.min(100, share * 100)}) repeatable (${seed})
      order by random()`;
}
