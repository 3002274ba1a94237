/** Tables, their keys and their indexes, each with the SQL that makes it, in the parts that pg_dump makes them in. */
import type { Session } from '../../engine.ts';
import { groupBy } from '../groups.ts';
import { dialect } from '../text/dialect.ts';
import {
  type CatalogObject,
  collationClause,
  type ObjectRow,
  objectsOf,
  SEQUENCE_CLAUSES,
} from './catalog-object.ts';
import { USER_TABLES } from './user-tables.ts';

const { quote, quoteName, quoteLiteral } = dialect;

export async function readTableObjects(session: Session): Promise<readonly CatalogObject[]> {
  const columns = groupBy(await session.query<ColumnRow>(COLUMNS), ({ table }) => table);
  const checks = groupBy(await session.query<CheckRow>(CHECKS), ({ table }) => table);
  const tables = await session.query<TableRow>(TABLES);
  const made = tables.map((table) => ({
    catalog: 'pg_class',
    oid: table.oid,
    schema: table.schema,
    name: table.name,
    statements: tableStatements(table, columns.get(table.oid) ?? [], checks.get(table.oid) ?? []),
  }));
  return [
    ...objectsOf('table', made),
    ...objectsOf('default', await session.query<ObjectRow>(DEFAULTS)),
    ...objectsOf('ownership', await session.query<ObjectRow>(OWNED_SEQUENCES)),
  ];
}

interface TableRow {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly unlogged: boolean;
  readonly accessMethod: string | null;
  /** As "fillfactor=70". */
  readonly options: readonly string[];
  readonly partitionKey: string | null;
  readonly bound: string | null;
  readonly parents: readonly (readonly string[])[];
  readonly identityFull: boolean;
}

/** Table access methods are there since Postgres 12; the server's default one is not written down. */
const TABLES = `
  select
    t.oid,
    t.nspname::text as schema,
    t.relname::text as name,
    c.relpersistence = 'u' as unlogged,
    (select m.amname::text from pg_am m where m.oid = c.relam and m.amname <> 'heap') as "accessMethod",
    to_json(coalesce(c.reloptions, '{}') || coalesce((
      select array_agg('toast.' || o) from pg_class x, unnest(x.reloptions) o where x.oid = c.reltoastrelid
    ), '{}')) as options,
    case when t.relkind = 'p' then pg_get_partkeydef(t.oid) end as "partitionKey",
    case when t.relispartition then pg_get_expr(c.relpartbound, c.oid) end as bound,
    (
      select coalesce(json_agg(json_build_array(pn.nspname, p.relname) order by i.inhseqno), '[]')
      from pg_inherits i
        join pg_class p on p.oid = i.inhparent
        join pg_namespace pn on pn.oid = p.relnamespace
      where i.inhrelid = t.oid
    ) as parents,
    c.relreplident = 'f' as "identityFull"
  from (${USER_TABLES}) t
    join pg_class c on c.oid = t.oid`;

/**
 * Of a default d of a column a: a function of the user's may in turn need the table, so that such a default is set when both
 * are there. A generated column has its expression from the beginning.
 */
const CALLS_OWN_FUNCTION = `coalesce(to_jsonb(a) ->> 'attgenerated', '') = '' and exists (
  select
  from pg_depend f
  where f.classid = 'pg_attrdef'::regclass and f.objid = d.oid and f.refclassid = 'pg_proc'::regclass
    and f.refobjid >= 16384
)`;

const DEFAULTS = `
  select 'pg_attrdef' as catalog, d.oid, t.nspname::text as schema, t.relname || '.' || a.attname as name,
    json_build_array('pg_class:' || t.oid) as needs,
    json_build_array(format('alter table only %I.%I alter column %I set default %s',
      t.nspname, t.relname, a.attname, pg_get_expr(d.adbin, d.adrelid))) as statements
  from (${USER_TABLES}) t
    join pg_attrdef d on d.adrelid = t.oid
    join pg_attribute a on a.attrelid = t.oid and a.attnum = d.adnum
  where ${CALLS_OWN_FUNCTION}`;

