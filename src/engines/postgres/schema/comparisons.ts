/**
 * Reads which parameter of a condition is compared with which column: from the conditions of a plan, as the server
 * prints them (ruleutils.c puts parentheses around every part), and from the statement's own text.
 */
import { isToken, type Token, tokensOf } from '../text/scan.ts';

export interface Comparison {
  /** 1-based, as in `$1`. */
  readonly parameter: number;
  /** Parts of the column's name as written, the table's alias before it when there is one. */
  readonly column: readonly string[];
  readonly role: 'equality' | 'range';
  /** The column stands in a call of lower() or upper(). */
  readonly letters?: 'lower' | 'upper';
}

/** Containment of arrays, ranges and documents holds for a value and itself. */
const EQUALITY = ['=', '<>', '!=', '@>', '<@', '&&'];
const RANGE = ['<', '>', '<=', '>=', '~~', '~~*'];
/** The same in the user's own words. */
const RANGE_WORDS = ['like', 'ilike', 'between'];

/** The comparisons of a condition; what is compared with more than a plain column (a function, a sum) is left out. */
export function readComparisons(condition: string): readonly Comparison[] {
  const tokens = tokensOf(condition);
  return tokens.flatMap((token, index) => {
    if (token.kind !== 'parameter') return [];
    const found = compare(tokens, index);
    return found === null ? [] : [{ parameter: Number(token.text.slice(1)), ...found }];
  });
}

/** `$1`, or `null` for anything else, of a list item: casts and parentheses around it do not count. */
export function loneParameter(tokens: readonly Token[]): number | null {
  const at = tokens.findIndex((each) => each.kind === 'parameter');
  const token = tokens[at];
  if (token === undefined) return null;
  const operand = widen(tokens, { from: at, to: at });
  return operand.from === 0 && operand.to === tokens.length - 1 ? Number(token.text.slice(1)) : null;
}

/** A stretch of tokens, both ends included. */
interface Stretch {
  readonly from: number;
  readonly to: number;
}

function compare(tokens: readonly Token[], at: number): Omit<Comparison, 'parameter'> | null {
  const operand = outOfCalls(tokens, widen(tokens, { from: at, to: at }));
  const row = enclosingRow(tokens, operand);
  const whole = row === null ? operand : widen(tokens, row.stretch);
  const beforeSign = signBefore(tokens, whole.from);
  const afterSign = tokens[whole.to + 1];
  const role = roleOf(beforeSign.token) ?? roleOf(afterSign);
  if (role === null) return null;
  const other =
    roleOf(beforeSign.token) === null
      ? operandFrom(tokens, whole.to + 2)
      : operandUpTo(tokens, beforeSign.index - 1);
  const compared = row === null ? other : (rowItems(other)[row.index] ?? []);
  const { letters, inner } = inCall(compared);
  const column = columnOf(inner);
  if (column === null) return null;
  return letters === null ? { column, role } : { column, role, letters };
}

/** Calls that change nothing, or nothing but the letters, of most values. */
const TRANSPARENT = ['btrim', 'ltrim', 'rtrim', 'trim', 'coalesce'];

/** What stands in a call of one of these, and of lower() or upper(), around a column; COALESCE's first item. */
function inCall(operand: readonly Token[]): { letters: 'lower' | 'upper' | null; inner: readonly Token[] } {
  const [name, open] = operand;
  if (isToken(open, '(') && name?.kind === 'word' && closing(operand, 1) === operand.length - 1) {
    const [first = []] = splitAt(operand.slice(2, -1));
    if (name.text === 'lower' || name.text === 'upper')
      return { letters: name.text, inner: inCall(first).inner };
    if (TRANSPARENT.includes(name.text)) return inCall(first);
  }
  if (isToken(name, '(') && closing(operand, 0) === operand.length - 1) return inCall(operand.slice(1, -1));
  const cast = operand.findLastIndex((each) => isToken(each, '::'));
  if (cast > 0 && isToken(operand[cast - 1], ')') && endOfCast(operand, cast - 1) === operand.length - 1)
    return inCall(operand.slice(0, cast));
  return { letters: null, inner: operand };
}

