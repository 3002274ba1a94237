/** What a placeholder is compared with where that is more than a column: `year(a) = ?`, `a->>'$.b' = ?`. */
import { closing, enclosing, itemsBetween, opening } from '../text/brackets.ts';
import { isToken, nameIn, type Token } from '../text/scan.ts';
import type { Compared } from './comparisons.ts';

export interface Made {
  /** As it stands in the statement, or with more around it. */
  readonly text: string;
  /** Every name in it that may be a column, with its qualifier where one is written. */
  readonly names: readonly (readonly string[])[];
}

const BEFORE = [
  ...['and', 'or', 'xor', 'not', 'where', 'on', 'having', 'when', 'then', 'else', 'select', 'by', 'set'],
  ...['between', '=', '<=>', '<>', '!=', '<', '>', '<=', '>=', ',', ';', 'case', 'end', ':='],
];
const AFTER = [
  ...BEFORE,
  ...['group', 'order', 'limit', 'union', 'for', 'lock', 'window', 'end', 'as', 'into', 'returning'],
];

/** The operand that ends right before a place. */
export function operandBefore(tokens: readonly Token[], end: number): readonly Token[] {
  let from = end;
  while (from > 0) {
    const token = tokens[from - 1];
    if (isToken(token, ')')) from = opening(tokens, from - 1);
    else if (isToken(token, '(') || BEFORE.some((word) => isToken(token, word))) break;
    else from -= 1;
  }
  return tokens.slice(from, end);
}

/** The operand that begins at a place. */
export function operandAfter(tokens: readonly Token[], from: number): readonly Token[] {
  let to = from;
  while (to < tokens.length) {
    const token = tokens[to];
    if (isToken(token, '(')) to = closing(tokens, to) + 1;
    else if (isToken(token, ')') || AFTER.some((word) => isToken(token, word))) break;
    else to += 1;
  }
  return tokens.slice(from, to);
}

const AGGREGATES = ['count', 'sum', 'avg', 'min', 'max'];

/** Null when it has no column, a placeholder, or rows of a sub-query; `amount` when it is counted or summed up. */
export function expressionOf(operand: readonly Token[], text: string): Made | 'amount' | null {
  const isOther = (token: Token) =>
    token.kind === 'parameter' || isToken(token, 'select') || isToken(token, 'over');
  if (operand.length === 0 || operand.some(isOther)) return null;
  const calls = operand.filter((_, index) => isToken(operand[index + 1], '('));
  if (calls.some((token) => AGGREGATES.some((word) => isToken(token, word)))) return 'amount';
  const names: string[][] = [];
  for (let at = 0; at < operand.length; at += 1) {
    const name: string[] = [];
    for (let part = nameIn(operand[at]); part !== null; part = nameIn(operand[at])) {
      name.push(part);
      if (!isToken(operand[at + 1], '.')) break;
      at += 2;
    }
    if (name.length > 0 && !isToken(operand[at + 1], '(')) names.push(name);
  }
  if (names.length === 0) return null;
  const whole = text.slice(operand[0]?.from, operand.at(-1)?.to);
  // A text in a document stands in quotes there, and is compared without them.
  const isDocument =
    isToken(operand[0], 'json_extract') ||
    (!operand.some((token) => isToken(token, '(')) && operand.some((token) => isToken(token, '->')));
  return { text: isDocument ? `json_unquote(${whole})` : whole, names };
}

export function behind(found: ReturnType<typeof expressionOf>, role: 'equality' | 'range'): Compared | null {
  if (found === null) return null;
  return found === 'amount' ? { role: 'amount', column: null } : { role, made: found };
}

type Argument = (inner: string, others: readonly string[]) => string;

/** By the call and the placeholder's position in it: which argument is meant, and what is made of it. */
const CALLS: Readonly<Record<string, { at: number; of: number; make: Argument | null }>> = {
  json_contains: {
    ...{ at: 1, of: 0 },
    make: (document, [path]) => (path === undefined ? document : `json_extract(${document}, ${path})`),
  },
  find_in_set: { at: 0, of: 1, make: (list) => `substring_index(${list}, ',', 1)` },
};

/** `json_contains(a, ?)`, `find_in_set(?, a)`, `match (a) against (?)`, `? member of (a)`, `order by field(a, ?)`. */
export function madeFor(tokens: readonly Token[], at: number, text: string): Compared | null {
  const from = (items: readonly Token[], make: (inner: string) => string): Compared | null => {
    const found = expressionOf(items, text);
    if (found === null || found === 'amount') return null;
    return { role: 'equality', made: { names: found.names, text: make(found.text) } };
  };
  if (isToken(tokens[at + 1], 'member') && isToken(tokens[at + 2], 'of')) {
    const list = itemsBetween(tokens, at + 3, closing(tokens, at + 3))[0] ?? [];
    return from(list, (document) => `json_unquote(json_extract(${document}, '$[0]'))`);
  }
  const call = enclosing(tokens, at);
  if (call === null) return null;
  const { open, position } = call;
  if (isToken(tokens[open - 1], 'against') && isToken(tokens[open - 2], ')')) {
    const columns = itemsBetween(tokens, opening(tokens, open - 2), open - 2);
    return from(columns[0] ?? [], (words) => `substring_index(${words}, ' ', 1)`);
  }
  const items = itemsBetween(tokens, open, closing(tokens, open));
  if (items[position]?.length !== 1) return null;
  const isSearched = isToken(tokens[open - 1], 'find_in_set') && position === 1;
  if ((isToken(tokens[open - 1], 'field') && position > 0) || isSearched) {
    const column = items[0]?.filter((token) => !isToken(token, '.')).flatMap((token) => nameIn(token) ?? []);
    return column === undefined || column.length === 0 ? null : { role: 'equality', column };
  }
  const known = Object.entries(CALLS).find(([name]) => isToken(tokens[open - 1], name))?.[1];
  if (known === undefined || known.make === null || known.at !== position) return null;
  const others = items.slice(2).map((item) => text.slice(item[0]?.from, item.at(-1)?.to));
  const { make } = known;
  return from(items[known.of] ?? [], (inner) => make(inner, others));
}
