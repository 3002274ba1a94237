/** Exclusion constraints as unique sets of columns with values that do not meet. */
import type { ImpliedRule, TableDescription } from '../../engine.ts';
import { USER_TABLES } from '../capture/user-tables.ts';
import { dialect } from '../text/dialect.ts';

export interface ExclusionRow {
  readonly table: number;
  readonly name: string;
  readonly definition: string;
  /** Column, or null for an expression; the expression or column as the server prints it; the operator. */
  readonly elements: readonly {
    readonly column: string | null;
    readonly expression: string;
    readonly operator: string;
  }[];
}

/** https://www.postgresql.org/docs/current/catalog-pg-constraint.html: conexclop has an operator for each element. */
export const EXCLUSIONS = `
  with tables as (${USER_TABLES})
  select
    t.oid as table,
    c.conname::text as name,
    pg_get_constraintdef(c.oid) as definition,
    (
      select json_agg(
        json_build_object(
          'column', a.attname,
          'expression', pg_get_indexdef(c.conindid, k.position::int, false),
          'operator', o.oprname
        ) order by k.position
      )
      from unnest(c.conexclop) with ordinality k (operator, position)
        join pg_operator o on o.oid = k.operator
        join pg_index i on i.indexrelid = c.conindid
        left join pg_attribute a
          on a.attrelid = i.indrelid and a.attnum = (i.indkey::int2[])[k.position - 1] and a.attnum > 0
    ) as elements
  from tables t
    join pg_constraint c on c.conrelid = t.oid
  where c.contype = 'x'
  order by c.oid`;

type Exclusion = Required<Pick<TableDescription, 'uniques' | 'implied'>>;

/** `tstzrange(starts_at, ends_at)`, with or without its bounds said. */
const SPAN = /^\(?\w*range\("?(\w+)"?(?:::[\w ]+)?, "?(\w+)"?(?:::[\w ]+)?(?:, '\[\)'::text)?\)\)?$/;

/**
 * Made-up ranges with different numbers never overlap, so that `&&` of a range asks for no more than that it is unique
 * together with what `=` compares. Anything else is a condition that nothing meets but values of the scenario.
 */
export function exclusionOf(
  { name, definition, elements }: ExclusionRow,
  columns: TableDescription['columns'],
): Exclusion {
  const of = 'exclusion constraint' as const;
  const set: string[] = [];
  const implied: ImpliedRule[] = [];
  for (const { column, expression, operator } of elements) {
    const kind = columns.find((each) => each.name === column)?.type.kind;
    const [, from, to] = SPAN.exec(expression) ?? [];
    if (column !== null && (operator === '=' || (operator === '&&' && kind === 'range'))) set.push(column);
    else if (operator === '&&' && from !== undefined && to !== undefined) {
      set.push(from);
      const span = `disjoint_span(${dialect.quote(from)}, ${dialect.quote(to)})`;
      implied.push({ name, of, expression: span });
    } else return { uniques: [], implied: [{ name, of, expression: definition }] };
  }
  return { uniques: [set], implied };
}
