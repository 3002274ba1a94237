/**
 * Where the values of an operation's parameters come from: a hint of the workload file, else what the server says the
 * parameter is compared with or written to.
 *
 * - inserted: what the generator gives that column for the next new row, all columns of one statement from one row;
 * - set: what it gives some row, or a new row where the column is unique;
 * - equality: a live key; a plain column takes what the generator gives some row;
 * - several columns of one table: values of one live row (rows.ts);
 * - range: two ends of one column are neighbouring live keys; a single end is one of the latest;
 * - an expression over a column (`lower(email)`, `year(placed_at)`): what it gives for live rows;
 * - limit: a small number; offset: mostly the first page;
 * - amount and output, which say nothing of rows: one, a day, or what else the type has that does no harm;
 * - an array that a column is compared with: several live keys.
 *
 * Within one operation, `$n` that are compared with the same column in different statements get the same key: what an
 * application looks up in a transaction is what it then changes.
 */
import type {
  KeyExpression,
  ParameterInspection,
  StatementInspection,
  TableDescription,
} from '../../engines/engine.ts';
import type { KeyPick, ParameterSource } from '../load.ts';
import { columnOf, findColumn, isElsewise, isKey, isListOf, isUnique, type Target } from './fitting.ts';
import { HARMLESS } from './harmless.ts';
import { unknown } from './hint-wanted.ts';
import type { WantedRows } from './key-pools.ts';
import { formOf, KEYS_PER_LIST, placeOf, rowSources } from './rows.ts';
import { looseHints, type Problem } from './unreadable.ts';
import type { Hint } from './workload.ts';

export interface InspectedStatement {
  readonly line: number;
  readonly references: readonly string[];
  readonly hints: ReadonlyMap<string, Hint>;
  readonly inspection: StatementInspection;
}

export interface ResolveContext {
  readonly tables: ReadonlyMap<string, TableDescription>;
  /** Tables with a generator whose rows are really there. */
  readonly generated: ReadonlySet<string>;
  /** Columns by table that a generator can fill. */
  readonly fillable: ReadonlyMap<string, readonly string[]>;
  /** Pools of columns of bytes have hexadecimal digits. */
  readonly bytesInHex: boolean;
  /** Index of the pool that holds the column's live values, or those of the expression. */
  keyPool(table: string, column: string, expression?: KeyExpression): number;
  /** Indexes of the pools that hold what `keys` are in live rows, one row at the same place of each. */
  rowPools(wanted: WantedRows): readonly number[];
}

type Resolved = ParameterSource | { readonly problem: string };

/** Neighbouring keys of a sample of 10,000: one sample step of rows, 0.01 % of the table. */
const RANGE_SPAN = 1;
const LIMIT_RANGE = { from: 'integer', min: 10, max: 50 } as const;
const OFFSETS = { from: 'value', values: ['0', '0', '0', '20'] } as const;

export function resolveSources(
  statements: readonly InspectedStatement[],
  context: ResolveContext,
): { readonly sources: readonly (readonly ParameterSource[])[]; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const operation: OperationState = {
    named: new Map(),
    keyed: new Map(),
    newRows: new Map(),
    rows: rowSources(statements, context),
    context,
  };
  const sources = statements.map((statement, index) => {
    const state: StatementState = { operation, statement, index, ranges: new Map(), inserted: new Map() };
    const resolved = statement.references.map((reference, position) => {
      const source = resolveParameter(state, reference, position);
      if (!('problem' in source)) return source;
      problems.push({ line: statement.line, message: source.problem });
      return { from: 'integer', min: 0, max: 0 } as const;
    });
    for (const [table, occurrences] of state.inserted) {
      const taken = Math.max(...occurrences.values());
      operation.newRows.set(table, (operation.newRows.get(table) ?? 0) + taken);
    }
    return resolved;
  });
  return { sources, problems: [...problems, ...looseHints(statements)] };
}

interface Place {
  readonly statement: number;
  readonly parameter: number;
}

interface OperationState {
  readonly named: Map<string, Place>;
  /** First places of keys by column and how manieth in their statement. */
  readonly keyed: Map<string, Place>;
  /** New rows by table that earlier statements took. */
  readonly newRows: Map<string, number>;
  /** Sources of those that are values of one row, by their place. */
  readonly rows: ReadonlyMap<string, ParameterSource>;
  readonly context: ResolveContext;
}

