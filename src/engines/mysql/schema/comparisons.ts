/** Reads from a statement's text which placeholder is compared with which column, or with what is made of it. */
import { enclosing, itemsBetween, opening } from '../text/brackets.ts';
import { isToken, nameIn, type Token } from '../text/scan.ts';
import { behind, expressionOf, type Made, madeFor, operandAfter, operandBefore } from './expressions.ts';
import { outOfCalls, type Stretch } from './stretches.ts';

/** What a placeholder is compared with. */
export type Compared =
  | { readonly role: 'equality' | 'range'; readonly column: readonly string[] }
  | { readonly role: 'equality' | 'range'; readonly made: Made }
  | { readonly role: 'amount'; readonly column: null };

const EQUALITY = ['=', '<=>', '<>', '!='];
const RANGE = ['<', '>', '<=', '>='];
const OPERATORS = [...EQUALITY, ...RANGE];
const MATCHES = ['regexp', 'rlike'];
export const ARITHMETIC = ['+', '-', '*', '/', '%', '|', '&', '^', '<<', '>>', '||', '->', '->>'];

/** `text` is the statement that the tokens are of. */
export function comparison(tokens: readonly Token[], at: number, text: string): Compared | null {
  const argument = madeFor(tokens, at, text);
  if (argument !== null) return argument;
  const whole = outOfCalls(tokens, at);
  const beside = [tokens[whole.from - 1], tokens[whole.to + 1]];
  if (beside.some((token) => ARITHMETIC.some((sign) => isToken(token, sign)))) return null;
  return (
    signBefore(tokens, whole, text) ??
    signAfter(tokens, whole, text) ??
    between(tokens, whole, text) ??
    inList(tokens, whole.from, text)
  );
}

function signBefore(tokens: readonly Token[], { from }: Stretch, text: string): Compared | null {
  const sign = tokens[from - 1];
  const isWord = ['like', ...MATCHES].some((word) => isToken(sign, word));
  if (!isWord && !OPERATORS.some((each) => isToken(sign, each))) return null;
  const end = isWord && isToken(tokens[from - 2], 'not') ? from - 2 : from - 1;
  if (MATCHES.some((word) => isToken(sign, word))) {
    const value = expressionOf(operandBefore(tokens, end), text);
    // Whatever a regular expression gives a meaning of its own becomes any character.
    const pattern = (inner: string) => `regexp_replace(left(${inner}, 8), '[^a-zA-Z0-9]', '.')`;
    return value === null || value === 'amount'
      ? null
      : { role: 'equality', made: { ...value, text: pattern(value.text) } };
  }
  // A whole value is a pattern that the value itself matches.
  return compared(tokens, end, RANGE.includes(sign?.text ?? '') ? 'range' : 'equality', text);
}

/** With the operand that ends right before a place. */
function compared(
  tokens: readonly Token[],
  end: number,
  role: 'equality' | 'range',
  text: string,
): Compared | null {
  const column = columnBefore(tokens, end)?.name ?? inCall(tokens, end);
  if (column !== null) return { role, column };
  return behind(expressionOf(operandBefore(tokens, end), text), role);
}

/** Calls that change nothing of most values. */
const TRANSPARENT = ['trim', 'ltrim', 'rtrim', 'coalesce', 'ifnull'];

/** `trim(a) = ?`: the call that ends right before a place, around a plain column; COALESCE's first item. */
function inCall(tokens: readonly Token[], end: number): readonly string[] | null {
  if (!isToken(tokens[end - 1], ')')) return null;
  const open = opening(tokens, end - 1);
  if (!TRANSPARENT.some((word) => isToken(tokens[open - 1], word))) return null;
  const [first = []] = itemsBetween(tokens, open, end - 1);
  const column = columnBefore(tokens, open + 1 + first.length);
  const isAlone = column !== null && column.from === open + 1;
  return isAlone && !ARITHMETIC.some((sign) => isToken(tokens[open - 2], sign)) ? column.name : null;
}

/** `? = a` */
function signAfter(tokens: readonly Token[], { to }: Stretch, text: string): Compared | null {
  const sign = tokens[to + 1];
  if (!OPERATORS.some((each) => isToken(sign, each))) return null;
  const role = EQUALITY.includes(sign?.text ?? '') ? 'equality' : 'range';
  const operand = operandAfter(tokens, to + 2);
  const parts = operand.filter((_, index) => index % 2 === 0).map(nameIn);
  const dots = operand.filter((_, index) => index % 2 === 1);
  const names = parts.flatMap((part) => part ?? []);
  if (names.length > 0 && names.length === parts.length && dots.every((token) => isToken(token, '.')))
    return { role, column: names };
  return behind(expressionOf(operand, text), role);
}

/** `a between ? and ?`, where either end may be something else. */
function between(tokens: readonly Token[], { from }: Stretch, text: string): Compared | null {
  const word = isToken(tokens[from - 1], 'between')
    ? from - 1
    : isToken(tokens[from - 1], 'and') && isToken(tokens[from - 3], 'between')
      ? from - 3
      : null;
  return word === null
    ? null
    : compared(tokens, isToken(tokens[word - 1], 'not') ? word - 1 : word, 'range', text);
}

/** `a in (?, ?)`, `(a, b) in ((?, ?))`, `(a, b) = (?, ?)`, `(a, b) < (?, ?)` */
function inList(tokens: readonly Token[], at: number, text: string): Compared | null {
  const row = enclosing(tokens, at);
  if (row === null) return null;
  const listed = isToken(tokens[row.open - 1], 'in') ? row : enclosing(tokens, row.open);
  const before = tokens[row.open - 1];
  const isRow = OPERATORS.some((sign) => isToken(before, sign));
  const sign = isRow
    ? row.open - 1
    : listed !== null && isToken(tokens[listed.open - 1], 'in')
      ? listed.open - 1
      : null;
  if (sign === null) return null;
  const left = isToken(tokens[sign - 1], 'not') ? sign - 1 : sign;
  if (!isRow && listed === row) return compared(tokens, left, 'equality', text);
  if (!isToken(tokens[left - 1], ')')) return null;
  const columns = itemsBetween(tokens, opening(tokens, left - 1), left - 1);
  const column = columns[row.position]
    ?.filter((token) => !isToken(token, '.'))
    .flatMap((token) => nameIn(token) ?? []);
  const role = isRow && RANGE.includes(before?.text ?? '') ? 'range' : 'equality';
  return column === undefined || column.length === 0 ? null : { role, column };
}

/** The plain column that ends right before a place: no call, and no part of a sum. */
export function columnBefore(
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
