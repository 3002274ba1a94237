/** Operands, lists and brackets in a row of tokens, as the server prints them or as a user writes them. */
import { isToken, type Token } from '../text/scan.ts';

/** A stretch of tokens, both ends included. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** Calls whose value is mostly their first argument, or that in other letters. */
const FIRST_ARGUMENT = ['coalesce', 'nullif', 'lower', 'upper', 'trim', 'btrim', 'ltrim', 'rtrim'];

/**
 * The parameters that a value is one of: `$1`, `coalesce($1, a)`, `case when b then $1 else $2 end`; casts and parentheses
 * around it do not count.
 */
export function givenParameters(tokens: readonly Token[]): readonly number[] {
  const at = tokens.findIndex((each) => each.kind === 'parameter');
  const token = tokens[at];
  if (token === undefined) return [];
  const isAll = ({ from, to }: Stretch): boolean => from === 0 && to === tokens.length - 1;
  if (isAll(widen(tokens, { from: at, to: at }))) return [Number(token.text.slice(1))];
  const isCall = FIRST_ARGUMENT.some((word) => isToken(tokens[0], word)) && isToken(tokens[1], '(');
  if (isCall && isAll(widen(tokens, { from: 0, to: closing(tokens, 1) })))
    return givenParameters(splitAt(tokens.slice(2, closing(tokens, 1)))[0] ?? []);
  if (!isToken(tokens[0], 'case')) return [];
  return tokens.flatMap((each, index) =>
    each.kind === 'parameter' && ['then', 'else'].some((word) => isToken(tokens[index - 1], word))
      ? [Number(each.text.slice(1))]
      : [],
  );
}

/** Takes in casts, parentheses, ANY and the other elements of an array or IN list around an operand. */
export function widen(tokens: readonly Token[], start: Stretch): Stretch {
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
export function endOfCast(tokens: readonly Token[], to: number): number | null {
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

/** Index of the bracket that is open at a token, or null. */
export function enclosing(tokens: readonly Token[], at: number): number | null {
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
export function operandUpTo(tokens: readonly Token[], last: number): readonly Token[] {
  let from = last;
  for (; from >= 0; from -= 1) {
    const token = tokens[from];
    if (isToken(token, ')') || isToken(token, ']')) from = enclosing(tokens, from) ?? 0;
    else if (!belongsToOperand(token, tokens[from + 1])) break;
  }
  return tokens.slice(from + 1, last + 1);
}

/** The operand that begins at `first`. */
export function operandFrom(tokens: readonly Token[], first: number): readonly Token[] {
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

/** A word that ends an operand, so that a bracket behind it is no call. */
export function isBoundary(token: Token): boolean {
  return BOUNDARIES.some((word) => isToken(token, word));
}

function belongsToOperand(token: Token | undefined, neighbour: Token | undefined): boolean {
  if (token === undefined) return false;
  if (isToken(token, '.') || isToken(token, '::') || isToken(token, '[')) return true;
  if (token.kind === 'quoted') return true;
  if (token.kind !== 'word' || BOUNDARIES.includes(token.text)) return false;
  return neighbour === undefined || !['order', 'limit', 'returning', 'group', 'for'].includes(token.text);
}

/** The name that a word or quoted identifier stands for. */
export function nameIn(token: Token): string {
  return token.kind === 'quoted' ? token.text.slice(1, -1).replaceAll('""', '"') : token.text;
}