/** `lower($1)` is compared with what $1 is: calls that change nothing, or nothing but the letters, do not count. */
function outOfCalls(tokens: readonly Token[], inner: Stretch): Stretch {
  const name = tokens[inner.from - 1];
  const known = name?.kind === 'word' && ['lower', 'upper', ...TRANSPARENT].includes(name.text);
  const isWhole = isToken(tokens[inner.from], '(') && closing(tokens, inner.from) === inner.to;
  return known && isWhole ? outOfCalls(tokens, widen(tokens, { from: inner.from - 1, to: inner.to })) : inner;
}

function roleOf(token: Token | undefined): 'equality' | 'range' | null {
  if (token?.kind === 'word')
    return RANGE_WORDS.includes(token.text) ? 'range' : token.text === 'in' ? 'equality' : null;
  if (token?.kind !== 'operator') return null;
  if (EQUALITY.includes(token.text)) return 'equality';
  return RANGE.includes(token.text) ? 'range' : null;
}

/** The sign left of an operand; the `and` of BETWEEN leads back to its `between`. */
function signBefore(tokens: readonly Token[], from: number): { token: Token | undefined; index: number } {
  let index = from - 1;
  if (isToken(tokens[index], 'and')) {
    const between = tokens
      .slice(Math.max(0, index - 6), index)
      .findLastIndex((each) => isToken(each, 'between'));
    if (between !== -1) index = Math.max(0, index - 6) + between;
  }
  return { token: tokens[index], index };
}

/** Takes in casts, parentheses, ANY and the other elements of an array or IN list around an operand. */
function widen(tokens: readonly Token[], start: Stretch): Stretch {
  let { from, to } = start;
  for (;;) {
    const cast = endOfCast(tokens, to);
    const list = enclosingList(tokens, { from, to });
    if (cast !== null) to = cast;
    else if (isToken(tokens[from - 1], '(') && isToken(tokens[to + 1], ')')) {
      from -= 1;
      to += 1;
      if (['any', 'some', 'all'].some((word) => isToken(tokens[from - 1], word))) from -= 1;
    } else if (list !== null) ({ from, to } = list);
    else return { from, to };
  }
}

/** `::type`, with the words, modifier and brackets of the type. */
function endOfCast(tokens: readonly Token[], to: number): number | null {
  if (!isToken(tokens[to + 1], '::')) return null;
  let end = to + 2;
  for (;;) {
    const next = tokens[end + 1];
    const more =
      (next?.kind === 'word' && TYPE_WORDS.includes(next.text)) ||
      isToken(next, '.') ||
      isToken(tokens[end], '.') ||
      isToken(next, '[') ||
      isToken(next, ']');
    if (more) end += 1;
    else if (isToken(next, '(') && tokens[end + 2]?.kind === 'number') end = closing(tokens, end + 1);
    else return end;
  }
}

/** Words that may follow the first one of a type's name. */
const TYPE_WORDS = ['varying', 'precision', 'with', 'without', 'time', 'zone'];

/** `array[$1, $2]`, or `in ($1, $2)`. */
function enclosingList(tokens: readonly Token[], inner: Stretch): Stretch | null {
  const open = enclosing(tokens, inner.from);
  if (open === null) return null;
  const before = tokens[open - 1];
  if (isToken(tokens[open], '[') && isToken(before, 'array'))
    return { from: open - 1, to: closing(tokens, open) };
  if (isToken(tokens[open], '(') && isToken(before, 'in')) return { from: open, to: closing(tokens, open) };
  return null;
}

/** `row($1, $2)` or `($1, $2)`, and which item of it the operand is. */
function enclosingRow(tokens: readonly Token[], inner: Stretch): { stretch: Stretch; index: number } | null {
  const open = enclosing(tokens, inner.from);
  if (open === null || !isToken(tokens[open], '(')) return null;
  const before = tokens[open - 1];
  const isRow = isToken(before, 'row');
  const isCall = before?.kind === 'quoted' || (before?.kind === 'word' && !isRow && roleOf(before) === null);
  if (isCall) return null;
  const to = closing(tokens, open);
  const items = splitAt(tokens.slice(open + 1, to));
  if (items.length < 2) return null;
  let end = open;
  const index = items.findIndex((item) => {
    end += item.length + 1;
    return inner.from < end;
  });
  return { stretch: { from: isRow ? open - 1 : open, to }, index };
}

