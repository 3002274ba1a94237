/** Marks in a schema or migration text that only Postgres has, so that the engine need not be asked for. */
import { isToken, type Token, tokensOf } from './scan.ts';

/** Words that no other engine of ours knows. */
const WORDS = [
  ...['serial', 'bigserial', 'smallserial', 'serial4', 'serial8', 'timestamptz', 'timetz', 'jsonb', 'bytea'],
  ...[
    'tsvector',
    'tsquery',
    'tstzrange',
    'daterange',
    'int4range',
    'int8range',
    'numrange',
    'citext',
    'hstore',
  ],
  ...['concurrently', 'ilike', 'plpgsql', 'pg_catalog', 'regclass', 'gin', 'gist', 'brin'],
];

/** Words in a row, each list one mark. */
const PHRASES: readonly (readonly string[])[] = [
  ['generated', 'always', 'as', 'identity'],
  ['generated', 'by', 'default', 'as', 'identity'],
  ['create', 'extension'],
  ['create', 'materialized', 'view'],
  ['create', 'domain'],
  ['alter', 'table', 'only'],
  ['with', 'time', 'zone'],
  ['without', 'time', 'zone'],
  ['not', 'valid'],
  ['on', 'conflict'],
];

const DUMP_HEADER = /^--\s*PostgreSQL database (?:cluster )?dump/m;
/** Only the beginning of a text is looked at: a dump says what it is long before. */
const MAX_CHARACTERS = 200_000;

/** The marks found, each once and in double quotes; text in comments and literals does not count. */
export function recognise(text: string): readonly string[] {
  const beginning = text.slice(0, MAX_CHARACTERS);
  const marks = new Set<string>();
  if (DUMP_HEADER.test(beginning)) marks.add('PostgreSQL database dump');
  const tokens = tokensOf(beginning);
  for (const [index, each] of tokens.entries()) {
    if (each.kind === 'dollar') marks.add('$$');
    if (isToken(each, '::')) marks.add('::');
    if (each.kind !== 'word') continue;
    if (WORDS.includes(each.text)) marks.add(each.text);
    if (isArrayType(tokens, index)) marks.add(`${each.text}[]`);
    for (const phrase of PHRASES)
      if (phrase.every((word, offset) => isToken(tokens[index + offset], word))) marks.add(phrase.join(' '));
  }
  return [...marks].map((mark) => `"${mark}"`);
}

function isArrayType(tokens: readonly Token[], index: number): boolean {
  return isToken(tokens[index + 1], '[') && isToken(tokens[index + 2], ']');
}
