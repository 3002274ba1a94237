/** What is there after restoring: rows and sizes for the recording, and where the load's new rows go on. */
import type { Engine, Session, TableDescription } from '../engines/engine.ts';
import { fillingOrder, type TableSpec } from '../generators/index.ts';
import type { DataPlan } from '../scenario/plan.ts';
import { describeFilled, type FillingResult, readExistingKeys } from '../seeders/index.ts';

export interface DescribeRequest {
  readonly engine: Engine;
  readonly session: Session;
  /** As described after restoring, the ledger of the migration tool left out. */
  readonly tables: readonly TableDescription[];
  readonly data: DataPlan;
  /** Called with each table before it is read. */
  readonly onTable: (name: string) => void;
}

/** Counts the rows exactly, which reads each table or its smallest index once. */
export async function describeRestoredTables(request: DescribeRequest): Promise<FillingResult> {
  const { engine, session, tables, data } = request;
  const specs: TableSpec[] = [];
  for (const description of fillingOrder(tables)) {
    request.onTable(description.name);
    specs.push(await specOf(request, description));
  }
  return {
    generator: { randomSeed: data.randomSeed, tables: specs },
    filling: await describeFilled({ engine, session }, { specs, durations: null }),
  };
}

async function specOf(
  { engine, session, tables, data }: DescribeRequest,
  description: TableDescription,
): Promise<TableSpec> {
  const overrides = {
    ...data.restore?.mask[description.name],
    ...data.tables[description.name]?.columns,
  };
  if (!description.hasRows) return { description, rows: 0, overrides, existingKeys: null };
  const rows = await engine.schema.countRows(session, description);
  const existingKeys = await readExistingKeys({ engine, session }, description, tables);
  const largest = await readLargest({ engine, session }, description);
  return { description, rows, overrides, existingKeys, ...(largest === null ? {} : { largest }) };
}

/** Text of that length has room for a value of its own in each row. */
const ROOMY_TEXT = 12;
/** Room for the rows that a load adds. */
const ROOM = 1_000_000;

/**
 * The largest value of each counted column; null when new rows cannot be kept apart from those that are there: in every
 * unique set there must be a column that no foreign key decides and that is counted, or has room for any number of values.
 */
async function readLargest(
  { engine, session }: Pick<DescribeRequest, 'engine' | 'session'>,
  table: TableDescription,
): Promise<Readonly<Record<string, number>> | null> {
  const sets = [table.primaryKey, ...table.uniques].filter((set) => set.length > 0);
  const referring = new Set(table.foreignKeys.flatMap(({ columns }) => columns));
  const free = table.columns.filter(({ name }) => !referring.has(name));
  const counted = free.filter(
    ({ name, type, generated }) =>
      type.kind === 'integer' &&
      generated !== 'stored' &&
      generated !== 'virtual' &&
      sets.some((set) => set.includes(name)),
  );
  const roomy = free.filter(
    ({ type, nullable }) =>
      type.kind === 'uuid' ||
      (type.kind === 'text' && !nullable && (type.maxLength ?? ROOMY_TEXT) >= ROOMY_TEXT),
  );
  const apart = new Set([...counted, ...roomy].map(({ name }) => name));
  if (!sets.every((set) => set.some((column) => apart.has(column)))) return null;
  const largest: Record<string, number> = {};
  for (const { name, type } of counted) {
    const [row] = await session.query<{ value: string | number | null }>(
      `select max(${engine.dialect.quote(name)}) as value from ${engine.dialect.quoteName(table.parts)}`,
    );
    largest[name] = Number(row?.value ?? 0);
    const maximum = MAXIMUM[type.base] ?? Number.MAX_SAFE_INTEGER;
    if (largest[name] + Math.min(ROOM, maximum / 2) > maximum) return null;
  }
  return largest;
}

/** Of the integer types whose room a table of production can use up. */
const MAXIMUM: Readonly<Record<string, number>> = {
  int2: 32_767,
  smallint: 32_767,
  tinyint: 127,
  int4: 2_147_483_647,
  int: 2_147_483_647,
  integer: 2_147_483_647,
  mediumint: 8_388_607,
};
