/** Partitions: bounds in the form that Postgres prints, which says both ends of each range. */
import type { Session, TableDescription } from '../../engine.ts';
import { groupBy } from '../groups.ts';
import { isToken, nameIn, tokensOf } from '../text/scan.ts';

export interface Partitioning
  extends Pick<TableDescription, 'partitionBounds' | 'partitionKey' | 'partitionLeaves'> {
  readonly partitioning: 'parent';
}

interface PartitionRow {
  readonly table: string;
  readonly method: string;
  readonly expression: string | null;
  readonly description: string | null;
}

/** https://dev.mysql.com/doc/refman/en/information-schema-partitions-table.html; one row for each partition. */
const PARTITIONS = `
  select
    table_name as \`table\`,
    max(partition_method) as method,
    max(partition_expression) as expression,
    max(partition_description) as description
  from information_schema.partitions
  where table_schema = database() and partition_name is not null
  group by table_name, partition_ordinal_position
  order by table_name, partition_ordinal_position`;

/** A key that is calculated from one column, and how a bound of it is said as a value of that column. */
const CALCULATED: Readonly<Record<string, string>> = {
  to_days: 'from_days(?)',
  year: "concat(?, '-01-01')",
  unix_timestamp: 'from_unixtime(?)',
};

/** By table. A partition of MySQL is no table of its own: rows go in and out through the parent. */
export async function readPartitioning(session: Session): Promise<ReadonlyMap<string, Partitioning>> {
  const byTable = groupBy(await session.query<PartitionRow>(PARTITIONS), (row) => row.table);
  const found = new Map<string, Partitioning>();
  for (const [table, rows] of byTable) found.set(table, await partitioningOf(session, rows));
  return found;
}

async function partitioningOf(session: Session, rows: readonly PartitionRow[]): Promise<Partitioning> {
  const [first] = rows;
  const method = first?.method.replace(/ COLUMNS$/, '') ?? '';
  const expression = first?.expression ?? '';
  const key = `${method} (${expression})`;
  if (method === 'RANGE') return rangePartitioning(session, rows, expression);
  const columns = expression.split(',');
  if (method === 'LIST' && first?.method.endsWith('COLUMNS') && columns.length > 1)
    return { partitioning: 'parent', partitionKey: key, ...listOfSeveral(rows, columns) };
  const bounds =
    method === 'LIST'
      ? rows.map(({ description }) => `for values in (${description})`)
      : rows.map((_, remainder) => `for values with (modulus ${rows.length}, remainder ${remainder})`);
  return { partitioning: 'parent', partitionKey: key, partitionBounds: bounds };
}

/** A tuple, and a value in one: quoted with quotes doubled or escaped, or bare. */
const TUPLE = /\(((?:'(?:[^'\\]|''|\\.)*'|[^()'])*)\)/g;
const VALUE = /'(?:[^'\\]|''|\\.)*'|[^\s,]+/g;

/** `('eu',1),('us',2)`: each tuple as a partition by the second column inside of one by the first. */
function listOfSeveral(
  rows: readonly PartitionRow[],
  columns: readonly string[],
): Required<Pick<Partitioning, 'partitionBounds' | 'partitionLeaves'>> {
  const bounds = rows.map(({ description }) => `for values in (${description})`);
  const tuples = rows.flatMap(({ description }) =>
    [...(description ?? '').matchAll(TUPLE)].map(([, inside = '']) => inside.match(VALUE) ?? []),
  );
  return {
    partitionBounds: bounds,
    partitionLeaves: tuples.map((values) =>
      columns.map((column, index) => ({
        key: `LIST (${column})`,
        bound: `for values in (${values[index] ?? 'null'})`,
        siblings: [],
      })),
    ),
  };
}

async function rangePartitioning(
  session: Session,
  rows: readonly PartitionRow[],
  expression: string,
): Promise<Partitioning> {
  const descriptions = rows.map(({ description }) => description ?? 'MAXVALUE');
  const calculated = calculatedFrom(expression);
  const ends = calculated === null ? descriptions : await boundsOf(session, calculated.inverse, descriptions);
  const ranges = ends.map((end, index) => `for values from (${ends[index - 1] ?? 'minvalue'}) to (${end})`);
  const isPlain =
    calculated !== null || rows[0]?.method.endsWith('COLUMNS') || nameIn(tokensOf(expression)[0]) !== null;
  const takesAll = /^MAXVALUE(?:,MAXVALUE)*$/i.test(descriptions.at(-1) ?? '');
  return {
    partitioning: 'parent',
    partitionKey: `RANGE (${calculated?.column ?? expression})`,
    partitionBounds: !isPlain && takesAll ? ['default'] : ranges,
  };
}

/** to_days(`at`) and its like */
function calculatedFrom(expression: string): { column: string; inverse: string } | null {
  const [call, open, column, close, ...rest] = tokensOf(expression);
  const inverse = CALCULATED[call?.text ?? ''];
  if (inverse === undefined || rest.length > 0 || !isToken(open, '(') || !isToken(close, ')')) return null;
  return column?.kind === 'quoted' || column?.kind === 'word' ? { column: column.text, inverse } : null;
}

async function boundsOf(
  session: Session,
  inverse: string,
  descriptions: readonly string[],
): Promise<readonly string[]> {
  const bounds: string[] = [];
  for (const description of descriptions) {
    if (!/^\d+$/.test(description)) bounds.push(description);
    else {
      const [row] = await session.query<{ bound: string }>(`select cast(${inverse} as char) as bound`, [
        Number(description),
      ]);
      bounds.push(`'${row?.bound ?? ''}'`);
    }
  }
  return bounds;
}
