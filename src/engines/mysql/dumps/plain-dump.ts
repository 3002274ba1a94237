/**
 * The SQL text of mysqldump or mariadb-dump on its way to the client. Rows go through untouched: such a dump writes line
 * breaks inside of values as `\n`, so that what begins a line begins a statement. Changed or left out, each line in place
 * of an empty one so that the client's line numbers stay true:
 *
 * - DEFINER of views, triggers, routines and events: whoever restores them becomes it, since production's users are
 *   unknown here and an unknown definer would make them fail
 * - GTID_PURGED and the replication position: they belong to production's log
 * - CREATE DATABASE and USE: the tables go into the rehearsed database
 * - the sandbox mark of mariadb-dump, which other clients take for a wrong command
 */
import { UsageError } from '../../../errors.ts';
import { cutShort } from '../../dump-errors.ts';
import type { StreamObserver } from '../../dumps.ts';

const NEWLINE = 0x0a;
/** Lines that are longer hold rows, and nothing of them is changed. */
const LONG_LINE_BYTES = 64 * 1024;

const HEADER = /^-- (?:MySQL|MariaDB) dump/;
const END_MARK = '-- Dump completed';
const INSERT = /^(?:INSERT|REPLACE)(?: IGNORE)? INTO `((?:[^`]|``)+)`/;
const DEFINER =
  /\bDEFINER\s*=\s*(?:`(?:[^`]|``)*`|'[^']*'|[\w.]+)(?:@(?:`(?:[^`]|``)*`|'[^']*'|[\w.%]+))?\s*/i;
const HAS_DEFINER = /^(?:\/\*!\d+ )?(?:CREATE|DEFINER)\b/i;
const USE = /^USE `((?:[^`]|``)+)`/i;
const LEFT_OUT: readonly { readonly what: string | null; readonly pattern: RegExp }[] = [
  { what: null, pattern: /^\/\*M!999999/ },
  { what: 'GTID_PURGED', pattern: /^SET @@GLOBAL\.GTID_PURGED/i },
  { what: null, pattern: /^SET @@SESSION\.SQL_LOG_BIN/i },
  { what: null, pattern: /^SET @MYSQLDUMP_TEMP_LOG_BIN/i },
  {
    what: 'the replication position',
    pattern: /^(?:CHANGE (?:MASTER|REPLICATION SOURCE) TO|SET GLOBAL gtid_slave_pos)/i,
  },
  { what: 'CREATE DATABASE', pattern: /^(?:CREATE|ALTER) (?:DATABASE|SCHEMA)\b/i },
  { what: 'CREATE DATABASE', pattern: /^\/\*!\d+ (?:DROP|CREATE) DATABASE/i },
  { what: null, pattern: USE },
];

export const DEFINERS_REPLACED = 'definers of the dump are replaced by the user of the migrations';

/** Of a line that begins a statement. */
export function withoutDefiner(line: string): string {
  return HAS_DEFINER.test(line) ? line.replace(DEFINER, '') : line;
}

/** Nothing is to be held against another table or written to a log while rows come in. */
const SETTINGS = 'SET SESSION foreign_key_checks = 0, SESSION unique_checks = 0; ';

export async function* filterPlainDump(
  chunks: AsyncIterable<Buffer>,
  observer: StreamObserver,
): AsyncGenerator<Buffer> {
  const lines = createLines(observer);
  let rest: Buffer = Buffer.from(SETTINGS);
  yield rest;
  rest = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const parts: Buffer[] = [];
    rest = lines.take(rest, parts);
    if (parts.length > 0) yield Buffer.concat(parts);
  }
  const parts: Buffer[] = [];
  if (rest.length > 0) lines.take(Buffer.concat([rest, Buffer.from('\n')]), parts);
  yield Buffer.concat(parts);
  lines.end();
}

function createLines(observer: StreamObserver) {
  const noted = new Set<string>();
  const databases = new Set<string>();
  let headed = false;
  let complete = false;
  /** Inside of a line of rows whose beginning has gone through. */
  let within = false;
  /** Inside of a statement that is left out, and that goes on over several lines. */
  let dropping = false;
  /** Of a routine, whose lines are no statements of their own. */
  let delimiter = ';';

  const note = (what: string): void => {
    if (noted.has(what)) return;
    noted.add(what);
    observer.onNote(what);
  };

  function takeLine(line: Buffer): Buffer {
    const text = line.toString('latin1');
    if (dropping) {
      dropping = !/;\s*$/.test(text);
      return Buffer.from('\n');
    }
    if (text.startsWith(END_MARK)) complete = true;
    if (HEADER.test(text)) headed = true;
    const changed = /^DELIMITER\s+(\S+)/i.exec(text)?.[1];
    if (changed !== undefined) delimiter = changed;
    const table = INSERT.exec(text)?.[1];
    if (table !== undefined) {
      observer.onTable(table.replaceAll('``', '`'));
      return line;
    }
    if (delimiter === ';') {
      const found = LEFT_OUT.find(({ pattern }) => pattern.test(text));
      if (found !== undefined) {
        if (found.what !== null) note(`left out of the dump: ${found.what}`);
        refuseSecondDatabase(USE.exec(text)?.[1]);
        dropping = !/;\s*(?:\*\/;?)?\s*$/.test(text) && !text.startsWith('/*M!');
        return Buffer.from('\n');
      }
    }
    const free = withoutDefiner(text);
    if (free === text) return line;
    note(DEFINERS_REPLACED);
    return Buffer.from(free, 'latin1');
  }

  function refuseSecondDatabase(name: string | undefined): void {
    if (name !== undefined) databases.add(name);
    if (databases.size < 2) return;
    throw new UsageError(
      `the dump holds several databases (${[...databases].join(', ')}). Make one of the database to rehearse in alone: mysqldump DATABASE.`,
    );
  }

  return {
    take(bytes: Buffer, parts: Buffer[]): Buffer {
      let at = 0;
      for (;;) {
        const newline = bytes.indexOf(NEWLINE, at);
        if (newline < 0) break;
        const line = bytes.subarray(at, newline + 1);
        parts.push(within ? line : line.length > LONG_LINE_BYTES ? takeLong(line) : takeLine(line));
        within = false;
        at = newline + 1;
      }
      const rest = bytes.subarray(at);
      if (!within && rest.length <= LONG_LINE_BYTES) return rest;
      parts.push(within ? rest : takeLong(rest));
      within = true;
      return Buffer.alloc(0);
    },
    end(): void {
      if (headed && !complete) throw cutShort(END_MARK);
      if (!headed) observer.onNote('the dump has no end mark: that it is complete could not be checked');
    },
  };

  function takeLong(line: Buffer): Buffer {
    const table = INSERT.exec(line.toString('latin1', 0, 1024))?.[1];
    if (table !== undefined) observer.onTable(table.replaceAll('``', '`'));
    return line;
  }
}
