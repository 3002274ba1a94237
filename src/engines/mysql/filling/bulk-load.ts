/** Streams rows through LOAD DATA LOCAL: https://dev.mysql.com/doc/refman/en/load-data.html */
import { Readable } from 'node:stream';
import { EnvironmentError, UsageError } from '../../../errors.ts';
import type { OutcomeClass } from '../../../recording/load-record.ts';
import {
  type BrokenLoad,
  type BulkLoadRequest,
  LostRows,
  SqlError,
  type TableDescription,
} from '../../engine.ts';
import { type Client, closeClient, openClient, toSqlError } from '../connections/client.ts';
import { dialect } from '../text/dialect.ts';
import { type LoadSession, markSession, rowsThere } from './broken-load.ts';
import { createFeed } from './load-feed.ts';
import { type CellForm, formOf } from './load-lines.ts';

/**
 * What is put into a row is what the generator said, or an error: strict, and without the server's own zone, defaults
 * and counters. unique_checks stays on: there are no secondary unique keys while filling, and off it has MariaDB 11.8
 * sort the rows that come sorted, for 1.7 times the CPU. A note is as wrong as a warning, but where the server rounds what a
 * stored column is made of, as its definition says.
 */
const prepareSession = ({ columns }: TableDescription): string => `
  set session
    sql_notes = ${columns.some(({ generated }) => generated === 'stored') ? 0 : 1},
    sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_VALUE_ON_ZERO',
    time_zone = '+00:00',
    foreign_key_checks = 0,
    autocommit = 0`;

/**
 * One LOAD DATA after the other over one connection, in the order given. LOCAL turns errors into warnings and goes on
 * with a changed value, so a warning is an error here; then no row of its statement is there. A connection that breaks
 * gives LostRows with what the next call needs to go on.
 */
export async function bulkLoad(request: BulkLoadRequest): Promise<number> {
  const { table, signal, onProgress, broken = null } = request;
  const feed = createFeed(request);
  const infile = () => Readable.from(feed.batch(), { objectMode: false });
  const client = await openClient(request.target, { applicationName: 'rehearse filling', infile }, signal);
  const cut = () => void client.socket.destroy();
  signal.addEventListener('abort', cut, { once: true });
  const closed = whenClosed(client);
  let session: LoadSession | null = null;
  let confirmedRows = broken?.confirmedRows ?? 0;
  try {
    await client.send(prepareSession(table));
    feed.limitRows(await readMaxPacket(client));
    const own = await markSession(client);
    const there = broken === null ? null : await rowsThere(client, request, { broken, session: own });
    session = own;
    feed.skip(there?.rows ?? 0);
    let mayBeThere = there?.firstMayBeThere ?? false;
    const statement = loadStatement(request);
    while (!feed.isDone()) {
      const before = feed.count();
      const batch = { table, before, count: feed.count, mayBeThere };
      await Promise.race([loadBatch(client, statement, batch), closed]);
      mayBeThere = false;
      confirmedRows = feed.count();
      onProgress(feed.count(), feed.bytes());
    }
    return feed.count();
  } catch (error) {
    signal.throwIfAborted();
    throw (
      feed.failure() ?? cannotFill(table, error, session === null ? broken : { ...session, confirmedRows })
    );
  } finally {
    signal.removeEventListener('abort', cut);
    await closeClient(client);
  }
}

/**
 * Rejects when the server closes its end: where MariaDB ends the session in the middle of a file's data, `mysql2` waits for ever for
 * room to write more of it.
 */
function whenClosed({ socket }: Client): Promise<never> {
  const closed = new Promise<never>((_resolve, reject) => {
    const lost = () => reject(toSqlError(new Error('the server closed the connection'), 'load data'));
    socket.once('end', lost).once('close', lost);
  });
  // Nobody waits for it any more when the load is done.
  closed.catch(() => undefined);
  return closed;
}

/** Nobody could read a larger row back: https://dev.mysql.com/doc/refman/en/packet-too-large.html */
async function readMaxPacket(client: Client): Promise<number> {
  const [row] = (await client.send('select @@max_allowed_packet as bytes')).rows;
  return row === undefined ? Number.POSITIVE_INFINITY : Number(Reflect.get(row, 'bytes'));
}

/**
 * What turns the text of a cell into its value. Beside such a column a counter's own values go the same way: MariaDB would
 * give its next one for a zero.
 */
