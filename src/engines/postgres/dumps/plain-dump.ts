/**
 * The SQL text of pg_dump on its way to psql, statement by statement: rows of COPY go through untouched. Left out, each
 * line in place of an empty one so that psql's line numbers stay true:
 *
 * - owners and privileges, which belong to production's server; the roles that they name are made, without privileges
 * - timeouts, which servers before Postgres 17 do not all know
 * - psql's own \restrict and \unrestrict; any other command of psql could read and run files here and is refused
 */
import { UsageError } from '../../../errors.ts';
import { cutShort } from '../../dump-errors.ts';
import type { StreamObserver } from '../../dumps.ts';
import { createRole, rolesIn } from './roles.ts';

const NEWLINE = 0x0a;
const END_OF_ROWS = Buffer.from('\n\\.\n');
const EMPTY_LINE = Buffer.from('\n');

const ROWS = /^copy\s+(.+?)\s*(?:\([^)]*\)\s*)?from\s+stdin\b/i;
const INSERT = /^insert\s+into\s+(\S+)/i;
const LEFT_OUT: readonly { readonly what: string | null; readonly pattern: RegExp }[] = [
  { what: 'owners', pattern: /^alter\s.*\sowner\s+to\s+[^;]+;\s*$/is },
  { what: 'owners', pattern: /^set\s+(?:local\s+|session\s+)?(?:session\s+authorization|role)\b/i },
  { what: 'privileges', pattern: /^(?:grant|revoke)\s/i },
  { what: 'privileges', pattern: /^alter\s+default\s+privileges\s/i },
  { what: 'roles', pattern: /^(?:create|alter|drop)\s+(?:role|user)\s+(?!mapping\b)/i },
  { what: 'subscriptions', pattern: /^(?:create|alter)\s+subscription\s/i },
  { what: 'the database itself', pattern: /^(?:create|alter|drop)\s+database\s/i },
  { what: 'the database itself', pattern: /^comment\s+on\s+database\s/i },
  { what: 'tablespaces', pattern: /^set\s+default_tablespace\s*=\s*[^';\s]/i },
  { what: null, pattern: /^set\s+\w*_timeout\s*=\s*0\s*;/i },
];

const HEADER = '-- PostgreSQL database dump';
const END_MARK = '-- PostgreSQL database dump complete';
const CLUSTER = '-- PostgreSQL database cluster dump';

export async function* filterPlainDump(
  chunks: AsyncIterable<Buffer>,
  observer: StreamObserver,
): AsyncGenerator<Buffer> {
  const text = createText(observer);
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const parts: Buffer[] = [];
    rest = text.take(rest, parts);
    if (parts.length > 0) yield Buffer.concat(parts);
  }
  if (rest.length > 0) {
    const parts: Buffer[] = [];
    text.take(Buffer.concat([rest, EMPTY_LINE]), parts);
    yield Buffer.concat(parts);
  }
  text.end();
}

interface Text {
  /** Moves what is complete into `parts`; returns what has to wait for more. */
  take(bytes: Buffer, parts: Buffer[]): Buffer;
  end(): void;
}

function createText(observer: StreamObserver): Text {
  const scanner = createScanner();
  const noted = new Set<string>();
  const roles = new Set<string>();
  /** Lines of the statement that is not complete yet. */
  let statement: Buffer[] = [];
  /** Whether rows of COPY go through, and whether the next byte is the first of them. */
  let rows: 'none' | 'first' | 'later' = 'none';
  let headed = false;
  let complete = false;

  const note = (what: string): void => {
    if (noted.has(what)) return;
    noted.add(what);
    observer.onNote(`left out of the dump: ${what}`);
  };

  function takeLine(line: Buffer, parts: Buffer[]): void {
    const content = line.toString('latin1');
    if (statement.length === 0 && scanner.between) {
      if (content.startsWith(END_MARK)) complete = true;
      else if (content.startsWith(HEADER)) [headed, complete] = [true, false];
      if (content.startsWith(CLUSTER)) throw wholeServer();
      if (content.startsWith('\\')) {
        refuseCommand(content);
        parts.push(EMPTY_LINE);
        return;
      }
      if (scanner.blank(content)) {
        parts.push(line);
        return;
      }
    }
    statement.push(line);
    if (!scanner.ends(content)) {
      // An INSERT may be long; what it is shows in its first line, and it is never left out.
      if (statement.length > LONG_STATEMENT_LINES) flush(parts);
      return;
    }
    flush(parts);
  }

  function flush(parts: Buffer[]): void {
    const whole = Buffer.concat(statement);
    const lines = statement.length;
    statement = [];
    const words = withoutComments(whole.toString('latin1', 0, Math.min(whole.length, TELLING_BYTES)));
    for (const role of rolesIn(words)) {
      if (roles.has(role)) continue;
      roles.add(role);
      // On the line of what names it, so that psql's line numbers stay true.
      parts.push(Buffer.from(`${createRole(role)} `, 'latin1'));
    }
    const found = LEFT_OUT.find(({ pattern }) => pattern.test(words));
    if (found !== undefined) {
      if (found.what !== null) note(found.what);
      for (let line = 0; line < lines; line += 1) parts.push(EMPTY_LINE);
      return;
    }
    const table = ROWS.exec(words)?.[1] ?? null;
    const inserted = INSERT.exec(words)?.[1] ?? null;
    if (table !== null) rows = 'first';
    if (table !== null || inserted !== null) observer.onTable(plainName(table ?? inserted ?? ''));
    parts.push(whole);
  }

  return {
    take(bytes, parts) {
      let at = 0;
      while (at < bytes.length) {
        if (rows !== 'none') {
          const end = endOfRows(bytes, at, rows);
          const cut = end ?? Math.max(at, bytes.length - END_OF_ROWS.length + 1);
          if (cut > at) rows = 'later';
          parts.push(bytes.subarray(at, cut));
          at = cut;
          if (end === null) break;
          rows = 'none';
          continue;
        }
        const newline = bytes.indexOf(NEWLINE, at);
        if (newline < 0) break;
        takeLine(bytes.subarray(at, newline + 1), parts);
        at = newline + 1;
      }
      return bytes.subarray(at);
    },
    end() {
      if (rows !== 'none' || (headed && !complete)) throw cutShort(END_MARK);
      if (!headed) observer.onNote('the dump has no end mark: that it is complete could not be checked');
    },
  };
}

/** Just behind the mark, or null when it is not there yet. Without rows the mark comes first, with no line before it. */
function endOfRows(bytes: Buffer, at: number, rows: 'first' | 'later'): number | null {
  const mark = END_OF_ROWS.subarray(1);
  if (rows === 'first' && bytes.subarray(at, at + mark.length).equals(mark)) return at + mark.length;
  const found = bytes.indexOf(END_OF_ROWS, at);
  return found < 0 ? null : found + END_OF_ROWS.length;
}

/** Longer ones are sent on in pieces, so that memory stays flat. */
const LONG_STATEMENT_LINES = 10_000;
/** What a statement is shows in its first bytes. */
const TELLING_BYTES = 4096;

function wholeServer(): UsageError {
  return new UsageError(
    'this is a dump of a whole server (pg_dumpall). Make one of the database to rehearse in: pg_dump --format=custom DATABASE.',
  );
}

function refuseCommand(line: string): void {
  const [command = ''] = line.trim().split(/\s/);
  if (command === '\\restrict' || command === '\\unrestrict' || command === '\\encoding') return;
  if (command === '\\connect' || command === '\\c') return;
  throw new UsageError(
    `the dump has the psql command "${command}", which could read or run files on this machine. pg_dump writes none: ` +
      'take it out of the file.',
  );
}

function plainName(written: string): string {
  return written.replaceAll('"', '').replace(/^public\./, '');
}

function withoutComments(text: string): string {
  return text.replace(/^(?:\s*--[^\n]*\n|\s+)*/, '');
}

interface Scanner {
  /** True outside of every statement, quote and comment. */
  readonly between: boolean;
  /** A line that begins nothing: empty, or a comment. */
  blank(line: string): boolean;
  /** Reads a line of a statement; true when the statement ends with it. */
  ends(line: string): boolean;
}

const MARKS =
  /'|"|;|--|\/\*|\*\/|\(|\)|\$(?:[A-Za-z_\u0080-\u00ff][\w\u0080-\u00ff]*)?\$|\bbegin\s+atomic\b/gi;

/** Where a statement ends: quotes, dollar quotes, comments and brackets as the server reads them. */
function createScanner(): Scanner {
  let open: string | null = null;
  let depth = 0;
  let comments = 0;
  let atomic = false;
  let started = false;

  function readMark(mark: string, line: string, at: number): boolean {
    if (open !== null) {
      if (mark === open && !(open === "'" && escaped && backslashesBefore(line, at) % 2 === 1)) open = null;
      return false;
    }
    if (mark === '/*') comments += 1;
    if (mark === '*/') comments = Math.max(0, comments - 1);
    if (comments > 0) return false;
    if (mark === "'") escaped = /(?:^|[^\w])e$/i.test(line.slice(Math.max(0, at - 2), at));
    if (mark === "'" || mark === '"' || mark.startsWith('$')) open = mark;
    if (mark === '(') depth += 1;
    if (mark === ')') depth = Math.max(0, depth - 1);
    if (mark.length > 5) atomic = true;
    if (mark !== ';' || depth > 0) return false;
    if (!atomic) return true;
    if (!/\bend\s*$/i.test(line.slice(0, at))) return false;
    atomic = false;
    return true;
  }
  let escaped = false;

  return {
    get between() {
      return open === null && comments === 0 && !started;
    },
    blank: (line) => /^\s*(?:--[^\n]*)?\s*$/.test(line),
    ends(line) {
      started = true;
      let ended = false;
      for (const found of line.matchAll(MARKS)) {
        const mark = found[0];
        if (mark === '--' && open === null && comments === 0) break;
        ended = readMark(mark, line, found.index);
      }
      if (ended && open === null && comments === 0) started = false;
      return !started;
    },
  };
}

function backslashesBefore(line: string, at: number): number {
  let count = 0;
  while (line[at - 1 - count] === '\\') count += 1;
  return count;
}
