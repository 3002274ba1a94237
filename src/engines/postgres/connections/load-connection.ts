/**
 * The load's connection: a lean Submittable on `pg` that encodes Bind, Execute and Sync itself and drops every row.
 * Point selects on eight connections and one thread: 44 and 48 thousand a second where `pgbench -S -M prepared -c 8
 * -j 1` made 60 and 62 in turn with it (Postgres 18 on the same two cores).
 */
import type {
  CellValue,
  ConnectionTarget,
  LoadConnection,
  LoadConnectionOptions,
  LoadFailure,
  LoadStatement,
} from '../../engine.ts';
import { cellText } from '../filling/cells.ts';
import { dialect } from '../text/dialect.ts';
import { nextToken } from '../text/scan.ts';
import {
  backendPid,
  closeClient,
  openClient,
  type PostgresConnection,
  type Submittable,
  toSqlError,
} from './client.ts';
import { encodeBindExecuteSync, encodeParse, encodeQuery } from './messages.ts';

type Values = readonly CellValue[];
type Done = (failure: LoadFailure | null) => void;

/**
 * Opens a connection for the load. `prepared` parses each statement once and never again, as node-postgres does with
 * named statements: "cached plan must not change result type" then stays until the connection is replaced. `unnamed`
 * parses each time; `simple` sends the values as literals of unknown type.
 */
export async function connectLoad(
  target: ConnectionTarget,
  options: LoadConnectionOptions,
): Promise<LoadConnection> {
  const client = await openClient(target, {
    applicationName: options.applicationName,
    ...(options.statementTimeoutMs === null ? {} : { statementTimeoutMs: options.statementTimeoutMs }),
  });
  const id = await backendPid(client);
  const encode = encoderFor(options.protocol);
  const exchange = createExchange(encode.message);
  client.connection.on('parseComplete', () => encode.parsed(exchange.statement()));

  let closing = false;
  let lost = false;
  const onGone = () => {
    if (closing || lost) return;
    lost = true;
    // `pg` tells the pending statement in the next tick; it comes first.
    process.nextTick(() => process.nextTick(options.onLost));
  };
  client.on('error', onGone);
  client.on('end', onGone);

  return {
    id,
    run(statement, values, done) {
      exchange.begin(statement, values, done);
      client.query(exchange);
    },
    close() {
      closing = true;
      return closeClient(client);
    },
  };
}

interface Encoder {
  message(statement: LoadStatement, values: Values): Buffer;
  /** The server has taken the Parse message of this statement. */
  parsed(statement: LoadStatement | null): void;
}

function encoderFor(protocol: LoadConnectionOptions['protocol']): Encoder {
  const unnamed: Encoder = {
    message: ({ name, text }, values) =>
      name === '' && values.length === 0
        ? encodeQuery(text)
        : Buffer.concat([encodeParse('', text), encodeBindExecuteSync('', values.map(cellText))]),
    parsed: () => undefined,
  };
  if (protocol === 'unnamed') return unnamed;
  return protocol === 'simple' ? simpleEncoder() : preparedEncoder(unnamed);
}

function preparedEncoder(unnamed: Encoder): Encoder {
  const known = new Set<string>();
  return {
    message(statement, values) {
      const { name, text } = statement;
      if (name === '') return unnamed.message(statement, values);
      const bind = encodeBindExecuteSync(name, values.map(cellText));
      return known.has(name) ? bind : Buffer.concat([encodeParse(name, text), bind]);
    },
    parsed(statement) {
      if (statement !== null) known.add(statement.name);
    },
  };
}

function simpleEncoder(): Encoder {
  const templates = new Map<string, Template>();
  return {
    message({ text }, values) {
      const template = templates.get(text) ?? templateOf(text);
      templates.set(text, template);
      return encodeQuery(fillIn(template, values));
    },
    parsed: () => undefined,
  };
}

/** Text of a statement around its parameters: `texts` has one element more than `positions`. */
interface Template {
  readonly texts: readonly string[];
  /** 1-based, as in `$1`. */
  readonly positions: readonly number[];
}

/** Finds the parameters outside of quotes and comments. */
function templateOf(text: string): Template {
  const texts: string[] = [];
  const positions: number[] = [];
  let at = 0;
  for (let next = nextToken(text, 0, false); next !== null; next = nextToken(text, next.to, false)) {
    if (next.kind !== 'parameter') continue;
    texts.push(text.slice(at, next.from));
    positions.push(Number(next.text.slice(1)));
    at = next.to;
  }
  texts.push(text.slice(at));
  return { texts, positions };
}

function fillIn({ texts, positions }: Template, values: Values): string {
  let filled = texts[0] ?? '';
  for (const [index, position] of positions.entries()) {
    const value = cellText(values[position - 1] ?? null);
    filled += (value === null ? 'null' : dialect.quoteLiteral(value)) + (texts[index + 1] ?? '');
  }
  return filled;
}

/** One statement on its way; the same object serves all of a connection, one after the other. */
interface Exchange extends Submittable {
  begin(statement: LoadStatement, values: Values, done: Done): void;
  statement(): LoadStatement | null;
}

/** The `handle...` members are what `pg`'s client calls of a query of its own (pg 8, lib/client.js). */
function createExchange(encode: Encoder['message']): Exchange & Record<`handle${string}`, unknown> {
  let current: { statement: LoadStatement; values: Values; done: Done } | null = null;
  const finish = (failure: LoadFailure | null) => {
    const done = current?.done;
    current = null;
    done?.(failure);
  };
  const ignore = () => undefined;
  return {
    begin(statement, values, done) {
      if (current !== null)
        throw new Error(`"${current.statement.name}" is still running on this connection`);
      current = { statement, values, done };
    },
    statement: () => current?.statement ?? null,
    submit(connection: PostgresConnection) {
      if (current !== null) connection.stream.write(encode(current.statement, current.values));
    },
    handleRowDescription: ignore,
    handleDataRow: ignore,
    handlePortalSuspended: ignore,
    handleEmptyQuery: ignore,
    handleCommandComplete: ignore,
    handleCopyData: ignore,
    handleCopyInResponse(connection: PostgresConnection & { sendCopyFail(reason: string): void }) {
      connection.sendCopyFail('the load sends no COPY data');
    },
    handleReadyForQuery: () => finish(null),
    handleError: (error: unknown) => finish(failureOf(error)),
  };
}

function failureOf(error: unknown): LoadFailure {
  const { code, message } = toSqlError(error, null);
  return { code, message, outcome: dialect.classify(code, message) };
}
