/** Says what a statement's parameters are, without running it. */
import {
  type ColumnType,
  type ParameterInspection,
  type Session,
  SqlError,
  type StatementInspection,
} from '../../engine.ts';
import { serverKind } from '../server/server-kind.ts';
import { dialect } from '../text/dialect.ts';
import { isToken, tokensOf } from '../text/scan.ts';
import { readChecks } from './checks.ts';
import { columnOf as describeColumn, readColumnsOf } from './columns.ts';
import type { Made } from './expressions.ts';
import { readSources, type Source } from './sources.ts';
import { readStatement, type Use } from './targets.ts';
import { COUNT_TYPE, UNKNOWN_TYPE } from './types.ts';

const NAME = 'rehearse_inspected';
const EXPLAINED = 'rehearse_explained';

/**
 * 1. PREPARE: the server finds every table and column, or says which is not there
 * 2. the text: where each value goes to; the columns' types come from information_schema
 * 3. EXPLAIN with a live value for each parameter whose column is known: which tables are read from end to end
 */
export async function inspect(session: Session, statement: string): Promise<StatementInspection> {
  await prepare(session, statement);
  await session.execute(`deallocate prepare ${NAME}`);
  const reading = readStatement(statement);
  const sources = await resolve(session, reading.sources, VIEW_DEPTH);
  const into = sources.find((source) => source.alias === reading.insertedInto?.alias) ?? null;
  const uses = reading.uses.map((use) => columnOf(use, sources, into));
  const parameters = Array.from({ length: reading.parameters }, (_, index) => {
    const use = uses.find((each) => each.parameter === index);
    return use === undefined ? UNKNOWN : use.inspection;
  });
  return {
    parameters,
    tables: [...new Set(sources.map((source) => source.table))].sort(),
    kind: kindOf(statement),
    fullScans: await explained(session, { statement, sources, parameters }),
  };
}

const UNKNOWN: ParameterInspection = { type: UNKNOWN_TYPE, column: null, role: 'unknown' };

async function prepare(session: Session, statement: string): Promise<void> {
  try {
    await session.execute(`prepare ${NAME} from ${dialect.quoteLiteral(statement)}`);
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    const { code, message, cause } = error;
    throw new SqlError(message, { code, statement, position: null, cause });
  }
}

/** A read that locks rows counts as a write, as what it makes others wait for is the same. */
function kindOf(statement: string): 'read' | 'write' {
  if (dialect.kindOf(statement) !== 'read') return 'write';
  const tokens = tokensOf(statement);
  const locks = tokens.some(
    (token, index) =>
      (isToken(token, 'for') && ['update', 'share'].some((word) => isToken(tokens[index + 1], word))) ||
      (isToken(token, 'lock') && isToken(tokens[index + 1], 'in')),
  );
  return locks ? 'write' : 'read';
}

interface ResolvedSource {
  /** As in TableDescription.name. */
  readonly table: string;
  readonly parts: readonly string[];
  /** What its columns are qualified by in the statement; for a table below a view, the view's. */
  readonly alias: string;
  /** What the server's plan calls it. */
  readonly planName: string;
  readonly direct: boolean;
  readonly columns: readonly ResolvedColumn[];
}

interface ResolvedColumn {
  readonly name: string;
  readonly type: ColumnType;
}

interface TableRow {
  readonly schema: string;
  readonly name: string;
  readonly current: 0 | 1;
  /** Null for a table. */
  readonly definition: string | null;
}

const TABLE = `
  select
    t.table_schema as \`schema\`,
    t.table_name as name,
    t.table_schema = database() as current,
    v.view_definition as definition
  from information_schema.tables t
    left join information_schema.views v on v.table_schema = t.table_schema and v.table_name = t.table_name
  where t.table_schema = coalesce(?, database()) and lower(t.table_name) = lower(?)
  order by t.table_name = ? desc
  limit 1`;

/** Views of views of views are rare, and a circle is impossible. */
const VIEW_DEPTH = 5;

/** The base tables of the sources; a view stands for those that it reads. Names that are no tables are left out. */
async function resolve(
  session: Session,
  sources: readonly Source[],
  depth: number,
): Promise<readonly ResolvedSource[]> {
  const found: ResolvedSource[] = [];
  for (const { parts, alias } of sources) {
    const name = parts.at(-1) ?? '';
    const [table] = await session.query<TableRow>(TABLE, [parts.at(-2) ?? null, name, name]);
    if (table === undefined) continue;
    if (table.definition !== null && depth > 0) {
      const below = await resolve(session, readSources(tokensOf(table.definition)), depth - 1);
      found.push(...below.map((source) => ({ ...source, alias, direct: false })));
      continue;
    }
    found.push({
      table: table.current === 1 ? table.name : `${table.schema}.${table.name}`,
      parts: [table.schema, table.name],
      alias,
      planName: alias,
      direct: true,
      columns: await columnsOf(session, table),
    });
  }
  return found;
}

async function columnsOf(session: Session, table: TableRow): Promise<readonly ResolvedColumn[]> {
  const { flavor } = await serverKind(session);
  const checks = (await readChecks(session, flavor)).get(table.name) ?? [];
  const rows = await readColumnsOf(session, flavor, [table.schema, table.name]);
  return rows.map((row) => describeColumn(row, checks, flavor));
}