interface StatementState {
  readonly operation: OperationState;
  readonly statement: InspectedStatement;
  readonly index: number;
  /** Place of the lower end of a range by column. */
  readonly ranges: Map<string, Place>;
  /** How often a column occurred as inserted, by table and column: the n-th time it is of the n-th new row. */
  readonly inserted: Map<string, Map<string, number>>;
}

function resolveParameter(state: StatementState, reference: string, position: number): Resolved {
  const { statement, operation, index } = state;
  const same = operation.named.get(reference);
  if (same !== undefined) return { from: 'same', ...same };
  const earlier = statement.references.indexOf(reference);
  if (earlier < position) return { from: 'same', statement: index, parameter: earlier };
  if (reference.startsWith(':')) operation.named.set(reference, { statement: index, parameter: position });

  const ofRow = operation.rows.get(placeOf({ statement: index, parameter: position }));
  if (ofRow !== undefined) return ofRow;
  const inspected = statement.inspection.parameters[position];
  const hint = statement.hints.get(reference);
  if (hint !== undefined) return fromHint(state, hint, inspected);
  return inspected === undefined
    ? { problem: `the server does not know the parameter ${reference}` }
    : fromInspection(state, inspected, reference, position);
}

function fromHint(state: StatementState, hint: Hint, inspected: ParameterInspection | undefined): Resolved {
  if (hint.kind === 'integer') return { from: 'integer', min: hint.min, max: hint.max };
  if (hint.kind === 'value') return { from: 'value', values: hint.values };
  const { context } = state.operation;
  const found = findColumn(context.tables, hint.name);
  if (found === null) {
    return { problem: `the hint names no column of this database: "${hint.name}"; write TABLE.COLUMN` };
  }
  const { table, column } = found;
  if (hint.pick === 'new') return newRow(state, table, column);
  if (hint.pick === 'any') return anyRow(state, table, column, inspected?.role === 'set' ? 1 : 0);
  const pick = hint.pick ?? defaultPick(state, table, column);
  return isListOf(inspected?.type, columnOf(context.tables, found))
    ? keyList(state, found, pick)
    : key(state, found, pick);
}

function fromInspection(
  state: StatementState,
  inspected: ParameterInspection,
  reference: string,
  position: number,
): Resolved {
  const { column: target, role, type } = inspected;
  if (role === 'limit') return LIMIT_RANGE;
  if (role === 'offset') return OFFSETS;
  const harmless = role === 'amount' || role === 'output' ? HARMLESS[type.kind] : undefined;
  if (harmless !== undefined && type.element === null) return { from: 'value', values: [harmless] };
  if (target === null || !state.operation.context.tables.has(target.table)) return unknown(reference, type);
  const { table, column } = target;
  if (inspected.expression !== undefined) return fromExpression(state, inspected, position);
  if (role === 'equality' && isElsewise(type, columnOf(state.operation.context.tables, target)))
    return unknown(reference, type);
  if (
    role !== 'inserted' &&
    role !== 'set' &&
    isListOf(type, columnOf(state.operation.context.tables, target))
  )
    return keyList(state, target, defaultPick(state, table, column));
  switch (role) {
    case 'inserted':
      return newRow(state, table, column);
    case 'set':
      return isUnique(tableOf(state, table), column)
        ? newRow(state, table, column)
        : anyRow(state, table, column, 1);
    case 'range':
      return range(state, target, position);
    case 'equality':
      return !isKey(tableOf(state, table), column) && canGive(state, table, column)
        ? anyRow(state, table, column, 0)
        : sharedKey(state, target, reference, position);
    default:
      return canGive(state, table, column) ? anyRow(state, table, column, 0) : key(state, target, 'uniform');
  }
}

