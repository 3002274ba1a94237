/** Sessions: one connection of ours, with an identity in the server's views. */
import type { Connections, ConnectionTarget, Session, SessionOptions } from '../../engine.ts';
import { copyIn } from '../filling/copy.ts';
import { inlineCopy } from '../text/split.ts';
import { backendPid, closeClient, openClient, type PostgresClient, toSqlError } from './client.ts';
import { connectLoad } from './load-connection.ts';
import { type PlainValue, preparedQueries } from './prepared-queries.ts';
import { createRoles, dropRoles } from './roles.ts';
import { parseUrl } from './url.ts';

export const connections: Connections = {
  parseUrl,
  connect,
  connectLoad,
  createRoles: (administrator, database) => createRoles(administrator, database, connect),
  dropRoles: (administrator, database) => dropRoles(administrator, database, connect),
};

const CANCEL_TIMEOUT_MS = 5_000;

/**
 * Opens a session. Values come back as `pg` gives them: bigint and numeric as text, timestamps as Date, json parsed.
 * Calls may overlap: they run in the order in which they were made. Once the connection is gone every call rejects.
 */
async function connect(
  target: ConnectionTarget,
  options: SessionOptions,
  signal?: AbortSignal,
): Promise<Session> {
  const client = await openClient(target, options, signal);
  const id = await backendPid(client);
  const inTurn = createTurns();
  let busy = 0;
  const cancel = () => cancelBackend(target, id);
  const prepared = options.prepared === true ? preparedQueries(client) : null;

  async function guarded<Result>(statement: string, work: () => Promise<Result>): Promise<Result> {
    busy += 1;
    try {
      return await inTurn(work);
    } catch (error) {
      throw toSqlError(error, statement);
    } finally {
      busy -= 1;
    }
  }

  return {
    id,
    target,
    query: <Row extends object>(text: string, values?: readonly unknown[]) =>
      guarded(text, async () => {
        // The rows are what the caller says they are, as with those of pg.
        if (prepared !== null && arePlain(values)) return (await prepared(text, values ?? [])) as Row[];
        return (await client.query<Row>({ text, ...(values && { values: [...values] }) })).rows;
      }),
    execute: (text, values) =>
      guarded(text, async () =>
        values === undefined
          ? executeMessage(client, text)
          : { rows: (await client.query(text, [...values])).rowCount },
      ),
    cancel,
    async [Symbol.asyncDispose]() {
      // A server process that waits for a lock does not notice that its client has gone.
      if (busy > 0) await cancel().catch(() => undefined);
      await closeClient(client);
    },
  };
}

async function executeMessage(client: PostgresClient, text: string): Promise<{ rows: number | null }> {
  const copy = inlineCopy(text);
  if (copy !== null) return { rows: await copyIn(client, copy.statement, [copy.data]) };
  const result: { rowCount: number | null } | { rowCount: number | null }[] = await client.query(text);
  const last = Array.isArray(result) ? result.at(-1) : result;
  return { rows: last?.rowCount ?? null };
}

async function cancelBackend(target: ConnectionTarget, pid: number): Promise<void> {
  const client = await openClient(target, {
    applicationName: 'rehearse cancel',
    statementTimeoutMs: CANCEL_TIMEOUT_MS,
    connectTimeoutMs: CANCEL_TIMEOUT_MS,
  });
  try {
    await client.query('select pg_cancel_backend($1)', [pid]);
  } catch (error) {
    throw toSqlError(error, 'select pg_cancel_backend($1)');
  } finally {
    await closeClient(client);
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

function arePlain(values: readonly unknown[] = []): values is readonly PlainValue[] {
  return values.every((value) => value === null || ['string', 'number', 'boolean'].includes(typeof value));
}
