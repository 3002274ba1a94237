/** Values of several columns in the same live rows, for the load's parameters. */
import type { KeyExpression, SampledRow, Session, TableDescription } from '../../engine.ts';
import { dialect } from '../text/dialect.ts';
import { percentFor, SMALL_TABLE_BYTES, sizeOf } from './keys.ts';

/**
 * Evenly spread over all rows of a small table; else from pages that TABLESAMPLE picks with a fixed seed. An expression
 * that gives several rows gives each of them.
 */
export async function sampleRows(
  session: Session,
  table: TableDescription,
  keys: readonly (string | KeyExpression)[],
  limit: number,
): Promise<readonly SampledRow[]> {
  const name = dialect.quoteName(table.parts);
  const alias = keys.flatMap((key) =>
    typeof key === 'string' ? [] : [` as ${dialect.quote(key.alias)}`],
  )[0];
  const from = `${name}${alias ?? ''}`;
  const values = keys.map((key) => (typeof key === 'string' ? dialect.quote(key) : `(${key.text})`));
  await session.execute('begin read only');
  try {
    const bytes = await sizeOf(session, name);
    const sample = async (whole: boolean): Promise<readonly SampledRow[]> => {
      const rows =
        bytes <= SMALL_TABLE_BYTES
          ? await session.query<FoundRow>(evenly(rowsOf(from, values, whole)), [limit])
          : await session.query<FoundRow>(
              fromPages(rowsOf(`${from} tablesample system ($2::float8) repeatable (0)`, values, whole)),
              [limit, percentFor(limit, bytes)],
            );
      return rows.map(({ row }): SampledRow => JSON.parse(row));
    };
    const whole = await sample(true);
    return whole.length > 0 ? whole : await sample(false);
  } finally {
    await session.execute('rollback');
  }
}

interface FoundRow {
  /** A JSON array of texts. */
  readonly row: string;
}

/** `whole`: only rows that have every value. */
function rowsOf(from: string, values: readonly string[], whole: boolean): string {
  const named = values.map((value, index) => `${value}::text as value_${index}`);
  const names = values.map((_, index) => `value_${index}`);
  const condition = whole ? `where ${names.map((value) => `${value} is not null`).join(' and ')}` : '';
  return `
    select json_build_array(${names.join(', ')})::text collate "C" as row
    from (select ${named.join(', ')} from ${from}) valued
    ${condition}`;
}

function evenly(rows: string): string {
  return `
    select numbered.row
    from (
      select found.row, row_number() over (order by found.row) - 1 as position, count(*) over () as total
      from (${rows}) found
    ) numbered
    where position = 0 or position * $1::int8 / total <> (position - 1) * $1::int8 / total
    order by numbered.row`;
}

function fromPages(rows: string): string {
  return `
    select chosen.row
    from (
      select found.row
      from (${rows}) found
      order by md5(found.row)
      limit $1::int8
    ) chosen
    order by chosen.row`;
}
