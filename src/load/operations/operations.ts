/**
 * The operations of a load, complete and trusted: from a workload file, from the statements of a profile, or derived from
 * the schema.
 *
 *  1. read and parse the file, or make drafts of the profile's statements, or derive them from the tables
 *  2. ask the server what each statement's parameters are; what it refuses is an error of the file
 *  3. decide where each value comes from
 *  4. sample the live keys that are wanted
 */
import type { Engine, Session, StatementInspection, TableDescription } from '../../engines/engine.ts';
import { SqlError } from '../../engines/engine.ts';
import { UsageError } from '../../errors.ts';
import type { TableGenerator } from '../../generators/generator.ts';
import type { Profile } from '../../profile/profile.ts';
import { LARGE_SCAN_ROWS } from '../../recording/code-record.ts';
import type { MixStatement } from '../../recording/recording.ts';
import type { LoadSettings } from '../../scenario/plan.ts';
import type { KeyPools, Operation } from '../load.ts';
import { deriveOperations } from './derive.ts';
import { hintFor } from './hint-wanted.ts';
import { createPools, type KeptSamples } from './key-pools.ts';
import { mixOf } from './mix.ts';
import { type InspectedStatement, type ResolveContext, resolveSources } from './parameters.ts';
import { type RenderedStatement, renderReferences } from './references.ts';
import { READS_ALONE } from './unreadable.ts';
import { type DraftOperation, parseWorkload } from './workload.ts';
import { readWorkload } from './workload-file.ts';

export interface OperationsRequest {
  readonly engine: Engine;
  /** A session that may explain and read every table. */
  readonly session: Session;
  readonly tables: readonly TableDescription[];
  readonly settings: Pick<LoadSettings, 'operationsFile'>;
  readonly generators: ReadonlyMap<string, Pick<TableGenerator, 'rows' | 'columns' | 'capacity'>>;
  /** Whose statements are repeated where there is no file; null derives operations. */
  readonly profile?: Pick<Profile, 'statements'> | null;
  /** Tables whose rows are not the generator's: the schema had filled them, or they cannot be filled. */
  readonly excludedTables: readonly string[];
  /** Keys of live rows that earlier rehearsals of the same rows took; null takes them anew. */
  readonly keptSamples?: KeptSamples | null;
  /** The tables are empty still: that no row has a value says nothing. */
  readonly beforeFilling?: boolean;
}

export interface PlannedOperations {
  readonly operations: readonly Operation[];
  readonly keyPools: KeyPools;
  /** Every statement of the profile, replayed or not; null where the operations are not made of one. */
  readonly mix: readonly MixStatement[] | null;
  /** What the load cannot do as wanted: skipped tables and operations, empty pools. */
  readonly problems: readonly string[];
  /** What a reader of the report should know: statements that read a large table from end to end. */
  readonly notes: readonly string[];
}

export async function planFrom(request: OperationsRequest): Promise<PlannedOperations> {
  const { engine, tables, settings, profile = null } = request;
  const file = settings.operationsFile;
  if (file !== null) {
    const drafts = parseWorkload(await readWorkload(file), file, engine.dialect);
    const planned = await planDrafts(request, drafts, [], false);
    if (planned.refused.size > 0) throw new UsageError([...planned.refused.values()].flat().join('\n'));
    return planned;
  }
  if (profile !== null && profile.statements.length > 0) {
    const mix = mixOf(profile, tables, engine.dialect);
    const planned = await planDrafts(request, mix.drafts, [], false);
    const statements = mix.statements.map((statement) => withoutRefused(statement, planned.refused));
    if (planned.operations.length > 0) return { ...planned, mix: statements };
    const derived = await planDerived(request);
    const none = "none of the profile's statements can be repeated, so the load is derived from the schema";
    return { ...derived, mix: statements, problems: [none, ...derived.problems] };
  }
  return planDerived(request);
}

async function planDerived(request: OperationsRequest): Promise<PlannedOperations> {
  const { drafts, problems } = deriveFrom(request);
  const planned = await planDrafts(request, drafts, problems, true);
  const refused = [...planned.refused.values()].flat();
  const all = [...planned.problems, ...refused.map((problem) => `left out of the derived load: ${problem}`)];
  refuseNothing(planned.operations, all);
  return { ...planned, problems: all };
}

function withoutRefused(
  statement: MixStatement,
  refused: ReadonlyMap<string, readonly string[]>,
): MixStatement {
  if ('reason' in statement.replayed) return statement;
  const { operation } = statement.replayed;
  const reasons = refused.get(operation);
  if (reasons === undefined) return statement;
  const reason = reasons.map((each) => each.replace(`${operation}: `, '')).join('; ');
  return { ...statement, replayed: { reason } };
}

