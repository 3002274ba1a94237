/** The tables that a statement names. */
import { isToken, nameIn, type Token } from '../text/scan.ts';

/**
 * A table of the statement, with the name that its columns are qualified by. Names without quotes are in lower case, so
 * that they have to be compared without regard to case.
 */
export interface Source {
  /** Database, where it is written, and name. */
  readonly parts: readonly string[];
  readonly alias: string;
}

const TABLE_FOLLOWS = ['from', 'join', 'straight_join', 'update', 'into'];
/** Words that end a list of tables, or stand behind a table's name where an alias could. */
const NO_ALIAS = new Set([
  ...[
    'where',
    'set',
    'on',
    'using',
    'join',
    'inner',
    'left',
    'right',
    'cross',
    'natural',
    'straight_join',
    'group',
  ],
  ...[
    'order',
    'limit',
    'having',
    'union',
    'for',
    'lock',
    'use',
    'force',
    'ignore',
    'values',
    'value',
    'select',
  ],
  ...['partition', 'window', 'except', 'intersect', 'returning', 'with', 'table'],
]);
/** Words between a command and its table. */
export const UPDATE_OPTIONS = ['low_priority', 'ignore', 'delayed', 'high_priority', 'quick'];

/** Tables behind FROM, JOIN, UPDATE and INTO, and behind the commas of such a list. */
export function readSources(tokens: readonly Token[]): readonly Source[] {
  const sources: Source[] = [];
  for (const [index, token] of tokens.entries()) {
    if (!TABLE_FOLLOWS.some((word) => isToken(token, word))) continue;
    // `on duplicate key update`, `for update`, `on update`
    if (token.text === 'update' && ['key', 'for', 'on'].some((word) => isToken(tokens[index - 1], word)))
      continue;
    const isList = isToken(token, 'from') || isToken(token, 'update');
    let open = 0;
    for (let at: number | null = index + 1; at !== null; ) {
      for (; isOpening(tokens[at]); at += 1) open += isToken(tokens[at], '(') ? 1 : 0;
      const read = readSource(tokens, at);
      if (read === null) break;
      sources.push(read.source);
      at = isList ? nextInList(tokens, read.end, open) : null;
    }
  }
  return sources;
}

const LIST_ENDS = [
  'where',
  'group',
  'order',
  'having',
  'limit',
  'union',
  'set',
  'for',
  'lock',
  'window',
  'except',
];

/**
 * The place behind the next comma of a list of tables, past joins and their conditions; null at the list's end. `open`:
 * brackets around tables that the list began with.
 */
function nextInList(tokens: readonly Token[], from: number, open: number): number | null {
  let depth = 0;
  for (let at = from; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (isToken(token, '(')) depth += 1;
    if (isToken(token, ')')) depth -= 1;
    if (depth < -open) return null;
    if (depth > 0) continue;
    if (isToken(token, ',')) return at + 1;
    if (isToken(token, ';') || LIST_ENDS.some((word) => isToken(token, word))) return null;
  }
  return null;
}

function isOpening(token: Token | undefined): boolean {
  return isToken(token, '(') || UPDATE_OPTIONS.some((word) => isToken(token, word));
}

/** One name with its alias; null where none stands. */
export function readSource(tokens: readonly Token[], from: number): { source: Source; end: number } | null {
  const parts: string[] = [];
  let at = from;
  for (;;) {
    const name = nameIn(tokens[at]);
    if (name === null || (tokens[at]?.kind === 'word' && parts.length === 0 && NO_ALIAS.has(name))) break;
    parts.push(name);
    at += 1;
    if (!isToken(tokens[at], '.')) break;
    at += 1;
  }
  if (parts.length === 0) return null;
  if (isToken(tokens[at], 'as')) at += 1;
  const alias = nameIn(tokens[at]);
  const isAlias = alias !== null && !(tokens[at]?.kind === 'word' && NO_ALIAS.has(alias));
  return { source: { parts, alias: isAlias ? alias : (parts.at(-1) ?? '') }, end: isAlias ? at + 1 : at };
}
