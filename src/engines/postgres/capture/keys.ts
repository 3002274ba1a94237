/** Keys, indexes and foreign keys: on a partitioned table alone, on each partition, then attached, as pg_dump has them. */
import type { Session } from '../../engine.ts';
import { type CatalogObject, type ObjectRow, objectsOf, ownOf, USER_SCHEMA } from './catalog-object.ts';

export async function readKeyObjects(session: Session): Promise<readonly CatalogObject[]> {
  return [
    ...objectsOf('index', await session.query<ObjectRow>(KEYS)),
    ...objectsOf('index', await session.query<ObjectRow>(INDEXES)),
    ...objectsOf('foreign key', await session.query<ObjectRow>(FOREIGN_KEYS)),
  ];
}

/** Of an index x: put to its parent's, and what the table says of it. */
const INDEX_FOLLOWS = `
  (
    select array_agg(format('alter index %I.%I attach partition %I.%I', hn.nspname, hx.relname, n.nspname, x.relname))
    from pg_inherits h
      join pg_class hx on hx.oid = h.inhparent
      join pg_namespace hn on hn.oid = hx.relnamespace
    where h.inhrelid = x.oid
  )
  || (
    select array_agg(format('alter index %I.%I alter column %s set statistics %s',
      n.nspname, x.relname, a.attnum, to_jsonb(a) ->> 'attstattarget') order by a.attnum)
    from pg_attribute a
    where a.attrelid = x.oid and (to_jsonb(a) ->> 'attstattarget')::int >= 0
  )
  || case when i.indisclustered then array[format('alter table only %I.%I cluster on %I', n.nspname, t.relname, x.relname)] end
  || case when i.indisreplident then
    array[format('alter table only %I.%I replica identity using index %I', n.nspname, t.relname, x.relname)]
  end`;

const KEYS = `
  select
    'pg_constraint' as catalog, c.oid, n.nspname::text as schema, x.relname::text as name,
    to_json(array[format('alter table only %I.%I add constraint %I %s', n.nspname, t.relname, c.conname,
        pg_get_constraintdef(c.oid))]
      || case when x.reloptions is not null then
        array[format('alter index %I.%I set (%s)', n.nspname, x.relname, array_to_string(x.reloptions, ', '))]
      end
      || ${INDEX_FOLLOWS}) as statements
  from pg_constraint c
    join pg_class t on t.oid = c.conrelid and t.relpersistence <> 't'
    join pg_namespace n on n.oid = t.relnamespace
    join pg_class x on x.oid = c.conindid
    join pg_index i on i.indexrelid = x.oid
  where c.contype in ('p', 'u', 'x') and ${USER_SCHEMA} and ${ownOf('pg_class', 't')}`;

/** Those of materialized views too. One that CREATE INDEX CONCURRENTLY left half made is not made again. */
const INDEXES = `
  select
    'pg_class' as catalog, x.oid, n.nspname::text as schema, x.relname::text as name,
    to_json(array[pg_get_indexdef(x.oid)] || ${INDEX_FOLLOWS}) as statements
  from pg_index i
    join pg_class x on x.oid = i.indexrelid
    join pg_class t on t.oid = i.indrelid and t.relkind in ('r', 'p', 'm') and t.relpersistence <> 't'
    join pg_namespace n on n.oid = t.relnamespace
  where ${USER_SCHEMA} and ${ownOf('pg_class', 't')} and ${ownOf('pg_class', 'x')}
    and (i.indisvalid or t.relkind = 'p')
    and not exists (
      select
      from pg_constraint c
      where c.conindid = x.oid and c.conrelid = t.oid and c.contype in ('p', 'u', 'x')
    )`;

/** A partition's copy of its parent's key (conparentid, since Postgres 11) comes with that one. */
const FOREIGN_KEYS = `
  select
    'pg_constraint' as catalog, c.oid, n.nspname::text as schema, t.relname || '.' || c.conname as name,
    json_build_array(format('alter table %I.%I add constraint %I %s',
      n.nspname, t.relname, c.conname, pg_get_constraintdef(c.oid))) as statements
  from pg_constraint c
    join pg_class t on t.oid = c.conrelid and t.relpersistence <> 't'
    join pg_namespace n on n.oid = t.relnamespace
  where c.contype = 'f' and coalesce((to_jsonb(c) ->> 'conparentid')::oid, 0) = 0
    and ${USER_SCHEMA} and ${ownOf('pg_class', 't')}`;
