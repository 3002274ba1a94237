/**
 * What a schema is made of, each object with the SQL that makes it, printed by the server itself wherever it can. All names
 * are qualified, because the session's search path is pg_catalog alone. One text serves Postgres 10 to 18: columns that a
 * catalog got later are taken from the row as JSON.
 */
import type { Session } from '../../engine.ts';
import {
  type CatalogKind,
  type CatalogObject,
  collationClause,
  type ObjectRow,
  objectsOf,
  ownOf,
  SEQUENCE_CLAUSES,
  USER_SCHEMA,
} from './catalog-object.ts';
import { readKeyObjects } from './keys.ts';
import { readTableObjects } from './tables.ts';

/**
 * Every object that can be made again, in no particular order. Printing a view, a rule or a function with an SQL body locks
 * what it reads until the transaction ends, and a migration would wait for that with everybody behind it: going back to a
 * savepoint lets go of such locks at once.
 */
export async function readObjects(session: Session): Promise<readonly CatalogObject[]> {
  const found: CatalogObject[] = [...(await readTableObjects(session)), ...(await readKeyObjects(session))];
  for (const [kind, query] of QUERIES) {
    await session.execute('savepoint unlocked');
    found.push(...objectsOf(kind, await session.query<ObjectRow>(query)));
    await session.execute('rollback to savepoint unlocked');
  }
  return found;
}

const SCHEMAS = `
  select
    'pg_namespace' as catalog, n.oid, null as schema, n.nspname::text as name,
    json_build_array(format('create schema if not exists %I', n.nspname)) as statements
  from pg_namespace n
  where n.nspname <> 'public' and ${USER_SCHEMA} and ${ownOf('pg_namespace', 'n')}`;

/** In the newest version that the other server has, as pg_dump restores them. */
const EXTENSIONS = `
  select
    'pg_extension' as catalog, x.oid, null as schema, x.extname::text as name,
    json_build_array(format('create extension if not exists %I with schema %I', x.extname, n.nspname)) as statements
  from pg_extension x
    join pg_namespace n on n.oid = x.extnamespace
  where x.extname <> 'plpgsql'`;

/** The columns for ICU came with Postgres 15 to 17; before, its locale stood where that of libc does. */
const COLLATIONS = `
  select
    'pg_collation' as catalog, c.oid, n.nspname::text as schema, c.collname::text as name,
    json_build_array(format('create collation %I.%I (%s%s%s)', n.nspname, c.collname,
      case c.collprovider
        when 'c' then format('provider = libc, lc_collate = %L, lc_ctype = %L', c.collcollate, c.collctype)
        else format('provider = %s, locale = %L', case c.collprovider when 'i' then 'icu' else 'builtin' end,
          coalesce(to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'colliculocale', c.collcollate))
      end,
      coalesce(', rules = ' || quote_literal(to_jsonb(c) ->> 'collicurules'), ''),
      case when to_jsonb(c) -> 'collisdeterministic' = 'false' then ', deterministic = false' else '' end
    )) as statements
  from pg_collation c
    join pg_namespace n on n.oid = c.collnamespace
  where c.collprovider in ('c', 'i', 'b') and ${USER_SCHEMA} and ${ownOf('pg_collation', 'c')}`;

const RULES = `
  select
    'pg_rewrite' as catalog, r.oid, n.nspname::text as schema, c.relname || '.' || r.rulename as name,
    json_build_array(pg_get_ruledef(r.oid)) as statements
  from pg_rewrite r
    join pg_class c on c.oid = r.ev_class
    join pg_namespace n on n.oid = c.relnamespace
  where r.rulename <> '_RETURN' and ${USER_SCHEMA} and ${ownOf('pg_rewrite', 'r')}`;

