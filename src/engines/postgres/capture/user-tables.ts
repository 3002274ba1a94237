/** Ordinary and partitioned tables of the user: no temporary ones, none that belong to an extension. */
export const USER_TABLES = `
  select c.oid, n.nspname, c.relname, c.relkind, c.relispartition
  from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p')
    and c.relpersistence <> 't'
    and n.nspname <> 'information_schema'
    and n.nspname !~ '^pg_'
    and not exists (
      select
      from pg_depend d
      where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
    )`;
