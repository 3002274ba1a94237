/** Values of several columns in the same live rows, for the load's parameters. */
import type { KeyExpression, SampledRow, Session, TableDescription } from '../../engine.ts';
import { dialect } from '../text/dialect.ts';
import { hasIndex, modulusFor, rowStarts, SMALL_TABLE_BYTES, STEPS_PER_STATEMENT, sizeOf } from './keys.ts';

/** A primary key that begins with one of a few tenants, or values that are rarely there, give fewer rows by steps. */
const FEWEST_SHARE = 0.5;

/**
 * Evenly spread over all rows of a small table; by steps through the primary key of a large one that begins with an
 * integer; else those that a hash picks from all rows.
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
  const isBytes = (name: string): boolean =>
    table.columns.some((column) => column.name === name && column.type.kind === 'bytes');
  const sqlOf = (key: string | KeyExpression): string => {
    if (typeof key !== 'string') return `(${key.text})`;
    return isBytes(key) ? bytesInHex(key) : dialect.quote(key);
  };
  const values = keys.map((key) => `cast(${sqlOf(key)} as char)`);
  const { bytes, rows } = await sizeOf(session, table);
  await session.execute('start transaction read only');
  try {
    const [first] = table.primaryKey;
    const kind = table.columns.find((each) => each.name === first)?.type.kind;
    const isLarge = bytes > SMALL_TABLE_BYTES;
    if (isLarge && first !== undefined && kind === 'integer' && (await hasIndex(session, table, first))) {
      const stepped = await steps(session, { from, values, first: dialect.quote(first) }, limit);
      const whole = stepped.filter((row) => !row.includes(null));
      if (whole.length >= limit * FEWEST_SHARE) return whole;
    }
    const sample = async (whole: boolean): Promise<readonly SampledRow[]> =>
      parsed(
        isLarge
          ? await session.query<FoundRow>(byHash(from, values, whole), [modulusFor(rows, limit), limit])
          : await session.query<FoundRow>(evenly(from, values, whole), [limit, limit]),
      );
    const whole = await sample(true);
    return whole.length > 0 ? whole : await sample(false);
  } finally {
    await session.execute('rollback');
  }
}

export function bytesInHex(column: string): string {
  return `hex(${dialect.quote(column)})`;
}

interface FoundRow {
  /** A JSON array of texts. */
  readonly found_row: string;
}

function parsed(rows: readonly FoundRow[]): readonly SampledRow[] {
  return rows.map(({ found_row }): SampledRow => JSON.parse(found_row));
}

function rowOf(values: readonly string[]): string {
  return `cast(json_array(${values.join(', ')}) as char)`;
}

/** Of rows that have every value, or of all rows. */
function condition(values: readonly string[], whole: boolean): string {
  return whole ? values.map((value) => `${value} is not null`).join(' and ') : 'true';
}

function evenly(from: string, values: readonly string[], whole: boolean): string {
  return `
    select found_row
    from (
      select
        found_row,
        row_number() over (order by found_row) - 1 as position,
        count(*) over () as total
      from (select ${rowOf(values)} as found_row from ${from} where ${condition(values, whole)}) found
    ) numbered
    where position = 0 or floor(position * ? / total) <> floor((position - 1) * ? / total)
    order by found_row`;
}

function byHash(from: string, values: readonly string[], whole: boolean): string {
  return `
    select ${rowOf(values)} as found_row
    from ${from}
    where ${condition(values, whole)} and crc32(concat_ws(',', ${values.join(', ')})) % ? = 0
    order by 1
    limit ?`;
}

interface Stepped {
  readonly from: string;
  readonly values: readonly string[];
  /** First column of the primary key, quoted. */
  readonly first: string;
}

/** Each step is a subquery with constants, which the server answers by one look into the primary key. */
async function steps(
  session: Session,
  { from, values, first }: Stepped,
  limit: number,
): Promise<readonly SampledRow[]> {
  const starts = await rowStarts(session, { name: from, quoted: first }, limit);
  const found = new Set<string>();
  for (let at = 0; at < starts.length; at += STEPS_PER_STATEMENT) {
    const looks = starts
      .slice(at, at + STEPS_PER_STATEMENT)
      .map(
        (start) =>
          `(select ${rowOf(values)} as found_row from ${from} where ${first} >= ${start}` +
          ` order by ${first} limit 1)`,
      );
    for (const { found_row } of await session.query<FoundRow>(looks.join('\nunion all\n')))
      found.add(found_row);
  }
  return parsed([...found].map((found_row) => ({ found_row })));
}
