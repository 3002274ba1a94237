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

const COLUMN = '\\(?"?(\\w+)"?\\)?(?:::[\\w ]+)?';
/** `tstzrange(starts_at, ends_at)`, with or without its bounds said, or what an open end stands for. */
const SPAN = new RegExp(
  `^\\(?\\w*range\\(${COLUMN}, (?:COALESCE\\()?${COLUMN}(?:, '[^']*'(?:::[\\w ]+)?\\))?(?:, '([[(][\\])])'::text)?\\)\\)?$`,
);

/** Shapes that are numbered lie apart. */
const OVERLAPS: ReadonlySet<string> = new Set(['box', 'circle', 'polygon']);

/**
 * Two rows break it where all elements meet, so that it is enough to keep some of them apart. Made-up ranges and shapes with
 * different numbers never overlap: `&&` of one asks for no more than that it is unique together with what `=` compares.
 * Where nothing is known of any element it is a condition that nothing meets but values of the scenario.
 */
export function exclusionOf(
  { name, definition, elements }: ExclusionRow,
  columns: TableDescription['columns'],
): Exclusion {
  const of = 'exclusion constraint' as const;
  const set: string[] = [];
  const implied: ImpliedRule[] = [];
  const typeOf = (wanted: string | null) => columns.find((each) => each.name === wanted)?.type;
  for (const { column, expression, operator } of elements) {
    const type = typeOf(column);
    const [, from, to, bounds] = SPAN.exec(expression) ?? [];
    const overlap = type?.kind === 'range' || (type !== undefined && OVERLAPS.has(type.base));
    if (column !== null && (operator === '=' || (operator === '&&' && overlap))) set.push(column);
    else if (operator === '&&' && from !== undefined && to !== undefined) {
      set.push(from);
      const { spacing, within } = spanOf(typeOf(from)?.kind === 'date', bounds === '[]');
      const ends = `${dialect.quote(from)}, ${dialect.quote(to)}`;
      implied.push({ name, of, expression: `disjoint_span(${ends}, ${spacing}, ${within})` });
    }
  }
  if (set.length === 0) return { uniques: [], implied: [{ name, of, expression: definition }] };
  return { uniques: [set], implied };
}

/** An hour in seconds, or 3600 of anything else: room for many numbered spans, and for a difference inside of each. */
const SPAN_UNITS = 3600;
const DAY_UNITS = 86_400;

/** Beginnings lie `spacing` apart, ends at most `within` behind them; spans that include their last day end before the next. */
function spanOf(isDate: boolean, closed: boolean): { readonly spacing: number; readonly within: number } {
  if (!closed) return { spacing: SPAN_UNITS, within: SPAN_UNITS };
  return isDate
    ? { spacing: 2 * DAY_UNITS, within: DAY_UNITS }
    : { spacing: SPAN_UNITS, within: SPAN_UNITS - 1 };
}
