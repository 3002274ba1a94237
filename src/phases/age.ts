/** Phase 3, its end: the tables get the wear of a live system (`data.age`). */

import type { AgedTable, Session, TableDescription } from '../engines/engine.ts';
import type { GeneratorSpec } from '../generators/generator.ts';
import { exactly, notMeasured } from '../recording/figure.ts';
import type { TableFilling } from '../recording/recording.ts';
import { type FillingResult, fitIndexes } from '../seeders/index.ts';
import type { FillRequest } from './fill.ts';
import { openAs } from './pending.ts';
import { cancelledBy } from './wait.ts';

export interface Aged {
  readonly filling: readonly TableFilling[];
  /** True when some table has wear that must not be vacuumed away. */
  readonly worn: boolean;
}

/**
 * In the filling profile, in which it costs a fraction of what the log of the other one would make of it. With a profile
 * the indexes, whose pages it splits, are made as full as production's afterwards.
 */
export async function ageTables(
  request: FillRequest,
  tables: readonly TableDescription[],
  { filling, generator }: FillingResult,
): Promise<Aged> {
  const { plan, engine, progress, recorder, signal } = request;
  const { age, randomSeed } = plan.data;
  if (age === null || (age.updateShare === 0 && age.deleteShare === 0)) return { filling, worn: false };
  const [updated, deleted] = [age.updateShare, age.deleteShare].map(
    (share) => `${(share * 100).toFixed(0)} %`,
  );
  progress.say(
    'fill',
    `ageing: ${updated} of the rows updated, ${deleted} deleted and inserted again, in random order`,
  );
  const startedAt = performance.now();
  let aged: readonly AgedTable[];
  {
    await using session = await openAs(request, 'administrator');
    const onTable = (name: string): void => progress.update('fill', `ageing ${name}`, null);
    const wanted = { session, tables, spared: sparedOf(generator), ...age, randomSeed, onTable };
    aged = await cancelledBy(signal, session, () => engine.ageing.age(wanted));
  }
  const durationMs = performance.now() - startedAt;
  for (const { table, notAged } of aged)
    if (notAged !== null)
      recorder.add('notes', `${table} was not aged, its pages are as a bulk load leaves them: ${notAged}`);
  {
    await using session = await openAs(request, 'administrator');
    const onProgress = ({ message }: { readonly message: string }) => progress.update('fill', message, null);
    await fitIndexes({ engine, onProgress }, { session, generator, signal });
  }
  // On another session: the statistics of the first one are complete when it has ended.
  await using session = await openAs(request, 'administrator');
  const worn = aged.some(({ notAged }) => notAged === null);
  return {
    worn,
    filling: await cancelledBy(signal, session, () =>
      describeWear(request, session, { tables, filling, aged, durationMs }),
    ),
  };
}

/**
 * Rows of a table on a few pages come to lie behind the others when they are written again, which takes from the order of
 * 100 rows the correlation that a profile wants (1.00 became 0.88), and leaves next to nothing to vacuum or to rewrite.
 */
const LEAST_PROFILED_ROWS = 1000;

/** Names of the tables that are too small to be worn as their profile says. */
export function sparedOf({ tables }: GeneratorSpec): ReadonlySet<string> {
  const small = tables.filter(({ rows, profile }) => profile !== undefined && rows < LEAST_PROFILED_ROWS);
  return new Set(small.map(({ description }) => description.name));
}

interface Wear {
  readonly tables: readonly TableDescription[];
  readonly filling: readonly TableFilling[];
  readonly aged: readonly AgedTable[];
  readonly durationMs: number;
}

/** The time of all tables is shared out by the rows that were touched. */
async function describeWear(
  { engine }: FillRequest,
  session: Session,
  { tables, filling, aged, durationMs }: Wear,
): Promise<readonly TableFilling[]> {
  const sizes = await engine.filling.sizes(session, tables);
  const bloat = await engine.ageing.bloat(session, tables);
  const touched = aged.reduce((sum, each) => sum + each.updatedRows + each.reinsertedRows, 0);
  return filling.map((table) => {
    const wear = aged.find((each) => each.table === table.table);
    if (wear === undefined) return table;
    const { updatedRows, reinsertedRows, notAged } = wear;
    const bytes = sizes.get(table.table);
    const unknown = notMeasured('the server told nothing of it');
    return {
      ...table,
      bytes:
        bytes === undefined
          ? table.bytes
          : exactly(bytes, 'size of the table with its indexes, after ageing'),
      wear: {
        updatedRows,
        reinsertedRows,
        durationMs: touched === 0 ? 0 : (durationMs * (updatedRows + reinsertedRows)) / touched,
        bytesBefore: table.bytes,
        deadRows: bloat.get(table.table)?.deadRows ?? unknown,
        freeShare: bloat.get(table.table)?.freeShare ?? unknown,
        ...(notAged === null ? {} : { notAged }),
      },
    };
  });
}
