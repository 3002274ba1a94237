/** What ageing has left behind: counted by pgstattuple where the server ships it, else by the statistics. */
import { exactly, notMeasured } from '../../../recording/figure.ts';
import type { Bloat } from '../../ageing.ts';
import { type Session, SqlError, type TableDescription } from '../../engine.ts';
import { dialect } from '../text/dialect.ts';

const { quote, quoteName } = dialect;

/** The tables named, each with its partitions. */
const TREE = `tree (root, oid) as (
    select u.name, u.name::regclass::oid from unnest($1::text[]) u (name)
    union all
    select t.root, i.inhrelid
    from tree t
      join pg_inherits i on i.inhparent = t.oid
      join pg_class p on p.oid = i.inhrelid and p.relispartition
  )`;

/** Dead rows as the statistics count them; https://www.postgresql.org/docs/current/monitoring-stats.html */
const DEAD_ROWS = `
  with recursive ${TREE}
  select root, coalesce(sum(pg_stat_get_dead_tuples(oid)), 0)::float8 as dead
  from tree
  group by root`;

export async function bloat(
  session: Session,
  tables: readonly TableDescription[],
): Promise<ReadonlyMap<string, Bloat>> {
  const names = tables.map(({ parts }) => quoteName(parts));
  const measured = await measuredBloat(session, names);
  const dead = new Map(
    (await session.query<{ root: string; dead: number }>(DEAD_ROWS, [names])).map((row) => [
      row.root,
      row.dead,
    ]),
  );
  return new Map(
    tables.map(({ name, parts }): [string, Bloat] => {
      const found = 'missing' in measured ? null : measured.found.get(quoteName(parts));
      if (found !== undefined && found !== null) return [name, found];
      const counted = dead.get(quoteName(parts)) ?? 0;
      const reason = 'missing' in measured ? measured.missing : 'the table has no pages';
      return [
        name,
        { deadRows: exactly(counted, 'pg_stat_get_dead_tuples'), freeShare: notMeasured(reason) },
      ];
    }),
  );
}

interface Measured {
  readonly root: string;
  readonly dead: number;
  readonly free: number | null;
}

/** A schema that no one else has, for the time of a transaction that is taken back: no trace is left. */
const BORROWED = 'rehearse_pgstattuple';

const APPROXIMATELY = (schema: string): string => `
  with recursive ${TREE}
  select
    t.root,
    sum(s.dead_tuple_count)::float8 as dead,
    (sum(s.approx_free_space) / nullif(sum(s.table_len), 0))::float8 as free
  from tree t
    join pg_class c on c.oid = t.oid and c.relkind = 'r'
    cross join lateral ${quote(schema)}.pgstattuple_approx(t.oid) s
  group by t.root`;

/** https://www.postgresql.org/docs/current/pgstattuple.html, where the server ships it. */
async function measuredBloat(
  session: Session,
  names: readonly string[],
): Promise<{ readonly found: ReadonlyMap<string, Bloat> } | { readonly missing: string }> {
  await session.execute('begin');
  try {
    const schema = await borrowExtension(session);
    const rows = await session.query<Measured>(APPROXIMATELY(schema), [names]);
    const source = 'pgstattuple_approx';
    const figures = rows.map(({ root, dead, free }): [string, Bloat] => [
      root,
      {
        deadRows: exactly(dead, source),
        freeShare: free === null ? notMeasured('the table has no pages') : exactly(free, source),
      },
    ]);
    return { found: new Map(figures) };
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    return { missing: `pgstattuple cannot be used: ${error.message}` };
  } finally {
    await session.execute('rollback');
  }
}

async function borrowExtension(session: Session): Promise<string> {
  const [there] = await session.query<{ nspname: string }>(
    "select n.nspname from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'pgstattuple'",
  );
  if (there !== undefined) return there.nspname;
  await session.execute(`create schema ${BORROWED}; create extension pgstattuple schema ${BORROWED}`);
  return BORROWED;
}