interface ColumnRow {
  readonly table: number;
  readonly name: string;
  /** With its collation. */
  readonly type: string;
  readonly notNull: boolean;
  /** Name of the constraint where it is not the server's own choice (Postgres 18). */
  readonly notNullName: string | null;
  readonly notNullClause: string | null;
  readonly expression: string | null;
  readonly generated: '' | 's' | 'v';
  readonly identity: '' | 'a' | 'd';
  readonly sequence: string | null;
  readonly local: boolean;
  readonly inherited: boolean;
  readonly storage: string | null;
  readonly compression: string | null;
  readonly statistics: number | null;
  readonly options: readonly string[] | null;
}

/**
 * attgenerated is there since Postgres 12, attcompression since 14; NOT NULL is a constraint with a name since 18. Of the
 * options only the two that can be written: Postgres 15.20 keeps a mark of its own there (pg_attver), as pg_dump knows.
 */
const COLUMNS = `
  select
    t.oid as table,
    a.attname::text as name,
    format_type(a.atttypid, a.atttypmod) || ${collationClause('a.attcollation', 'y.typcollation')} as type,
    a.attnotnull as "notNull",
    case when nn.conname <> left(t.relname || '_' || a.attname, 54) || '_not_null' then nn.conname::text end as "notNullName",
    case when not nn.convalidated then format('constraint %I %s', nn.conname, pg_get_constraintdef(nn.oid)) end
      as "notNullClause",
    case when not (${CALLS_OWN_FUNCTION}) then pg_get_expr(d.adbin, d.adrelid) end as expression,
    coalesce(to_jsonb(a) ->> 'attgenerated', '') as generated,
    a.attidentity as identity,
    (
      select format('(sequence name %I.%I %s)', sn.nspname, sc.relname, ${SEQUENCE_CLAUSES})
      from pg_depend o
        join pg_sequence s on s.seqrelid = o.objid
        join pg_class sc on sc.oid = s.seqrelid
        join pg_namespace sn on sn.oid = sc.relnamespace
      where o.classid = 'pg_class'::regclass and o.deptype = 'i'
        and o.refclassid = 'pg_class'::regclass and o.refobjid = t.oid and o.refobjsubid = a.attnum
    ) as sequence,
    a.attislocal or t.relispartition as local,
    a.attinhcount > 0 as inherited,
    case when a.attstorage <> y.typstorage then
      case a.attstorage when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main' else 'extended' end
    end as storage,
    case to_jsonb(a) ->> 'attcompression' when 'p' then 'pglz' when 'l' then 'lz4' end as compression,
    case when (to_jsonb(a) ->> 'attstattarget')::int >= 0 then (to_jsonb(a) ->> 'attstattarget')::int end as statistics,
    (select json_agg(o) from unnest(a.attoptions) o where o ~ '^n_distinct(_inherited)?=') as options
  from (${USER_TABLES}) t
    join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
    join pg_type y on y.oid = a.atttypid
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    left join pg_constraint nn on nn.conrelid = t.oid and nn.contype = 'n' and nn.conkey = array[a.attnum]
  order by t.oid, a.attnum`;

interface CheckRow {
  readonly table: number;
  readonly name: string;
  readonly definition: string;
  readonly validated: boolean;
}

/** What a child has of its parent comes with INHERIT; a partition must have it before it is attached. */
const CHECKS = `
  select t.oid as table, c.conname::text as name, pg_get_constraintdef(c.oid) as definition, c.convalidated as validated
  from (${USER_TABLES}) t
    join pg_constraint c on c.conrelid = t.oid
  where c.contype = 'c' and (c.conislocal or t.relispartition)
  order by c.conname`;

function tableStatements(
  table: TableRow,
  columns: readonly ColumnRow[],
  checks: readonly CheckRow[],
): readonly string[] {
  const name = quoteName([table.schema, table.name]);
  const isPartition = table.bound !== null;
  const inherits = table.parents.length > 0 && !isPartition;
  const written = columns.filter((column) => column.local || !inherits);
  const lines = [
    ...written.map((column) => columnClause(inherits ? withoutParents(column) : column)),
    ...checks
      .filter((each) => each.validated)
      .map((each) => `constraint ${quote(each.name)} ${each.definition}`),
  ];
  const options = table.options.map(optionClause).filter((each) => each !== null);
  const create = [
    `create ${table.unlogged ? 'unlogged ' : ''}table ${name} (${lines.map((line) => `\n  ${line}`).join(',')}\n)`,
    ...(inherits ? [`inherits (${table.parents.map(quoteName).join(', ')})`] : []),
    ...(table.partitionKey === null ? [] : [`partition by ${table.partitionKey}`]),
    ...(table.accessMethod === null ? [] : [`using ${quote(table.accessMethod)}`]),
    ...(options.length === 0 ? [] : [`with (${options.join(', ')})`]),
  ].join(' ');
  const [parent] = table.parents;
  const alter = `alter table only ${name}`;
  return [
    create,
    ...columns.filter((column) => !written.includes(column)).flatMap((column) => overridden(alter, column)),
    ...columns.flatMap((column) => columnSettings(alter, column)),
    ...checks
      .filter((each) => !each.validated)
      .map((each) => `${alter} add constraint ${quote(each.name)} ${each.definition}`),
    ...(table.identityFull ? [`${alter} replica identity full`] : []),
    ...(isPartition && parent !== undefined
      ? [`alter table only ${quoteName(parent)} attach partition ${name} ${table.bound}`]
      : []),
  ];
}

