/** The load's connection: results are dropped row by row, and every failure comes back with its cause. */
import type {
  CellValue,
  ConnectionTarget,
  LoadConnection,
  LoadConnectionOptions,
  LoadFailure,
  LoadStatement,
} from '../../engine.ts';
import { fillIn, type Template, templateOf } from '../filling/cells.ts';
import { dialect } from '../text/dialect.ts';
import { type Client, closeClient, type MysqlConnection, openClient, toSqlError } from './client.ts';
import { killQuery } from './kill.ts';

type Values = readonly CellValue[];
type Done = (failure: LoadFailure | null) => void;

/** What `mysql2` calls a command: it emits `error` and then `end`, or `end` alone. */
type Command = ReturnType<MysqlConnection['query']>;

/**
 * Opens a connection for the load. `prepared` prepares each statement once and sends its values in the binary protocol,
 * as mysql2's `execute` and Connector/J do; `unnamed` and `simple` send text with the values as literals, as mysql2's
 * `query` does.
 */
export async function connectLoad(
  target: ConnectionTarget,
  options: LoadConnectionOptions,
): Promise<LoadConnection> {
  const client = await openClient(target, {
    applicationName: options.applicationName,
    prepares: options.protocol === 'prepared',
  });
  const { connection, socket } = client;
  const timeout = await setTimeouts(client, target, options.statementTimeoutMs);
  const send = options.protocol === 'prepared' ? preparedSender(connection) : textSender(connection);

  let closing = false;
  let lost = false;
  let pending: Done | null = null;
  const finish = (error: unknown) => {
    const done = pending;
    if (done === null) return;
    pending = null;
    timeout.ended(() => done(error === null ? null : failureOf(error)));
  };
  const onGone = (error: unknown) => {
    finish(error);
    if (closing || lost) return;
    lost = true;
    // What waits for the pending statement is told first.
    setImmediate(options.onLost);
  };
  connection.on('error', onGone);
  socket.on('close', () => onGone(new Error('the server closed the connection')));

  return {
    id: client.id,
    run(statement, values, done) {
      if (pending !== null) throw new Error(`"${statement.name}" is sent while another statement runs`);
      pending = done;
      timeout.began(statement);
      send(statement, values, finish);
    },
    async close() {
      closing = true;
      timeout.stop();
      await closeClient(client);
    },
  };
}

type Send = (statement: LoadStatement, values: Values, finish: (error: unknown) => void) => void;

/** Rows are emitted one by one to nobody, and so dropped. */
function follow(command: Command, finish: (error: unknown) => void): void {
  let failure: unknown = null;
  command.on('error', (error: unknown) => {
    failure = error;
  });
  command.on('end', () => finish(failure));
}

function textSender(connection: MysqlConnection): Send {
  const templates = new Map<string, Template>();
  return ({ text }, values, finish) => {
    const template = templates.get(text) ?? templateOf(text);
    templates.set(text, template);
    const filled = values.length === 0 ? text : fillIn(template, values);
    follow(connection.query({ sql: filled, rowsAsArray: true }), finish);
  };
}

function preparedSender(connection: MysqlConnection): Send {
  const asText = textSender(connection);
  type Prepared = Parameters<NonNullable<Parameters<MysqlConnection['prepare']>[1]>>[1];
  const known = new Map<string, Prepared>();
  const execute = (prepared: Prepared, values: Values, finish: (error: unknown) => void) => {
    const bound = values.map((value) => (value instanceof Uint8Array ? Buffer.from(value) : value));
    follow(prepared.execute(bound), finish);
  };
  return (statement, values, finish) => {
    const { name, text } = statement;
    if (name === '') return asText(statement, values, finish);
    const prepared = known.get(name);
    if (prepared !== undefined) return execute(prepared, values, finish);
    connection.prepare(text, (error, made) => {
      if (error !== null) return finish(error);
      known.set(name, made);
      execute(made, values, finish);
    });
  };
}

interface Timeout {
  began(statement: LoadStatement): void;
  /** Calls back when no KILL is on its way any more. */
  ended(then: () => void): void;
  stop(): void;
}

const NO_TIMEOUT: Timeout = {
  began: () => undefined,
  ended: (then) => then(),
  stop: () => undefined,
};

/** A KILL that could not be sent, with all connections taken, is tried again. */
const KILL_AGAIN_MS = 1_000;

/**
 * MariaDB's max_statement_time is for every statement, MySQL's max_execution_time for SELECT alone: there writes are
 * ended by KILL QUERY.
 * https://dev.mysql.com/doc/refman/en/server-system-variables.html#sysvar_max_execution_time
 */
async function setTimeouts(
  client: Client,
  target: ConnectionTarget,
  limitMs: number | null,
): Promise<Timeout> {
  if (limitMs === null) return NO_TIMEOUT;
  if (client.flavor === 'mariadb') {
    await client.send(`set session max_statement_time = ${limitMs / 1000}`);
    return NO_TIMEOUT;
  }
  await client.send(`set session max_execution_time = ${Math.ceil(limitMs)}`);
  return killTimeout(client, target, limitMs);
}

function killTimeout(client: Client, target: ConnectionTarget, limitMs: number): Timeout {
  const reads = new Map<string, boolean>();
  let startedAt: number | null = null;
  let timer: NodeJS.Timeout | null = null;
  let killing: Promise<unknown> | null = null;

  const arm = (milliseconds: number) => {
    timer ??= setTimeout(check, milliseconds).unref();
  };
  const check = () => {
    timer = null;
    if (startedAt === null) return;
    const leftMs = limitMs - (performance.now() - startedAt);
    if (leftMs > 0) return arm(leftMs);
    killing = killQuery(target, client.id).catch(() => undefined);
    arm(KILL_AGAIN_MS);
  };
  return {
    began({ text }) {
      const isRead = reads.get(text) ?? dialect.kindOf(text) === 'read';
      reads.set(text, isRead);
      if (isRead) return;
      startedAt = performance.now();
      arm(limitMs);
    },
    ended(then) {
      startedAt = null;
      if (killing === null) return then();
      // A KILL that came too late for this statement must not meet the next one.
      void killing.then(() => {
        killing = null;
        const harmless = client.connection.query('do 0');
        harmless.on('error', () => undefined);
        harmless.on('end', then);
      });
    },
    stop() {
      if (timer !== null) clearTimeout(timer);
      startedAt = null;
    },
  };
}

function failureOf(error: unknown): LoadFailure {
  const { code, message } = toSqlError(error, null);
  return { code, message, outcome: dialect.classify(code, message) };
}
