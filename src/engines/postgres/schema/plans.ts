/** Reads the server's plan for unknown values: https://www.postgresql.org/docs/current/sql-explain.html */
import { type Session, SqlError } from '../../engine.ts';
import { dialect } from '../text/dialect.ts';
import { type Comparison, readComparisons } from './comparisons.ts';

export interface PlanReading {
  /** Columns are qualified with an alias of `relations`. */
  readonly comparisons: readonly Comparison[];
  readonly relations: ReadonlyMap<string, PlanRelation>;
  /** Relations that are read from end to end. */
  readonly fullScans: readonly PlanRelation[];
}

export interface PlanRelation {
  readonly schema: string;
  readonly name: string;
}

/** plan_cache_mode came with 12, EXPLAIN (GENERIC_PLAN) with 16. */
const GENERIC_PLAN_SINCE = 120_000;
const EXPLAIN_GENERIC_SINCE = 160_000;
const OPTIONS = 'verbose, costs off, format json';

export interface PreparedStatement {
  readonly name: string;
  readonly text: string;
  readonly parameters: number;
}

/**
 * Explains a prepared statement without its values; the reason where the server cannot. Partitions are not pruned, since
 * pruning by the nulls that stand for the values would leave none. Needs an open transaction.
 */
export async function readGenericPlan(
  session: Session,
  statement: PreparedStatement,
): Promise<PlanReading | { readonly notMeasured: string }> {
  const [server] = await session.query<{ version: number }>(
    `select current_setting('server_version_num')::int as version`,
  );
  const version = server?.version ?? 0;
  if (version < GENERIC_PLAN_SINCE)
    return { notMeasured: 'the server shows no generic plan before Postgres 12' };
  await session.execute('set local enable_partition_pruning = off');
  await session.execute('set local plan_cache_mode = force_generic_plan');
  const nulls = Array.from({ length: statement.parameters }, () => 'null').join(', ');
  const execute = `execute ${statement.name}${nulls === '' ? '' : `(${nulls})`}`;
  await session.execute('savepoint before_plan');
  try {
    return version >= EXPLAIN_GENERIC_SINCE
      ? await explain(session, `(generic_plan, ${OPTIONS}) ${statement.text}`)
      : await explain(session, `(${OPTIONS}) ${execute}`);
  } catch (error) {
    // A parameter of a domain that refuses the null that stands for its value; a lock that somebody else has.
    if (!(error instanceof SqlError) || dialect.classify(error.code, error.message) === 'connection lost')
      throw error;
    if (dialect.isLockTimeout(error.code)) throw error;
    await session.execute('rollback to savepoint before_plan');
    return { notMeasured: `the server explains it not (${error.code ?? 'no code'}): ${error.message}` };
  }
}

async function explain(session: Session, what: string): Promise<PlanReading> {
  const [row] = await session.query<{ 'QUERY PLAN': unknown }>(`explain ${what}`);
  return readPlan(row?.['QUERY PLAN']);
}

/** Reads EXPLAIN's JSON, of which only node types, relations and conditions are used. */
export function readPlan(plan: unknown): PlanReading {
  const comparisons: Comparison[] = [];
  const relations = new Map<string, PlanRelation>();
  const fullScans: PlanRelation[] = [];
  const pending: unknown[] = [plan];
  while (pending.length > 0) {
    const node = pending.pop();
    if (typeof node !== 'object' || node === null) continue;
    const facts = new Map<string, unknown>(Object.entries(node));
    pending.push(...facts.values());
    const schema = facts.get('Schema');
    const name = facts.get('Relation Name');
    const alias = facts.get('Alias');
    if (typeof schema === 'string' && typeof name === 'string') {
      if (typeof alias === 'string') relations.set(alias, { schema, name });
      if (facts.get('Node Type') === 'Seq Scan') fullScans.push({ schema, name });
    }
    for (const [key, value] of facts)
      if (typeof value === 'string' && /(?:Cond|Filter)$/.test(key))
        comparisons.push(...readComparisons(value));
  }
  return { comparisons, relations, fullScans };
}
