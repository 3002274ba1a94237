/** Reads from a statement's text where the values of INSERT, UPDATE and LIMIT go to; the plan does not show these. */

import { isToken, type Token, tokensOf } from '../text/scan.ts';
import { closing, givenParameters, nameIn, splitAt, widen } from './operands.ts';

export interface Target {
  /** 1-based, as in `$1`. */
  readonly parameter: number;
  readonly role: 'inserted' | 'set' | 'limit' | 'offset' | 'amount' | 'output';
  /** As written, quotes included, for the server to look up; null for what belongs to none. */
  readonly table: string | null;
  /** Name of the column, or its 0-based position where an INSERT names no columns. */
  readonly column: string | number | null;
}

/** The targets of all parameters that a value is; a part of an expression (`set n = n + $1`) has no column. */
export function readTargets(statement: string): readonly Target[] {
  const tokens = tokensOf(statement);
  return tokens.flatMap((token, index) => {
    if (isToken(token, 'insert') && isToken(tokens[index + 1], 'into'))
      return insertTargets(tokens, index + 2);
    if (isToken(token, 'update')) return updateTargets(tokens, index + 1);
    return [
      ...limitTargets(tokens, index),
      ...amountTargets(tokens, index),
      ...outputTargets(tokens, index),
      ...flagTargets(tokens, index),
    ];
  });
}

/** `n + $1`, `now() - $1::interval`, `make_interval(days => $1)` */
function amountTargets(tokens: readonly Token[], index: number): readonly Target[] {
  const token = tokens[index];
  const beside = ['+', '-', '*', '/', '=>'];
  const isOperand = beside.some(
    (sign) => isToken(tokens[index - 1], sign) || isToken(tokens[index + 1], sign),
  );
  if (token?.kind !== 'parameter' || !isOperand) return [];
  return [{ parameter: Number(token.text.slice(1)), role: 'amount', table: null, column: null }];
}

/** `$1 is null or ...`, `case when $1 then ...`: a switch, which is on. */
function flagTargets(tokens: readonly Token[], index: number): readonly Target[] {
  const token = tokens[index];
  if (token?.kind !== 'parameter') return [];
  const isCast = isToken(tokens[index - 2], 'cast') && isToken(tokens[index - 1], '(');
  const whole = isCast
    ? widen(tokens, { from: index - 2, to: closing(tokens, index - 1) })
    : widen(tokens, { from: index, to: index });
  const behind = tokens[whole.to + 1];
  const isSwitch = isToken(tokens[whole.from - 1], 'when') && isToken(behind, 'then');
  const isAlone = tokens[whole.from - 1]?.kind !== 'operator';
  if (!isSwitch && !(isAlone && isToken(behind, 'is'))) return [];
  return [{ parameter: Number(token.text.slice(1)), role: 'output', table: null, column: null }];
}

const LIST_ENDS = [
  'from',
  'where',
  'group',
  'having',
  'order',
  'limit',
  'union',
  'except',
  'intersect',
  'for',
];

/** `select $1, coalesce(a, $2) from ...`: what stands in a select list, outside of sub-queries, changes no choice of rows. */
function outputTargets(tokens: readonly Token[], index: number): readonly Target[] {
  if (!isToken(tokens[index], 'select') || isInserted(tokens, index)) return [];
  const items = listUntil(tokens, index + 1, LIST_ENDS);
  let below = 0;
  let depth = 0;
  return items.flatMap((token, at): Target[] => {
    if (isToken(token, '(')) depth += 1;
    if (isToken(token, ')')) depth -= 1;
    if (below === 0 && isToken(token, 'select')) below = depth;
    if (depth < below) below = 0;
    if (token.kind !== 'parameter' || below > 0 || isConditional(items, at)) return [];
    return [{ parameter: Number(token.text.slice(1)), role: 'output', table: null, column: null }];
  });
}

/** The rows of `insert into t select ...` have targets of their own. */
function isInserted(tokens: readonly Token[], index: number): boolean {
  return tokens.slice(0, index).some((token) => isToken(token, 'insert'));
}

/** `date_trunc($1, a)`, `a ->> $1`: not every text will do. */
function isConditional(items: readonly Token[], at: number): boolean {
  const before = items[at - 1];
  return (
    before?.kind === 'operator' ||
    (isToken(before, '(') &&
      items[at - 2]?.kind === 'word' &&
      !['coalesce', 'count', 'sum', 'max', 'min'].some((word) => isToken(items[at - 2], word)))
  );
}

function insertTargets(tokens: readonly Token[], from: number): readonly Target[] {
  const table = readName(tokens, from);
  let at = table.end;
  if (isToken(tokens[at], 'as')) at += 2;
  let columns: readonly string[] | null = null;
  if (isToken(tokens[at], '(') && !isToken(tokens[at + 1], 'select')) {
    columns = namesIn(tokens.slice(at + 1, closing(tokens, at)));
    at = closing(tokens, at) + 1;
  }
  if (isToken(tokens[at], 'overriding')) at += 3;
  const rows = isToken(tokens[at], 'values') ? valueRows(tokens, at + 1) : selectedRow(tokens, at);
  const inserted = rows.flatMap((row) =>
    row.flatMap((item, position) => {
      const column = columns === null ? position : (columns[position] ?? null);
      return givenParameters(item).map((parameter) => ({
        parameter,
        role: 'inserted' as const,
        table: table.text,
        column,
      }));
    }),
  );
  return [...inserted, ...conflictTargets(tokens, at, table.text)];
}

