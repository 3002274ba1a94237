/**
 * Splits scripts as the mysql client does (client/mysql.cc, add_line): at the delimiter, outside of quotes and comments.
 * Routines are kept together without a DELIMITER too, because tools that send statements one by one have none.
 */
import { UsageError } from '../../../errors.ts';
import type { SqlStatement } from '../../engine.ts';
import { isToken, nextToken, type Token } from './scan.ts';

const DEFAULT_DELIMITER = ';';
const DELIMITER_COMMAND = /\s*delimiter[ \t]+(\S+)[^\n]*/iy;
/** Commands of the mysql client that read a file, or write one: they would be lost in silence. */
const FILE_COMMAND = /(?:source[ \t]+\S|\\\.[ \t])[^\n]*/iy;

/**
 * The statements of a script, without the comments between them. `USE` is left out: a dump of several databases, or a
 * script for production's database, belongs into the rehearsed one here.
 */
export function split(script: string): readonly SqlStatement[] {
  const statements: SqlStatement[] = [];
  const lineAt = lineCounter(script);
  let delimiter = DEFAULT_DELIMITER;
  let at = script.startsWith('\ufeff') ? 1 : 0;
  for (;;) {
    const command = delimiterCommand(script, at);
    if (command !== null) {
      delimiter = command.delimiter;
      at = command.end;
      continue;
    }
    const read = readStatement(script, at, delimiter);
    if (read === null) return statements;
    at = read.end;
    if (read.from === read.to) continue;
    const line = lineAt(read.from);
    refuseFileCommand(script, read.from, line);
    if (!isToken(read.head[0], 'use'))
      statements.push({ text: textOf(script, read), line, offset: read.from });
  }
}

/** The client drops a backslash that ends a line outside of quotes; a space in its place keeps every offset. */
function textOf(script: string, { from, to, continued }: ReadStatement): string {
  let text = '';
  let at = from;
  for (const place of continued.filter((each) => each > from && each < to)) {
    text += `${script.slice(at, place)} `;
    at = place + 1;
  }
  return text + script.slice(at, to);
}

interface ReadStatement {
  /** Offsets of backslashes that end a line. */
  readonly continued: readonly number[];
  /** Its first words, enough to tell what it is. */
  readonly head: readonly Token[];
  readonly from: number;
  readonly to: number;
  /** Offset behind its delimiter. */
  readonly end: number;
}

/** Words of `create or replace definer = user@host aggregate function` and the like, quotes counted. */
const HEAD_TOKENS = 12;

function readStatement(script: string, start: number, delimiter: string): ReadStatement | null {
  const head: Token[] = [];
  let executable = false;
  let from = -1;
  let to = -1;
  const continued: number[] = [];
  const block = createBlock();
  for (let at = start; ; ) {
    const next = nextToken(script, at, { executable, delimiter });
    if (next === null) return from === -1 ? null : { head, continued, from, to, end: script.length };
    at = next.to;
    if (next.kind === 'delimiter' && !(delimiter === DEFAULT_DELIMITER && block.isOpen()))
      return from === -1
        ? { head, continued, from: at, to: at, end: at }
        : { head, continued, from, to, end: at };
    // The command stands at the beginning of a statement, behind a comment too.
    if (next.kind === 'comment') {
      if (from === -1 && delimiterCommand(script, at) !== null)
        return { head, continued, from: at, to: at, end: at };
      continue;
    }
    if (next.text === '\\' && /^\r?\n/.test(script.slice(at, at + 2))) {
      continued.push(next.from);
      continue;
    }
    if (next.kind === 'executable') executable = !executable;
    else {
      if (head.length < HEAD_TOKENS) head.push(next);
      block.add(next, head);
    }
    if (from === -1) from = next.from;
    to = next.to;
  }
}

interface Block {
  add(token: Token, head: readonly Token[]): void;
  isOpen(): boolean;
}

/** BEGIN and CASE open what END closes; END IF, END LOOP, END WHILE and END REPEAT close what is not counted. */
function createBlock(): Block {
  let depth = 0;
  let previous = '';
  let closed = false;
  return {
    add({ kind, text }, head) {
      const word = kind === 'word' ? text : '';
      if (previous === 'end') {
        if (closed && /^(?:if|loop|while|repeat)$/.test(word)) depth += 1;
      } else if (word === 'begin' || (word === 'case' && depth > 0)) depth += hasBody(head) ? 1 : 0;
      else if (word === 'not' && head.length === 2 && hasBody(head)) depth += 1;
      closed = word === 'end' && depth > 0;
      if (closed) depth -= 1;
      previous = word;
    },
    isOpen: () => depth > 0,
  };
}

const WITH_BODY = ['procedure', 'function', 'trigger', 'event', 'package'];
const WITHOUT_BODY = [
  ...['table', 'temporary', 'view', 'index', 'unique', 'fulltext', 'spatial', 'sequence', 'tablespace'],
  ...['database', 'schema', 'user', 'role', 'server', 'undo', 'logfile'],
];

/** A routine, trigger, event or package of `create` or `alter`, and MariaDB's `begin not atomic`. */
function hasBody(head: readonly Token[]): boolean {
  if (isToken(head[0], 'begin')) return isToken(head[1], 'not');
  if (!isToken(head[0], 'create') && !isToken(head[0], 'alter')) return false;
  const kind = head.find(
    ({ kind, text }) => kind === 'word' && (WITH_BODY.includes(text) || WITHOUT_BODY.includes(text)),
  );
  return kind !== undefined && WITH_BODY.includes(kind.text);
}

function delimiterCommand(script: string, from: number): { delimiter: string; end: number } | null {
  DELIMITER_COMMAND.lastIndex = from;
  const found = DELIMITER_COMMAND.exec(script);
  if (found === null) return null;
  const delimiter = (found[1] ?? '').replace(/^(['"`])(.+)\1$/, '$2');
  return { delimiter, end: DELIMITER_COMMAND.lastIndex };
}

function refuseFileCommand(script: string, from: number, line: number): void {
  FILE_COMMAND.lastIndex = from;
  const found = FILE_COMMAND.exec(script);
  if (found === null) return;
  throw new UsageError(
    `line ${line}: "${found[0].trim()}" is a command of the mysql client, not SQL: put the text of that file here`,
  );
}

function lineCounter(script: string): (offset: number) => number {
  let line = 1;
  let at = 0;
  return (offset) => {
    for (; at < offset; at += 1) if (script.charCodeAt(at) === 10) line += 1;
    return line;
  };
}
