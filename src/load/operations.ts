/**
 * The operations of a load, complete and trusted: from a workload file, or derived from the schema.
 *
 *  1. read and parse the file, or derive drafts from the tables
 *  2. ask the server what each statement's parameters are; what it refuses is an error of the file
 *  3. decide where each value comes from
 *  4. sample the live keys that are wanted
 */
import { readFile } from 'node:fs/promises';
import type { Engine, Session, StatementInspection, TableDescription } from '../engines/engine.ts';
import { SqlError } from '../engines/engine.ts';
import { UsageError } from '../errors.ts';
import type { TableGenerator } from '../generators/generator.ts';
import { LARGE_SCAN_ROWS } from '../recording/code-record.ts';
import type { LoadSettings } from '../scenario/plan.ts';
import { deriveOperations } from './derive.ts';
import type { Operation } from './load.ts';
import { type InspectedStatement, type ResolveContext, resolveSources } from './parameters.ts';
import { type RenderedStatement, renderReferences } from './references.ts';
import { type DraftOperation, parseWorkload } from './workload.ts';

export interface OperationsRequest {
  readonly engine: Engine;
  /** A session that may explain and read every table. */
  readonly session: Session;
  readonly tables: readonly TableDescription[];
  readonly settings: Pick<LoadSettings, 'operationsFile'>;
  readonly generators: ReadonlyMap<string, Pick<TableGenerator, 'rows' | 'columns' | 'capacity'>>;
  /** Tables whose rows are not the generator's: the schema had filled them, or they cannot be filled. */
  readonly excludedTables: readonly string[];
}

export interface PlannedOperations {
  readonly operations: readonly Operation[];
  readonly keyPools: readonly (readonly string[])[];
  /** What the load cannot do as wanted: skipped tables and operations, empty pools. */
  readonly problems: readonly string[];
  /** What a reader of the report should know: statements that read a large table from end to end. */
  readonly notes: readonly string[];
}

/** Zipf's hottest key gets 10 % of 10,000; a larger sample changes the load little, and costs memory per thread. */
const KEYS_PER_POOL = 10_000;

export async function planFrom(request: OperationsRequest): Promise<PlannedOperations> {
  const { engine, tables, settings, generators, excludedTables } = request;
  const file = settings.operationsFile;
  const derived = file === null ? deriveFrom(request) : { drafts: [], problems: [] };
  const drafts =
    file === null ? derived.drafts : parseWorkload(await readWorkload(file), file, engine.dialect);

  const problems = [...derived.problems];
  const notes: string[] = [];
  const pools = createPools();
  const context: ResolveContext = {
    tables: new Map(tables.map((table) => [table.name, table])),
    generated: new Set([...generators.keys()].filter((name) => !excludedTables.includes(name))),
    fillable: new Map([...generators].map(([name, { columns }]) => [name, columns])),
    keyPool: pools.indexOf,
  };
  const operations: Operation[] = [];
  const refused: string[] = [];
  for (const draft of drafts) {
    const planned = await planOperation(request, draft, context);
    if ('refused' in planned) refused.push(...planned.refused);
    else if (file === null && planned.scanned.length > 0) {
      problems.push(
        `${draft.name} is left out of the derived load: no index serves it, ${planned.scanned.join(', ')}`,
      );
    } else {
      operations.push(planned.operation);
      for (const scan of planned.scanned) notes.push(`${draft.name} has no index that serves it: ${scan}`);
    }
  }
  if (file !== null && refused.length > 0) throw new UsageError(refused.join('\n'));
  problems.push(...refused.map((problem) => `left out of the derived load: ${problem}`));
  refuseNothing(operations, problems);

  const keyPools = await pools.sample(request);
  problems.push(...emptyPools(operations, keyPools));
  return { operations, keyPools, problems, notes };
}

function deriveFrom({ engine, tables, generators, excludedTables }: OperationsRequest) {
  const derivable = tables.map((description) => ({
    description,
    rows: generators.get(description.name)?.rows ?? 0,
    room: roomIn(generators.get(description.name)),
    fillable: excludedTables.includes(description.name)
      ? []
      : (generators.get(description.name)?.columns ?? []),
  }));
  return deriveOperations(derivable, engine.dialect);
}

function roomIn(generator: Pick<TableGenerator, 'rows' | 'capacity'> | undefined): number {
  return generator === undefined ? 0 : Math.max(0, generator.capacity - generator.rows);
}

async function readWorkload(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new UsageError(`cannot read the operations file "${file}": correct load.operations`, { cause });
  }
}

type PlannedOperation =
  | { readonly operation: Operation; readonly scanned: readonly string[] }
  | { readonly refused: readonly string[] };

