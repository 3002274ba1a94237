/**
 * What a connection that broke in the middle of a bulk load left behind. Each batch is a transaction, so that the rows that
 * the server had confirmed are there; of the batch after them it is not known, because the answer to COMMIT may be what was
 * lost.
 */
import { randomUUID } from 'node:crypto';
import { EnvironmentError } from '../../../errors.ts';
import type { BrokenLoad, BulkLoadRequest, TableDescription } from '../../engine.ts';
import type { Client } from '../connections/client.ts';
import { dialect } from '../text/dialect.ts';

/** A server that lost its client in silence ends the session after net_read_timeout, 30 s unless set. */
const SESSION_LIMIT_S = 60;
/** Uptime is told in whole seconds, and two machines' seconds begin at different instants. */
const START_TOLERANCE_S = 3;

export type LoadSession = Omit<BrokenLoad, 'confirmedRows'>;

/**
 * Marks this session by a lock that ends with it, after its transaction has been committed or rolled back:
 * https://dev.mysql.com/doc/refman/en/locking-functions.html#function_get-lock
 */
export async function markSession(client: Client): Promise<LoadSession> {
  const heldLock = `rehearse ${randomUUID()}`;
  await client.send(`select get_lock(${dialect.quoteLiteral(heldLock)}, 0)`);
  const uptime = Number(await cellOf(client, "show global status like 'Uptime'", 'Value'));
  return { heldLock, serverStartedAt: Date.now() / 1000 - uptime };
}

export interface RowsThere {
  /** From which the load goes on. */
  readonly rows: number;
  /** The first batch may be there as a whole: then each of its rows is a duplicate, which the server leaves out. */
  readonly firstMayBeThere: boolean;
}

/**
 * Waits until the broken session is gone, since it could still commit. A table that one call alone fills holds just the
 * first rows of it, whatever its storage engine: they are counted. Of a shared one, the next batch is sent again.
 * Throws EnvironmentError where what is there cannot be known.
 */
export async function rowsThere(
  client: Client,
  { table, alone }: BulkLoadRequest,
  { broken, session }: { readonly broken: BrokenLoad; readonly session: LoadSession },
): Promise<RowsThere> {
  if (Math.abs(session.serverStartedAt - broken.serverStartedAt) > START_TOLERANCE_S)
    throw unknown(table, 'the server was started again, and in its filling profile a crash may lose rows');
  const lock = dialect.quoteLiteral(broken.heldLock);
  const gone = await cellOf(client, `select get_lock(${lock}, ${SESSION_LIMIT_S}) as gone`, 'gone');
  if (Number(gone) !== 1)
    throw unknown(table, `the server still holds the broken session after ${SESSION_LIMIT_S} s`);
  await client.send(`do release_lock(${lock})`);
  const name = dialect.quoteName(table.parts);
  if (alone) {
    const rows = Number(await cellOf(client, `select count(*) as total from ${name}`, 'total'));
    await client.send('commit');
    return { rows, firstMayBeThere: false };
  }
  const status = `show table status where name = ${dialect.quoteLiteral(table.parts.at(-1) ?? '')}`;
  const engine = String(await cellOf(client, status, 'Engine'));
  if (engine !== 'InnoDB') throw unknown(table, `${engine} tables keep a part of what was broken off`);
  if (table.primaryKey.length === 0)
    throw unknown(table, 'several streams fill it, and it has no primary key');
  return { rows: broken.confirmedRows, firstMayBeThere: true };
}

async function cellOf(client: Client, query: string, column: string): Promise<unknown> {
  const [row] = (await client.send(query)).rows;
  return row === undefined ? null : Reflect.get(row, column);
}

function unknown({ name }: TableDescription, why: string): EnvironmentError {
  return new EnvironmentError(
    `the connection broke while table "${name}" was filled, and which of its rows are there cannot be known: ${why}. ` +
      'See the log of the server, and fill again.',
  );
}
