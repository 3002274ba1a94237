/** Sessions: one connection of ours, with an identity in the server's views. */
import {
  type Connections,
  type ConnectionTarget,
  type Session,
  type SessionOptions,
  SqlError,
} from '../../engine.ts';
import { fillIn, templateOf } from '../filling/cells.ts';
import { type Answer, type Client, closeClient, openClient, toSqlError } from './client.ts';
import { killQuery } from './kill.ts';
import { type Limits, openLimits, serverLimits } from './limits.ts';
import { connectLoad } from './load-connection.ts';
import { createRoles, dropRoles } from './roles.ts';
import { parseUrl } from './url.ts';

export const connections: Connections = {
  parseUrl,
  connect,
  connectLoad,
  createRoles,
  dropRoles: (administrator) => dropRoles(administrator),
};

/**
 * Opens a session. Calls may overlap: they run in the order in which they were made. Once the connection is gone every
 * call rejects. Values are put into the text as literals that read the same under every sql_mode.
 */
async function connect(
  target: ConnectionTarget,
  options: SessionOptions,
  signal?: AbortSignal,
): Promise<Session> {
  const client = await openClient(target, options, signal);
  const limits = await limited(client, target, options, signal);
  const inTurn = createTurns();
  let busy = 0;
  const cancel = () => killQuery(target, client.id);
  /** Those that the server cannot prepare. */
  const asText = new Set<string>();

  async function guarded(text: string, send: () => Promise<Answer>): Promise<Answer> {
    busy += 1;
    try {
      return await inTurn(() => sendWithin(client, limits, { text, send }));
    } finally {
      busy -= 1;
    }
  }

  function sendText(written: string, values: readonly unknown[] = []): Promise<Answer> {
    const text = values.length === 0 ? written : fillIn(templateOf(written), values);
    return guarded(text, () => client.send(text));
  }

  async function sendPrepared(text: string, values: readonly (string | null)[]): Promise<Answer> {
    try {
      return await guarded(text, () => client.sendPrepared(text, values));
    } catch (error) {
      if (!(error instanceof SqlError && NOT_PREPARED.includes(error.code ?? ''))) throw error;
      asText.add(text);
      return sendText(text, values);
    }
  }

  return {
    id: client.id,
    target,
    query: async <Row extends object>(text: string, values: readonly unknown[] = []) => {
      const once = options.prepared === true && !asText.has(text) && areTexts(values);
      return (await (once ? sendPrepared(text, values) : sendText(text, values))).rows as readonly Row[];
    },
    execute: async (text, values) => ({ rows: (await sendText(text, values)).affected }),
    cancel,
    async [Symbol.asyncDispose]() {
      // The server does not notice that the client of a waiting statement has gone.
      if (busy > 0) await cancel().catch(() => undefined);
      await Promise.all([closeClient(client), limits[Symbol.asyncDispose]()]);
    },
  };
}

async function limited(
  client: Client,
  target: ConnectionTarget,
  options: SessionOptions,
  signal: AbortSignal | undefined,
): Promise<Limits> {
  try {
    for (const statement of serverLimits(options.lockTimeoutMs)) await client.send(statement);
    return await openLimits(client, target, options, signal);
  } catch (error) {
    await closeClient(client);
    throw error;
  }
}

async function sendWithin(
  client: Client,
  limits: Limits,
  { text, send }: { readonly text: string; send(): Promise<Answer> },
): Promise<Answer> {
  const guard = limits.begin();
  try {
    const answer = await send();
    // The KILL may have come too late for this statement; it must not meet the next one.
    if (await guard.end()) await client.send('do 0').catch(() => undefined);
    return answer;
  } catch (error) {
    await guard.end();
    throw guard.explain(toSqlError(error, text));
  }
}

/**
 * ER_UNSUPPORTED_PS, and ER_NEED_REPREPARE where tables were changed again and again while it was prepared anew:
 * https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html
 */
const NOT_PREPARED = ['1295', '1615'];

/** A number would be bound as a double, with which no index is looked up. */
function areTexts(values: readonly unknown[]): values is readonly (string | null)[] {
  return values.every((value) => value === null || typeof value === 'string');
}

/** Runs what it is given one after the other. */
function createTurns(): <Result>(work: () => Promise<Result>) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = last.then(work, work);
    last = turn.catch(() => undefined);
    return turn;
  };
}
