/**
 * Progress of running statements, as far as this server's version shows it.
 * https://www.postgresql.org/docs/current/progress-reporting.html
 */
import type { SeenProgress, Session } from '../../engine.ts';

interface ProgressView {
  readonly view: string;
  /** Select list: phase, done, total. */
  readonly columns: string;
}

const VIEWS: readonly ProgressView[] = [
  {
    view: 'pg_stat_progress_create_index',
    columns: `p.phase,
      case when p.lockers_total > 0 then p.lockers_done when p.blocks_total > 0 then p.blocks_done else p.tuples_done end,
      case when p.lockers_total > 0 then p.lockers_total when p.blocks_total > 0 then p.blocks_total else p.tuples_total end`,
  },
  {
    view: 'pg_stat_progress_cluster',
    columns: "lower(p.command) || ': ' || p.phase, p.heap_blks_scanned, p.heap_blks_total",
  },
  {
    view: 'pg_stat_progress_repack',
    columns: "'repack: ' || p.phase, p.heap_blks_scanned, p.heap_blks_total",
  },
  {
    view: 'pg_stat_progress_vacuum',
    columns: "'vacuum: ' || p.phase, p.heap_blks_scanned, p.heap_blks_total",
  },
  {
    view: 'pg_stat_progress_analyze',
    columns: "'analyze: ' || p.phase, p.sample_blks_scanned, p.sample_blks_total",
  },
  {
    view: 'pg_stat_progress_copy',
    columns: "lower(p.command) || ': copying', p.bytes_processed, p.bytes_total",
  },
];

const EXISTING = `
  select c.relname as view
  from pg_catalog.pg_class c
  where c.relnamespace = 'pg_catalog'::regnamespace and c.relname = any ($1)`;

/** The server's views do not change while a session lives. */
const queries = new WeakMap<Session, Promise<string>>();

interface ProgressRow {
  readonly pid: number;
  readonly phase: string;
  readonly done: number | null;
  readonly total: number | null;
}

/** Progress of client sessions; the work of autovacuum is none of a migration. */
export async function readProgress(inside: Session): Promise<readonly SeenProgress[]> {
  let query = queries.get(inside);
  if (query === undefined) {
    query = progressQuery(inside);
    queries.set(inside, query);
  }
  const rows = await inside.query<ProgressRow>(await query);
  return rows.map(({ pid, phase, done, total }) => ({
    sessionId: pid,
    phase,
    done: Number(done ?? 0),
    total: Number(total ?? 0),
  }));
}

async function progressQuery(inside: Session): Promise<string> {
  const names = `{${VIEWS.map(({ view }) => view).join(',')}}`;
  const existing = await inside.query<{ view: string }>(EXISTING, [names]);
  const parts = VIEWS.filter(({ view }) => existing.some((found) => found.view === view)).map(
    ({ view, columns }) => `
    select pid, phase, done::float8 as done, total::float8 as total
    from (
      select p.pid, ${columns}
      from pg_catalog.${view} p
      where p.datname = current_database()
    ) as progress (pid, phase, done, total)`,
  );
  return `
  select progress.*
  from (${parts.join(' union all ')}
  ) as progress
  join pg_catalog.pg_stat_activity a using (pid)
  where a.backend_type = 'client backend'`;
}