/** A column without a default would have that of its parent. */
function withoutParents(column: ColumnRow): ColumnRow {
  return column.inherited && column.expression === null && column.identity === ''
    ? { ...column, expression: 'null' }
    : column;
}

function columnClause(column: ColumnRow): string {
  const { name, type, expression, generated, identity, sequence } = column;
  const named = column.notNullName === null ? '' : ` constraint ${quote(column.notNullName)}`;
  const notNull = column.notNull && column.notNullClause === null ? `${named} not null` : '';
  return `${quote(name)} ${type}${valueClause(expression, generated)}${identityClause(identity, sequence)}${notNull}`;
}

function valueClause(expression: string | null, generated: ColumnRow['generated']): string {
  if (expression === null) return '';
  if (generated === '') return ` default ${expression}`;
  return ` generated always as (${expression}) ${generated === 's' ? 'stored' : 'virtual'}`;
}

/** Since Postgres 17 a partition shows the identity of its parent, whose sequence it has. */
function identityClause(identity: ColumnRow['identity'], sequence: string | null): string {
  if (identity === '' || sequence === null) return '';
  return ` generated ${identity === 'a' ? 'always' : 'by default'} as identity ${sequence}`;
}

/** An inherited column may have a default of its own, or be NOT NULL where the parent's is not. */
function overridden(alter: string, column: ColumnRow): readonly string[] {
  const to = `${alter} alter column ${quote(column.name)} set`;
  return [
    ...(column.expression !== null && column.generated === '' ? [`${to} default ${column.expression}`] : []),
    ...(column.notNull && column.notNullClause === null ? [`${to} not null`] : []),
  ];
}

function columnSettings(alter: string, column: ColumnRow): readonly string[] {
  const of = `${alter} alter column ${quote(column.name)}`;
  const options = (column.options ?? []).map(optionClause).filter((each) => each !== null);
  return [
    ...(column.notNullClause === null ? [] : [`${alter} add ${column.notNullClause}`]),
    ...(column.storage === null ? [] : [`${of} set storage ${column.storage}`]),
    ...(column.compression === null ? [] : [`${of} set compression ${column.compression}`]),
    ...(column.statistics === null ? [] : [`${of} set statistics ${column.statistics}`]),
    ...(options.length === 0 ? [] : [`${of} set (${options.join(', ')})`]),
  ];
}

/** "fillfactor=70"; `oids` went with Postgres 12. */
function optionClause(option: string): string | null {
  const at = option.indexOf('=');
  const key = option.slice(0, at);
  return key === 'oids' ? null : `${key}=${quoteLiteral(option.slice(at + 1))}`;
}

/** Beside a serial column: the sequence is made before the table, whose default names it, and given to it after. */
const OWNED_SEQUENCES = `
  select
    'pg_depend' as catalog, d.objid as oid, sn.nspname::text as schema, s.relname::text as name,
    json_build_array('pg_class:' || d.objid, 'pg_class:' || t.oid) as needs,
    json_build_array(format('alter sequence %I.%I owned by %I.%I.%I',
      sn.nspname, s.relname, t.nspname, t.relname, a.attname)) as statements
  from (${USER_TABLES}) t
    join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = t.oid and d.refobjsubid > 0
      and d.classid = 'pg_class'::regclass and d.deptype = 'a'
    join pg_class s on s.oid = d.objid and s.relkind = 'S'
    join pg_namespace sn on sn.oid = s.relnamespace
    join pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid`;
