/** What two texts of one statement have in common, whatever values stand in them. Pure. */
import { nextToken, type Token } from '../text/scan.ts';

/** Dollar quotes hold the body of a block or of a function here, and a value elsewhere. */
const BODIES = new Set(['do', 'create']);
const CONSTANTS = new Set(['true', 'false', 'null']);
const SIGNS = new Set(['-', '+']);

/**
 * The text in the form in which pg_stat_statements keeps it, as far as that can be told: values and parameters become
 * `?`, lists of them a single one, comments and the semicolon go. A sign before a value goes too, since the server takes
 * it into the value where it is no operator.
 */
export function shapeOf(text: string): string {
  const words: string[] = [];
  let body = false;
  for (let next = nextToken(text, 0, false); next !== null; next = nextToken(text, next.to, false)) {
    if (next.kind === 'comment') continue;
    if (words.length === 0) body = BODIES.has(next.text);
    const word = wordOf(next, body);
    if (word === '?' && SIGNS.has(words.at(-1) ?? '')) words.pop();
    // A list is squashed as it is read: one of a million values would be a million words.
    if (word === '?' && words.at(-1) === ',' && words.at(-2) === '?') words.pop();
    else words.push(word);
  }
  while (words.at(-1) === ';') words.pop();
  return words.join(' ');
}

function wordOf({ kind, text }: Token, body: boolean): string {
  if (kind === 'string' || kind === 'number' || kind === 'parameter') return '?';
  if (kind === 'dollar') return body ? text : '?';
  return kind === 'word' && CONSTANTS.has(text) ? '?' : text;
}
