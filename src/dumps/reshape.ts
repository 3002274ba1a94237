/**
 * A share of the restored rows, and other values in some columns:
 *
 *  1. take away indexes, foreign keys and triggers of the tables that change
 *  2. delete what the share does not keep (subset.ts)
 *  3. fill the new values into tables of their own, and put them in
 *  4. rewrite the tables, so that no bloat is left
 *  5. put back what was taken away: the server checks every row
 */
import type { ConnectionTarget, Engine, MaskedValues, Session, TableDescription } from '../engines/engine.ts';
import { ROW_NUMBER, SqlError } from '../engines/engine.ts';
import { UsageError } from '../errors.ts';
import type { TableGenerator } from '../generators/index.ts';
import type { DataPlan } from '../scenario/plan.ts';
import { restoreDeferred } from '../seeders/index.ts';
import { type MaskedTable, maskGenerator, planMask } from './mask.ts';
import type { DumpProgress } from './run.ts';
import { mayRepeat, planSubset, type SubsetStep } from './subset.ts';

export interface ReshapeRequest {
  readonly engine: Engine;
  /** Of one who may change the tables and take away their keys. */
  readonly session: Session;
  readonly target: ConnectionTarget;
  /** As described after restoring, the ledger of the migration tool left out. */
  readonly tables: readonly TableDescription[];
  readonly data: DataPlan;
  readonly onProgress: (progress: DumpProgress) => void;
  readonly say: (message: string) => void;
}

/** Does nothing when the dump is wanted as it is. UsageError for columns that cannot be masked. */
export async function reshape(request: ReshapeRequest, signal: AbortSignal): Promise<void> {
  const { engine, session, target, tables, data, onProgress } = request;
  const masked = planMask(data.restore?.mask ?? {}, tables);
  const whole = tables.filter(({ partitioning }) => partitioning !== 'partition');
  const changed = data.scale < 1 ? whole : masked.map(({ table }) => table);
  if (changed.length === 0) return;
  const deferred = await engine.filling.prepare(session, changed);
  if (data.scale < 1) await thin(request, signal);
  for (const each of masked) await mask(request, each, signal);
  for (const table of changed) {
    onProgress({ message: `rewriting ${table.name}`, fraction: null });
    for (const statement of engine.reshaping.rewrite(table)) await run(request, statement, signal);
  }
  try {
    await restoreDeferred({ engine, administrator: target, onProgress }, deferred.restore, signal);
  } catch (error) {
    if (!(error instanceof UsageError) || masked.length === 0) throw error;
    throw new UsageError(`data.mask: the masked rows break a constraint: ${error.message}`, { cause: error });
  }
  await engine.filling.advanceCounters(session, changed);
}

async function thin(request: ReshapeRequest, signal: AbortSignal): Promise<void> {
  const { engine, session, tables, data, onProgress, say } = request;
  const rows = new Map<string, number>();
  for (const table of tables) rows.set(table.name, await engine.schema.countRows(session, table));
  const subset = planSubset(tables, rows, data.scale);
  for (const stage of subset.stages) {
    const repeats = mayRepeat(stage);
    for (let deleted = 1; deleted > 0; ) {
      deleted = 0;
      for (const { thinning } of stage) {
        onProgress({ message: `keeping a share of ${data.scale} of ${thinning.table.name}`, fraction: null });
        deleted += await run(request, engine.reshaping.thin(thinning), signal);
      }
      if (!repeats) break;
    }
  }
  const names = (how: SubsetStep['how']) =>
    subset.stages
      .flat()
      .filter((step) => step.how === how)
      .map(({ thinning }) => thinning.table.name)
      .join(', ') || 'none';
  say(
    `a share of ${data.scale}: sampled ${names('sampled')}; follows: ${names('follows')}; ` +
      `its share and what is referred to: ${names('share')}; whole: ${subset.whole.join(', ') || 'none'}`,
  );
}

/** Beside the table, so that the same user may write it. */
const VALUES_TABLE = 'rehearse_mask';

async function mask(request: ReshapeRequest, masked: MaskedTable, signal: AbortSignal): Promise<void> {
  const { engine, session, target, data, onProgress } = request;
  const { table } = masked;
  const rows = await engine.schema.countRows(session, table);
  if (rows === 0) return;
  const generator = maskGenerator(masked, rows, data.randomSeed);
  const columns = generator.columns;
  const values: MaskedValues = { table, columns, values: [...table.parts.slice(0, -1), VALUES_TABLE] };
  const apply = engine.reshaping.applyValues(values);
  if (apply === null)
    throw new UsageError(
      `data.mask."${table.name}": the table has no primary key by which its rows could be told apart. Leave it out, or mask it before the dump.`,
    );
  await run(request, engine.reshaping.createValues(values), signal);
  const described = await engine.schema.describe(session);
  const found = described.find(({ parts }) => parts.every((part, index) => part === values.values[index]));
  if (found === undefined) throw new Error('the table of masked values is not there');
  await engine.filling.bulkLoad({
    target,
    table: found,
    columns: [ROW_NUMBER, ...columns],
    rows: numbered(generator, rows),
    alone: true,
    onProgress: (done) =>
      onProgress({
        message: `making other values for ${table.name}: ${done} of ${rows} rows`,
        fraction: done / rows,
      }),
    signal,
  });
  onProgress({ message: `masking ${columns.join(', ')} of ${table.name}`, fraction: null });
  await run(request, apply, signal, masked);
  await run(request, `drop table ${engine.dialect.quoteName(values.values)}`, signal);
}

function* numbered(
  generator: TableGenerator,
  rows: number,
): Iterable<readonly (string | Uint8Array | null)[]> {
  for (let row = 0; row < rows; row += 1) yield [String(row), ...generator.row(row)];
}

/** One statement that may take long: an abort cancels it. Resolves to the rows that it changed. */
async function run(
  { session }: ReshapeRequest,
  statement: string,
  signal: AbortSignal,
  masked: MaskedTable | null = null,
): Promise<number> {
  signal.throwIfAborted();
  const cancel = (): void => void session.cancel().catch(() => undefined);
  signal.addEventListener('abort', cancel, { once: true });
  try {
    return (await session.execute(statement)).rows ?? 0;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof SqlError) || masked === null) throw error;
    throw new UsageError(
      `data.mask."${masked.table.name}": the server refuses the new values: ${error.message} (${error.code ?? 'no code'}). ` +
        'Say there what the columns may hold.',
      { cause: error },
    );
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}