/**
 * A column counts when only one of the tables has it, or when its table stands before it. A view's column counts as the
 * one of the same name below it.
 */
function columnOf(
  { parameter, role, column, made }: Use,
  sources: readonly ResolvedSource[],
  into: ResolvedSource | null,
): { readonly parameter: number; readonly inspection: ParameterInspection } {
  if (made !== undefined) return { parameter, inspection: expressionOf(made, role, sources) };
  if (column === null) return { parameter, inspection: { type: COUNT_TYPE, column: null, role } };
  const candidates =
    role === 'inserted' ? sources.filter((source) => source === into) : qualified(sources, column);
  const found = candidates.flatMap((source) => {
    const named =
      typeof column === 'number'
        ? source.columns[column]
        : source.columns.find(({ name }) => same(name, column.at(-1) ?? ''));
    return named === undefined ? [] : [{ table: source.table, direct: source.direct, ...named }];
  });
  const direct = found.filter((each) => each.direct);
  const counted = direct.length > 0 ? direct : found;
  const [only] = counted;
  // The same table twice, under two names, is no doubt.
  if (only === undefined || counted.some(({ table }) => table !== only.table))
    return { parameter, inspection: UNKNOWN };
  return {
    parameter,
    inspection: {
      type: only.type,
      column: { table: only.table, column: only.name },
      role,
    },
  };
}

/** An expression counts when all its columns are of one table, which stands in the statement itself. */
function expressionOf(
  { text, names }: Made,
  role: Use['role'],
  sources: readonly ResolvedSource[],
): ParameterInspection {
  const found = names.flatMap((name) =>
    qualified(sources, name).flatMap((source) =>
      source.columns
        .filter((column) => same(column.name, name.at(-1) ?? ''))
        .map((column) => ({ source, column })),
    ),
  );
  const [first] = found;
  if (first === undefined || !first.source.direct || found.some(({ source }) => source !== first.source))
    return UNKNOWN;
  const { source, column } = first;
  return {
    type: column.type,
    column: { table: source.table, column: column.name },
    role,
    expression: { text, alias: source.alias },
  };
}

function qualified(
  sources: readonly ResolvedSource[],
  column: readonly string[] | number,
): readonly ResolvedSource[] {
  const qualifier = typeof column === 'number' ? undefined : column.at(-2);
  return qualifier === undefined ? sources : sources.filter(({ alias }) => same(alias, qualifier));
}

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

interface Explaining {
  readonly statement: string;
  readonly sources: readonly ResolvedSource[];
  readonly parameters: readonly ParameterInspection[];
}

/** https://dev.mysql.com/doc/refman/en/explain-output.html; `index` reads a whole index. */
const END_TO_END = ['ALL', 'index'];
/** `type` says ALL of the table that rows are put into, too, which nothing reads. */
const WRITTEN_ONLY = ['INSERT', 'REPLACE'];

interface PlanRow {
  readonly select_type: string | null;
  readonly table: string | null;
  readonly type: string | null;
}

/** What the server prepares and does not explain (a view without SHOW VIEW) has no plan; a lock in the way is thrown. */
async function explained(
  session: Session,
  explaining: Explaining,
): Promise<StatementInspection['fullScans']> {
  try {
    return await readFullScans(session, explaining);
  } catch (error) {
    if (!(error instanceof SqlError) || dialect.isLockTimeout(error.code)) throw error;
    if (dialect.classify(error.code, error.message) === 'connection lost') throw error;
    return { notMeasured: `the server explains it not (${error.code ?? 'no code'}): ${error.message}` };
  }
}

const CAN_BE_EXPLAINED = ['select', 'insert', 'replace', 'update', 'delete', 'with', 'table', 'values'];

async function readFullScans(
  session: Session,
  { statement, sources, parameters }: Explaining,
): Promise<StatementInspection['fullScans']> {
  const first = tokensOf(statement).find((token) => !isToken(token, '('));
  if (!CAN_BE_EXPLAINED.some((word) => isToken(first, word)))
    return { notMeasured: 'the server explains no statement of this kind' };
  await session.execute(
    `prepare ${EXPLAINED} from ${dialect.quoteLiteral(`explain format=traditional ${statement}`)}`,
  );
  try {
    const names: string[] = [];
    for (const [index, { column, expression }] of parameters.entries()) {
      const source = sources.find(({ table }) => table === column?.table);
      const value =
        source === undefined || column === null || expression !== undefined
          ? '1'
          : `(select ${dialect.quote(column.column)} from ${dialect.quoteName(source.parts)} limit 1)`;
      await session.execute(`set @rehearse_${index} = ${value}`);
      names.push(`@rehearse_${index}`);
    }
    const using = names.length === 0 ? '' : ` using ${names.join(', ')}`;
    const plan = await session.query<PlanRow>(`execute ${EXPLAINED}${using}`);
    const scanned = plan.filter(
      ({ select_type, type }) =>
        type !== null && END_TO_END.includes(type) && !WRITTEN_ONLY.includes(select_type ?? ''),
    );
    const tables = scanned.flatMap(({ table }) =>
      sources.filter(({ planName }) => same(planName, table ?? '')),
    );
    return [...new Set(tables.map(({ table }) => table))].sort();
  } finally {
    await session.execute(`deallocate prepare ${EXPLAINED}`);
  }
}
