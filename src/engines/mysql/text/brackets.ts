/** Brackets and lists in a row of tokens. */
import { isToken, type Token } from './scan.ts';

/** The bracket around a place, and how many commas of its own stand before the place. */
export function enclosing(tokens: readonly Token[], from: number): { open: number; position: number } | null {
  let depth = 0;
  let position = 0;
  for (let at = from - 1; at >= 0; at -= 1) {
    if (isToken(tokens[at], ')')) depth += 1;
    else if (isToken(tokens[at], '(')) {
      if (depth === 0) return { open: at, position };
      depth -= 1;
    } else if (depth === 0 && isToken(tokens[at], ',')) position += 1;
  }
  return null;
}

/** Index of the bracket that closes the one at `open`; the end of the tokens when none does. */
export function closing(tokens: readonly Token[], open: number): number {
  let depth = 0;
  for (let at = open; at < tokens.length; at += 1) {
    if (isToken(tokens[at], '(')) depth += 1;
    if (isToken(tokens[at], ')')) depth -= 1;
    if (depth === 0) return at;
  }
  return tokens.length;
}

/** Index of the bracket that the one at `close` closes. */
export function opening(tokens: readonly Token[], close: number): number {
  let depth = 0;
  for (let at = close; at >= 0; at -= 1) {
    if (isToken(tokens[at], ')')) depth += 1;
    if (isToken(tokens[at], '(')) depth -= 1;
    if (depth === 0) return at;
  }
  return 0;
}

/** The items of a list with commas between two brackets. */
export function itemsBetween(
  tokens: readonly Token[],
  open: number,
  close: number,
): readonly (readonly Token[])[] {
  const items: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens.slice(open + 1, close)) {
    if (isToken(token, '(')) depth += 1;
    if (isToken(token, ')')) depth -= 1;
    if (depth === 0 && isToken(token, ',')) items.push([]);
    else items.at(-1)?.push(token);
  }
  return items;
}
