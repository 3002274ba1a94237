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
  readonly role: 'equality' | 'range' | 'inserted' | 'set' | 'limit';
  /** Name with its qualifier, where one is written; a number is a position in the table's columns; null for a limit. */
  readonly column: readonly string[] | number | null;
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
      insert?.uses.get(token) ?? assignment(tokens, at) ?? limit(tokens, at) ?? comparison(tokens, at);
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

/** `insert into t (a, b) values (?, ?), ...`, `insert into t select ?`, `insert into t set a = ?` */
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
  if (!isToken(tokens[at], 'values') && !isToken(tokens[at], 'value')) return { table, uses };
  for (at += 1; ; ) {
    if (isToken(tokens[at], 'row')) at += 1;
    if (!isToken(tokens[at], '(')) return { table, uses };
    const end = closing(tokens, at);
    for (const [position, item] of itemsBetween(tokens, at, end).entries()) {
      const [only, ...others] = item;
      const column = columns === null ? position : columns[position];
      if (only?.kind !== 'parameter' || others.length > 0 || column === undefined) continue;
      uses.set(only, { role: 'inserted', column: typeof column === 'number' ? column : [column] });
    }
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
  return ended && (isFirst || isLater) ? { role: 'set', column: column.name } : null;
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

const EQUALITY = ['=', '<=>'];
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
  const column = columnBefore(tokens, isLike && isToken(tokens[at - 2], 'not') ? at - 2 : at - 1);
  if (column === null) return null;
  return { role: EQUALITY.includes(sign?.text ?? '') ? 'equality' : 'range', column: column.name };
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
  if (sign === null || isToken(tokens[sign - 1], 'not')) return null;
  const single = columnBefore(tokens, sign);
  if (single !== null && !isRow && listed === row) return { role: 'equality', column: single.name };
  if (!isToken(tokens[sign - 1], ')')) return null;
  const columns = itemsBetween(tokens, opening(tokens, sign - 1), sign - 1);
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
