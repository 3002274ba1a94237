/**
 * The lexical rules of MySQL and MariaDB: https://dev.mysql.com/doc/refman/en/language-structure.html. Everything here
 * that looks into SQL text (splitting, kinds, redaction, targets) reads these tokens.
 */

export type TokenKind =
  | 'word'
  | 'quoted'
  | 'string'
  | 'number'
  | 'parameter'
  | 'variable'
  | 'operator'
  | 'punctuation'
  | 'comment'
  | 'executable'
  | 'delimiter';

/** A piece of SQL text; white space has no token. */
export interface Token {
  /** `executable`: the opening or the closing of a comment that the server runs; what stands inside has its tokens. */
  readonly kind: TokenKind;
  readonly from: number;
  readonly to: number;
  /** Words in lower case, everything else as written. */
  readonly text: string;
}

/** What must be known of the text before a place in it. */
export interface ScanContext {
  /** The place is inside an executable comment, where no delimiter counts. */
  readonly executable: boolean;
  /** What ends a statement; null where that is of no interest. */
  readonly delimiter: string | null;
}

const SPACE = /\s+/y;
/** Two dashes begin a comment only before white space: `5--3` is 8. */
const LINE_COMMENT = /(?:#|--(?=\s|$))[^\n]*/y;
const EXECUTABLE = /\/\*M?!\d*/y;
/** mariadb-dump begins its files with it; it is for the client alone. */
const SANDBOX_MODE = '/*M!999999\\-';
const NUMBER =
  /(?:0[xX][0-9a-fA-F]+|0b[01]+|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)(?![A-Za-z_$\u0080-\uffff])/y;
const WORD = /[A-Za-z0-9_$\u0080-\uffff]+/y;
const VARIABLE = /@@?(?:[A-Za-z0-9_$.\u0080-\uffff]+)?/y;
const PREFIXED_STRING = /[nNxXbB]'/y;
const OPERATOR = /<=>|->>|:=|<=|>=|<>|!=|\|\||&&|->|<<|>>|[-+*/%<>=!&|^~]/y;

/** The token at or after `from`, or null at the end. What is never closed reaches to the end of the text. */
export function nextToken(text: string, from: number, context: ScanContext): Token | null {
  const at = endOf(SPACE, text, from) ?? from;
  if (at >= text.length) return null;
  const { delimiter, executable } = context;
  if (delimiter !== null && !executable && text.startsWith(delimiter, at))
    return token('delimiter', text, at, at + delimiter.length);
  if (executable && text.startsWith('*/', at)) return token('executable', text, at, at + 2);
  return commentToken(text, at) ?? quotedToken(text, at) ?? plainToken(text, at, delimiter);
}

/** All tokens in their order, comments included; lazily, since a dump has millions. */
export function* scan(text: string): Generator<Token, void> {
  let executable = false;
  for (let at = 0; ; ) {
    const next = nextToken(text, at, { executable, delimiter: null });
    if (next === null) return;
    if (next.kind === 'executable') executable = !executable;
    at = next.to;
    yield next;
  }
}

/** The tokens that the server would see: no comments, and executable ones opened. */
export function tokensOf(text: string): readonly Token[] {
  return [...scan(text)].filter(({ kind }) => kind !== 'comment' && kind !== 'executable');
}

/** True for this bare word or this sign; a quoted identifier is never one. */
export function isToken(candidate: Token | undefined, text: string): boolean {
  return (
    candidate?.text === text &&
    (candidate.kind === 'word' || candidate.kind === 'operator' || candidate.kind === 'punctuation')
  );
}

/** The name that a token stands for: quoted ones without their quotes; null when it is no name. */
export function nameIn(candidate: Token | undefined): string | null {
  if (candidate?.kind === 'quoted') return candidate.text.slice(1, -1).replaceAll('``', '`');
  return candidate?.kind === 'word' ? candidate.text : null;
}

function commentToken(text: string, at: number): Token | null {
  const lineEnd = endOf(LINE_COMMENT, text, at);
  if (lineEnd !== null) return token('comment', text, at, lineEnd);
  if (!text.startsWith('/*', at)) return null;
  const opening = endOf(EXECUTABLE, text, at);
  if (opening !== null && !text.startsWith(SANDBOX_MODE, at)) return token('executable', text, at, opening);
  const close = text.indexOf('*/', at + 2);
  return token('comment', text, at, close === -1 ? text.length : close + 2);
}

function quotedToken(text: string, at: number): Token | null {
  const prefixed = endOf(PREFIXED_STRING, text, at);
  const open = prefixed === null ? at : prefixed - 1;
  const quote = text.charAt(open);
  if (quote === "'" || quote === '"') return token('string', text, at, endOfQuotes(text, open, true));
  return quote === '`' ? token('quoted', text, at, endOfQuotes(text, open, false)) : null;
}

function plainToken(text: string, at: number, delimiter: string | null): Token {
  const number = endOf(NUMBER, text, at);
  if (number !== null) return token('number', text, at, number);
  const word = endOf(WORD, text, at);
  if (word !== null) {
    // `end$$`: the delimiter may be made of letters.
    const cut = delimiter === null ? -1 : text.slice(at, word).indexOf(delimiter);
    const to = cut > 0 ? at + cut : word;
    return { kind: 'word', from: at, to, text: text.slice(at, to).toLowerCase() };
  }
  if (text[at] === '?') return token('parameter', text, at, at + 1);
  const variable = endOf(VARIABLE, text, at);
  if (variable !== null) return token('variable', text, at, variable);
  const operator = endOf(OPERATOR, text, at);
  if (operator !== null) return token('operator', text, at, operator);
  return token('punctuation', text, at, at + 1);
}

function token(kind: TokenKind, text: string, from: number, to: number): Token {
  return { kind, from, to, text: text.slice(from, to) };
}

function endOf(pattern: RegExp, text: string, at: number): number | null {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : null;
}

function endOfQuotes(text: string, open: number, backslashes: boolean): number {
  const quote = text[open];
  for (let at = open + 1; at < text.length; at += 1) {
    if (backslashes && text[at] === '\\') at += 1;
    else if (text[at] === quote && text[at + 1] === quote) at += 1;
    else if (text[at] === quote) return at + 1;
  }
  return text.length;
}
