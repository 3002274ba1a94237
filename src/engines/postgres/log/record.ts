/**
 * Entries of the server's log, from its two formats for programs. Pure.
 * https://www.postgresql.org/docs/current/runtime-config-logging.html#RUNTIME-CONFIG-LOGGING-CSVLOG
 */

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
  /** 1-based, in the text that the client sent. */
  readonly position: number | null;
}

export type LogFormat = 'jsonlog' | 'csvlog';

/** Takes the log in pieces as they come, and gives the entries that are complete. */
export interface LogReader {
  add(text: string): readonly LogRecord[];
}

export function createLogReader(format: LogFormat): LogReader {
  let rest = '';
  const take = format === 'jsonlog' ? takeLines : takeRows;
  return {
    add(text) {
      const { records, taken } = take(rest + text);
      rest = (rest + text).slice(taken);
      return records;
    },
  };
}

interface Taken {
  readonly records: readonly LogRecord[];
  /** Characters that were used up. */
  readonly taken: number;
}

function takeLines(text: string): Taken {
  const end = text.lastIndexOf('\n') + 1;
  const lines = text.slice(0, end).split('\n');
  return { records: lines.flatMap((line) => (line === '' ? [] : recordOfJson(line))), taken: end };
}

function recordOfJson(line: string): readonly LogRecord[] {
  const entry = JSON.parse(line) as Readonly<Record<string, unknown>>;
  const text = (key: string): string | null => (typeof entry[key] === 'string' ? entry[key] : null);
  return recordOf({
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
    position: entry.cursor_position,
  });
}

/** Rows of values in double quotes, which are doubled inside; a value may hold line ends. */
function takeRows(text: string): Taken {
  const records: LogRecord[] = [];
  let taken = 0;
  let row: string[] = [];
  let at = 0;
  while (at < text.length) {
    const value = takeValue(text, at);
    if (value === null) break;
    row.push(value.text);
    at = value.end + 1;
    if (text[value.end] !== '\n') continue;
    records.push(...recordOfRow(row));
    row = [];
    taken = at;
  }
  return { records, taken };
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

/** The columns that every major from 10 on has, in their order. */
function recordOfRow(row: readonly string[]): readonly LogRecord[] {
  const text = (index: number): string | null => row[index] || null;
  return recordOf({
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
    position: text(20),
    applicationName: text(22),
  });
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
}

/** None for an entry whose time is in another zone: the journal is refused there before it begins. */
function recordOf(raw: RawRecord): readonly LogRecord[] {
  const time = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d{3}) (?:UTC|GMT)$/.exec(raw.time ?? '');
  if (time === null) return [];
  const transactionId = Number(raw.transactionId ?? 0);
  return [
    {
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
      position: raw.position === undefined || raw.position === null ? null : Number(raw.position),
    },
  ];
}
