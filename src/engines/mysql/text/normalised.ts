/**
 * Digests, as performance_schema keeps them, made into statements that can be prepared:
 * https://dev.mysql.com/doc/refman/en/performance-schema-statement-digests.html. A list of values is `(...)` there or
 * `?, ...`, several rows are `(...) , ...` in a comment, and every two tokens have a space between them.
 */
import type { NormalisedContext, Replayable } from '../../engine.ts';
import { closing, enclosing, itemsBetween, opening } from './brackets.ts';
import { isToken, nameIn, scan, type Token } from './scan.ts';

const UNKNOWN_LIST = 'the digest does not say how many values a list has';

export function fromNormalised(text: string, context: NormalisedContext): Replayable {
  if (isCut(text))
    return {
      refused: 'the server kept only the beginning of its text: raise max_digest_length and capture again',
    };
  const tokens = [...scan(text)].filter(({ text: each, kind }) => kind !== 'comment' || isMore(each));
  let parameters = 0;
  const fresh = (count: number): string =>
    Array.from({ length: count }, () => {
      parameters += 1;
      return `$${parameters}`;
    }).join(', ');
  const pieces: string[] = [];
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (token === undefined) break;
    if (isEllipsis(tokens, at + 1) && isToken(token, '(') && isToken(tokens[at + 4], ')')) {
      const found = rowOf(tokens, at, context);
      if (found === null) return { refused: UNKNOWN_LIST };
      pieces.push(Array.from({ length: found.rows }, () => `(${fresh(found.values)})`).join(', '));
      at += found.rows > 1 || isComment(tokens[at + 5]) ? 5 : 4;
    } else if (isParameter(token) && isToken(tokens[at + 1], ',') && isEllipsis(tokens, at + 2)) {
      const count = listOf(tokens, at, context);
      if (count === null) return { refused: UNKNOWN_LIST };
      pieces.push(fresh(count));
      at += 4;
    } else if (isParameter(token)) pieces.push(fresh(1));
    else if (isComment(token)) {
      const more = repeated(tokens, at, context.listLength, fresh);
      if (more === null) return { refused: UNKNOWN_LIST };
      pieces.push(more);
    } else pieces.push(text.slice(token.from, token.to));
  }
  return { statement: joined(pieces).replace(/;+$/, '') };
}

/** `...` at the end, and not in brackets, is where the text was cut. */
function isCut(text: string): boolean {
  return /\.\.\.\s*$/.test(text) && !/(?:\(\s*|,\s*)\.\.\.\s*$/.test(text);
}

function isMore(comment: string): boolean {
  return /^\/\*\s*,\s*\.\.\.\s*\*\/$/.test(comment);
}

function isComment(token: Token | undefined): boolean {
  return token?.kind === 'comment';
}

/** A place of a value, which a capture may have found as a literal. */
function isParameter(token: Token): boolean {
  return token.kind === 'parameter' || (token.kind === 'string' && token.text === "'?'");
}

function isEllipsis(tokens: readonly Token[], at: number): boolean {
  return [0, 1, 2].every((offset) => isToken(tokens[at + offset], '.'));
}

/** `(...)`: values of a row to insert, of a list behind IN, or of a row that is compared. */
function rowOf(
  tokens: readonly Token[],
  at: number,
  context: NormalisedContext,
): { readonly values: number; readonly rows: number } | null {
  const before = tokens[at - 1];
  const rows = isComment(tokens[at + 5]) ? Math.max(2, context.listLength) : 1;
  if (isToken(before, 'in')) {
    const values = isToken(tokens[at - 2], ')') ? null : context.listLength;
    return values === null ? null : { values, rows: 1 };
  }
  if (isToken(before, 'values') || isToken(before, 'value')) {
    const values = insertedColumns(tokens, at - 1, context);
    return values === null ? null : { values, rows };
  }
  // ( a , b ) IN ( (...) ), ( a , b ) = (...)
  const sign = isToken(before, '(') && isToken(tokens[at - 2], 'in') ? at - 2 : at - 1;
  if (!isToken(tokens[sign - 1], ')')) return null;
  const open = opening(tokens, sign - 1);
  return { values: itemsBetween(tokens, open, sign - 1).length, rows };
}

/** How many values a row of this INSERT has: as many as the columns that it names, else as the table has. */
function insertedColumns(
  tokens: readonly Token[],
  values: number,
  { columnsOf }: NormalisedContext,
): number | null {
  if (isToken(tokens[values - 1], ')'))
    return itemsBetween(tokens, opening(tokens, values - 1), values - 1).length;
  const name = nameIn(tokens[values - 1]);
  return name === null ? null : columnsOf(name);
}

/** `?, ...`: what is left of the values of a row to insert; two behind LIMIT. */
function listOf(tokens: readonly Token[], at: number, context: NormalisedContext): number | null {
  if (isToken(tokens[at - 1], 'limit')) return 2;
  const around = enclosing(tokens, at);
  if (around === null) return null;
  const before = tokens[around.open - 1];
  if (isToken(before, 'in')) return context.listLength;
  if (!isToken(before, 'values') && !isToken(before, 'value')) return null;
  const wanted = insertedColumns(tokens, around.open - 1, context);
  const items = itemsBetween(tokens, around.open, closing(tokens, around.open));
  const lists = items.filter(([first, ...rest]) => isToken(first, '.') && rest.length === 2).length;
  // The list's own two items, the first value and the dots, stand for all that the others leave.
  const others = items.length - 2;
  return wanted === null || lists !== 1 || wanted - others < 2 ? null : wanted - others;
}

/** A comment `, ...` behind a single value in brackets: `(?)` again and again. */
function repeated(
  tokens: readonly Token[],
  at: number,
  listLength: number,
  fresh: (count: number) => string,
): string | null {
  const single = isToken(tokens[at - 1], ')') && isToken(tokens[at - 3], '(');
  const value = tokens[at - 2];
  if (!single || value === undefined || !isParameter(value)) return null;
  return Array.from({ length: Math.max(1, listLength - 1) }, () => `, (${fresh(1)})`).join('');
}

/** One space between two tokens, and none before the bracket of a call or around a dot. */
function joined(pieces: readonly string[]): string {
  return pieces
    .join(' ')
    .replace(/(?<=[A-Za-z0-9_$]) (?=\()/g, '')
    .replace(/(?<=[`\w]) \. (?=[`\w*])/g, '.');
}
