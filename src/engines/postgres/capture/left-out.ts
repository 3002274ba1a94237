/** What the DDL of a capture does not hold, by name. */
import type { Session } from '../../engine.ts';
import { ownOf, USER_SCHEMA } from './catalog-object.ts';

interface LeftOutRow {
  readonly what: string;
  readonly schema: string | null;
  readonly name: string;
  readonly reason: string;
}

const IN_C = 'it is written in C, or is made of what is';
const NOT_WRITTEN = 'rehearse does not write its DDL: add it by hand where a migration touches it';

/** prokind is there since Postgres 11. */
const IS_AGGREGATE = "coalesce(to_jsonb(p) ->> 'prokind', to_jsonb(p) ->> 'proisagg') in ('a', 'true')";

const LEFT_OUT = `
  select 'policy' as what, n.nspname::text as schema, c.relname || '.' || p.polname as name,
    'rehearsals run without row security' as reason
  from pg_policy p
    join pg_class c on c.oid = p.polrelid
    join pg_namespace n on n.oid = c.relnamespace
  where ${USER_SCHEMA}
  union all
  select 'foreign table', n.nspname::text, c.relname::text, 'its rows are on another server'
  from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'f' and ${USER_SCHEMA} and ${ownOf('pg_class', 'c')}
  union all
  select 'index', n.nspname::text, x.relname::text, 'it is not valid: CREATE INDEX CONCURRENTLY left it half made'
  from pg_index i
    join pg_class x on x.oid = i.indexrelid and x.relkind = 'i'
    join pg_namespace n on n.oid = x.relnamespace
  where not i.indisvalid and ${USER_SCHEMA}
  union all
  select
    case when ${IS_AGGREGATE} then 'aggregate' else 'function' end, n.nspname::text, p.proname::text,
    case when ${IS_AGGREGATE} then '${NOT_WRITTEN}' else '${IN_C}' end
  from pg_proc p
    join pg_language l on l.oid = p.prolang
    join pg_namespace n on n.oid = p.pronamespace
  where (l.lanname in ('c', 'internal') or ${IS_AGGREGATE})
    and ${USER_SCHEMA} and ${ownOf('pg_proc', 'p')}
    and not exists (
      select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'i'
    )
  union all
  select 'type', n.nspname::text, t.typname::text, '${IN_C}'
  from pg_type t
    join pg_namespace n on n.oid = t.typnamespace
  where t.typtype in ('b', 'r') and t.typcategory <> 'A' and ${USER_SCHEMA} and ${ownOf('pg_type', 't')}
    and not exists (select from pg_range r where r.rngtypid = t.oid and r.rngcanonical = 0)
  union all
  select 'operator', n.nspname::text, o.oprname::text, '${NOT_WRITTEN}'
  from pg_operator o
    join pg_namespace n on n.oid = o.oprnamespace
  where ${USER_SCHEMA} and ${ownOf('pg_operator', 'o')}
  union all
  select 'collation', n.nspname::text, o.collname::text, '${NOT_WRITTEN}'
  from pg_collation o
    join pg_namespace n on n.oid = o.collnamespace
  where o.collprovider not in ('c', 'i', 'b') and ${USER_SCHEMA} and ${ownOf('pg_collation', 'o')}
  union all
  select 'text search configuration', n.nspname::text, o.cfgname::text, '${NOT_WRITTEN}'
  from pg_ts_config o
    join pg_namespace n on n.oid = o.cfgnamespace
  where ${USER_SCHEMA} and ${ownOf('pg_ts_config', 'o')}
  union all
  select 'event trigger', null, g.evtname::text, '${NOT_WRITTEN}'
  from pg_event_trigger g
  where ${ownOf('pg_event_trigger', 'g')}
  order by 1, 2, 3`;

/** Objects of these schemas (all of the user's when empty) that are not in the DDL. */
export async function readLeftOut(
  session: Session,
  schemas: readonly string[],
): Promise<readonly { readonly what: string; readonly reason: string }[]> {
  const rows = await session.query<LeftOutRow>(LEFT_OUT);
  return rows
    .filter(({ schema }) => schema === null || schemas.length === 0 || schemas.includes(schema))
    .map(({ what, schema, name, reason }) => ({
      what: `schema of ${what} ${schema === null || schema === 'public' ? name : `${schema}.${name}`}`,
      reason,
    }));
}
