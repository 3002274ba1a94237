/** Holds the filled tables against the profile: the server's own statistics, and counting where these are in doubt. */
import type { Engine, Session, TableDescription } from '../engines/engine.ts';
import { planRows, productionDistinct } from '../generators/index.ts';
import type { Profile, TableProfile } from '../profile/profile.ts';
import type { DataPlan } from '../scenario/plan.ts';
import { compareTable, withExact } from './comparison.ts';
import type { Comparison, ComparisonRequest } from './figure.ts';
import { comparePartitions } from './shares.ts';

export interface VerifyRequest {
  readonly engine: Pick<Engine, 'schema' | 'dialect' | 'capture'>;
  /** In the filled database, as a user who may read every table. */
  readonly session: Session;
  readonly profile: Profile;
  /** The filled tables, read as `rehearse capture` reads production's. */
  readonly got: readonly TableProfile[];
  readonly tables: readonly TableDescription[];
  readonly data: DataPlan;
  /** Says what is being counted. */
  readonly say: (message: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Every figure of every table of the profile that was filled from it. Statistics are those of the server's last ANALYZE.
 * Rows are counted; a number of different values is counted when the server's estimate of it is out of tolerance, since
 * that estimate comes from a sample.
 */
export async function verifyFilling(request: VerifyRequest): Promise<readonly Comparison[]> {
  const { profile, got, tables, data, session, engine, say, signal } = request;
  const planned = planRows(
    tables.map((table) => ({ ...table, hasRows: false })),
    data,
    { profile },
  );
  const found: Comparison[] = [];
  for (const wanted of profile.tables) {
    signal.throwIfAborted();
    const table = tables.find(({ name }) => name === wanted.name);
    if (table === undefined) continue;
    say(`verifying ${table.name}`);
    const rows = planned.get(table.name) ?? 0;
    const its = got.find(({ name }) => name === table.name) ?? null;
    const counted = its === null ? null : { ...its, rows: await engine.schema.countRows(session, table) };
    const overrides = data.tables[table.name]?.columns ?? {};
    const chosen = Object.entries(overrides);
    const comparison: ComparisonRequest = {
      wanted,
      got: counted,
      rows,
      distinctAt: (column) => productionDistinct(wanted, column, rows),
      rowsOf: (name) => planned.get(name) ?? null,
      chosen: new Set(
        chosen
          .filter(([, each]) =>
            [each.values, each.range, each.faker, each.fanout].some((said) => said !== null),
          )
          .map(([name]) => name),
      ),
      chosenNulls: new Set(chosen.filter(([, each]) => each.nullFraction !== null).map(([name]) => name)),
      bloatInTable: engine.capture?.bloatInTable ?? false,
      growthBytes: (bytes) => engine.capture?.growthBytes?.(bytes) ?? PAGES_BYTES,
    };
    for (const each of compareTable(comparison)) found.push(await inDoubtCounted(request, table, each));
    found.push(...comparePartitions(comparison, await rowsOfPartitions(request, wanted)));
  }
  return found;
}

/** Of partitions that are tables of their own. */
async function rowsOfPartitions(
  { engine, session, tables, signal }: VerifyRequest,
  { partitions = [] }: TableProfile,
): Promise<ReadonlyMap<string, number>> {
  const counted = new Map<string, number>();
  for (const { name } of partitions) {
    signal.throwIfAborted();
    const table = tables.find((each) => each.name === name);
    if (table !== undefined) counted.set(name, await engine.schema.countRows(session, table));
  }
  return counted;
}

/** Two pages of Postgres. */
const PAGES_BYTES = 16_384;

async function inDoubtCounted(
  request: VerifyRequest,
  table: TableDescription,
  comparison: Comparison,
): Promise<Comparison> {
  const { engine, session, say, signal } = request;
  if (comparison.verdict !== 'outside') return comparison;
  const columns = columnsOf(comparison, table);
  if (columns === null) return comparison;
  signal.throwIfAborted();
  say(`counting the different values of ${table.name} (${columns.join(', ')})`);
  const list = columns.map(engine.dialect.quote);
  const [row] = await session.query<{ readonly values: number | string | bigint }>(
    `select count(*) as ${engine.dialect.quote('values')} from (select distinct ${list.join(', ')} ` +
      `from ${engine.dialect.quoteName(table.parts)} where ${list.map((name) => `${name} is not null`).join(' and ')}) counted`,
  );
  return row === undefined ? comparison : withExact(comparison, Number(row.values));
}

/** Columns whose different values the figure counts; null for every other figure. */
function columnsOf({ measure, of }: Comparison, table: TableDescription): readonly string[] | null {
  if (measure === 'distinct' && of !== null) return [of];
  if (measure !== 'parents referred') return null;
  const names = /^\((.*)\) -> /.exec(of ?? '')?.[1]?.split(', ') ?? [];
  const known = names.every((name) => table.columns.some((column) => column.name === name));
  return known && names.length > 0 ? names : null;
}