/** Live values of the expression; two ends of a range of it are neighbours. */
function fromExpression(state: StatementState, inspected: ParameterInspection, position: number): Resolved {
  const { column: target, expression, role, type } = inspected;
  if (target === null || expression === undefined) throw new Error('an expression has a column');
  const pool = state.operation.context.keyPool(target.table, target.column, expression);
  const source = { pool, ...target, pick: 'uniform', expression: expression.text } as const;
  if (type.element !== null) return { from: 'key list', ...source, count: KEYS_PER_LIST };
  const lower = state.ranges.get(expression.text);
  if (role === 'range' && lower !== undefined) return { from: 'next key', ...lower, span: RANGE_SPAN };
  if (role === 'range') state.ranges.set(expression.text, { statement: state.index, parameter: position });
  return { from: 'key', ...source };
}

function newRow(state: StatementState, table: string, column: string): Resolved {
  const refused = refuseGenerated(state, table, column);
  if (refused !== null) return refused;
  const occurrences = state.inserted.get(table) ?? new Map<string, number>();
  const before = occurrences.get(column) ?? 0;
  state.inserted.set(table, occurrences.set(column, before + 1));
  return { from: 'new row', table, column, row: (state.operation.newRows.get(table) ?? 0) + before };
}

function anyRow(state: StatementState, table: string, column: string, draw: number): Resolved {
  return refuseGenerated(state, table, column) ?? { from: 'any row', table, column, draw };
}

function refuseGenerated(state: StatementState, table: string, column: string) {
  if (state.operation.context.fillable.get(table)?.includes(column)) return null;
  return {
    problem:
      `no value can be made for ${table}.${column}: the table is not filled, or the server fills the column; ` +
      `write a hint with another source, or leave the column out`,
  };
}

/**
 * A range's first end is its lower one; a single end is one of the latest keys, as a page or a "since" asks, or any key
 * where something else picks the rows already.
 */
function range(state: StatementState, target: Target, position: number): Resolved {
  const name = `${target.table}.${target.column}`;
  const lower = state.ranges.get(name);
  if (lower !== undefined) return { from: 'next key', ...lower, span: RANGE_SPAN };
  state.ranges.set(name, { statement: state.index, parameter: position });
  const ends = state.statement.inspection.parameters.filter(
    ({ role, column }) =>
      role === 'range' && column?.table === target.table && column.column === target.column,
  );
  const { parameters } = state.statement.inspection;
  const isPicked = parameters.some((one) => one.role === 'equality' && one.column?.table === target.table);
  return key(state, target, ends.length > 1 || isPicked ? 'uniform' : 'latest');
}

function sharedKey(state: StatementState, target: Target, reference: string, position: number): Resolved {
  const { table, column } = target;
  const pick = defaultPick(state, table, column);
  if (reference.startsWith(':')) return key(state, target, pick);
  const nth = state.statement.inspection.parameters
    .slice(0, position)
    .filter(
      ({ role, column: other }) => role === 'equality' && other?.table === table && other.column === column,
    );
  const name = `${table}.${column}#${nth.length}`;
  const earlier = state.operation.keyed.get(name);
  if (earlier !== undefined) return { from: 'same', ...earlier };
  state.operation.keyed.set(name, { statement: state.index, parameter: position });
  return key(state, target, pick);
}

function keyList(state: StatementState, { table, column }: Target, pick: KeyPick): Resolved {
  const pool = state.operation.context.keyPool(table, column);
  return {
    from: 'key list',
    pool,
    table,
    column,
    pick,
    count: KEYS_PER_LIST,
    ...formOf(state.operation.context, { table, column }),
  };
}

function key(
  state: StatementState,
  { table, column }: Target,
  pick: KeyPick,
): ParameterSource & { readonly from: 'key' } {
  const { context } = state.operation;
  const pool = context.keyPool(table, column);
  return { from: 'key', pool, table, column, pick, ...formOf(context, { table, column }) };
}

/** Reads of a key have favourites; writes do not queue for one hot row. */
function defaultPick(state: StatementState, table: string, column: string): KeyPick {
  return isKey(tableOf(state, table), column) && state.statement.inspection.kind === 'read'
    ? 'zipf'
    : 'uniform';
}

function tableOf({ operation }: StatementState, table: string): TableDescription | undefined {
  return operation.context.tables.get(table);
}

function canGive({ operation }: StatementState, table: string, column: string): boolean {
  const { generated, fillable } = operation.context;
  return generated.has(table) && (fillable.get(table)?.includes(column) ?? false);
}
