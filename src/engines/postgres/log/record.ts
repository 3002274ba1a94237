/**
 * Entries of the server's log, from its two formats for programs. Pure.
 * https://www.postgresql.org/docs/current/runtime-config-logging.html#RUNTIME-CONFIG-LOGGING-CSVLOG
 */
import { StringDecoder } from 'node:string_decoder';

export interface LogRecord {
  /** Milliseconds since the epoch; the server cuts off what is below one. */
  readonly atMs: number;
  readonly sessionId: number;
  readonly user: string | null;
  readonly database: string | null;
  readonly applicationName: string;
  /** "4/23"; the number is 0 outside of a transaction. */
  readonly virtualTransaction: string | null;
  /** Null for 0: it has changed nothing yet. */
  readonly transactionId: string | null;
  readonly severity: string;
  readonly sqlState: string | null;
  readonly message: string;
  readonly detail: string | null;
  readonly context: string | null;
  /** What the session ran; null where log_min_error_statement leaves it out. */
  readonly statement: string | null;
  /** 1-based, in the text that the client sent. */
  readonly position: number | null;
  /** Of the statement that a client sent, from 14 on; null before it is analysed. */
  readonly queryId: string | null;
}

export type LogFormat = 'jsonlog' | 'csvlog';

/** Takes the log in pieces as they come, cut anywhere, and gives the entries that are complete. */
export interface LogReader {
  add(bytes: Uint8Array): readonly LogRecord[];
  /** Entries so far that are none: cut short by a crash, written half in another format, in another time zone. */
  readonly unread: number;
}

/** Bytes that are no UTF-8, as a database in another encoding writes them, become U+FFFD. */
export function createLogReader(format: LogFormat): LogReader {
  const decoder = new StringDecoder('utf8');
  const take = format === 'jsonlog' ? takeLines : takeRowsOfOneWidth();
  let rest = '';
  let unread = 0;
  return {
    add(bytes) {
      const text = rest + decoder.write(bytes);
      const found = take(text);
      rest = text.slice(found.taken);
      const records = found.entries.map((entry) => (entry === null ? null : recordOf(entry)));
      unread += records.filter((record) => record === null).length;
      return records.filter((record) => record !== null);
    },
    get unread() {
      return unread;
    },
  };
}

interface Taken {
  /** Null: no entry of this format. */
  readonly entries: readonly (RawRecord | null)[];
  /** Characters that were used up. */
  readonly taken: number;
}

function takeLines(text: string): Taken {
  const end = text.lastIndexOf('\n') + 1;
  const lines = text.slice(0, end).split('\n');
  return { entries: lines.flatMap((line) => (line === '' ? [] : [entryOfJson(line)])), taken: end };
}

function entryOfJson(line: string): RawRecord | null {
  const entry = parsed(line);
  if (entry === null) return null;
  const text = (key: string): string | null => (typeof entry[key] === 'string' ? entry[key] : null);
  return {
    time: text('timestamp'),
    pid: entry.pid,
    user: text('user'),
    database: text('dbname'),
    applicationName: text('application_name'),
    virtualTransaction: text('vxid'),
    transactionId: entry.txid,
    severity: text('error_severity'),
    sqlState: text('state_code'),
    message: text('message'),
    detail: text('detail'),
    context: text('context'),
    statement: text('statement'),
    position: entry.cursor_position,
    queryId: QUERY_ID.exec(line)?.[1] ?? null,
  };
}

function parsed(line: string): Readonly<Record<string, unknown>> | null {
  try {
    const entry: unknown = JSON.parse(line);
    return typeof entry === 'object' && entry !== null ? { ...entry } : null;
  } catch {
    return null;
  }
}

/** The last key of a line; as a number of 64 bits it would lose its end. */
const QUERY_ID = /"query_id":(-?\d+)\}$/;

/** A row as wide as no other is two: one that was cut short, and the next one behind it on its line. */
function takeRowsOfOneWidth(): (text: string) => Taken {
  let columns: number | null = null;
  return (text) =>
    takeRows(text, (row) => {
      if (row.length < FEWEST_COLUMNS) return false;
      columns ??= row.length;
      return row.length === columns;
    });
}

