/** The one file that imports `mysql2`: opens a wire connection and turns what fails into our errors. */
import { connect as openSocket, type Socket } from 'node:net';
import { Duplex, type Readable } from 'node:stream';
import { type Connection, createConnection } from 'mysql2';
import { EnvironmentError, redact } from '../../../errors.ts';
import { type ConnectionTarget, type SessionOptions, SqlError } from '../../engine.ts';
import { SERVER_LOST } from '../text/dialect.ts';

export type { Connection as MysqlConnection } from 'mysql2';

const CONNECT_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = 10_000;
/** How long a polite goodbye may take before the socket is cut. */
const CLOSE_TIMEOUT_MS = 2_000;
/** A collation of utf8mb4 that every version of both flavors has; SET NAMES then takes the server's own default. */
const CHARSET = 'UTF8MB4_GENERAL_CI';

/**
 * `mysql2` makes room for prepared statements with the connection: for its usual 16 000 half a MB, 200 times while a server
 * starts.
 */
const MOST_PREPARED = 50;

/**
 * Without what `mysql2` adds: another sql_mode, rows counted as changed that were only found, and attributes of queries,
 * with which the load's own packets would have to begin otherwise.
 */
const PLAIN_FLAGS = ['-IGNORE_SPACE', '-FOUND_ROWS', '-CLIENT_QUERY_ATTRIBUTES'];

export type Flavor = 'mysql' | 'mariadb';

export interface Client {
  readonly id: number;
  readonly flavor: Flavor;
  /** "9.7.4" as 90704, "10.11.18" as 101118. */
  readonly version: number;
  readonly connection: Connection;
  /** The plain socket below the connection, and below its TLS. */
  readonly socket: Socket;
  /** Sends text as one message; several statements are allowed. */
  send(text: string): Promise<Answer>;
  /** One statement, prepared when it is first sent. */
  sendPrepared(text: string, values: readonly (string | null)[]): Promise<Answer>;
}

/** What the last statement of a message gave. */
export interface Answer {
  /** Rows of the first statement that gave any. */
  readonly rows: readonly object[];
  /** Rows changed, or read, by the last statement. */
  readonly affected: number;
  /** https://dev.mysql.com/doc/refman/en/show-warnings.html */
  readonly warnings: number;
}

export interface ClientOptions
  extends Pick<SessionOptions, 'applicationName' | 'connectTimeoutMs' | 'prepared'> {
  /** Where the data of LOAD DATA LOCAL comes from; without it no file of this machine can be asked for. */
  readonly infile?: () => Readable;
}

/**
 * Opens a connection. BIGINT comes as a number where it is exact and as text beyond, DECIMAL, dates and times as text.
 * A connection that breaks later rejects what is pending and what comes after; the 'error' event that `mysql2` emits
 * beside it is taken here, because an event without a listener would end the process.
 */
export async function openClient(
  target: ConnectionTarget,
  options: ClientOptions,
  signal?: AbortSignal,
): Promise<Client> {
  signal?.throwIfAborted();
  const socket = target.socket === null ? openSocket(target.port, target.host) : openSocket(target.socket);
  if (target.socket === null) socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS);
  const connection = createConnection({
    stream: () => socket,
    // A socket counts as safe: the password then goes without a key of the server.
    ...(target.socket !== null && { socketPath: target.socket }),
    host: target.host,
    user: target.user,
    password: target.password,
    database: target.database,
    charset: CHARSET,
    multipleStatements: true,
    supportBigNumbers: true,
    dateStrings: true,
    maxPreparedStatements: options.prepared === true ? MOST_PREPARED : 1,
    connectTimeout: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    connectAttributes: { program_name: options.applicationName },
    ...(target.tls && {
      ssl: { rejectUnauthorized: target.verifyTls ?? false, verifyIdentity: target.verifyTls ?? false },
    }),
    flags: [...PLAIN_FLAGS, ...(options.infile === undefined ? ['-LOCAL_FILES'] : [])],
    ...(options.infile !== undefined && { infileStreamFactory: options.infile }),
  });
  connection.on('error', () => undefined);
  const cut = () => void socket.destroy();
  signal?.addEventListener('abort', cut, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      connection.connect((error) => (error === null ? resolve() : reject(error)));
    });
    const [server] = (await send(connection, 'set names utf8mb4; select version() as version')).rows;
    const text = server !== undefined && 'version' in server ? String(server.version) : '';
    return {
      id: connection.threadId,
      flavor: flavorOf(text),
      version: versionOf(text),
      connection,
      socket,
      send: (statements) => send(connection, statements),
      sendPrepared: (statement, values) => sendPrepared(connection, statement, values),
    };
  } catch (error) {
    cut();
    signal?.throwIfAborted();
    throw cannotConnect(target, error);
  } finally {
    signal?.removeEventListener('abort', cut);
  }
}

/**
 * Gives the authenticated stream (TLS where there is some) to other hands: from now on `read` gets what the server sends,
 * and `send` and `mysql2` must not be used any more, except to close.
 */
export function takeStream({ connection, socket }: Client, read: (chunk: Buffer) => void): Duplex {
  const below: unknown = Reflect.get(connection, 'stream');
  const stream = below instanceof Duplex ? below : socket;
  stream.removeAllListeners('data');
  stream.on('data', read);
  return stream;
}

