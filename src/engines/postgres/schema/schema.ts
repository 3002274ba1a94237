/** What the database looks like: https://www.postgresql.org/docs/current/catalogs.html */
import type { ColumnDescription, ForeignKey, SchemaAccess, Session, TableDescription } from '../../engine.ts';
import { USER_TABLES } from '../capture/user-tables.ts';
import { dialect } from '../text/dialect.ts';
import { tokensOf } from '../text/scan.ts';
import { EXCLUSIONS, type ExclusionRow, exclusionOf } from './exclusions.ts';
import { inspect } from './inspect.ts';
import { sampleKeys } from './keys.ts';
import { boundsOf, leavesOf, PARTITIONS, type PartitionRow } from './partition-leaves.ts';
import { sampleRows } from './rows.ts';
import { type Domain, readTypes, type TypeCatalog } from './types.ts';
import { distinctnessOf, type IndexRow, UNIQUE_INDEXES } from './unique-indexes.ts';

export const schema: SchemaAccess = { describe, inspect, sampleKeys, sampleRows, countRows };

async function describe(session: Session): Promise<readonly TableDescription[]> {
  const types = await readTypes(session);
  const columns = groupByTable(await session.query<ColumnRow>(COLUMNS));
  const indexes = groupByTable(await session.query<IndexRow>(UNIQUE_INDEXES));
  const constraints = groupByTable(await session.query<ConstraintRow>(CONSTRAINTS));
  const exclusions = groupByTable(await session.query<ExclusionRow>(EXCLUSIONS));
  const partitions = await session.query<PartitionRow>(PARTITIONS);
  const tables = await session.query<TableRow>(TABLES);
  const filled = await tablesWithRows(session, tables);
  const names = new Map(tables.map((table) => [table.oid, nameOf(table)]));
  return tables
    .map((table) => {
      const own = columns.get(table.oid) ?? [];
      const keys = indexes.get(table.oid) ?? [];
      const rules = constraints.get(table.oid) ?? [];
      const described = {
        columns: own.map((row) => columnOf(row, types)),
        foreignKeys: rules.flatMap((rule) => foreignKeyOf(rule, names)),
        checks: [...rules.flatMap(checkOf), ...own.flatMap((row) => domainChecks(row, types))],
      };
      const distinctness = distinctnessOf(keys, described);
      const excluded = (exclusions.get(table.oid) ?? []).map((row) => exclusionOf(row, described.columns));
      const implied = [...distinctness.implied, ...excluded.flatMap((each) => each.implied)];
      const unpadded = boundsOf(described.columns, table.partitionKey);
      const leaves = table.partitioning === 'parent' ? leavesOf(table.oid, partitions.map(unpadded)) : [];
      return {
        ...described,
        ...(implied.length === 0 ? {} : { implied }),
        ...(distinctness.expressionKeys.length === 0 ? {} : { expressionKeys: distinctness.expressionKeys }),
        ...(leaves.some((steps) => steps.length > 1) ? { partitionLeaves: leaves } : {}),
        ...(distinctness.singleRow === undefined ? {} : { singleRow: distinctness.singleRow }),
        name: nameOf(table),
        parts: [table.schema, table.name],
        primaryKey: keys.find((key) => key.primary)?.columns ?? [],
        uniques: distinctLists([...distinctness.uniques, ...excluded.flatMap(({ uniques }) => uniques)]),
        partitioning: table.partitioning,
        partitionBounds: table.bounds.map((bound) => unpadded({ bound }).bound),
        partitionKey: table.partitionKey,
        hasRows: filled.has(table.oid),
      };
    })
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}

async function countRows(session: Session, table: TableDescription): Promise<number> {
  const [row] = await session.query<{ rows: string }>(
    `select count(*) as rows from ${dialect.quoteName(table.parts)}`,
  );
  return Number(row?.rows);
}

/** Name of a table in a recording: qualified unless in the default schema. */
export function nameOf(table: { readonly schema: string; readonly name: string }): string {
  return table.schema === 'public' ? table.name : `${table.schema}.${table.name}`;
}

interface TableRow {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly partitioning: TableDescription['partitioning'];
  readonly partitionKey: string | null;
  readonly bounds: readonly string[];
}

/** https://www.postgresql.org/docs/current/catalog-pg-inherits.html */
const TABLES = `
  select
    t.oid,
    t.nspname::text as schema,
    t.relname::text as name,
    case when t.relispartition then 'partition' when t.relkind = 'p' then 'parent' else 'none' end as partitioning,
    case when t.relkind = 'p' then pg_get_partkeydef(t.oid) end as "partitionKey",
    (
      select coalesce(json_agg(pg_get_expr(p.relpartbound, p.oid) order by p.oid), '[]')
      from pg_inherits i
        join pg_class p on p.oid = i.inhrelid and p.relispartition
      where i.inhparent = t.oid
    ) as bounds
  from (${USER_TABLES}) t`;

interface ColumnRow {
  readonly table: number;
  readonly name: string;
  readonly type: number;
  readonly modifier: number;
  readonly notNull: boolean;
  readonly defaultExpression: string | null;
  readonly generated: ColumnDescription['generated'];
  readonly generation: string | null;
}

