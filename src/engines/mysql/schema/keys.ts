/** Values of live rows, for the load's parameters. */
import type { KeyExpression, Session, TableDescription, ValueKind } from '../../engine.ts';
import { dialect } from '../text/dialect.ts';

/** Up to this size all rows are read and sorted: well under a second, once. */
export const SMALL_TABLE_BYTES = 64 * 1024 * 1024;
/** A hash picks more or fewer rows than wanted: this many times more are asked for than are kept. */
const OVERSAMPLING = 4;
/** Look-ups of one statement, each of them one step through an index. */
export const STEPS_PER_STATEMENT = 200;

/** Kinds whose values have an order of their own; the others are ordered as text. */
const ORDERED: readonly ValueKind[] = ['integer', 'decimal', 'float', 'date', 'time', 'timestamp'];

/**
 * Up to `limit` distinct values of a column or expression, in order, the same for the same rows: evenly spread over all rows of a
 * small table; by steps through an index on a large integer key; else those that a hash picks from all rows.
 */
export async function sampleKeys(
  session: Session,
  table: TableDescription,
  key: string | KeyExpression,
  limit: number,
): Promise<readonly string[]> {
  if (typeof key === 'string') return sampleColumn(session, table, key, limit);
  const name = `${dialect.quoteName(table.parts)} as ${dialect.quote(key.alias)}`;
  const { bytes, rows } = await sizeOf(session, table);
  await session.execute('start transaction read only');
  try {
    const value = `(${key.text})`;
    if (bytes <= SMALL_TABLE_BYTES) {
      const small = evenly(name, `cast(${value} as char)`);
      return keysOf(await session.query<KeyRow>(small, [limit, limit]));
    }
    return keysOf(await session.query<KeyRow>(byHash(name, value), [modulusFor(rows, limit), limit]));
  } finally {
    await session.execute('rollback');
  }
}

async function sampleColumn(
  session: Session,
  table: TableDescription,
  column: string,
  limit: number,
): Promise<readonly string[]> {
  const name = dialect.quoteName(table.parts);
  const kind = table.columns.find((each) => each.name === column)?.type.kind ?? 'other';
  const quoted = dialect.quote(column);
  const { bytes, rows } = await sizeOf(session, table);
  if (bytes <= SMALL_TABLE_BYTES) {
    const value = ORDERED.includes(kind) ? quoted : `cast(${quoted} as char)`;
    return keysOf(await session.query<KeyRow>(evenly(name, value), [limit, limit]));
  }
  if (kind === 'integer' && (await hasIndex(session, table, column)))
    return steps(session, { name, quoted }, limit);
  return keysOf(await session.query<KeyRow>(byHash(name, quoted), [modulusFor(rows, limit), limit]));
}

export function modulusFor(rows: number, limit: number): number {
  return Math.max(1, Math.floor(rows / (limit * OVERSAMPLING)));
}

interface KeyRow {
  readonly key: string;
}

function keysOf(rows: readonly KeyRow[]): readonly string[] {
  return rows.map((row) => row.key);
}

function evenly(name: string, value: string): string {
  return `
    select cast(sorted_key as char) as \`key\`
    from (
      select
        sorted_key,
        row_number() over (order by sorted_key) - 1 as position,
        count(*) over () as total
      from (select distinct ${value} as sorted_key from ${name}) distinct_keys
      where sorted_key is not null
    ) numbered
    where position = 0 or floor(position * ? / total) <> floor((position - 1) * ? / total)
    order by sorted_key`;
}

function byHash(name: string, column: string): string {
  return `
    select distinct cast(${column} as char) as \`key\`
    from ${name}
    where ${column} is not null and crc32(${column}) % ? = 0
    order by 1
    limit ?`;
}

/** Each step is a subquery with constants, which the server answers by one look into the index. */
async function steps(
  session: Session,
  { name, quoted }: { readonly name: string; readonly quoted: string },
  limit: number,
): Promise<readonly string[]> {
  const starts = await rowStarts(session, { name, quoted }, limit);
  const keys = new Set<string>();
  for (let from = 0; from < starts.length; from += STEPS_PER_STATEMENT) {
    const looks = starts
      .slice(from, from + STEPS_PER_STATEMENT)
      .map(
        (start) => `select cast(min(${quoted}) as char) as \`key\` from ${name} where ${quoted} >= ${start}`,
      );
    for (const key of keysOf(await session.query<KeyRow>(looks.join('\nunion all\n'))))
      if (key !== null) keys.add(key);
  }
  return [...keys];
}

/** Up to `limit` numbers, evenly spread from the least to the greatest value of an indexed integer column. */
export async function rowStarts(
  session: Session,
  { name, quoted }: { readonly name: string; readonly quoted: string },
  limit: number,
): Promise<readonly bigint[]> {
  const [bounds] = await session.query<{ low: number | string | null; high: number | string | null }>(
    `select min(${quoted}) as low, max(${quoted}) as high from ${name}`,
  );
  if (bounds === undefined || bounds.low === null || bounds.high === null) return [];
  const low = BigInt(bounds.low);
  const span = BigInt(bounds.high) - low;
  const step = span / BigInt(limit) + 1n;
  return Array.from({ length: limit }, (_, index) => low + BigInt(index) * step);
}

/** Estimates of the server, good enough to choose a way. */
export async function sizeOf(
  session: Session,
  table: TableDescription,
): Promise<{ bytes: number; rows: number }> {
  const [row] = await session.query<{ bytes: number | string; total: number | string }>(
    `select coalesce(data_length, 0) as bytes, coalesce(table_rows, 0) as total
     from information_schema.tables
     where table_schema = ? and table_name = ?`,
    table.parts,
  );
  return { bytes: Number(row?.bytes ?? 0), rows: Number(row?.total ?? 0) };
}

export async function hasIndex(session: Session, table: TableDescription, column: string): Promise<boolean> {
  const rows = await session.query(
    `select 1 as found
     from information_schema.statistics
     where table_schema = ? and table_name = ? and column_name = ? and seq_in_index = 1 and index_type = 'BTREE'
     limit 1`,
    [...table.parts, column],
  );
  return rows.length > 0;
}
