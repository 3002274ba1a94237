/**
 * The lexical rules of Postgres: https://www.postgresql.org/docs/current/sql-syntax-lexical.html, as in the server's
 * scan.l. Everything here that looks into SQL text (splitting, kinds, redaction, targets) reads these tokens.
 */

export type TokenKind =
  | 'word'
  | 'quoted'
  | 'string'
  | 'dollar'
  | 'number'
  | 'parameter'
  | 'operator'
  | 'punctuation'
  | 'comment';

/** A piece of SQL text; white space has no token. */
export interface Token {
  readonly kind: TokenKind;
  readonly from: number;
  readonly to: number;
  /** Words in lower case, everything else as written. */
  readonly text: string;
}

const SPACE = /[ \t\n\r\f\v]+/y;
const LINE_COMMENT = /--[^\n\r]*/y;
const WORD = /[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*/y;
const NUMBER =
  /(?:0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:\d[\d_]*(?:\.(?!\.)[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?)/y;
const PARAMETER = /\$\d+/y;
const DOLLAR_TAG = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/y;
const OPERATOR = /[-+*/<>=~!@#%^&|`?]/y;
const OPERATOR_CHARACTERS = '+-*/<>=~!@#%^&|`?';
/** Two literals with a line end between them are one; the second follows the quoting rules of the first. */
const CONTINUATION = /(?:[ \t\f\v]|--[^\n\r]*)*[\n\r](?:[ \t\n\r\f\v]|--[^\n\r]*[\n\r])*'/y;
const PREFIXED_QUOTE = /(?:[uU]&|[eEbBxXnN])'|[uU]&"/y;

/**
 * The token at or after `from`, or null at the end. `backslashes` says that plain literals know backslash escapes
 * (standard_conforming_strings off). What is never closed reaches to the end of the text.
 */
export function nextToken(text: string, from: number, backslashes: boolean): Token | null {
  const at = endOf(SPACE, text, from) ?? from;
  if (at >= text.length) return null;
  const to = endOf(LINE_COMMENT, text, at);
  if (to !== null) return token('comment', text, at, to);
  if (text.startsWith('/*', at)) return token('comment', text, at, endOfBlockComment(text, at));
  return quotedToken(text, at, backslashes) ?? plainToken(text, at);
}

/** All tokens without the comments. */
export function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  for (let next = nextToken(text, 0, false); next !== null; next = nextToken(text, next.to, false))
    if (next.kind !== 'comment') tokens.push(next);
  return tokens;
}

/** True for this bare word or this sign; a quoted identifier is never one. */
export function isToken(candidate: Token | undefined, text: string): boolean {
  return (
    candidate?.text === text &&
    (candidate.kind === 'word' || candidate.kind === 'operator' || candidate.kind === 'punctuation')
  );
}

function quotedToken(text: string, at: number, backslashes: boolean): Token | null {
  const prefixEnd = endOf(PREFIXED_QUOTE, text, at);
  const open = prefixEnd === null ? at : prefixEnd - 1;
  if (text[open] === "'") {
    const escapes = prefixEnd === null ? backslashes : 'eE'.includes(text.charAt(at));
    return token('string', text, at, endOfString(text, open, escapes));
  }
  if (text[open] === '"') return token('quoted', text, at, endOfQuotes(text, open, '"', false));
  const tagEnd = endOf(DOLLAR_TAG, text, at);
  if (tagEnd === null) return null;
  const close = text.indexOf(text.slice(at, tagEnd), tagEnd);
  return token('dollar', text, at, close === -1 ? text.length : close + tagEnd - at);
}

function plainToken(text: string, at: number): Token {
  const word = endOf(WORD, text, at);
  if (word !== null) return { kind: 'word', from: at, to: word, text: text.slice(at, word).toLowerCase() };
  const number = endOf(NUMBER, text, at);
  if (number !== null) return token('number', text, at, number);
  const parameter = endOf(PARAMETER, text, at);
  if (parameter !== null) return token('parameter', text, at, parameter);
  if (endOf(OPERATOR, text, at) !== null) return token('operator', text, at, endOfOperator(text, at));
  const wide = text.startsWith('::', at) || text.startsWith(':=', at);
  return token('punctuation', text, at, at + (wide ? 2 : 1));
}

function token(kind: TokenKind, text: string, from: number, to: number): Token {
  return { kind, from, to, text: text.slice(from, to) };
}

function endOf(pattern: RegExp, text: string, at: number): number | null {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : null;
}

function endOfBlockComment(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    if (text.startsWith('/*', at)) {
      depth += 1;
      at += 1;
    } else if (text.startsWith('*/', at)) {
      depth -= 1;
      at += 1;
      if (depth === 0) return at + 1;
    }
  }
  return text.length;
}

function endOfString(text: string, open: number, escapes: boolean): number {
  let end = endOfQuotes(text, open, "'", escapes);
  for (;;) {
    const continued = endOf(CONTINUATION, text, end);
    if (continued === null) return end;
    end = endOfQuotes(text, continued - 1, "'", escapes);
  }
}

function endOfQuotes(text: string, open: number, quote: string, escapes: boolean): number {
  for (let at = open + 1; at < text.length; at += 1) {
    if (escapes && text[at] === '\\') at += 1;
    else if (text[at] === quote && text[at + 1] === quote) at += 1;
    else if (text[at] === quote) return at + 1;
  }
  return text.length;
}

/** An operator ends where a comment begins. */
function endOfOperator(text: string, from: number): number {
  let to = from;
  while (to < text.length && OPERATOR_CHARACTERS.includes(text.charAt(to))) {
    if (to > from && (text.startsWith('--', to) || text.startsWith('/*', to))) break;
    to += 1;
  }
  return to;
}