/** attgenerated is there since Postgres 12: taken from the row as JSON, so that one text serves all versions. */
const COLUMNS = `
  with tables as (${USER_TABLES})
  select
    t.oid as table,
    a.attname::text as name,
    a.atttypid as type,
    a.atttypmod as modifier,
    a.attnotnull as "notNull",
    case when coalesce(g.kind, '') = '' then pg_get_expr(d.adbin, d.adrelid) end as "defaultExpression",
    case when g.kind in ('s', 'v') then pg_get_expr(d.adbin, d.adrelid) end as generation,
    case
      when g.kind = 's' then 'stored'
      when g.kind = 'v' then 'virtual'
      when a.attidentity = 'a' then 'identity always'
      when a.attidentity = 'd' then 'identity by default'
      else 'no'
    end as generated
  from tables t
    join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
    cross join lateral (select to_jsonb(a) ->> 'attgenerated' as kind) g
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  order by t.oid, a.attnum`;

function columnOf(row: ColumnRow, types: TypeCatalog): ColumnDescription {
  const domains = types.domains(row.type);
  const domainDefault = domains.find((each) => each.defaultExpression !== null)?.defaultExpression ?? null;
  return {
    name: row.name,
    type: types.resolve(row.type, row.modifier),
    nullable: !row.notNull && !domains.some((each) => each.notNull),
    defaultExpression: row.defaultExpression ?? (row.generated === 'no' ? domainDefault : null),
    generated: row.generated,
    ...(row.generation === null ? {} : { generation: row.generation }),
  };
}

function domainChecks(row: ColumnRow, types: TypeCatalog): TableDescription['checks'] {
  const checksOf = (domain: Domain) =>
    domain.checks.map(({ name, expression }) => ({
      name,
      expression: aboutColumn(expression, dialect.quote(row.name)),
    }));
  return types.domains(row.type).flatMap(checksOf);
}

/** A domain's expression speaks of VALUE. */
function aboutColumn(expression: string, column: string): string {
  let text = expression;
  for (const token of [...tokensOf(expression)].reverse())
    if (token.kind === 'word' && token.text === 'value')
      text = text.slice(0, token.from) + column + text.slice(token.to);
  return text;
}

interface ConstraintRow {
  readonly table: number;
  readonly kind: 'c' | 'f';
  readonly name: string;
  readonly expression: string | null;
  readonly columns: readonly string[] | null;
  readonly references: number;
  readonly referencedColumns: readonly string[] | null;
}

/**
 * https://www.postgresql.org/docs/current/catalog-pg-constraint.html. A foreign key to a partitioned table has a row
 * for each partition beside its own one (conparentid, since Postgres 11); those are left out.
 */
const CONSTRAINTS = `
  with tables as (${USER_TABLES})
  select
    t.oid as table,
    c.contype::text as kind,
    c.conname::text as name,
    case when c.contype = 'c' then pg_get_expr(c.conbin, c.conrelid) end as expression,
    (
      select json_agg(a.attname order by k.position)
      from unnest(c.conkey) with ordinality k (attnum, position)
        join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.attnum
    ) as columns,
    c.confrelid as references,
    (
      select json_agg(a.attname order by k.position)
      from unnest(c.confkey) with ordinality k (attnum, position)
        join pg_attribute a on a.attrelid = c.confrelid and a.attnum = k.attnum
    ) as "referencedColumns"
  from tables t
    join pg_constraint c on c.conrelid = t.oid
    left join pg_constraint p on p.oid = (to_jsonb(c) ->> 'conparentid')::oid
  where c.contype in ('c', 'f') and p.conrelid is distinct from c.conrelid
  order by c.conname`;

function checkOf(row: ConstraintRow): TableDescription['checks'] {
  return row.kind === 'c' && row.expression !== null ? [{ name: row.name, expression: row.expression }] : [];
}

function foreignKeyOf(row: ConstraintRow, names: ReadonlyMap<number, string>): readonly ForeignKey[] {
  const references = names.get(row.references);
  if (row.kind !== 'f' || references === undefined) return [];
  return [
    {
      name: row.name,
      columns: row.columns ?? [],
      references,
      referencedColumns: row.referencedColumns ?? [],
    },
  ];
}

async function tablesWithRows(session: Session, tables: readonly TableRow[]): Promise<ReadonlySet<number>> {
  if (tables.length === 0) return new Set();
  const probes = tables.map(
    (table) =>
      `select ${table.oid} as oid where exists (select from ${dialect.quoteName([table.schema, table.name])})`,
  );
  const rows = await session.query<{ oid: number }>(probes.join('\nunion all\n'));
  return new Set(rows.map((row) => row.oid));
}

function groupByTable<Row extends { readonly table: number }>(rows: readonly Row[]): Map<number, Row[]> {
  const groups = new Map<number, Row[]>();
  for (const row of rows) {
    const group = groups.get(row.table);
    if (group === undefined) groups.set(row.table, [row]);
    else group.push(row);
  }
  return groups;
}

function distinctLists(lists: readonly (readonly string[])[]): readonly (readonly string[])[] {
  return [...new Map(lists.map((list) => [JSON.stringify(list), list])).values()];
}
