/** The one file that imports `pg`: opens a wire connection and turns what fails into our errors. */
import { Client, DatabaseError, types } from 'pg';
import { EnvironmentError, redact } from '../../../errors.ts';
import { type ConnectionTarget, type SessionOptions, SqlError } from '../../engine.ts';

export type { Client as PostgresClient, Connection as PostgresConnection, Submittable } from 'pg';

const CONNECT_TIMEOUT_MS = 10_000;
/** How long a polite goodbye may take before the socket is cut. */
const CLOSE_TIMEOUT_MS = 2_000;
/** `connection_failure`: the code for a connection that broke without a word from the server. */
const CONNECTION_FAILURE = '08006';

/**
 * Opens a connection. A connection that breaks later rejects what is pending and what comes after; the 'error' event
 * that `pg` emits beside it is taken here, because an event without a listener would end the process.
 */
export async function openClient(
  target: ConnectionTarget,
  options: SessionOptions,
  signal?: AbortSignal,
): Promise<Client> {
  signal?.throwIfAborted();
  const client = new Client({
    host: target.socket ?? target.host,
    port: target.port,
    user: target.user,
    password: target.password,
    database: target.database,
    ssl: target.tls ? { rejectUnauthorized: target.verifyTls ?? false } : false,
    application_name: options.applicationName,
    statement_timeout: options.statementTimeoutMs,
    lock_timeout: options.lockTimeoutMs,
    connectionTimeoutMillis: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    keepAlive: true,
  });
  client.on('error', () => undefined);
  const cut = () => void client.connection.stream.destroy();
  signal?.addEventListener('abort', cut, { once: true });
  try {
    await client.connect();
    return client;
  } catch (error) {
    cut();
    signal?.throwIfAborted();
    throw cannotConnect(target, error);
  } finally {
    signal?.removeEventListener('abort', cut);
  }
}

/** Ends a connection within a limit; never throws, since there is nothing more to do with a dead connection. */
export async function closeClient(client: Client): Promise<void> {
  const timer = setTimeout(() => client.connection.stream.destroy(), CLOSE_TIMEOUT_MS);
  await client.end();
  clearTimeout(timer);
}

/** Number of the server process behind a connection. */
export async function backendPid(client: Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  const pid = rows[0]?.pid;
  if (pid === undefined) throw new Error('pg_backend_pid() gave no row');
  return pid;
}

/** How `pg` reads the text of a value, by the number of its type. */
export function parserOf(typeOid: number): (text: string) => unknown {
  const parse: (text: string) => unknown = types.getTypeParser(typeOid, 'text');
  return parse;
}

/** What failed, as SqlError; a broken connection has the code of the server's last word, else 08006. */
export function toSqlError(error: unknown, statement: string | null): SqlError {
  if (error instanceof SqlError) return error;
  if (!(error instanceof DatabaseError)) {
    const message = error instanceof Error ? error.message : String(error);
    return new SqlError(message, { code: CONNECTION_FAILURE, statement, position: null, cause: error });
  }
  const position = error.position === undefined ? null : Number(error.position);
  return new SqlError(error.message, { code: error.code ?? null, statement, position, cause: error });
}

/** What the server tells beside the message of an error. */
export interface ServerFacts {
  readonly where: string | undefined;
  readonly column: string | undefined;
  readonly constraint: string | undefined;
}

/** Null when the error is not the server's. */
export function serverFactsOf(error: unknown): ServerFacts | null {
  if (error instanceof DatabaseError) {
    const { where, column, constraint } = error;
    return { where, column, constraint };
  }
  if (!isBrokenConnection(error)) return null;
  return { where: undefined, column: undefined, constraint: undefined };
}

/** What `pg` says, or the system where a write finds nobody at the other end. */
function isBrokenConnection(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return /^Connection terminated|^Client /.test(error.message) || /^E[A-Z]+$/.test(codeOf(error));
}

/** "127.0.0.1:5432" or the folder of the socket, for messages. */
export function addressOf(target: ConnectionTarget): string {
  if (target.socket !== null) return `${target.socket} (socket, port ${target.port})`;
  return `${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`;
}

function cannotConnect(target: ConnectionTarget, error: unknown): EnvironmentError {
  const message = redact(error instanceof Error ? error.message || messageOfAll(error) : String(error));
  return new EnvironmentError(
    `cannot connect to Postgres at ${addressOf(target)} as user "${target.user}", ` +
      `database "${target.database}": ${message}. ${adviceFor(codeOf(error), message)}`,
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

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

/** What to do, by SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html) or system error. */
const ADVICE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Nothing listens there: start the server, or correct host and port.',
  ENOENT: 'There is no such socket: start the server, or correct the folder and the port.',
  EACCES: 'The socket may not be used by this user: connect over TCP, or as another user.',
  ENOTFOUND: 'The host name is unknown: correct it.',
  EAI_AGAIN: 'The host name could not be looked up: try again, or correct it.',
  EHOSTUNREACH: 'The host cannot be reached from here: check the network.',
  ETIMEDOUT: 'The host does not answer: check the network and the firewall.',
  '28P01': 'Correct the user or the password.',
  '28000': 'Let pg_hba.conf accept this user from here, or add ?sslmode=require when it wants TLS.',
  '3D000': 'Correct the name of the database, or create it.',
  '42501': 'Give the user the privilege to connect to this database.',
  '53300': 'All connections are taken: raise max_connections, or close others.',
  '57P03': 'The server is starting or stopping: try again in a moment.',
};

function adviceFor(code: string, message: string): string {
  if (message.includes('timeout expired')) return 'Nothing answered in time: check host, port and firewall.';
  if (message.includes('does not support SSL')) return 'Write sslmode=disable in the URL.';
  return ADVICE[code] ?? 'Check host, port, user, password and database.';
}
