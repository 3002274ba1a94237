/**
 * Reads which parameter of a condition is compared with which column, or with what is made of it: from the conditions of
 * a plan, as the server prints them (ruleutils.c puts parentheses around every part), and from the statement's own text.
 */
import { isToken, type Token, tokensOf } from '../text/scan.ts';
import {
  closing,
  enclosing,
  endOfCast,
  isBoundary,
  nameIn,
  operandFrom,
  operandUpTo,
  type Stretch,
  splitAt,
  widen,
} from './operands.ts';

export interface Comparison {
  /** 1-based, as in `$1`. */
  readonly parameter: number;
  /** `amount`: it is compared with what is counted or summed up, which says nothing of the rows. */
  readonly role: 'equality' | 'range' | 'amount';
  /**
   * Parts of the name as written, the table's alias before it when there is one: the column; of an expression every name
   * that may be a column.
   */
  readonly columns: readonly (readonly string[])[];
  /** What is compared, or gives the values for it, when it is more than a plain column. */
  readonly expression: string | null;
}

/** Containment of arrays, ranges and documents holds for a value and itself. */
const CONTAINMENT = ['@>', '<@', '&&'];
const MATCHES = ['~', '~*'];
/** A whole value is a pattern that the value itself matches. */
const PATTERNS = ['~~', '~~*'];
const EQUALITY = ['=', '<>', '!=', '?', '@@', ...PATTERNS, ...MATCHES, ...CONTAINMENT];
const RANGE = ['<', '>', '<=', '>='];
/** The same in the user's own words. */
const EQUALITY_WORDS = ['in', 'like', 'ilike'];

/** The comparisons of a condition; what is compared with neither a column nor an expression of columns is left out. */
export function readComparisons(condition: string): readonly Comparison[] {
  const tokens = tokensOf(condition);
  return tokens.flatMap((token, index) => {
    if (token.kind !== 'parameter') return [];
    const found = compare(tokens, index, condition);
    return found === null ? [] : [{ parameter: Number(token.text.slice(1)), ...found }];
  });
}

function compare(tokens: readonly Token[], at: number, text: string): Omit<Comparison, 'parameter'> | null {
  const operand = outOfCalls(tokens, widen(tokens, { from: at, to: at }));
  const row = enclosingRow(tokens, operand);
  const whole = row === null ? operand : widen(tokens, row.stretch);
  if (isArgument(tokens, whole)) return null;
  const before = signBefore(tokens, whole.from);
  const isBehind = roleOf(before.token) !== null;
  const sign = isBehind ? before.token : tokens[whole.to + 1];
  const role = roleOf(sign);
  if (role === null || sign === undefined) return null;
  const other = isBehind ? operandUpTo(tokens, before.index - 1) : operandFrom(tokens, whole.to + 2);
  const compared = row === null ? other : (rowItems(other)[row.index] ?? []);
  if (compared.length === 0 || isPartOfMore(tokens, other)) return null;
  const isListed = tokens.slice(operand.from, at).some((each) => isToken(each, 'array'));
  const made = madeOf({ sign, isListed, compared }, text);
  if (made !== null) return { role, ...made };
  const column = columnOf(inCall(compared));
  return column === null ? ofExpression(compared, role, text) : { role, columns: [column], expression: null };
}

/** `f($1) = a`: what $1 is compared with is not a. */
function isArgument(tokens: readonly Token[], { from }: Stretch): boolean {
  const name = tokens[from - 1];
  if (!isToken(tokens[from], '(')) return false;
  return name?.kind === 'quoted' || (name?.kind === 'word' && !isBoundary(name) && roleOf(name) === null);
}

/** `a + b = $1`: the server would have put parentheses around it. */
function isPartOfMore(tokens: readonly Token[], operand: readonly Token[]): boolean {
  const from = operand[0] === undefined ? -1 : tokens.indexOf(operand[0]);
  const beside = [tokens[from - 1], tokens[from + operand.length]];
  return beside.some((token) => token?.kind === 'operator' && roleOf(token) === null);
}

function textOf(tokens: readonly Token[], text: string): string {
  return text.slice(tokens[0]?.from, tokens.at(-1)?.to);
}

interface Compared {
  readonly sign: Token;
  /** The parameter is an element of an array. */
  readonly isListed: boolean;
  readonly compared: readonly Token[];
}

/** Elements of an array, keys of a document, words of a text: values that the column has, where its own are none. */
function madeOf({ sign, isListed, compared }: Compared, text: string) {
  const of = (tokens: readonly Token[], expression: (inner: string) => string) => {
    const columns = namesOf(tokens);
    return columns === null ? null : { columns, expression: expression(textOf(tokens, text)) };
  };
  const [first, open] = compared;
  if (['any', 'some', 'all'].some((word) => isToken(first, word)) && isToken(open, '('))
    return of(compared.slice(2, closing(compared, 1)), (array) => `unnest(${array})`);
  if (isListed && CONTAINMENT.includes(sign.text)) return of(compared, (array) => `unnest(${array})`);
  if (sign.text === '?') return of(compared, (document) => `jsonb_object_keys(${document})`);
  // Whatever a regular expression gives a meaning of its own becomes any character.
  if (MATCHES.includes(sign.text))
    return of(compared, (value) => `regexp_replace(left((${value})::text, 8), '[^[:alnum:]]', '.', 'g')`);
  if (sign.text !== '@@') return null;
  const document = isToken(first, '(') ? compared.slice(1, -1) : compared;
  return isToken(document[0], 'to_tsvector') && isToken(document[1], '(')
    ? of(
        splitAt(document.slice(2, -1)).at(-1) ?? [],
        (words) => `split_part(btrim((${words})::text), ' ', 1)`,
      )
    : of(compared, (vector) => `(tsvector_to_array(${vector}))[1]`);
}