/** Index of the bracket that is open at a token, or null. */
function enclosing(tokens: readonly Token[], at: number): number | null {
  let depth = 0;
  for (let index = at - 1; index >= 0; index -= 1) {
    if (isToken(tokens[index], ')') || isToken(tokens[index], ']')) depth += 1;
    if (isToken(tokens[index], '(') || isToken(tokens[index], '[')) {
      if (depth === 0) return index;
      depth -= 1;
    }
  }
  return null;
}

/** Index of the bracket that closes the one at `open`; the last token when none does. */
export function closing(tokens: readonly Token[], open: number): number {
  let depth = 0;
  for (let index = open; index < tokens.length; index += 1) {
    if (isToken(tokens[index], '(') || isToken(tokens[index], '[')) depth += 1;
    if (isToken(tokens[index], ')') || isToken(tokens[index], ']')) depth -= 1;
    if (depth === 0) return index;
  }
  return tokens.length - 1;
}

/** The items between commas that stand in no bracket. */
export function splitAt(tokens: readonly Token[]): readonly (readonly Token[])[] {
  const items: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    if (isToken(token, '(') || isToken(token, '[')) depth += 1;
    if (isToken(token, ')') || isToken(token, ']')) depth -= 1;
    if (depth === 0 && isToken(token, ',')) items.push([]);
    else items.at(-1)?.push(token);
  }
  return items;
}

/** The operand that ends at `last`. */
function operandUpTo(tokens: readonly Token[], last: number): readonly Token[] {
  let from = last;
  for (; from >= 0; from -= 1) {
    const token = tokens[from];
    if (isToken(token, ')') || isToken(token, ']')) from = enclosing(tokens, from) ?? 0;
    else if (!belongsToOperand(token, tokens[from + 1])) break;
  }
  return tokens.slice(from + 1, last + 1);
}

/** The operand that begins at `first`. */
function operandFrom(tokens: readonly Token[], first: number): readonly Token[] {
  let to = first;
  for (; to < tokens.length; to += 1) {
    const token = tokens[to];
    if (isToken(token, '(')) to = closing(tokens, to);
    else if (!belongsToOperand(token, tokens[to - 1])) break;
  }
  return tokens.slice(first, to);
}

const BOUNDARIES = [
  'and',
  'or',
  'not',
  'where',
  'on',
  'having',
  'when',
  'then',
  'else',
  'set',
  'select',
  'by',
  'in',
];

function belongsToOperand(token: Token | undefined, neighbour: Token | undefined): boolean {
  if (token === undefined) return false;
  if (isToken(token, '.') || isToken(token, '::') || isToken(token, '[')) return true;
  if (token.kind === 'quoted') return true;
  if (token.kind !== 'word' || BOUNDARIES.includes(token.text)) return false;
  return neighbour === undefined || !['order', 'limit', 'returning', 'group', 'for'].includes(token.text);
}

function rowItems(operand: readonly Token[]): readonly (readonly Token[])[] {
  const inner = isToken(operand[0], 'row') ? operand.slice(1) : operand;
  return isToken(inner[0], '(') && closing(inner, 0) === inner.length - 1 ? splitAt(inner.slice(1, -1)) : [];
}

/** The name in an operand that is a plain column, with casts and parentheses around it; null for anything more. */
function columnOf(operand: readonly Token[]): readonly string[] | null {
  let rest = operand;
  for (;;) {
    const cast = rest.findLastIndex((each) => isToken(each, '::'));
    if (isToken(rest[0], '(') && closing(rest, 0) === rest.length - 1) rest = rest.slice(1, -1);
    else if (cast > 0 && endOfCast(rest, cast - 1) === rest.length - 1) rest = rest.slice(0, cast);
    else break;
  }
  const names = rest.filter((_, index) => index % 2 === 0);
  const dots = rest.filter((_, index) => index % 2 === 1);
  const plain =
    names.length > 0 &&
    rest.length % 2 === 1 &&
    names.every((each) => each.kind === 'word' || each.kind === 'quoted') &&
    dots.every((each) => isToken(each, '.'));
  return plain ? names.map(nameIn) : null;
}

/** The name that a word or quoted identifier stands for. */
export function nameIn(token: Token): string {
  return token.kind === 'quoted' ? token.text.slice(1, -1).replaceAll('""', '"') : token.text;
}