const ENUMS = `
  select
    'pg_type' as catalog, t.oid, n.nspname::text as schema, t.typname::text as name,
    json_build_array(format('create type %I.%I as enum (%s)', n.nspname, t.typname, (
      select coalesce(string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder), '')
      from pg_enum e
      where e.enumtypid = t.oid
    ))) as statements
  from pg_type t
    join pg_namespace n on n.oid = t.typnamespace
  where t.typtype = 'e' and ${USER_SCHEMA} and ${ownOf('pg_type', 't')}`;

const DOMAINS = `
  select
    'pg_type' as catalog, t.oid, n.nspname::text as schema, t.typname::text as name,
    json_build_array(format('create domain %I.%I as %s%s%s%s%s',
      n.nspname, t.typname, format_type(t.typbasetype, t.typtypmod),
      ${collationClause('t.typcollation', 'b.typcollation')},
      coalesce(' default ' || pg_get_expr(t.typdefaultbin, 0), ''),
      case when t.typnotnull then ' not null' else '' end,
      (
        select coalesce(string_agg(format(' constraint %I %s', c.conname, pg_get_constraintdef(c.oid)), '' order by c.conname), '')
        from pg_constraint c
        where c.contypid = t.oid and c.contype = 'c' and c.convalidated
      )
    )) as statements
  from pg_type t
    join pg_type b on b.oid = t.typbasetype
    join pg_namespace n on n.oid = t.typnamespace
  where t.typtype = 'd' and ${USER_SCHEMA} and ${ownOf('pg_type', 't')}`;

const COMPOSITES = `
  select
    'pg_type' as catalog, t.oid, n.nspname::text as schema, t.typname::text as name,
    json_build_array(format('create type %I.%I as (%s)', n.nspname, t.typname, (
      select coalesce(string_agg(format('%I %s%s', a.attname, format_type(a.atttypid, a.atttypmod),
        ${collationClause('a.attcollation', 'y.typcollation')}), ', ' order by a.attnum), '')
      from pg_attribute a
        join pg_type y on y.oid = a.atttypid
      where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
    ))) as statements
  from pg_type t
    join pg_class c on c.oid = t.typrelid and c.relkind = 'c'
    join pg_namespace n on n.oid = t.typnamespace
  where t.typtype = 'c' and ${USER_SCHEMA} and ${ownOf('pg_type', 't')}`;

/** One with a canonical function of its own is left out: that function is written in C. */
const RANGES = `
  select
    'pg_type' as catalog, t.oid, n.nspname::text as schema, t.typname::text as name,
    json_build_array(format('create type %I.%I as range (subtype = %s%s%s%s)',
      n.nspname, t.typname, format_type(r.rngsubtype, null),
      case when o.opcdefault then '' else format(', subtype_opclass = %I.%I', onn.nspname, o.opcname) end,
      case
        when coalesce((to_jsonb(r) ->> 'rngmultitypid')::oid, 0) = 0 then ''
        else (
          select format(', multirange_type_name = %I.%I', mn.nspname, m.typname)
          from pg_type m
            join pg_namespace mn on mn.oid = m.typnamespace
          where m.oid = (to_jsonb(r) ->> 'rngmultitypid')::oid
        )
      end,
      case when r.rngsubdiff = 0 then '' else ', subtype_diff = ' || r.rngsubdiff::text end
    )) as statements
  from pg_range r
    join pg_type t on t.oid = r.rngtypid
    join pg_opclass o on o.oid = r.rngsubopc
    join pg_namespace onn on onn.oid = o.opcnamespace
    join pg_namespace n on n.oid = t.typnamespace
  where r.rngcanonical = 0 and ${USER_SCHEMA} and ${ownOf('pg_type', 't')}`;

const SEQUENCES = `
  select
    'pg_class' as catalog, c.oid, n.nspname::text as schema, c.relname::text as name,
    json_build_array(format('create %ssequence %I.%I as %s %s',
      case when c.relpersistence = 'u' then 'unlogged ' else '' end,
      n.nspname, c.relname, format_type(s.seqtypid, null), ${SEQUENCE_CLAUSES}
    )) as statements
  from pg_sequence s
    join pg_class c on c.oid = s.seqrelid and c.relpersistence <> 't'
    join pg_namespace n on n.oid = c.relnamespace
  where ${USER_SCHEMA} and ${ownOf('pg_class', 'c')}
    and not exists (
      select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'i'
    )`;