/** The flavor in what `version()` says: https://mariadb.com/kb/en/version/ */
export function flavorOf(version: string): Flavor {
  return /mariadb/i.test(version) ? 'mariadb' : 'mysql';
}

function versionOf(text: string): number {
  const [, major, minor, patch] = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text) ?? [];
  return Number(major ?? 0) * 10_000 + Number(minor ?? 0) * 100 + Number(patch ?? 0);
}

/** Ends a connection within a limit; never throws, since there is nothing more to do with a dead connection. */
export async function closeClient({ connection, socket }: Client): Promise<void> {
  if (socket.destroyed) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => socket.destroy(), CLOSE_TIMEOUT_MS);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    connection.end(() => socket.end());
  });
}

function send(connection: Connection, text: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    // A connection that is closed already calls back before the query is there.
    let query: object | null = null;
    query = connection.query(text, (error: unknown, result: unknown, fields: unknown) => {
      if (error === null || error === undefined) resolve(answerOf(result, fields));
      // The number of results that were complete before the error.
      else
        reject(toSqlError(error, text, query === null ? 0 : Number(Reflect.get(query, '_resultIndex') ?? 0)));
    });
  });
}

function sendPrepared(
  connection: Connection,
  text: string,
  values: readonly (string | null)[],
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    connection.execute(text, [...values], (error: unknown, result: unknown, fields: unknown) => {
      if (error === null || error === undefined) resolve(answerOf(result, fields));
      else reject(toSqlError(error, text, 0));
    });
  });
}

/** One result, or a list of them, each with rows or with a header. */
function answerOf(result: unknown, fields: unknown): Answer {
  const several = Array.isArray(fields) && fields.some((each) => each === undefined || Array.isArray(each));
  const results: readonly unknown[] = several && Array.isArray(result) ? result : [result];
  const rows = results.find((each) => Array.isArray(each));
  const last = results.at(-1);
  const count = (name: 'affectedRows' | 'warningStatus') => {
    const value: unknown = typeof last === 'object' && last !== null ? Reflect.get(last, name) : 0;
    return typeof value === 'number' ? value : 0;
  };
  return {
    rows: rows ?? [],
    affected: Array.isArray(last) ? last.length : count('affectedRows'),
    warnings: count('warningStatus'),
  };
}

/** What failed, as SqlError; a broken connection has the code of the server's last word, else 2013. */
export function toSqlError(
  error: unknown,
  statement: string | null,
  completed: number | null = null,
): SqlError {
  if (error instanceof SqlError) return error;
  const message = redact(error instanceof Error ? error.message : String(error));
  const number = error instanceof Error && 'errno' in error ? Number(error.errno) : Number.NaN;
  // Errors of the operating system have negative numbers.
  const code = number > 0 ? String(number) : SERVER_LOST;
  return new SqlError(message, { code, statement, position: null, completed, cause: error });
}

/** "127.0.0.1:3306" or the path of the socket, for messages. */
export function addressOf(target: ConnectionTarget): string {
  if (target.socket !== null) return `${target.socket} (socket)`;
  return `${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`;
}

function cannotConnect(target: ConnectionTarget, error: unknown): EnvironmentError {
  const message = redact(error instanceof Error ? error.message || messageOfAll(error) : String(error));
  return new EnvironmentError(
    `cannot connect to MySQL or MariaDB at ${addressOf(target)} as user "${target.user}", ` +
      `database "${target.database}": ${message}. ${adviceFor(error, message)}`,
    { cause: error },
  );
}

/** A name with several addresses fails with one error for each, and no message of its own. */
function messageOfAll(error: Error): string {
  if (!(error instanceof AggregateError)) return error.name;
  return error.errors
    .map((each: unknown) => (each instanceof Error ? each.message : String(each)))
    .join('; ');
}

/** What to do, by name of the server's or of the system's error. */
const ADVICE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Nothing listens there: start the server, or correct host and port.',
  ENOENT: 'There is no such socket: start the server, or correct the path of the socket.',
  EACCES: 'The socket may not be used by this user: connect over TCP, or as another user.',
  ENOTFOUND: 'The host name is unknown: correct it.',
  EAI_AGAIN: 'The host name could not be looked up: try again, or correct it.',
  EHOSTUNREACH: 'The host cannot be reached from here: check the network.',
  ETIMEDOUT: 'Nothing answered in time: check host, port and firewall.',
  '1044': 'Give the user the privilege to use this database.',
  '1045': 'Correct the user or the password, or let the account connect from this host.',
  '1049': 'Correct the name of the database, or create it.',
  '1040': 'All connections are taken: raise max_connections, or close others.',
  '1130': 'Let the account connect from this host.',
  '1203': 'The user has all its connections in use: raise max_user_connections, or close others.',
  '3159': 'The server wants TLS: add ?ssl-mode=REQUIRED to the URL.',
  HANDSHAKE_NO_SSL_SUPPORT: 'The server has no TLS: write ssl-mode=DISABLED in the URL.',
};

function adviceFor(error: unknown, message: string): string {
  const facts = typeof error === 'object' && error !== null ? error : {};
  const code = 'code' in facts ? String(facts.code) : '';
  const number = 'errno' in facts ? String(facts.errno) : '';
  if (/self.signed|certificate/i.test(message))
    return 'Name its authority in NODE_EXTRA_CA_CERTS, or write ssl-mode=REQUIRED.';
  return ADVICE[number] ?? ADVICE[code] ?? 'Check host, port, user, password and database.';
}
