/**
 * Fills the tables with generated rows.
 *
 * 1. Plan: rows per table; keys of the tables that the schema filled; generators, which find out before a row is
 *    written whether every constraint can be met.
 * 2. Take away what slows a bulk load.
 * 3. Load the tables, parents before their children.
 * 4. Put indexes, foreign keys and triggers back: the server checks every row.
 * 5. With a profile, make the indexes as full as production's.
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
  type TableGenerator,
  type TableSpec,
} from '../generators/index.ts';
import { exactly, notMeasured } from '../recording/figure.ts';
import type { TableFilling } from '../recording/recording.ts';
import { readExistingKeys } from './existing-keys.ts';
import { fitIndexes } from './fit-indexes.ts';
import { restore } from './restore.ts';
import type { FillingRequest, FillingResult } from './seeder.ts';

export async function seedSynthetic(request: FillingRequest, signal: AbortSignal): Promise<FillingResult> {
  const { engine, tables } = request;
  await using session = await engine.connections.connect(
    request.administrator,
    { applicationName: 'rehearse filling' },
    signal,
  );
  const generator = await planFilling(request, session);
  const generators = createGenerators(generator);
  const filled = fillingOrder(tables).filter((table) => isGenerated(generator, table));
  const deferred = await engine.filling.prepare(session, filled);
  const durations = new Map<string, number>();
  const load = loader(request, { generators, signal, tables: filled });
  for (const table of filled) durations.set(table.name, await load(table));
  await restore(request, deferred.restore, signal);
  await fitIndexes(request, { session, generator, signal });
  await engine.filling.advanceCounters(session, filled);
  return { generator, filling: await describeFilling(request, { session, generator, durations }) };
}

function isGenerated(spec: GeneratorSpec, table: TableDescription): boolean {
  return spec.tables.some(
    ({ description, rows, existingKeys }) => description === table && rows > 0 && existingKeys === null,
  );
}

async function planFilling(request: FillingRequest, session: Session): Promise<GeneratorSpec> {
  const { engine, tables, data, profile = null } = request;
  const planned = planRows(tables, data, profile);
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
    const existingKeys = await readExistingKeys({ engine, session }, description, tables);
    specs.push({ description, rows, overrides, existingKeys });
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

interface Loading {
  readonly generators: ReadonlyMap<string, TableGenerator>;
  readonly tables: readonly TableDescription[];
  readonly signal: AbortSignal;
}

/** Returns a function that fills one table and tells how long it took. */
function loader(
  { engine, target, onProgress }: FillingRequest,
  { generators, tables, signal }: Loading,
): (table: TableDescription) => Promise<number> {
  const rowsOf = (table: TableDescription) => generators.get(table.name)?.rows ?? 0;
  const total = tables.reduce((sum, table) => sum + rowsOf(table), 0);
  let before = 0;
  return async (table) => {
    const generator = generators.get(table.name);
    if (generator === undefined) throw new Error(`${table.name} has no generator`);
    const { columns, rows: ofRows } = generator;
    const startedAt = performance.now();
    const report = (rows: number) => {
      const seconds = (performance.now() - startedAt) / 1000;
      const rowsPerSecond = rows === 0 ? null : Math.round(rows / Math.max(seconds, 0.001));
      const message = `${table.name}: ${rows} of ${ofRows} rows${rowsPerSecond === null ? '' : `, ${rowsPerSecond}/s`}`;
      const fraction = total === 0 ? null : (before + rows) / total;
      onProgress({ message, fraction, table: table.name, rows, ofRows, rowsPerSecond });
    };
    report(0);
    const rows = rowsIn(generator);
    await engine.filling.bulkLoad({
      target,
      table,
      columns,
      rows,
      numbered: { ranges: [[0, ofRows]], cells: generator.cellSources() },
      alone: true,
      onProgress: report,
      signal,
    });
    before += ofRows;
    return performance.now() - startedAt;
  };
}

/** Can be pulled more than once. */
function rowsIn({ rows, row }: TableGenerator): Iterable<ReturnType<TableGenerator['row']>> {
  return {
    *[Symbol.iterator]() {
      for (let number = 0; number < rows; number += 1) yield row(number);
    },
  };
}

interface Described {
  readonly session: Session;
  readonly generator: GeneratorSpec;
  readonly durations: ReadonlyMap<string, number>;
}

async function describeFilling(
  { engine }: FillingRequest,
  { session, generator, durations }: Described,
): Promise<readonly TableFilling[]> {
  const descriptions = generator.tables.map(({ description }) => description);
  const sizes = await engine.filling.sizes(session, descriptions);
  return generator.tables.map(({ description: { name }, rows, existingKeys }) => {
    const bytes = sizes.get(name);
    return {
      table: name,
      rows,
      bytes:
        bytes === undefined
          ? notMeasured(`the server told no size of ${name}`)
          : exactly(bytes, 'size of the table with its indexes, as the server tells it'),
      durationMs: durations.get(name) ?? 0,
      generated: existingKeys === null,
    };
  });
}