interface PlannedDrafts extends PlannedOperations {
  /** What was said against drafts, by their name. */
  readonly refused: ReadonlyMap<string, readonly string[]>;
}

/** `isDerived`: what no index serves is nothing that an application would do, and is left out. */
async function planDrafts(
  request: OperationsRequest,
  drafts: readonly DraftOperation[],
  said: readonly string[],
  isDerived: boolean,
): Promise<PlannedDrafts> {
  const { tables, generators, excludedTables } = request;
  const problems = [...said];
  const notes: string[] = [];
  const pools = createPools();
  const context: ResolveContext = {
    tables: new Map(tables.map((table) => [table.name, table])),
    generated: new Set([...generators.keys()].filter((name) => !excludedTables.includes(name))),
    fillable: new Map([...generators].map(([name, { columns }]) => [name, columns])),
    bytesInHex: request.engine.schema.bytesInHex !== undefined,
    keyPool: pools.indexOf,
    rowPools: pools.ofRows,
  };
  const candidates: Operation[] = [];
  const refused = new Map<string, readonly string[]>();
  for (const draft of drafts) {
    const planned = await planOperation(request, draft, context);
    if ('refused' in planned) refused.set(draft.name, planned.refused);
    else if (isDerived && planned.scanned.length > 0) {
      problems.push(
        `${draft.name} is left out of the derived load: no index serves it, ${planned.scanned.join(', ')}`,
      );
    } else {
      candidates.push(planned.operation);
      for (const scan of planned.scanned) notes.push(`${draft.name} has no index that serves it: ${scan}`);
    }
  }
  const keyPools = await pools.sample(request);
  const operations = candidates.filter((operation) => {
    const draft = drafts.find(({ name }) => name === operation.record.name);
    const without = draft === undefined ? [] : withoutValues({ request, draft, operation, keyPools });
    if (without.length > 0) refused.set(operation.record.name, without);
    return without.length === 0;
  });
  problems.push(...emptyPools(operations, keyPools));
  return { operations, keyPools, problems, notes, refused, mix: null };
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

type PlannedOperation =
  | { readonly operation: Operation; readonly scanned: readonly string[] }
  | { readonly refused: readonly string[] };

async function planOperation(
  request: OperationsRequest,
  draft: DraftOperation,
  context: ResolveContext,
): Promise<PlannedOperation> {
  const at = (line: number): string => placeOf(request, draft, line);
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
  const writes = inspected.some(({ inspection }) => inspection.kind === 'write');
  if (draft.replica && writes) refused.push(`${at(draft.line)}: ${READS_ALONE}`);
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
        kind: writes ? 'write' : 'read',
        tables: [...new Set(inspected.flatMap(({ inspection }) => inspection.tables))],
        codeVersion: 'running',
        ...(draft.replica && { server: 'replica' }),
      },
      transaction: draft.transaction,
      statements,
    },
    scanned: inspected.flatMap(({ inspection }) => largeScans(request, inspection)),
  };
}

function placeOf({ settings }: OperationsRequest, { name }: DraftOperation, line: number): string {
  return settings.operationsFile === null ? name : `${settings.operationsFile}:${line}: ${name}`;
}

interface Sampled {
  readonly request: OperationsRequest;
  readonly draft: DraftOperation;
  readonly operation: Operation;
  readonly keyPools: KeyPools;
}

/** What is made of a column (a key of its documents) may be nothing in all rows: then only a hint helps. */
function withoutValues({ request, draft, operation, keyPools }: Sampled): readonly string[] {
  if (request.beforeFilling === true) return [];
  return operation.statements.flatMap(({ parameters, references }, index) =>
    parameters.flatMap((source, position) => {
      if (source.from !== 'key' && source.from !== 'key list') return [];
      if (source.expression === undefined || !isEmpty(keyPools[source.pool])) return [];
      const reference = references[position] ?? '';
      return [
        `${placeOf(request, draft, draft.statements[index]?.line ?? draft.line)}: cannot tell where ${reference} comes ` +
          `from: no row of ${source.table} has a value of ${source.expression}: ${hintFor(reference, null)}`,
      ];
    }),
  );
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

function emptyPools(operations: readonly Operation[], keyPools: KeyPools): readonly string[] {
  const problems = operations.flatMap(({ record, statements }) =>
    statements.flatMap(({ parameters }) =>
      parameters.flatMap((source) =>
        (source.from === 'key' || source.from === 'key list') && isEmpty(keyPools[source.pool])
          ? [`${record.name} is called with null: ${source.table}.${source.column} holds no value`]
          : [],
      ),
    ),
  );
  return [...new Set(problems)];
}

function isEmpty(pool: KeyPools[number] | undefined): boolean {
  return pool?.every((key) => key === null) ?? true;
}
