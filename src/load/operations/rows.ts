/**
 * Which parameters of an operation are values of one row: `where tenant_id = $1 and id = $2` hits something only when both
 * come from the same live row. Columns of one table that the statements of an operation compare with parameters, or that
 * hints name, belong to one row; a second value of a column (`id in ($2, $3)`, `:from` and `:to`) belongs to a second row,
 * which shares with the first one what it has no parameters of its own for.
 */
import type { KeyExpression } from '../../engines/engine.ts';
import type { KeyPick, ParameterSource } from '../load.ts';
import { columnOf, findColumn, isBytes, isElsewise, isKey, isListOf, type Target } from './fitting.ts';
import type { InspectedStatement, ResolveContext } from './parameters.ts';

/** A parameter, by the number of its statement and its own, and what of which row it is. */
interface Member {
  readonly statement: number;
  readonly parameter: number;
  readonly table: string;
  readonly column: string;
  readonly expression?: KeyExpression;
  readonly pick: KeyPick | null;
  /** 0 for the first value of the column, 1 for the second. */
  readonly row: number;
  /** An equality or a hint; the ends of a range alone make no row. */
  readonly picks: boolean;
  readonly list: boolean;
}

/** Sources by `placeOf`; parameters that are the only ones of their table are not among them. */
export function rowSources(
  statements: readonly InspectedStatement[],
  context: ResolveContext,
): ReadonlyMap<string, ParameterSource> {
  const sources = new Map<string, ParameterSource>();
  const all = membersOf(statements, context);
  for (const of of new Set(all.map(({ table }) => table))) {
    const members = ofOneAlias(all.filter(({ table }) => table === of));
    const keys = new Map(members.map((member) => [nameOf(member), member]));
    if (keys.size < 2 || !members.some(({ picks }) => picks)) continue;
    const pick = pickOf(members, statements, context);
    const pools = poolsOf(members, [...keys], context);
    for (const member of members) {
      const { table, column, expression, row, list } = member;
      const own = members.filter((each) => each.row === row).map(nameOf);
      const like = [...pools]
        .filter(([name]) => name !== nameOf(member) && (list || (row > 0 && !own.includes(name))))
        .map(([, pool]) => pool);
      const source = {
        pool: pools.get(nameOf(member)) ?? -1,
        table,
        column,
        pick,
        row,
        ...(like.length > 0 && { like }),
        ...(expression === undefined ? formOf(context, member) : { expression: expression.text }),
      };
      sources.set(
        placeOf(member),
        list ? { from: 'key list', ...source, count: KEYS_PER_LIST } : { from: 'key', ...source },
      );
    }
  }
  return sources;
}

/** Expressions call their table by an alias: those of another one are read in a query of their own. */
function ofOneAlias(members: readonly Member[]): readonly Member[] {
  const alias = members.find(({ expression }) => expression !== undefined)?.expression?.alias;
  return members.filter(({ expression }) => expression === undefined || expression.alias === alias);
}

/** What a page of a list is loaded with. */
export const KEYS_PER_LIST = 10;

/** How the values of a column stand in its pool. */
export function formOf(
  { tables, bytesInHex }: ResolveContext,
  { table, column }: Target,
): { readonly inHex?: true } {
  return bytesInHex && isBytes(tables.get(table), column) ? { inHex: true } : {};
}

export function placeOf({ statement, parameter }: Pick<Member, 'statement' | 'parameter'>): string {
  return `${statement} ${parameter}`;
}

function membersOf(statements: readonly InspectedStatement[], context: ResolveContext): readonly Member[] {
  const members: Member[] = [];
  const named = new Set<string>();
  statements.forEach((statement, index) => {
    const own: Member[] = [];
    statement.references.forEach((reference, parameter) => {
      if (named.has(reference) || statement.references.indexOf(reference) < parameter) return;
      const wanted = wantedOf(statement, parameter, context);
      if (wanted === null) return;
      // A name is one value in the whole operation, a number one in its statement.
      const before = reference.startsWith(':') ? members : own;
      const row = before.filter(
        (each) => each.table === wanted.table && nameOf(each) === nameOf(wanted),
      ).length;
      const member = { ...wanted, statement: index, parameter, row };
      members.push(member);
      own.push(member);
      if (reference.startsWith(':')) named.add(reference);
    });
  });
  return members;
}

type WantedValue = Omit<Member, 'statement' | 'parameter' | 'row'>;

/** Null for what is no value of a live row. */
function wantedOf(
  statement: InspectedStatement,
  parameter: number,
  context: ResolveContext,
): WantedValue | null {
  const hint = statement.hints.get(statement.references[parameter] ?? '');
  const inspected = statement.inspection.parameters[parameter];
  if (hint !== undefined) {
    if (hint.kind !== 'column' || hint.pick === 'new' || hint.pick === 'any' || inspected?.role === 'set')
      return null;
    const found = findColumn(context.tables, hint.name);
    if (found === null) return null;
    return {
      ...found,
      pick: hint.pick,
      picks: true,
      list: isListOf(inspected?.type, columnOf(context.tables, found)),
    };
  }
  const { column: target = null, role, type, expression } = inspected ?? {};
  if (target === null || type === undefined || !context.tables.has(target.table)) return null;
  const picks = role === 'equality';
  // A single end is beyond the row, or it finds nothing: `expires_at > $1`.
  if (!picks && !(role === 'range' && hasTwoEnds(statement, target))) return null;
  if (expression !== undefined)
    return { ...target, expression, pick: null, picks, list: type.element !== null };
  const column = columnOf(context.tables, target);
  if (isElsewise(type, column)) return null;
  return { ...target, pick: null, picks, list: isListOf(type, column) };
}

function hasTwoEnds({ inspection }: InspectedStatement, { table, column }: Target): boolean {
  const ends = inspection.parameters.filter(
    ({ role, column: of }) => role === 'range' && of?.table === table && of.column === column,
  );
  return ends.length > 1;
}

function nameOf({ column, expression }: Pick<Member, 'column' | 'expression'>): string {
  return expression === undefined ? column : JSON.stringify(expression);
}

/** As a hint says; else reads of a key have favourites, and writes do not queue for one hot row. */
function pickOf(
  members: readonly Member[],
  statements: readonly InspectedStatement[],
  { tables }: ResolveContext,
): KeyPick {
  const hinted = members.find(({ pick }) => pick !== null)?.pick;
  if (hinted !== undefined && hinted !== null) return hinted;
  const writes = members.some(({ statement }) => statements[statement]?.inspection.kind === 'write');
  const ofKey = members.some(({ table, column }) => isKey(tables.get(table), column));
  return ofKey && !writes ? 'zipf' : 'uniform';
}

/** The column of which the latest are wanted orders the rows. */
function poolsOf(
  members: readonly Member[],
  keys: readonly (readonly [string, Member])[],
  context: ResolveContext,
): ReadonlyMap<string, number> {
  const table = members[0]?.table ?? '';
  const latest = members.find(({ pick }) => pick === 'latest');
  const pools = context.rowPools({
    table,
    keys: keys.map(([, { column, expression }]) => expression ?? column),
    orderedBy: latest === undefined ? null : latest.column,
  });
  return new Map(keys.map(([name], index) => [name, pools[index] ?? -1]));
}
