/** Which columns of a table differ in every row, by its unique indexes. */
import type { TableDescription, ValueKind } from '../engine.ts';
import { USER_TABLES } from './user-tables.ts';

export interface IndexRow {
  readonly table: number;
  readonly primary: boolean;
  /** True for an index of some rows only. */
  readonly partial: boolean;
  readonly columns: readonly string[];
}

/**
 * https://www.postgresql.org/docs/current/catalog-pg-index.html; indnkeyatts is there since Postgres 11. What differs in
 * lower(email) differs in email: a unique expression stands for the columns that it is made of, which pg_depend names.
 */
export const UNIQUE_INDEXES = `
  with tables as (${USER_TABLES}),
  unique_indexes as (
    select
      t.oid as table,
      i.indexrelid as index,
      i.indisprimary as primary,
      i.indpred is not null as partial,
      case
        when i.indexprs is null then (
          select json_agg(a.attname order by k.position)
          from unnest(i.indkey::int2[]) with ordinality k (attnum, position)
            join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
          where k.position <= coalesce((to_jsonb(i) ->> 'indnkeyatts')::int, i.indnatts)
        )
        when coalesce((to_jsonb(i) ->> 'indnkeyatts')::int, i.indnatts) = i.indnatts then (
          select json_agg(distinct a.attname)
          from pg_depend d
            join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
          where d.classid = 'pg_class'::regclass and d.objid = i.indexrelid
            and d.refclassid = 'pg_class'::regclass and d.refobjid = i.indrelid and d.refobjsubid > 0
            and (a.attnum = any (i.indkey) or position(a.attname in pg_get_expr(i.indexprs, i.indrelid)) > 0)
        )
      end as columns
    from tables t
      join pg_index i on i.indrelid = t.oid
    where (i.indisunique or i.indisprimary) and i.indisvalid
  )
  select "table", "primary", partial, columns
  from unique_indexes
  where columns is not null
  order by index`;

type Described = Pick<TableDescription, 'columns' | 'foreignKeys' | 'checks'>;

/** Columns of each unique index that is taken for one of all rows, without the primary key. */
export function uniquesAmong(
  keys: readonly IndexRow[],
  described: Described,
): readonly (readonly string[])[] {
  return keys
    .filter((key) => !key.primary && (!key.partial || canDiffer(key.columns, described)))
    .map((key) => key.columns);
}

/** Kinds with values enough for every row to have one of its own. */
const ROOMY_KINDS: readonly ValueKind[] = ['text', 'uuid', 'integer', 'decimal', 'timestamp'];

/**
 * Whether all rows may be made to differ where only those of a partial index must, as mail does among the users that
 * are not deleted. A flag, a foreign key or one of a few allowed values cannot carry that: most rows would be lost.
 */
function canDiffer(names: readonly string[], { columns, foreignKeys, checks }: Described): boolean {
  return columns.some(
    ({ name, type }) =>
      names.includes(name) &&
      ROOMY_KINDS.includes(type.kind) &&
      !foreignKeys.some((key) => key.columns.includes(name)) &&
      !checks.some(({ expression }) => expression.includes(name)),
  );
}
