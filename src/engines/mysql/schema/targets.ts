/**
 * Reads from a statement's text which parameter is compared with, or put into, which column. The server says no more of
 * a parameter than that it is there.
 */
import { closing, enclosing, itemsBetween, opening } from '../text/brackets.ts';
import { isToken, nameIn, type Token, tokensOf } from '../text/scan.ts';
import { readSource, readSources, type Source, UPDATE_OPTIONS } from './sources.ts';

export interface Use {
  /** 0-based number of the placeholder. */
  readonly parameter: number;
  readonly role: 'equality' | 'range' | 'inserted' | 'set' | 'limit' | 'amount' | 'output';
  /** Name with its qualifier, where one is written; a number is a position in the table's columns; null for no column. */
  readonly column: readonly string[] | number | null;
  readonly letters?: 'lower' | 'upper';
}

export interface StatementReading {
  readonly sources: readonly Source[];
  readonly uses: readonly Use[];
  readonly parameters: number;
  /** Table that rows are inserted into. */
  readonly insertedInto: Source | null;
}

/** Reads a statement; what is part of an expression (`n + ?`, `lower(c) = ?`) has no column. */
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
      comparison(tokens, at) ??
      amount(tokens, at) ??
      output(tokens, at);
    return use === null ? [] : [{ parameter, ...use }];
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
    for (const [position, [only, ...others]] of items.entries()) {
      const column = columns === null ? position : columns[position];
      if (only?.kind !== 'parameter' || others.length > 0 || column === undefined) continue;
      uses.set(only, { role: 'inserted', column: typeof column === 'number' ? column : [column] });
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
  const column = isToken(tokens[at - 1], '=') ? columnBefore(tokens, at - 1) : null;
  if (column === null) return null;
  const before = tokens[column.from - 1];
  const after = tokens[at + 1];
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
  const isLimit = isToken(before, 'limit') || isToken(before, 'offset');
  return isLimit || (isToken(before, ',') && isToken(tokens[at - 3], 'limit'))
    ? { role: 'limit', column: null }
    : null;
}

/** `n + ?`, `interval ? day` */
function amount(tokens: readonly Token[], at: number): Place | null {
  const beside = ['+', '-', '*', '/', '%'];
  const isOperand = beside.some((sign) => isToken(tokens[at - 1], sign) || isToken(tokens[at + 1], sign));
  return isOperand || isToken(tokens[at - 1], 'interval') ? { role: 'amount', column: null } : null;
}

const AGGREGATES = ['count', 'sum', 'min', 'max', 'avg', 'coalesce', 'ifnull'];

