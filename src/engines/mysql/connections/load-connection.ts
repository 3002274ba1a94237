/**
 * The load's connection: `mysql2` connects and authenticates, then commands are encoded and answers read here, and rows
 * are skipped where they stand. Point selects on eight connections and one thread against `sysbench oltp_point_select
 * --threads=8`: see bench/load/mysql.ts.
 */
import type {
  CellValue,
  ConnectionTarget,
  LoadConnection,
  LoadConnectionOptions,
  LoadFailure,
  LoadStatement,
} from '../../engine.ts';
import { fillIn, type Template, templateOf } from '../filling/cells.ts';
import { dialect, SERVER_LOST } from '../text/dialect.ts';
import { type AnswerReader, createAnswerReader } from './answers.ts';
import { closeClient, openClient, takeStream, toSqlError } from './client.ts';
import { killQuery } from './kill.ts';
import { encodeExecute, encodeNoFile, encodePrepare, encodeQuery } from './packets.ts';
import { type Sent, setStatementTimeout } from './statement-timeout.ts';

type Values = readonly CellValue[];

/** A statement on its way. */
interface Pending {
  readonly statement: LoadStatement;
  readonly values: Values;
  readonly done: (failure: LoadFailure | null) => void;
}

/**
 * Opens a connection for the load. `prepared` prepares each statement once and sends its values in the binary protocol,
 * as mysql2's `execute` and Connector/J do; `unnamed` and `simple` send text with the values as literals, as mysql2's
 * `query` does.
 */
export async function connectLoad(
  target: ConnectionTarget,
  options: LoadConnectionOptions,
): Promise<LoadConnection> {
  const client = await openClient(target, { applicationName: options.applicationName });
  const timeout = await setStatementTimeout(client, target, options.statementTimeoutMs);
  const encode = createEncoder(options.protocol);

  let pending: Pending | null = null;
  /** Set after a KILL: called when the answer to a harmless statement has come. */
  let settled: (() => void) | null = null;
  let closing = false;
  let lost: LoadFailure | null = null;

  const answers = createAnswerReader({
    answered(prepared) {
      if (settled !== null) settled();
      else if (pending !== null && prepared !== 0) send(encode.prepared(pending, prepared));
      else finish(null);
    },
    refused(code, message) {
      if (settled !== null) settled();
      else finish(failureOf(String(code), message));
    },
    fileWanted: (sequence) => void stream.write(encodeNoFile(sequence)),
  });
  const stream = takeStream(client, answers.read);

  function send({ bytes, answer }: Encoded): void {
    answers.expect(answer);
    stream.write(bytes);
  }

  function finish(failure: LoadFailure | null): void {
    if (pending === null) return;
    const { done } = pending;
    const killed = timeout.ended();
    if (killed !== null && lost === null) {
      settled = () => undefined;
      void killed.then(() => settle(failure));
    } else {
      pending = null;
      done(failure);
    }
  }

  /** A KILL that came too late for its statement meets a harmless one, and not the next of the application. */
  function settle(failure: LoadFailure | null): void {
    if (lost !== null) return;
    settled = () => {
      settled = null;
      const was = pending;
      pending = null;
      was?.done(failure);
    };
    send({ bytes: HARMLESS, answer: 'results' });
  }

  function onGone(error: unknown): void {
    if (lost !== null) return;
    const { code, message } = toSqlError(error, null);
    lost = failureOf(code ?? SERVER_LOST, message);
    finish(lost);
    // What waits for the pending statement is told first.
    if (!closing) setImmediate(options.onLost);
  }
  client.connection.on('error', onGone);
  client.socket.on('close', () => onGone(new Error('the server closed the connection')));

  return {
    id: client.id,
    run(statement, values, done) {
      if (pending !== null) throw new Error(`"${statement.name}" is sent while another statement runs`);
      if (lost !== null) {
        done(lost);
        return;
      }
      pending = { statement, values, done };
      const first = encode.first(pending);
      timeout.began(first.answer === 'prepared' ? 'preparation' : encode.kindOf(statement));
      send(first);
    },
    async close() {
      closing = true;
      timeout.stop();
      // The server does not notice that the client of a waiting statement has gone.
      const ended = pending === null ? null : killQuery(target, client.id).catch(() => undefined);
      await Promise.all([closeClient(client), ended]);
    },
  };
}

const HARMLESS = encodeQuery('do 0');

interface Encoded {
  readonly bytes: Buffer;
  readonly answer: Parameters<AnswerReader['expect']>[0];
}

interface Encoder {
  first(pending: Pending): Encoded;
  /** What follows when the server has given a prepared statement its number. */
  prepared(pending: Pending, number: number): Encoded;
  kindOf(statement: LoadStatement): Sent;
}

function createEncoder(protocol: LoadConnectionOptions['protocol']): Encoder {
  const numbers = new Map<string, number>();
  const templates = new Map<string, Template>();
  const kinds = new Map<string, Sent>();

  function asText({ statement: { text }, values }: Pending): Encoded {
    if (values.length === 0) return { bytes: encodeQuery(text), answer: 'results' };
    const template = templates.get(text) ?? templateOf(text);
    templates.set(text, template);
    return { bytes: encodeQuery(fillIn(template, values)), answer: 'results' };
  }

  return {
    first(pending) {
      const { name, text } = pending.statement;
      if (protocol !== 'prepared' || name === '') return asText(pending);
      const number = numbers.get(name);
      if (number === undefined) return { bytes: encodePrepare(text), answer: 'prepared' };
      return { bytes: encodeExecute(number, pending.values), answer: 'results' };
    },
    prepared({ statement, values }, number) {
      numbers.set(statement.name, number);
      return { bytes: encodeExecute(number, values), answer: 'results' };
    },
    kindOf({ text }) {
      const kind = kinds.get(text) ?? (dialect.kindOf(text) === 'read' ? 'read' : 'other statement');
      kinds.set(text, kind);
      return kind;
    },
  };
}

function failureOf(code: string, message: string): LoadFailure {
  return { code, message, outcome: dialect.classify(code, message) };
}
