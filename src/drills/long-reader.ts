/**
 * A long read: one transaction that reads the table, and goes on reading it until its time is over. A report or a
 * dump looks the same to a migration: the lock that the first read took is kept to the end of the transaction.
 */
import type { Drill, HeldTransaction } from './drill.ts';

/** Rows per read: real work at each of them, done in a moment. */
const ROWS = 1_000;
const READ_EVERY_MS = 100;

export const longReader: Drill = {
  kind: 'longReader',
  describe: ({ table, forMs }) => `long reader on ${table} for ${forMs} ms`,
  take: read,
  async hold(transaction) {
    while (await transaction.goOn(READ_EVERY_MS)) await read(transaction);
  },
};

async function read({ session, dialect, table }: HeldTransaction): Promise<void> {
  const name = dialect.quoteName(table.parts);
  await session.query(`select count(*) from (select 1 from ${name} limit ${ROWS}) as part`);
}
