/**
 * Reads from a statement's text which parameter is compared with, or put into, which column. The server says no more of
 * a parameter than that it is there.
 */
import { closing, enclosing, itemsBetween } from '../text/brackets.ts';
import { isToken, nameIn, type Token, tokensOf } from '../text/scan.ts';
import { columnBefore, comparison } from './comparisons.ts';
import type { Made } from './expressions.ts';
import { readSource, readSources, type Source, UPDATE_OPTIONS } from './sources.ts';
import { valueAround } from './stretches.ts';

export interface Use {
  /** 0-based number of the placeholder. */
  readonly parameter: number;
  readonly role: 'equality' | 'range' | 'inserted' | 'set' | 'limit' | 'offset' | 'amount' | 'output';
  /** Name with its qualifier, where one is written; a number is a position in the table's columns; null for no column. */
  readonly column: readonly string[] | number | null;
  /** It is compared with what is made of columns. */
  readonly made?: Made;
}

export interface StatementReading {
  readonly sources: readonly Source[];
  readonly uses: readonly Use[];
  readonly parameters: number;
  /** Table that rows are inserted into. */
  readonly insertedInto: Source | null;
}

/** Reads a statement; what is part of an expression (`n + ?`) has no column. */
export function readStatement(statement: string): StatementReading {
  const tokens = tokensOf(statement);
  const numbers = new Map<Token, number>();
  for (const token of tokens) if (token.kind === 'parameter') numbers.set(token, numbers.size);
  const insert = readInsert(tokens);
  const uses = tokens.flatMap((token, at): Use[] => {
    const parameter = numbers.get(token);
    if (parameter === undefined) return [];
    const use =
      insert?.uses.get(token) ??
      assignment(tokens, at) ??
      limit(tokens, at) ??
      comparison(tokens, at, statement) ??
      amount(tokens, at) ??
      flag(tokens, at) ??
      output(tokens, at);
    if (use === null) return [];
    return [{ parameter, ...('made' in use ? { ...use, column: null } : use) }];
  });
  return {
    sources: readSources(tokens),
    uses,
    parameters: numbers.size,
    insertedInto: insert?.table ?? null,
  };
}

type Place = Omit<Use, 'parameter'>;

/** `insert into t (a, b) values (?, ?), ...`, `insert into t select ?` */
function readInsert(tokens: readonly Token[]): { table: Source; uses: ReadonlyMap<Token, Place> } | null {
  const first = tokens[0];
  if (!isToken(first, 'insert') && !isToken(first, 'replace')) return null;
  let at = 1;
  while (UPDATE_OPTIONS.some((word) => isToken(tokens[at], word))) at += 1;
  if (isToken(tokens[at], 'into')) at += 1;
  const read = readSource(tokens, at);
  if (read === null) return null;
  at = read.end;
  let columns: readonly string[] | null = null;
  if (isToken(tokens[at], '(') && !isToken(tokens[at + 1], 'select')) {
    const end = closing(tokens, at);
    columns = tokens.slice(at + 1, end).flatMap((token) => nameIn(token) ?? []);
    at = end + 1;
  }
  const uses = new Map<Token, Place>();
  const table = read.source;
  const insertItems = (items: readonly (readonly Token[])[]): void => {
    for (const [position, item] of items.entries()) {
      const column = columns === null ? position : columns[position];
      if (column === undefined) continue;
      for (const [at, token] of item.entries()) {
        if (token.kind !== 'parameter') continue;
        const { from, to } = valueAround(item, at);
        if (from !== 0 || to !== item.length - 1) continue;
        uses.set(token, { role: 'inserted', column: typeof column === 'number' ? column : [column] });
      }
    }
  };
  if (isToken(tokens[at], 'select')) {
    const end = tokens.findIndex((token, index) => index > at && isToken(token, 'from'));
    insertItems(itemsBetween(tokens, at, end === -1 ? tokens.length : end));
    return { table, uses };
  }
  if (!isToken(tokens[at], 'values') && !isToken(tokens[at], 'value')) return { table, uses };
  for (at += 1; ; ) {
    if (isToken(tokens[at], 'row')) at += 1;
    if (!isToken(tokens[at], '(')) return { table, uses };
    const end = closing(tokens, at);
    insertItems(itemsBetween(tokens, at, end));
    at = end + 1;
    if (!isToken(tokens[at], ',')) return { table, uses };
    at += 1;
  }
}