/** `values (...), (...)` */
function valueRows(tokens: readonly Token[], from: number): (readonly Token[])[][] {
  const rows: (readonly Token[])[][] = [];
  for (let at = from; isToken(tokens[at], '('); ) {
    const end = closing(tokens, at);
    rows.push([...splitAt(tokens.slice(at + 1, end))]);
    at = isToken(tokens[end + 1], ',') ? end + 2 : tokens.length;
  }
  return rows;
}

/** `select $1, $2 from ...` */
function selectedRow(tokens: readonly Token[], from: number): (readonly Token[])[][] {
  if (!isToken(tokens[from], 'select')) return [];
  const items = listUntil(tokens, from + 1, ['from', 'where', 'returning', 'on', 'order', 'limit', 'union']);
  return [[...splitAt(items)]];
}

/** `on conflict ... do update set ...` */
function conflictTargets(tokens: readonly Token[], from: number, table: string): readonly Target[] {
  const at = tokens.findIndex(
    (each, index) => index >= from && isToken(each, 'do') && isToken(tokens[index + 1], 'update'),
  );
  return at === -1 ? [] : setTargets(tokens, at + 3, table);
}

function updateTargets(tokens: readonly Token[], from: number): readonly Target[] {
  const table = readName(tokens, isToken(tokens[from], 'only') ? from + 1 : from);
  let at = table.end;
  if (isToken(tokens[at], '*')) at += 1;
  if (isToken(tokens[at], 'as')) at += 2;
  else if (!isToken(tokens[at], 'set')) at += 1;
  return table.text !== '' && isToken(tokens[at], 'set') ? setTargets(tokens, at + 1, table.text) : [];
}

function setTargets(tokens: readonly Token[], from: number, table: string): readonly Target[] {
  return splitAt(listUntil(tokens, from, ['where', 'from', 'returning'])).flatMap((item) => {
    const sign = item.findIndex((each) => isToken(each, '='));
    const left = item.slice(0, sign);
    const right = item.slice(isToken(item[sign + 1], 'row') ? sign + 2 : sign + 1);
    const several = isToken(left[0], '(');
    const columns = several ? namesIn(left.slice(1, -1)) : left.slice(0, 1).map(nameIn);
    const values = several ? splitAt(right.slice(1, -1)) : [right];
    return values.flatMap((value, position) => {
      const column = columns[position];
      if (column === undefined) return [];
      return givenParameters(value).map((parameter) => ({ parameter, role: 'set' as const, table, column }));
    });
  });
}

/** `limit $1`, `offset $1`, `fetch first $1 rows only` */
function limitTargets(tokens: readonly Token[], index: number): readonly Target[] {
  const fetches = isToken(tokens[index], 'fetch') ? 2 : 0;
  if (fetches === 0 && !isToken(tokens[index], 'limit') && !isToken(tokens[index], 'offset')) return [];
  let at = index + Math.max(1, fetches);
  while (isToken(tokens[at], '(')) at += 1;
  const parameter = tokens[at]?.kind === 'parameter' ? Number(tokens[at]?.text.slice(1)) : null;
  const limit = isOfOneRow(tokens, index) ? 'amount' : 'limit';
  const role = isToken(tokens[index], 'offset') ? 'offset' : limit;
  return parameter === null ? [] : [{ parameter, role, table: null, column: null }];
}

/** In `a = (select ... limit $1)`, and as an item of a select list: more than one row would be an error. */
function isOfOneRow(tokens: readonly Token[], index: number): boolean {
  let depth = 0;
  for (let at = index - 1; at > 0; at -= 1) {
    if (isToken(tokens[at], ')')) depth += 1;
    if (isToken(tokens[at], '(')) depth -= 1;
    if (depth < 0) return tokens[at - 1]?.kind === 'operator' || isToken(tokens[at - 1], 'select');
  }
  return false;
}

/** A possibly qualified name, as written. */
function readName(tokens: readonly Token[], from: number): { text: string; end: number } {
  let text = '';
  let at = from;
  while (tokens[at]?.kind === 'word' || tokens[at]?.kind === 'quoted') {
    text += tokens[at]?.text;
    at += 1;
    if (!isToken(tokens[at], '.')) break;
    text += '.';
    at += 1;
  }
  return { text, end: at };
}

function namesIn(tokens: readonly Token[]): readonly string[] {
  return splitAt(tokens).flatMap((item) => item.slice(0, 1).map(nameIn));
}

/** Tokens up to one of the words outside of brackets, or up to the bracket that closes what is around. */
function listUntil(tokens: readonly Token[], from: number, words: readonly string[]): readonly Token[] {
  let depth = 0;
  for (let at = from; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (isToken(token, '(')) depth += 1;
    if (isToken(token, ')')) depth -= 1;
    if (depth < 0 || (depth === 0 && words.some((word) => isToken(token, word))))
      return tokens.slice(from, at);
  }
  return tokens.slice(from);
}
