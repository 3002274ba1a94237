/** Tables that a session read from end to end, by the server's statistics of a database that only it has used. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Session } from '../../engine.ts';
import { type Catalog, namesOf } from './catalog.ts';

/** A catalog that nothing else looks at: when a read of it is counted, so is all that the session did before. */
const LAST_READ = 'pg_catalog.pg_foreign_server';

const PAGE_BYTES = 8192;
/** Before Postgres 15 the statistics are up to half a second old. */
const REPORT_LIMIT_MS = 10_000;
const ASK_EVERY_MS = 25;

/** A session reports the rest of what it counted when it ends. */
export async function reportReads(session: Session): Promise<void> {
  await session.query(`select count(*) as rows from ${LAST_READ}`);
  await session[Symbol.asyncDispose]();
}

const REPORTED = `
  select coalesce(s.seq_scan, 0) + coalesce(s.idx_scan, 0) > 0 as reported
  from pg_catalog.pg_stat_all_tables s
  where s.relid = '${LAST_READ}'::regclass`;

/** https://www.postgresql.org/docs/current/monitoring-stats.html: VACUUM counts no rows as read, only blocks. */
const READ = `
  select s.relid as oid, s.seq_tup_read as rows, s.vacuum_count as vacuums,
    io.heap_blks_read + io.heap_blks_hit as blocks
  from pg_catalog.pg_stat_all_tables s
  join pg_catalog.pg_statio_all_tables io on io.relid = s.relid`;

interface ReadRow {
  readonly oid: number | string;
  readonly rows: number | string | null;
  readonly vacuums: number | string | null;
  readonly blocks: number | string | null;
}

/** After {@link reportReads}; on a session of the same database. `sizes`: bytes before. */
export async function readScanned(
  inspector: Session,
  before: Catalog,
  sizes: ReadonlyMap<number, number>,
): Promise<readonly string[]> {
  const untilMs = performance.now() + REPORT_LIMIT_MS;
  for (;;) {
    const [row] = await inspector.query<{ reported: boolean }>(REPORTED);
    if (row?.reported === true) break;
    if (performance.now() > untilMs) throw new Error('the server did not report what the statement has read');
    await delay(ASK_EVERY_MS);
  }
  const rows = await inspector.query<ReadRow>(READ);
  const scanned = rows.filter(({ oid, rows: read, vacuums, blocks }) => {
    if (Number(read ?? 0) > 0) return true;
    const pages = (sizes.get(Number(oid)) ?? 0) / PAGE_BYTES;
    return Number(vacuums ?? 0) > 0 && pages > 0 && Number(blocks ?? 0) >= pages;
  });
  return namesOf(scanned.flatMap(({ oid }) => before.get(Number(oid)) ?? []));
}
