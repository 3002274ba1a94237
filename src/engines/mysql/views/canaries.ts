/** Read and write probes of a table: both wait for its metadata lock, as every statement of the application does. */
import type { Canaries } from '../../canary.ts';
import { dialect } from '../text/dialect.ts';

export const canaries: Canaries = {
  statements(parts) {
    const table = dialect.quoteName(parts);
    return {
      read: `select 1 from ${table} limit 1`,
      // Takes SHARED_WRITE on the table as any DELETE does. A key that nobody has would lock the gap around it.
      write: `delete from ${table} where false`,
    };
  },
  // There are no triggers for a statement: https://dev.mysql.com/doc/refman/8.4/en/trigger-syntax.html
  unwritable: async () => new Map(),
};
