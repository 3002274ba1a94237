/** Which indexes of the tables are taken away while rows are loaded, and how they are made again. */

/** The tables named and all their partitions. */
export const MEMBERS = `
  members (oid) as (
    select name::regclass::oid from unnest($1::text[]) name
    union
    select i.inhrelid
    from members m
      join pg_inherits i on i.inhparent = m.oid
      join pg_class c on c.oid = i.inhrelid and c.relispartition
  )`;

export interface OnTable {
  readonly schema: string;
  readonly table: string;
}

export interface IndexRow extends OnTable {
  readonly index: string;
  readonly constraint: string | null;
  /** Of the constraint when there is one, else the whole CREATE INDEX. */
  readonly definition: string;
  readonly parent: string | null;
  readonly parentSchema: string | null;
  /**
   * How the constraint is made of the index, and the whole CREATE INDEX: the key of a plain table. `using index` is not
   * there for partitioned tables. https://www.postgresql.org/docs/current/sql-altertable.html
   */
  readonly made: { readonly index: string; readonly key: string } | null;
  /** Its first column, where that is a number or an instant that a plain table's rows can lie in the order of. */
  readonly ascending: string | null;
  /** Parents above it. */
  readonly depth: number;
  readonly comment: string | null;
}

/**
 * Indexes of the tables, parents before the partitions' own. Left in place are those that cannot be made again just
 * as they are (another tablespace, storage options or statistics targets that the definition does not show, an index
 * that is not valid), those that mark the table (clustered, replica identity), and those that something else depends
 * on: a foreign key of a table that is not filled, a view that groups by the key, an extension. The trigger by which a
 * deferrable key checks its rows goes and comes with it.
 */
export const INDEXES = `
  with recursive ${MEMBERS},
  candidates as (
    select
      i.indexrelid as oid,
      x.relname as index,
      i.indrelid,
      c.oid as constraint_oid,
      c.conname,
      case when x.relispartition then h.inhparent end as parent,
      x.reltablespace <> 0
        or (c.oid is not null and x.reloptions is not null)
        or not i.indisvalid
        or i.indisclustered
        or i.indisreplident
        or exists (
          select from pg_attribute a
          where a.attrelid = i.indexrelid and coalesce((to_jsonb(a) ->> 'attstattarget')::int, -1) >= 0
        )
        or exists (
          select
          from pg_depend d
            left join pg_inherits p
              on d.classid = 'pg_class'::regclass and p.inhrelid = d.objid and p.inhparent = i.indexrelid
            left join pg_constraint k on d.classid = 'pg_constraint'::regclass and k.oid = d.objid
          where p.inhrelid is null
            and d.classid <> 'pg_trigger'::regclass
            and (k.oid is null or coalesce((to_jsonb(k) ->> 'conparentid')::oid, 0) <> coalesce(c.oid, 0))
            and (
              (d.refclassid = 'pg_class'::regclass and d.refobjid = i.indexrelid)
              or (d.refclassid = 'pg_constraint'::regclass and d.refobjid = c.oid and d.objid <> i.indexrelid)
            )
        )
        or exists (select from pg_depend d where d.objid in (i.indexrelid, c.oid) and d.deptype = 'e') as kept
    from members m
      join pg_index i on i.indrelid = m.oid
      join pg_class x on x.oid = i.indexrelid
      left join pg_constraint c on c.conindid = i.indexrelid and c.conrelid = i.indrelid and c.contype in ('p', 'u', 'x')
      left join pg_inherits h on h.inhrelid = i.indexrelid
  ),
  tree (top, oid, parent, depth, kept) as (
    select oid, oid, parent, 0, kept from candidates where parent is null
    union all
    select t.top, c.oid, c.parent, t.depth + 1, c.kept from tree t join candidates c on c.parent = t.oid
  )
  select
    n.nspname::text as schema,
    t.relname::text as table,
    c.index::text as index,
    c.conname::text as constraint,
    coalesce(pg_get_constraintdef(c.constraint_oid), pg_get_indexdef(c.oid)) as definition,
    case when k.contype in ('p', 'u') and t.relkind = 'r' and tree.parent is null and a.amname = 'btree' then
      json_build_object(
        'index', pg_get_indexdef(c.oid),
        'key', case k.contype when 'p' then 'primary key' else 'unique' end || ' using index ' || quote_ident(c.index)
          || case when k.condeferrable then ' deferrable' else '' end
          || case when k.condeferred then ' initially deferred' else '' end
      )
    end as made,
    f.attname::text as ascending,
    p.relname::text as parent,
    pn.nspname::text as "parentSchema",
    tree.depth,
    coalesce(obj_description(c.constraint_oid, 'pg_constraint'), obj_description(c.oid, 'pg_class')) as comment
  from tree
    join candidates c on c.oid = tree.oid
    join pg_class t on t.oid = c.indrelid
    join pg_namespace n on n.oid = t.relnamespace
    join pg_class x on x.oid = c.oid
    join pg_am a on a.oid = x.relam
    join pg_index i on i.indexrelid = c.oid
    left join pg_attribute f
      on f.attrelid = i.indrelid
      and f.attnum = i.indkey[0]
      and f.attnum > 0
      and f.atttypid in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'date'::regtype, 'timestamp'::regtype,
        'timestamptz'::regtype)
      and i.indoption[0] & 1 = 0
      and a.amname = 'btree'
      and t.relkind = 'r'
    left join pg_constraint k on k.oid = c.constraint_oid
    left join pg_class p on p.oid = tree.parent
    left join pg_namespace pn on pn.oid = p.relnamespace
  where tree.top not in (select top from tree where kept)
  order by tree.depth, c.oid`;
