/** Which columns of a table differ in every row, by its unique indexes. */
import type { ImpliedRule, TableDescription, ValueKind } from '../../engine.ts';
import { USER_TABLES } from '../capture/user-tables.ts';
import { dialect } from '../text/dialect.ts';
import { tokensOf } from '../text/scan.ts';

export interface IndexRow {
  readonly table: number;
  readonly name: string;
  readonly primary: boolean;
  /** Condition of an index of some rows only. */
  readonly predicate: string | null;
  /** Two nulls are the same: since Postgres 15. */
  readonly nullsEqual: boolean;
  readonly columns: readonly string[];
  /** What is in the key, where not all of it are columns. */
  readonly expressions: readonly string[] | null;
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
      i.indexrelid::regclass::text as name,
      i.indisprimary as primary,
      pg_get_expr(i.indpred, i.indrelid) as predicate,
      coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::bool, false) as "nullsEqual",
      case when i.indexprs is not null then (
        select json_agg(pg_get_indexdef(i.indexrelid, k, false) order by k)
        from generate_series(1, coalesce((to_jsonb(i) ->> 'indnkeyatts')::int, i.indnatts)) k
      ) end as expressions,
      case
        when i.indexprs is null then (
          select json_agg(a.attname order by k.position)
          from unnest(i.indkey::int2[]) with ordinality k (attnum, position)
            join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
          where k.position <= coalesce((to_jsonb(i) ->> 'indnkeyatts')::int, i.indnatts)
        )
        else (
          select coalesce(json_agg(distinct a.attname), '[]')
          from pg_depend d
            join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
          where d.classid = 'pg_class'::regclass and d.objid = i.indexrelid
            and d.refclassid = 'pg_class'::regclass and d.refobjid = i.indrelid and d.refobjsubid > 0
            and (
              a.attnum = any ((i.indkey::int2[])[0:coalesce((to_jsonb(i) ->> 'indnkeyatts')::int, i.indnatts) - 1])
              or position(a.attname in pg_get_expr(i.indexprs, i.indrelid)) > 0
            )
        )
      end as columns
    from tables t
      join pg_index i on i.indrelid = t.oid
    where (i.indisunique or i.indisprimary) and i.indisvalid
  )
  select "table", name, "primary", predicate, "nullsEqual", columns, expressions
  from unique_indexes
  where columns is not null
  order by index`;

type Described = Pick<TableDescription, 'columns' | 'foreignKeys' | 'checks'>;

/** What the unique indexes of a table ask of its rows, without the primary key. */
export type Distinctness = Required<Pick<TableDescription, 'uniques' | 'implied' | 'expressionKeys'>> &
  Pick<TableDescription, 'singleRow'>;

/**
 * Columns of each unique index that is taken for one of all rows. An index of some rows only, where all rows cannot
 * differ, stays empty: no row meets its condition.
 */
export function distinctnessOf(keys: readonly IndexRow[], described: Described): Distinctness {
  const uniques: (readonly string[])[] = [];
  const implied: ImpliedRule[] = [];
  for (const { primary, predicate, nullsEqual, columns, name } of keys) {
    if (primary || (columns.length === 0 && predicate === null)) continue;
    const nullable = columns.filter((column) => mayBeNull(column, described));
    if (predicate !== null && !isOfAllRows(predicate, columns, described) && !canDiffer(columns, described)) {
      implied.push({ name, of: 'unique index', expression: `NOT (${predicate})` });
      continue;
    }
    uniques.push(sourcesOf(columns, described));
    const given = nullable.map((column) => `${dialect.quote(column)} IS NOT NULL`);
    if (nullsEqual && given.length > 0)
      implied.push({ name, of: 'unique index', expression: given.join(' AND ') });
  }
  const expressionKeys = keys.flatMap(({ name, expressions, predicate, columns }) => {
    const computed = columns.map((column) => generationOf(column, described) ?? dialect.quote(column));
    const isComputed = columns.some((column) => generationOf(column, described) !== null);
    if (predicate !== null || columns.length === 0 || (expressions === null && !isComputed)) return [];
    return [{ name, expressions: expressions ?? computed }];
  });
  const single = keys.find(({ columns, predicate }) => columns.length === 0 && predicate === null);
  return {
    uniques,
    implied,
    expressionKeys,
    ...(single === undefined ? {} : { singleRow: single.name }),
  };
}

function generationOf(name: string, { columns }: Described): string | null {
  return columns.find((column) => column.name === name)?.generation ?? null;
}

/** Rows differ in a generated column when they differ in what it is computed from. */
function sourcesOf(names: readonly string[], described: Described): readonly string[] {
  const sources = names.flatMap((name) => {
    const generation = generationOf(name, described);
    if (generation === null) return [name];
    const words = new Set([...tokensOf(generation)].map(({ text }) => text.replace(/^"(.*)"$/, '$1')));
    const found = described.columns.filter((column) => words.has(column.name)).map((column) => column.name);
    return found.length === 0 ? [name] : found;
  });
  return [...new Set(sources)];
}

function mayBeNull(name: string, { columns }: Described): boolean {
  return columns.some((column) => column.name === name && column.nullable);
}

/** `x IS NOT NULL`: of a column that cannot be null, or of one in the index, since two nulls are never the same in it. */
function isOfAllRows(predicate: string, columns: readonly string[], described: Described): boolean {
  const name = /^\((?:"((?:[^"]|"")+)"|(\w+)) IS NOT NULL\)$/.exec(predicate);
  const column = (name?.[1]?.replaceAll('""', '"') ?? name?.[2]) || null;
  return column !== null && (columns.includes(column) || !mayBeNull(column, described));
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
      !checks.some(({ expression }) => expression.includes(name) && !leavesRoom(expression, name)),
  );
}

/** Texts of as many characters differ in every row. */
const ROOMY_LENGTH = 10;

/** A check of nothing but the length of a text, or that a number is at least so much. */
function leavesRoom(expression: string, name: string): boolean {
  const read =
    /^\(*((?:char_|character_|octet_)?length\()?\(*"?([^"()]+?)"?\)?(?:::text)?\)* (<=|<|>=|>) (\d+)\)*$/.exec(
      expression,
    );
  if (read?.[2] !== name) return false;
  const [, length, , operator = '', bound] = read;
  return operator.startsWith('>')
    ? length === undefined
    : length !== undefined && Number(bound) > ROOMY_LENGTH;
}
