/** Lets the server finish what the filling left it to do. */
import { setTimeout as wait } from 'node:timers/promises';
import { EnvironmentError } from '../../../errors.ts';
import { type Session, SqlError, type TableDescription } from '../../engine.ts';
import type { Flavor } from '../connections/client.ts';
import { serverKind } from '../server/server-kind.ts';
import { dialect } from '../text/dialect.ts';
import { isRefused } from '../views/instruments.ts';

/** A slow disk writes a full buffer pool in that time. */
const DEADLINE_MS = 300_000;
const POLL_MS = 100;
/**
 * Undo logs that a quiet server keeps back: 9.7.4 stood at 101 for 40 to 60 s with no transaction open, until its next
 * truncation. Purging a thousand takes no time that a baseline would show.
 */
const HISTORY_LEFT = 1_000;

/**
 * 1. statistics of every table
 * 2. changed pages and buffered changes of every table: written out, where the user may ask for it
 * 3. purge and change buffer: waited for, where the user may see them
 */
export async function settle(session: Session, tables: readonly TableDescription[]): Promise<void> {
  for (const table of tables) await session.query(`analyze local table ${dialect.quoteName(table.parts)}`);
  for (const table of tables) await writePages(session, table);
  const { flavor } = await serverKind(session);
  const deadline = performance.now() + DEADLINE_MS;
  await until(deadline, () => readBacklog(session, flavor));
}

/** Null when there is none, else what is still to be done. */
type Backlog = string | null;

async function until(deadline: number, look: () => Promise<Backlog>): Promise<void> {
  for (;;) {
    const backlog = await look();
    if (backlog === null) return;
    if (performance.now() > deadline)
      throw new EnvironmentError(
        `the server is still busy after ${DEADLINE_MS / 1000} s (${backlog}), and would disturb the baseline: ` +
          'end transactions that are left open, raise innodb_io_capacity, or fill less',
      );
    await wait(POLL_MS);
  }
}

/**
 * https://dev.mysql.com/doc/refman/en/innodb-information-schema-metrics-table.html; an empty change buffer has the size
 * of its root page. MariaDB 11 has none, and the figure of 10.11 is wrong where it is off: there FOR EXPORT has to do.
 */
const BACKLOG: Readonly<Record<Flavor, string>> = {
  mysql: `
    select name as name, count as value
    from information_schema.innodb_metrics
    where name in ('trx_rseg_history_len', 'ibuf_size')`,
  mariadb: `
    select lower(variable_name) as name, variable_value as value
    from information_schema.global_status
    where variable_name = 'innodb_history_list_length'`,
};

interface BacklogRow {
  readonly name: string;
  readonly value: string | number;
}

async function readBacklog(session: Session, flavor: Flavor): Promise<Backlog> {
  const rows = await session.query<BacklogRow>(BACKLOG[flavor]).catch((error: unknown) => {
    // Without PROCESS, which the views' `missing` names, it goes on at the server's own pace.
    if (isRefused(error)) return [];
    throw error;
  });
  for (const { name, value } of rows) {
    const limit = name.includes('ibuf') ? 1 : HISTORY_LEFT;
    if (Number(value) > limit) return `${name} is ${value}`;
  }
  return null;
}

/**
 * FOR EXPORT writes all changed pages of a table out and merges what is buffered for its indexes; the lock that it takes
 * is given back at once. https://dev.mysql.com/doc/refman/en/flush.html#flush-tables-for-export-with-list
 */
async function writePages(session: Session, table: TableDescription): Promise<void> {
  try {
    await session.execute(`flush local tables ${dialect.quoteName(table.parts)} for export`);
  } catch (error) {
    // A user of a managed server may not; then the pages are written at the server's own pace.
    if (error instanceof SqlError && CANNOT_FLUSH.includes(error.code ?? '')) return;
    throw error;
  }
  await session.execute('unlock tables');
}

/** ER_SPECIFIC_ACCESS_DENIED_ERROR, ER_DBACCESS_DENIED_ERROR; ER_ILLEGAL_HA for tables of another storage engine. */
const CANNOT_FLUSH = ['1227', '1044', '1142', '1031'];