/** Of the languages that need no file of production's machine. */
const FUNCTIONS = `
  select
    'pg_proc' as catalog, p.oid, n.nspname::text as schema, p.proname::text as name,
    json_build_array(pg_get_functiondef(p.oid)) as statements
  from pg_proc p
    join pg_language l on l.oid = p.prolang
    join pg_namespace n on n.oid = p.pronamespace
  where coalesce(to_jsonb(p) ->> 'prokind', case when to_jsonb(p) -> 'proisagg' = 'true' then 'a' else 'f' end) <> 'a'
    and l.lanname not in ('c', 'internal')
    and ${USER_SCHEMA} and ${ownOf('pg_proc', 'p')}
    and not exists (
      select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'i'
    )`;

const VIEWS = `
  select
    'pg_class' as catalog, c.oid, n.nspname::text as schema, c.relname::text as name,
    json_build_array(format('create %sview %I.%I%s as%s%s',
      case when c.relkind = 'm' then 'materialized ' else '' end,
      n.nspname, c.relname,
      coalesce(' with (' || array_to_string(c.reloptions, ', ') || ')', ''),
      E'\\n' || rtrim(pg_get_viewdef(c.oid), ';'),
      case when c.relkind = 'm' then E'\\nwith no data' else '' end
    )) as statements
  from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('v', 'm') and c.relpersistence <> 't' and ${USER_SCHEMA} and ${ownOf('pg_class', 'c')}`;

const STATISTICS = `
  select
    'pg_statistic_ext' as catalog, x.oid, n.nspname::text as schema, x.stxname::text as name,
    to_json(array[pg_get_statisticsobjdef(x.oid)]
      || case when (to_jsonb(x) ->> 'stxstattarget')::int >= 0 then
        array[format('alter statistics %I.%I set statistics %s', n.nspname, x.stxname, to_jsonb(x) ->> 'stxstattarget')]
      end) as statements
  from pg_statistic_ext x
    join pg_namespace n on n.oid = x.stxnamespace
  where ${USER_SCHEMA} and ${ownOf('pg_statistic_ext', 'x')}`;

/** A partition's copy of its parent's trigger depends on that one, and comes with it. */
const TRIGGERS = `
  select
    'pg_trigger' as catalog, g.oid, n.nspname::text as schema, c.relname || '.' || g.tgname as name,
    case g.tgenabled
      when 'O' then json_build_array(pg_get_triggerdef(g.oid))
      else json_build_array(pg_get_triggerdef(g.oid), format('alter table %I.%I %s trigger %I',
        n.nspname, c.relname,
        case g.tgenabled when 'D' then 'disable' when 'A' then 'enable always' else 'enable replica' end, g.tgname))
    end as statements
  from pg_trigger g
    join pg_class c on c.oid = g.tgrelid and c.relkind in ('r', 'p', 'v')
    join pg_namespace n on n.oid = c.relnamespace
  where not g.tgisinternal and ${USER_SCHEMA} and ${ownOf('pg_trigger', 'g')}
    and not exists (
      select
      from pg_depend d
      where d.classid = 'pg_trigger'::regclass and d.objid = g.oid and d.refclassid = 'pg_trigger'::regclass
    )`;

const QUERIES: readonly (readonly [CatalogKind, string])[] = [
  ['schema', SCHEMAS],
  ['extension', EXTENSIONS],
  ['type', COLLATIONS],
  ['type', ENUMS],
  ['type', DOMAINS],
  ['type', COMPOSITES],
  ['type', RANGES],
  ['sequence', SEQUENCES],
  ['function', FUNCTIONS],
  ['view', VIEWS],
  ['statistics', STATISTICS],
  ['trigger', TRIGGERS],
  ['rule', RULES],
];