function ofExpression(compared: readonly Token[], role: 'equality' | 'range', text: string) {
  const calls = compared.filter((_, index) => isToken(compared[index + 1], '('));
  if (calls.some((token) => AGGREGATES.some((word) => isToken(token, word))))
    return { role: 'amount', columns: [], expression: null } as const;
  const columns = namesOf(compared);
  return columns === null ? null : { role, columns, expression: textOf(compared, text) };
}

const AGGREGATES = ['count', 'sum', 'avg', 'min', 'max'];
/** Of a sub-query, in a statement or in a plan; what a window function gives is no expression of one row. */
const OF_OTHER_ROWS = ['select', 'subplan', 'initplan', 'over'];

/** The names in an expression that may be columns; null when it needs more than one row. */
function namesOf(tokens: readonly Token[]): readonly (readonly string[])[] | null {
  const isOther = (token: Token) =>
    token.kind === 'parameter' || OF_OTHER_ROWS.some((word) => isToken(token, word));
  if (tokens.some(isOther)) return null;
  const names: string[][] = [];
  for (let at = 0; at < tokens.length; at += 1) {
    const isType = isToken(tokens[at - 1], '::');
    const name: string[] = [];
    for (let token = tokens[at]; token?.kind === 'word' || token?.kind === 'quoted'; token = tokens[at]) {
      name.push(nameIn(token));
      if (!isToken(tokens[at + 1], '.')) break;
      at += 2;
    }
    if (name.length > 0 && !isType && !isToken(tokens[at + 1], '(')) names.push(name);
  }
  return names.length === 0 ? null : names;
}

/** Calls that change nothing of most values. */
const TRANSPARENT = ['btrim', 'ltrim', 'rtrim', 'trim', 'coalesce'];

/** What stands in a call of one of these around a column; COALESCE's first item. */
function inCall(operand: readonly Token[]): readonly Token[] {
  const [name, open] = operand;
  if (isToken(open, '(') && name?.kind === 'word' && closing(operand, 1) === operand.length - 1) {
    const [first = []] = splitAt(operand.slice(2, -1));
    if (TRANSPARENT.includes(name.text)) return inCall(first);
  }
  if (isToken(name, '(') && closing(operand, 0) === operand.length - 1) return inCall(operand.slice(1, -1));
  const cast = operand.findLastIndex((each) => isToken(each, '::'));
  if (cast > 0 && isToken(operand[cast - 1], ')') && endOfCast(operand, cast - 1) === operand.length - 1)
    return inCall(operand.slice(0, cast));
  return operand;
}

const QUERIES_OF_TEXT = ['to_tsquery', 'plainto_tsquery', 'phraseto_tsquery', 'websearch_to_tsquery'];
const WRAPPING = ['lower', 'upper', 'concat', 'like_escape', ...TRANSPARENT, ...QUERIES_OF_TEXT];

/**
 * `lower($1)`, `concat('%', $1, '%')`, `'%' || $1 || '%'` are compared with what $1 is: calls that change nothing, or
 * nothing but the letters and what stands around, do not count.
 */
function outOfCalls(tokens: readonly Token[], inner: Stretch): Stretch {
  const isArgument = isToken(tokens[inner.from], '(') && closing(tokens, inner.from) === inner.to;
  const wraps = (open: number | null) =>
    open !== null && WRAPPING.some((word) => isToken(tokens[open - 1], word)) ? open : null;
  const open = (isArgument ? wraps(inner.from) : null) ?? wraps(enclosing(tokens, inner.from));
  if (open !== null) return outOfCalls(tokens, widen(tokens, { from: open - 1, to: closing(tokens, open) }));
  const joined = withLiterals(tokens, inner);
  return joined === null ? inner : outOfCalls(tokens, widen(tokens, joined));
}

/** With a literal that `||` puts before or behind; null where none is. */
function withLiterals(tokens: readonly Token[], { from, to }: Stretch): Stretch | null {
  if (isToken(tokens[from - 1], '||')) {
    const cast = isToken(tokens[from - 3], '::') ? 2 : 0;
    return tokens[from - 2 - cast]?.kind === 'string' ? { from: from - 2 - cast, to } : null;
  }
  const isBefore = isToken(tokens[to + 1], '||') && tokens[to + 2]?.kind === 'string';
  return isBefore ? { from, to: endOfCast(tokens, to + 2) ?? to + 2 } : null;
}

function roleOf(token: Token | undefined): 'equality' | 'range' | null {
  if (token?.kind === 'word')
    return EQUALITY_WORDS.includes(token.text) ? 'equality' : token.text === 'between' ? 'range' : null;
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