async function planOperation(
  request: OperationsRequest,
  draft: DraftOperation,
  context: ResolveContext,
): Promise<PlannedOperation> {
  const at = (line: number): string =>
    request.settings.operationsFile === null
      ? draft.name
      : `${request.settings.operationsFile}:${line}: ${draft.name}`;
  const refused: string[] = [];
  const rendered: RenderedStatement[] = [];
  const inspected: InspectedStatement[] = [];
  for (const { written, line, hints } of draft.statements) {
    const one = renderReferences(written, request.engine.dialect);
    if (typeof one === 'string') {
      refused.push(`${at(line)}: ${one}`);
      continue;
    }
    const inspection = await inspect(request, one.text);
    if (typeof inspection === 'string') {
      refused.push(`${at(line)}: ${inspection}`);
      continue;
    }
    rendered.push(one);
    inspected.push({ line, references: one.references, hints, inspection });
  }
  if (refused.length > 0) return { refused };
  const { sources, problems } = resolveSources(inspected, context);
  if (problems.length > 0) return { refused: problems.map(({ line, message }) => `${at(line)}: ${message}`) };

  const statements = rendered.map(({ text, references }, index) => ({
    name: index === 0 ? draft.name : `${draft.name}#${index + 1}`,
    text,
    written: draft.statements[index]?.written ?? text,
    references,
    parameters: sources[index] ?? [],
  }));
  return {
    operation: {
      record: {
        name: draft.name,
        statements: statements.map(({ text }) => text),
        weight: draft.weight,
        kind: inspected.some(({ inspection }) => inspection.kind === 'write') ? 'write' : 'read',
        tables: [...new Set(inspected.flatMap(({ inspection }) => inspection.tables))],
        codeVersion: 'running',
      },
      transaction: draft.transaction,
      statements,
    },
    scanned: inspected.flatMap(({ inspection }) => largeScans(request, inspection)),
  };
}

/** What the server says of the statement, or its refusal as text. */
async function inspect(
  { engine, session }: OperationsRequest,
  text: string,
): Promise<StatementInspection | string> {
  try {
    return await engine.schema.inspect(session, text);
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    return `the server refuses this statement (${error.code ?? 'no code'}): ${error.message}`;
  }
}

function largeScans(
  { generators }: OperationsRequest,
  { fullScans }: StatementInspection,
): readonly string[] {
  if ('notMeasured' in fullScans) return [];
  return fullScans
    .map((table) => ({ table, rows: generators.get(table)?.rows ?? 0 }))
    .filter(({ rows }) => rows > LARGE_SCAN_ROWS)
    .map(({ table, rows }) => `it reads ${table} (${rows} rows) from end to end`);
}

function refuseNothing(operations: readonly Operation[], problems: readonly string[]): void {
  if (operations.length > 0) return;
  throw new UsageError(
    [
      'no operation can be derived from this schema: write load.operations, or load.rate: 0',
      ...problems,
    ].join('\n'),
  );
}

interface Pools {
  indexOf(table: string, column: string): number;
  sample(request: OperationsRequest): Promise<readonly (readonly string[])[]>;
}

/** Collects the columns of which live keys are wanted, and samples each once. */
function createPools(): Pools {
  const wanted: { table: string; column: string }[] = [];
  return {
    indexOf(table, column) {
      const known = wanted.findIndex((each) => each.table === table && each.column === column);
      if (known >= 0) return known;
      wanted.push({ table, column });
      return wanted.length - 1;
    },
    async sample({ engine, session, tables }) {
      const sampled: (readonly string[])[] = [];
      for (const { table, column } of wanted) {
        const description = tables.find(({ name }) => name === table);
        const keys =
          description === undefined
            ? []
            : await engine.schema.sampleKeys(session, description, column, KEYS_PER_POOL);
        sampled.push(inOrder(keys));
      }
      return sampled;
    },
  };
}

/** Whole numbers by value, everything else by its text; ISO dates order as text. */
function inOrder(keys: readonly string[]): readonly string[] {
  if (!keys.every((key) => /^-?\d{1,15}$/.test(key))) return keys.toSorted();
  return keys.toSorted((one, other) => Number(one) - Number(other));
}

function emptyPools(
  operations: readonly Operation[],
  keyPools: readonly (readonly string[])[],
): readonly string[] {
  const problems = operations.flatMap(({ record, statements }) =>
    statements.flatMap(({ parameters }) =>
      parameters.flatMap((source) =>
        (source.from === 'key' || source.from === 'key list') && keyPools[source.pool]?.length === 0
          ? [`${record.name} is called with null: ${source.table}.${source.column} holds no value`]
          : [],
      ),
    ),
  );
  return [...new Set(problems)];
}