/** `select ?, coalesce(a, ?) from ...`: an item of a select list, which changes no choice of rows. */
function output(tokens: readonly Token[], at: number): Place | null {
  let from = at;
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

const EQUALITY = ['=', '<=>', '<>', '!='];
const RANGE = ['<', '>', '<=', '>='];
const OPERATORS = [...EQUALITY, ...RANGE];
const ARITHMETIC = ['+', '-', '*', '/', '%', '|', '&', '^', '<<', '>>', '||', '->', '->>'];

function comparison(tokens: readonly Token[], at: number): Place | null {
  if (ARITHMETIC.some((sign) => isToken(tokens[at - 1], sign) || isToken(tokens[at + 1], sign))) return null;
  return signBefore(tokens, at) ?? signAfter(tokens, at) ?? between(tokens, at) ?? inList(tokens, at);
}

function signBefore(tokens: readonly Token[], at: number): Place | null {
  const sign = tokens[at - 1];
  const isLike = isToken(sign, 'like');
  if (!isLike && !OPERATORS.some((text) => isToken(sign, text))) return null;
  const end = isLike && isToken(tokens[at - 2], 'not') ? at - 2 : at - 1;
  const role = EQUALITY.includes(sign?.text ?? '') ? 'equality' : 'range';
  const column = columnBefore(tokens, end);
  return column === null ? inCall(tokens, end, role) : { role, column: column.name };
}

/** Calls that change nothing, or nothing but the letters, of most values. */
const TRANSPARENT = ['trim', 'ltrim', 'rtrim', 'coalesce', 'ifnull', 'lower', 'lcase', 'upper', 'ucase'];

/** `lower(a) = ?`: the call that ends right before a place, around a plain column; COALESCE's first item. */
function inCall(tokens: readonly Token[], end: number, role: 'equality' | 'range'): Place | null {
  if (!isToken(tokens[end - 1], ')')) return null;
  const open = opening(tokens, end - 1);
  const name = TRANSPARENT.find((word) => isToken(tokens[open - 1], word));
  const [first = []] = itemsBetween(tokens, open, end - 1);
  if (name === undefined || first.length === 0) return null;
  const column = columnBefore(tokens, open + 1 + first.length);
  if (column === null || column.from !== open + 1) return null;
  const letters = /^l(?:ower|case)$/.test(name) ? 'lower' : /^u(?:pper|case)$/.test(name) ? 'upper' : null;
  return letters === null ? { role, column: column.name } : { role, column: column.name, letters };
}

/** `? = a` */
function signAfter(tokens: readonly Token[], at: number): Place | null {
  const sign = tokens[at + 1];
  if (!OPERATORS.some((text) => isToken(sign, text))) return null;
  const name: string[] = [];
  let next = at + 2;
  for (; ; next += 2) {
    const part = nameIn(tokens[next]);
    if (part === null) return null;
    name.push(part);
    if (!isToken(tokens[next + 1], '.')) break;
  }
  const behind = tokens[next + 1];
  if (isToken(behind, '(') || ARITHMETIC.some((text) => isToken(behind, text))) return null;
  return { role: EQUALITY.includes(sign?.text ?? '') ? 'equality' : 'range', column: name };
}

/** `a between ? and ?`, where either end may be something else. */
function between(tokens: readonly Token[], at: number): Place | null {
  const word = isToken(tokens[at - 1], 'between')
    ? at - 1
    : isToken(tokens[at - 1], 'and') && isToken(tokens[at - 3], 'between')
      ? at - 3
      : null;
  if (word === null) return null;
  const column = columnBefore(tokens, isToken(tokens[word - 1], 'not') ? word - 1 : word);
  return column === null ? null : { role: 'range', column: column.name };
}

/** `a in (?, ?)`, `(a, b) in ((?, ?))`, `(a, b) = (?, ?)` */
function inList(tokens: readonly Token[], at: number): Place | null {
  const row = enclosing(tokens, at);
  if (row === null) return null;
  const listed = isToken(tokens[row.open - 1], 'in') ? row : enclosing(tokens, row.open);
  const isRow = EQUALITY.some((sign) => isToken(tokens[row.open - 1], sign));
  const sign = isRow
    ? row.open - 1
    : listed !== null && isToken(tokens[listed.open - 1], 'in')
      ? listed.open - 1
      : null;
  if (sign === null) return null;
  const left = isToken(tokens[sign - 1], 'not') ? sign - 1 : sign;
  const single = columnBefore(tokens, left);
  if (single !== null && !isRow && listed === row) return { role: 'equality', column: single.name };
  if (!isToken(tokens[left - 1], ')')) return null;
  if (!isRow && listed === row) return inCall(tokens, left, 'equality');
  const columns = itemsBetween(tokens, opening(tokens, left - 1), left - 1);
  const column = columns[row.position]
    ?.filter((token) => !isToken(token, '.'))
    .flatMap((token) => nameIn(token) ?? []);
  return column === undefined || column.length === 0 ? null : { role: 'equality', column };
}

/** The plain column that ends right before a place: no call, and no part of a sum. */
function columnBefore(
  tokens: readonly Token[],
  end: number,
): { name: readonly string[]; from: number } | null {
  const name: string[] = [];
  let at = end - 1;
  for (; ; at -= 2) {
    const part = nameIn(tokens[at]);
    if (part === null) return null;
    name.unshift(part);
    if (!isToken(tokens[at - 1], '.')) break;
  }
  return ARITHMETIC.some((sign) => isToken(tokens[at - 1], sign)) ? null : { name, from: at };
}
