/** Sessions: one connection of ours, with an identity in the server's views. */
import type { Connections, ConnectionTarget, Session, SessionOptions } from '../../engine.ts';
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
  const limits = await prepared(client, target, options, signal);
  const inTurn = createTurns();
  let busy = 0;
  const cancel = () => killQuery(target, client.id);

  async function guarded(written: string, values: readonly unknown[] = []): Promise<Answer> {
    const text = values.length === 0 ? written : fillIn(templateOf(written), values);
    busy += 1;
    try {
      return await inTurn(() => sendWithin(client, limits, text));
    } finally {
      busy -= 1;
    }
  }

  return {
    id: client.id,
    target,
    query: async <Row extends object>(text: string, values?: readonly unknown[]) =>
      (await guarded(text, values)).rows as readonly Row[],
    execute: async (text, values) => ({ rows: (await guarded(text, values)).affected }),
    cancel,
    async [Symbol.asyncDispose]() {
      // The server does not notice that the client of a waiting statement has gone.
      if (busy > 0) await cancel().catch(() => undefined);
      await Promise.all([closeClient(client), limits[Symbol.asyncDispose]()]);
    },
  };
}

async function prepared(
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

async function sendWithin(client: Client, limits: Limits, text: string): Promise<Answer> {
  const guard = limits.begin();
  try {
    const answer = await client.send(text);
    // The KILL may have come too late for this statement; it must not meet the next one.
    if (await guard.end()) await client.send('do 0').catch(() => undefined);
    return answer;
  } catch (error) {
    await guard.end();
    throw guard.explain(toSqlError(error, text));
  }
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