/** Rows of values in double quotes, which are doubled inside; a value may hold line ends. */
function takeRows(text: string, isRow: (values: readonly string[]) => boolean): Taken {
  const entries: (RawRecord | null)[] = [];
  let taken = 0;
  for (;;) {
    const row = takeRow(text, taken);
    if (row === 'not complete') return { entries, taken };
    if (row !== 'no row') {
      if (row.values.length > 1 || row.values[0] !== '')
        entries.push(isRow(row.values) ? entryOfRow(row.values) : null);
      taken = row.end;
      continue;
    }
    // The next line that begins as a row does: what is between belongs to a row that was cut short.
    ROW_BEGINS.lastIndex = taken;
    const next = ROW_BEGINS.exec(text);
    if (next === null) return { entries, taken };
    entries.push(null);
    taken = next.index + next[0].indexOf('\n') + 1;
  }
}

const ROW_BEGINS = /\n(?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [A-Z])/g;

type Row = { readonly values: readonly string[]; readonly end: number };

function takeRow(text: string, from: number): Row | 'not complete' | 'no row' {
  const values: string[] = [];
  let at = from;
  while (at < text.length) {
    const value = takeValue(text, at);
    if (value === null) return 'not complete';
    values.push(value.text);
    at = value.end + 1;
    if (text[value.end] === '\n') return { values, end: at };
    if (text[value.end] !== ',') return 'no row';
  }
  return 'not complete';
}

/** A value and the offset of the comma or line end behind it; null when that has not come yet. */
function takeValue(text: string, from: number): { readonly text: string; readonly end: number } | null {
  if (text[from] !== '"') {
    VALUE_END.lastIndex = from;
    const found = VALUE_END.exec(text);
    return found === null ? null : { text: text.slice(from, found.index), end: found.index };
  }
  let at = from + 1;
  for (;;) {
    const quote = text.indexOf('"', at);
    if (quote < 0 || quote + 1 >= text.length) return null;
    if (text[quote + 1] !== '"')
      return { text: text.slice(from + 1, quote).replaceAll('""', '"'), end: quote + 1 };
    at = quote + 2;
  }
}

const VALUE_END = /[,\n]/g;

/** Columns that every major from 10 on has; later ones have further ones behind them. */
const FEWEST_COLUMNS = 23;
/** Of the column `query_id`, the last one since 14. */
const QUERY_ID_COLUMN = 25;

function entryOfRow(row: readonly string[]): RawRecord {
  const text = (index: number): string | null => row[index] || null;
  return {
    time: text(0),
    user: text(1),
    database: text(2),
    pid: text(3),
    virtualTransaction: text(9),
    transactionId: text(10),
    severity: text(11),
    sqlState: text(12),
    message: text(13),
    detail: text(14),
    context: text(18),
    statement: text(19),
    position: text(20),
    applicationName: text(22),
    queryId: text(QUERY_ID_COLUMN),
  };
}

interface RawRecord extends Partial<Record<keyof LogRecord, unknown>> {
  readonly time: string | null;
  readonly pid: unknown;
  readonly user: string | null;
  readonly database: string | null;
  readonly applicationName: string | null;
  readonly virtualTransaction: string | null;
  readonly severity: string | null;
  readonly sqlState: string | null;
  readonly message: string | null;
  readonly detail: string | null;
  readonly context: string | null;
  readonly statement: string | null;
  readonly queryId: string | null;
}

/** Null for an entry whose time is in another zone: the journal is refused there before it begins. */
function recordOf(raw: RawRecord): LogRecord | null {
  const time = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d{3}) (?:UTC|GMT)$/.exec(raw.time ?? '');
  if (time === null) return null;
  const transactionId = Number(raw.transactionId ?? 0);
  return {
    atMs: Date.parse(`${time[1]}T${time[2]}Z`),
    sessionId: Number(raw.pid ?? 0),
    user: raw.user,
    database: raw.database,
    applicationName: raw.applicationName ?? '',
    virtualTransaction: raw.virtualTransaction,
    transactionId: transactionId > 0 ? String(transactionId) : null,
    severity: raw.severity ?? '',
    sqlState: raw.sqlState,
    message: raw.message ?? '',
    detail: raw.detail,
    context: raw.context,
    statement: raw.statement,
    position: raw.position === undefined || raw.position === null ? null : Number(raw.position),
    queryId: raw.queryId === '0' ? null : raw.queryId,
  };
}
