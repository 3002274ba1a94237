/** Read and write probes of a table, as measuring-locks-and-disk.md, 4, has them: held against real statements on 13 to 18. */
import type { Canaries } from '../../canary.ts';
import { dialect } from '../text/dialect.ts';

export const canaries: Canaries = {
  statements(parts) {
    const table = dialect.quoteName(parts);
    return {
      read: `select 1 from ${table} limit 1`,
      // No row can be at this place. A condition that is always false would leave partitions and their locks out.
      write: `delete from ${table} where ctid = '(4294967294,1)'`,
    };
  },
  async unwritable(session) {
    const rows = await session.query<{ schema: string; name: string; reason: string }>(UNWRITABLE);
    return new Map(rows.map(({ schema, name, reason }) => [dialect.quoteName([schema, name]), reason]));
  },
};

/**
 * Triggers for each statement fire for no row, too (bit 0 is FOR EACH ROW, bit 3 is DELETE), and rules rewrite the
 * statement: https://www.postgresql.org/docs/current/catalog-pg-trigger.html
 */
const UNWRITABLE = `
select n.nspname as schema, c.relname as name, 'its trigger ' || t.tgname || ' fires on every DELETE' as reason
from pg_trigger t
join pg_class c on c.oid = t.tgrelid
join pg_namespace n on n.oid = c.relnamespace
where not t.tgisinternal and t.tgenabled <> 'D' and t.tgtype & 1 = 0 and t.tgtype & 8 <> 0
union all
select n.nspname, c.relname, 'its rule ' || r.rulename || ' rewrites every DELETE'
from pg_rewrite r
join pg_class c on c.oid = r.ev_class
join pg_namespace n on n.oid = c.relnamespace
where r.ev_type = '4' and c.relkind in ('r', 'p')`;
