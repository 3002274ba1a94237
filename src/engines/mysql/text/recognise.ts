/** Marks in a schema or migration text that only MySQL or MariaDB has, so that the engine need not be asked for. */
import { isToken, type Token, tokensOf } from './scan.ts';

/** Words that no other engine of ours knows. */
const WORDS = [
  ...['auto_increment', 'unsigned', 'zerofill', 'utf8mb4', 'utf8mb3', 'innodb', 'myisam', 'straight_join'],
  ...['tinyint', 'mediumint', 'tinytext', 'mediumtext', 'longtext', 'tinyblob', 'mediumblob', 'longblob'],
  ...['datetime', 'longblob', 'row_format', 'delimiter'],
];

/** Words in a row, each list one mark; a null stands for any token. */
const PHRASES: readonly (readonly (string | null)[])[] = [
  ['engine', '=', null],
  ['on', 'update', 'current_timestamp'],
  ['on', 'duplicate', 'key', 'update'],
  ['insert', 'ignore'],
  ['modify', 'column'],
  ['change', 'column'],
  ['drop', 'foreign', 'key'],
  ['algorithm', '=', null],
  ['lock', '=', null],
  ['with', 'system', 'versioning'],
  ['page_compressed', '=', null],
];

const DUMP_HEADER = /^-- (MySQL|MariaDB) dump/m;
/** Only the beginning of a text is looked at: a dump says what it is long before. */
const MAX_CHARACTERS = 200_000;

/**
 * The marks found, each once and in double quotes; text in comments and literals does not count. Other engines begin a
 * comment with two dashes and no space, whose text must not be taken for SQL.
 */
export function recognise(text: string): readonly string[] {
  const beginning = text.slice(0, MAX_CHARACTERS);
  const marks = new Set<string>();
  const dump = DUMP_HEADER.exec(beginning)?.[1];
  if (dump !== undefined) marks.add(`${dump} dump`);
  const tokens = tokensOf(beginning.replace(/--[^\n]*/g, ''));
  for (const [index, each] of tokens.entries()) {
    if (each.kind === 'quoted') marks.add('`');
    if (each.kind !== 'word') continue;
    if (WORDS.includes(each.text)) marks.add(each.text);
    if (isEnumType(tokens, index)) marks.add(`${each.text}(...)`);
    for (const phrase of PHRASES) {
      const found = tokens.slice(index, index + phrase.length);
      if (
        found.length === phrase.length &&
        phrase.every((word, at) => word === null || isToken(found[at], word))
      )
        marks.add(found.map((token) => token.text).join(' '));
    }
  }
  return [...marks].map((mark) => `"${mark}"`);
}

/** `status enum('a')`, which Postgres writes as a type of its own: `as enum ('a')`. */
function isEnumType(tokens: readonly Token[], index: number): boolean {
  const isType = isToken(tokens[index], 'enum') || isToken(tokens[index], 'set');
  if (!isType || isToken(tokens[index - 1], 'as')) return false;
  return isToken(tokens[index + 1], '(') && tokens[index + 2]?.kind === 'string' && index > 0;
}