/** `set a = ?`, `on duplicate key update a = ?`: the whole value of an assignment. */
function assignment(tokens: readonly Token[], at: number): Place | null {
  const { from, to } = valueAround(tokens, at);
  const column = isToken(tokens[from - 1], '=') ? columnBefore(tokens, from - 1) : null;
  if (column === null) return null;
  const before = tokens[column.from - 1];
  const after = tokens[to + 1];
  const ends = after === undefined || isToken(after, ',') || isToken(after, 'where') || isToken(after, ';');
  const ended = ends || isToken(after, 'order') || isToken(after, 'limit') || isToken(after, 'on');
  const isFirst =
    isToken(before, 'set') || (isToken(before, 'update') && isToken(tokens[column.from - 2], 'key'));
  const isLater = isToken(before, ',') && inAssignments(tokens, column.from);
  if (!ended || !(isFirst || isLater)) return null;
  return { role: isOfInsert(tokens, at) ? 'inserted' : 'set', column: column.name };
}

/** `insert into t set a = ?`, before ON DUPLICATE KEY UPDATE. */
function isOfInsert(tokens: readonly Token[], at: number): boolean {
  if (!isToken(tokens[0], 'insert') && !isToken(tokens[0], 'replace')) return false;
  return !tokens.slice(0, at).some((token) => isToken(token, 'duplicate'));
}

/** Whether a list of assignments is open at a place: the nearest clause word before it on the same level. */
function inAssignments(tokens: readonly Token[], from: number): boolean {
  let depth = 0;
  for (let at = from - 1; at >= 0; at -= 1) {
    const token = tokens[at];
    if (isToken(token, ')')) depth += 1;
    if (isToken(token, '(')) depth -= 1;
    if (depth < 0) return false;
    if (depth > 0) continue;
    if (isToken(token, 'set') || (isToken(token, 'update') && isToken(tokens[at - 1], 'key'))) return true;
    if (['where', 'select', 'from', 'on', 'having', 'values'].some((word) => isToken(token, word)))
      return false;
  }
  return false;
}

/** `limit ?`, `limit ?, ?`, `offset ?` */
function limit(tokens: readonly Token[], at: number): Place | null {
  const before = tokens[at - 1];
  const isFirstOfTwo = isToken(before, 'limit') && isToken(tokens[at + 1], ',');
  if (isFirstOfTwo || isToken(before, 'offset')) return { role: 'offset', column: null };
  const isSecond = isToken(before, ',') && isToken(tokens[at - 3], 'limit');
  if (!isSecond && !isToken(before, 'limit')) return null;
  return { role: isOfOneRow(tokens, at) ? 'amount' : 'limit', column: null };
}

/** In `a = (select ... limit ?)`, and as an item of a select list: more than one row would be an error. */
function isOfOneRow(tokens: readonly Token[], from: number): boolean {
  const query = enclosing(tokens, from);
  if (query === null) return false;
  const before = tokens[query.open - 1];
  return before?.kind === 'operator' || isToken(before, 'select');
}

/** `n + ?`, `interval ? day` */
function amount(tokens: readonly Token[], at: number): Place | null {
  const beside = ['+', '-', '*', '/', '%'];
  const isOperand = beside.some((sign) => isToken(tokens[at - 1], sign) || isToken(tokens[at + 1], sign));
  return isOperand || isToken(tokens[at - 1], 'interval') ? { role: 'amount', column: null } : null;
}

/** `? is null or ...`, `if(?, a, b)`, `case when ? then`: a switch, which is on. */
function flag(tokens: readonly Token[], at: number): Place | null {
  const call = enclosing(tokens, at);
  const isCondition = call?.position === 0 && isToken(tokens[call.open - 1], 'if') && call.open === at - 1;
  const isCase = isToken(tokens[at - 1], 'when') && isToken(tokens[at + 1], 'then');
  const isTested = isToken(tokens[at + 1], 'is') && tokens[at - 1]?.kind !== 'operator';
  return isCondition || isCase || isTested ? { role: 'output', column: null } : null;
}

const AGGREGATES = ['count', 'sum', 'min', 'max', 'avg', 'coalesce', 'ifnull'];

/** `select ?, coalesce(a, ?) from ...`: an item of a select list, which changes no choice of rows. */
function output(tokens: readonly Token[], at: number): Place | null {
  let { from } = valueAround(tokens, at);
  for (let open = enclosing(tokens, from); open !== null; open = enclosing(tokens, from)) {
    if (!AGGREGATES.some((word) => isToken(tokens[open.open - 1], word))) break;
    from = open.open;
  }
  for (let index = from - 1, depth = 0; index >= 0; index -= 1) {
    const token = tokens[index];
    if (isToken(token, ')')) depth += 1;
    if (isToken(token, '(')) depth -= 1;
    if (depth < 0) return null;
    if (depth > 0) continue;
    if (isToken(token, 'select')) return { role: 'output', column: null };
    if (OUTSIDE.some((word) => isToken(token, word))) return null;
    if (token?.kind === 'operator') return null;
  }
  return null;
}

/** Words behind which no select list goes on. */
const OUTSIDE = ['from', 'where', 'group', 'having', 'order', 'limit', 'set', 'values', 'when', 'then'];
