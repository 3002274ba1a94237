/**
 * Splits scripts as psql does (src/fe_utils/psqlscan.l): at a semicolon outside of quotes, parentheses and
 * BEGIN ATOMIC bodies; COPY FROM STDIN takes the lines that follow it.
 */
import { UsageError } from '../../../errors.ts';
import type { SqlStatement } from '../../engine.ts';
import { isToken, nextToken, type Token } from './scan.ts';

/**
 * psql commands that pg_dump writes, or that change nothing that a rehearsal needs; a \connect of `pg_dump --create`
 * leads into the rehearsed database anyway.
 */
const SKIPPED_COMMANDS = [
  'restrict',
  'unrestrict',
  'connect',
  'c',
  'encoding',
  'echo',
  'timing',
  'pset',
  '.',
];
const COPY_DATA_END = '\\.';

/**
 * The statements of a script, without those comments that stand between them. `COPY ... FROM STDIN` keeps its data
 * in psql's form: the statement, a semicolon, the lines, and a line with `\.`; {@link inlineCopy} takes it apart.
 */
export function split(script: string): readonly SqlStatement[] {
  const statements: SqlStatement[] = [];
  const lines = lineCounter(script);
  let backslashes = false;
  let at = script.startsWith('\ufeff') ? 1 : 0;
  for (;;) {
    const read = readStatement(script, at, backslashes);
    if (read === null) return statements;
    const first = read.tokens[0];
    const last = read.tokens.at(-1);
    at = read.end;
    if (first === undefined || last === undefined) continue;
    let text = script.slice(first.from, last.to);
    if (isToken(first, '\\')) at = skipCommand(script, first.from, lines(first.from));
    else {
      if (read.closed && isCopyFromStdin(read.tokens)) {
        const data = readCopyData(script, read.end);
        at = data.end;
        text += `;\n${data.text}${COPY_DATA_END}`;
      }
      statements.push({ text, line: lines(first.from), offset: first.from });
    }
    backslashes = changedBackslashes(read.tokens) ?? backslashes;
  }
}

/** Takes a COPY statement with its data, as {@link split} gives it, apart; null for any other text. */
export function inlineCopy(text: string): { readonly statement: string; readonly data: string } | null {
  if (!/^\s*copy\b/i.test(text)) return null;
  const read = readStatement(text, 0, false);
  const last = read?.tokens.at(-1);
  if (!read?.closed || last === undefined || !isCopyFromStdin(read.tokens)) return null;
  return { statement: text.slice(0, last.to), data: readCopyData(text, read.end).text };
}

interface ReadStatement {
  /** Without comments and without the semicolon. */
  readonly tokens: readonly Token[];
  /** Offset behind the statement and its semicolon. */
  readonly end: number;
  readonly closed: boolean;
}

function readStatement(script: string, from: number, backslashes: boolean): ReadStatement | null {
  const tokens: Token[] = [];
  let parentheses = 0;
  let atomicDepth = 0;
  let at = from;
  for (;;) {
    const next = nextToken(script, at, backslashes);
    if (next === null) return tokens.length === 0 ? null : { tokens, end: script.length, closed: false };
    at = next.to;
    if (next.kind === 'comment') continue;
    if (isToken(next, ';') && parentheses === 0 && atomicDepth === 0)
      return { tokens, end: next.to, closed: true };
    if (isToken(next, '(')) parentheses += 1;
    if (isToken(next, ')')) parentheses = Math.max(0, parentheses - 1);
    if (parentheses === 0) atomicDepth = atomicDepthAfter(next, tokens, atomicDepth);
    tokens.push(next);
    if (tokens.length === 1 && isToken(next, '\\')) return { tokens, end: next.to, closed: false };
  }
}

/** Inside a routine, BEGIN ATOMIC and CASE open what END closes. */
function atomicDepthAfter(next: Token, before: readonly Token[], depth: number): number {
  if (next.kind !== 'word') return depth;
  if (next.text === 'atomic' && isToken(before.at(-1), 'begin') && createsRoutine(before)) return depth + 1;
  if (depth > 0 && next.text === 'case') return depth + 1;
  return depth > 0 && next.text === 'end' ? depth - 1 : depth;
}

function createsRoutine(tokens: readonly Token[]): boolean {
  const kind = isToken(tokens[1], 'or') ? tokens[3] : tokens[1];
  return isToken(tokens[0], 'create') && (isToken(kind, 'function') || isToken(kind, 'procedure'));
}

function isCopyFromStdin(tokens: readonly Token[]): boolean {
  if (!isToken(tokens[0], 'copy')) return false;
  return tokens.some((each, index) => isToken(each, 'from') && isToken(tokens[index + 1], 'stdin'));
}

/** The lines behind the statement's own line, up to `\.` or the end of the script; each ends with a line feed. */
function readCopyData(script: string, from: number): { text: string; end: number } {
  const lineEnd = script.indexOf('\n', from);
  if (lineEnd === -1) return { text: '', end: script.length };
  const start = lineEnd + 1;
  const terminator = /^\\\.\r?$/gm;
  terminator.lastIndex = start;
  const found = terminator.exec(script);
  if (found !== null) return { text: script.slice(start, found.index), end: terminator.lastIndex };
  const rest = script.slice(start);
  return { text: rest === '' || rest.endsWith('\n') ? rest : `${rest}\n`, end: script.length };
}

/** A psql command ends with its line; what it would have done must not be lost in silence. */
function skipCommand(script: string, from: number, line: number): number {
  const lineEnd = script.indexOf('\n', from);
  const end = lineEnd === -1 ? script.length : lineEnd;
  const command = script.slice(from + 1, end).trim();
  const name = /^(?:\.|[a-z]+)/i.exec(command)?.[0] ?? '';
  const harmlessSet = /^set\s+(?:ON_ERROR_STOP|ECHO|QUIET|VERBOSITY|SHOW_CONTEXT)\b/i.test(command);
  if (!SKIPPED_COMMANDS.includes(name) && !harmlessSet)
    throw new UsageError(
      `line ${line}: "\\${command}" is a command of psql, not SQL: write what it does as SQL`,
    );
  return end;
}

/** `set standard_conforming_strings = off`, as dumps of old servers begin. */
function changedBackslashes(tokens: readonly Token[]): boolean | null {
  if (!isToken(tokens[0], 'set')) return null;
  const at = tokens.findIndex((each) => isToken(each, 'standard_conforming_strings'));
  if (at === -1) return null;
  return /^'?(?:off|false|no|0)'?$/i.test(tokens[at + 2]?.text ?? '');
}

function lineCounter(script: string): (offset: number) => number {
  let line = 1;
  let at = 0;
  return (offset) => {
    for (; at < offset; at += 1) if (script.charCodeAt(at) === 10) line += 1;
    return line;
  };
}