function loadStatement({ table, columns }: BulkLoadRequest): string {
  const described = columns.map((name) => table.columns.find((column) => column.name === name));
  const several = described.some((column) => formOf(column?.type) !== 'text');
  const fields: string[] = [];
  const settings: string[] = [];
  for (const [index, name] of columns.entries()) {
    const form = formOf(described[index]?.type);
    const isCounter = described[index]?.generated === 'identity by default';
    if (form === 'text' && !(several && isCounter)) fields.push(dialect.quote(name));
    else {
      const variable = `@rehearse_${index}`;
      fields.push(variable);
      const system = described[index]?.type.referenceSystem ?? 0;
      settings.push(`${dialect.quote(name)} = ${DECODED[form](variable, system)}`);
    }
  }
  return `
    load data local infile 'rows' into table ${dialect.quoteName(table.parts)}
    character set utf8mb4
    fields terminated by '\\t' escaped by '\\\\'
    lines terminated by '\\n'
    (${fields.join(', ')})${settings.length === 0 ? '' : `\n    set ${settings.join(', ')}`}`;
}

/** Well-known text begins with a letter that is no hex digit: P, L, M or G. */
const DECODED: Readonly<Record<CellForm, (variable: string, referenceSystem: number) => string>> = {
  text: (variable) => variable,
  hex: (variable) => `unhex(${variable})`,
  bits: (variable) => `unhex(${variable})`,
  shape: (variable, system) =>
    `if(left(${variable}, 1) in ('P', 'L', 'M', 'G'), st_geomfromtext(${variable}, ${system}), unhex(${variable}))`,
};

interface Batch {
  readonly table: TableDescription;
  /** Rows of the statements before. */
  readonly before: number;
  readonly count: () => number;
  /** Left by a broken connection: all of its rows, or none. */
  readonly mayBeThere: boolean;
}

const DUPLICATE = '1062';

async function loadBatch(client: Client, statement: string, batch: Batch): Promise<void> {
  const { table, before, count, mayBeThere } = batch;
  const answer = await client.send(statement);
  const handed = count() - before;
  if (answer.warnings === 0 && answer.affected === handed) {
    await client.send('commit');
    return;
  }
  const { rows } = await client.send('show warnings limit 1');
  await client.send('rollback');
  const [warning] = rows;
  const code = warning === undefined ? null : String(Reflect.get(warning, 'Code'));
  if (mayBeThere && answer.affected === 0 && code === DUPLICATE) return;
  const message =
    warning === undefined
      ? `${answer.affected} of ${handed} rows arrived`
      : String(Reflect.get(warning, 'Message'));
  throw wrongValue(table, { code, message, before });
}

function wrongValue(
  table: TableDescription,
  {
    code,
    message,
    before,
  }: { readonly code: string | null; readonly message: string; readonly before: number },
): UsageError {
  const row = /\bat row (\d+)|^Row (\d+)/.exec(message);
  const number = row === null ? null : before + Number(row[1] ?? row[2]);
  const column = /column (?:'|(?:`[^`]+`\.)*`)([^'`]+)['`]/i.exec(message)?.[1] ?? null;
  const place = `${number === null ? '' : ` at row ${number}`}${column === null ? '' : `, column "${column}"`}`;
  const key = column === null ? '' : `.${column}`;
  return new UsageError(
    `table "${table.name}" cannot be filled${place}: ${message} (${code ?? 'no code'}). ` +
      `Say what ${key === '' ? 'its columns hold' : 'the column holds'} under data.tables.${table.name}.columns${key} in the scenario.`,
  );
}

/** ER_CLIENT_LOCAL_FILES_DISABLED, ER_NOT_ALLOWED_COMMAND, ER_LOAD_INFILE_CAPABILITY_DISABLED of MariaDB */
const LOCAL_REFUSED = ['3948', '1148', '4166'];
/** Errors of the machine: disk full, too many files, out of memory. */
const MACHINE = ['1021', '1030', '1037', '1114', '1135', '1026', '3019'];

/** A killed session tells of an interrupted statement first. Either way the statement's rows are rolled back. */
const BROKEN_OFF: readonly OutcomeClass[] = ['connection lost', 'statement timeout'];

/** Errors of the generator (which are no errors of the server) go through as they are. */
function cannotFill(table: TableDescription, error: unknown, broken: BrokenLoad | null): unknown {
  if (!(error instanceof SqlError)) return error;
  const { code, message } = error;
  if (code !== null && LOCAL_REFUSED.includes(code))
    return new EnvironmentError(
      `table "${table.name}" cannot be filled: the server refuses LOAD DATA LOCAL (${code}). ` +
        'Set local_infile = ON on the server (database.settings where it is ours).',
      { cause: error },
    );
  if (broken !== null && BROKEN_OFF.includes(dialect.classify(code, message)))
    return new LostRows(
      `the server broke off the load of table "${table.name}": ${message} (${code}). See its log.`,
      { cause: error },
      broken,
    );
  if (code === null || BROKEN_OFF.includes(dialect.classify(code, message)) || MACHINE.includes(code))
    return new EnvironmentError(
      `the server failed while table "${table.name}" was filled: ${message} (${code}). ` +
        'See its log; a full disk or too little memory are the usual reasons.',
      { cause: error },
    );
  return wrongValue(table, { code, message, before: 0 });
}
