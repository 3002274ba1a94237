/**
 * A forgotten transaction: it reads one row and then does nothing, as an application does that calls another service,
 * or a person at a console. It keeps the lock of its one read to the end.
 */
import type { Drill } from './drill.ts';

/** How soon the end of its time is noticed when it has not come yet. */
const LOOK_EVERY_MS = 60_000;

export const idleInTransaction: Drill = {
  kind: 'idleInTransaction',
  describe: ({ table, forMs }) => `idle in transaction after one read of ${table} for ${forMs} ms`,
  async take({ session, dialect, table }) {
    await session.query(`select 1 from ${dialect.quoteName(table.parts)} limit 1`);
  },
  async hold(transaction) {
    while (await transaction.goOn(LOOK_EVERY_MS));
  },
};
