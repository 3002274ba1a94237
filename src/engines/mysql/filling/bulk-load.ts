/** Streams rows through LOAD DATA LOCAL: https://dev.mysql.com/doc/refman/en/load-data.html */
import { Readable } from 'node:stream';
import { EnvironmentError, UsageError } from '../../../errors.ts';
import { type BulkLoadRequest, SqlError, type TableDescription } from '../../engine.ts';
import { type Client, closeClient, openClient } from '../connections/client.ts';
import { dialect } from '../text/dialect.ts';
import { createFeed } from './load-feed.ts';
import { type CellForm, formOf } from './load-lines.ts';

/**
 * What is put into a row is what the generator said, or an error: strict, and without the server's own zone, defaults
 * and counters. unique_checks stays on: there are no secondary unique keys while filling, and off it has MariaDB 11.8
 * sort the rows that come sorted, for 1.7 times the CPU.
 */
const PREPARE_SESSION = `
  set session
    sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_VALUE_ON_ZERO',
    time_zone = '+00:00',
    foreign_key_checks = 0,
    autocommit = 0`;

/**
 * One LOAD DATA after the other over one connection, in the order given. LOCAL turns errors into warnings and goes on
 * with a changed value, so a warning is an error here; then no row of its statement is there.
 */
export async function bulkLoad(request: BulkLoadRequest): Promise<number> {
  const { table, signal, onProgress } = request;
  const feed = createFeed(request);
  const infile = () => Readable.from(feed.batch(), { objectMode: false });
  const client = await openClient(request.target, { applicationName: 'rehearse filling', infile }, signal);
  const cut = () => void client.socket.destroy();
  signal.addEventListener('abort', cut, { once: true });
  try {
    await client.send(PREPARE_SESSION);
    feed.limitRows(await readMaxPacket(client));
    const statement = loadStatement(request);
    while (!feed.isDone()) {
      const before = feed.count();
      await loadBatch(client, statement, { table, before, count: feed.count });
      onProgress(feed.count(), feed.bytes());
    }
    return feed.count();
  } catch (error) {
    signal.throwIfAborted();
    throw feed.failure() ?? cannotFill(table, error);
  } finally {
    signal.removeEventListener('abort', cut);
    await closeClient(client);
  }
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
}

async function loadBatch(client: Client, statement: string, { table, before, count }: Batch): Promise<void> {
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

/** Errors of the generator (which are no errors of the server) go through as they are. */
function cannotFill(table: TableDescription, error: unknown): unknown {
  if (!(error instanceof SqlError)) return error;
  const { code, message } = error;
  if (code !== null && LOCAL_REFUSED.includes(code))
    return new EnvironmentError(
      `table "${table.name}" cannot be filled: the server refuses LOAD DATA LOCAL (${code}). ` +
        'Set local_infile = ON on the server (database.settings where it is ours).',
      { cause: error },
    );
  if (code === null || dialect.classify(code, message) === 'connection lost' || MACHINE.includes(code))
    return new EnvironmentError(
      `the server failed while table "${table.name}" was filled: ${message} (${code}). ` +
        'See its log; a full disk or too little memory are the usual reasons.',
      { cause: error },
    );
  return wrongValue(table, { code, message, before: 0 });
}
