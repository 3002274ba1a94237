/**
 * Fills the tables with generated rows.
 *
 * 1. Plan: rows per table; keys of the tables that the schema filled; generators, which find out before a row is
 *    written whether every constraint can be met.
 * 2. Take away what slows a bulk load.
 * 3. Load the tables through several streams; foreign keys are away, so that their order does not matter.
 * 4. Put indexes, foreign keys and triggers back: the server checks every row.
 * 5. With a profile, make the indexes as full as production's, unless ageing comes first.
 * 6. Advance counters and read the sizes.
 */
import type { Session, TableDescription } from '../engines/engine.ts';
import { UsageError } from '../errors.ts';
import {
  createGenerators,
  fillingOrder,
  type GeneratorSpec,
  planRows,
  profilePart,
  type TableSpec,
} from '../generators/index.ts';
import type { DataPlan } from '../scenario/plan.ts';
import { describeFilled } from './described.ts';
import { readExistingKeys } from './existing-keys.ts';
import { type ProgressTable, watchFilling } from './filling-progress.ts';
import { fitIndexes } from './fit-indexes.ts';
import { restore } from './restore.ts';
import type { FillingRequest, FillingResult } from './seeder.ts';
import { fillByStreams } from './streams.ts';

export async function seedSynthetic(request: FillingRequest, signal: AbortSignal): Promise<FillingResult> {
  const { engine, tables } = request;
  await using session = await engine.connections.connect(
    request.administrator,
    { applicationName: 'rehearse filling' },
    signal,
  );
  const generator = await planFilling(request, session);
  // Whatever cannot be filled is told before anything is taken away.
  const generators = createGenerators(generator);
  const filled = fillingOrder(tables).filter((table) => isGenerated(generator, table));
  const deferred = await engine.filling.prepare(session, filled);
  const watch = watchFilling(progressTables(generator, filled), request.onProgress, () => performance.now());
  const names = filled.map(({ name }) => name);
  await fillByStreams(request, { spec: generator, generators, tables: names, tell: watch.tell }, signal);
  await restore(request, deferred.restore, signal);
  // Ageing splits pages: then they are fitted after it.
  if (!wears(request.data)) await fitIndexes(request, { session, generator, signal });
  await engine.filling.advanceCounters(session, filled);
  const durations = watch.durations();
  const described = await describeFilled({ engine, session }, { specs: generator.tables, durations });
  return { generator, filling: described };
}

function wears({ age }: DataPlan): boolean {
  return age !== null && (age.updateShare > 0 || age.deleteShare > 0);
}

function progressTables(spec: GeneratorSpec, filled: readonly TableDescription[]): readonly ProgressTable[] {
  return spec.tables
    .filter(({ description }) => filled.includes(description))
    .map(({ description: { name, columns }, rows }) => ({ name, rows, columns: columns.length }));
}

function isGenerated(spec: GeneratorSpec, table: TableDescription): boolean {
  return spec.tables.some(
    ({ description, rows, existingKeys }) => description === table && rows > 0 && existingKeys === null,
  );
}

async function planFilling(request: FillingRequest, session: Session): Promise<GeneratorSpec> {
  const { engine, tables, data, profile = null } = request;
  const existing = new Map<string, Readonly<Record<string, readonly string[]>>>();
  for (const table of tables.filter(({ hasRows, partitioning }) => hasRows && partitioning !== 'partition'))
    existing.set(table.name, await readExistingKeys({ engine, session }, table, tables));
  const planned = planRows(tables, data, { profile, existingKeys: existing });
  const specs: TableSpec[] = [];
  for (const description of fillingOrder(tables)) {
    const overrides = data.tables[description.name]?.columns ?? {};
    if (!description.hasRows) {
      const rows = planned.get(description.name) ?? 0;
      specs.push({
        description,
        rows,
        overrides,
        existingKeys: null,
        ...profilePart(profile, description),
      });
      continue;
    }
    refuseRows(request, description);
    const rows = await engine.schema.countRows(session, description);
    specs.push({ description, rows, overrides, existingKeys: existing.get(description.name) ?? {} });
  }
  return { randomSeed: data.randomSeed, tables: specs };
}

function refuseRows({ data }: FillingRequest, { name }: TableDescription): void {
  const rows = data.tables[name]?.rows ?? null;
  if (rows === null) return;
  throw new UsageError(
    `data.tables."${name}".rows: ${rows}, but the schema itself fills this table. Leave "rows" out, or take the ` +
      'rows out of the schema.',
  );
}
