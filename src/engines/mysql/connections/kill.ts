/** Ends what a session is running. */
import type { ConnectionTarget } from '../../engine.ts';
import { closeClient, openClient, toSqlError } from './client.ts';

const LIMIT_MS = 5_000;

/** KILL QUERY through a second connection of the same user, which needs no privilege. */
export async function killQuery(target: ConnectionTarget, id: number): Promise<void> {
  const client = await openClient(target, { applicationName: 'rehearse cancel', connectTimeoutMs: LIMIT_MS });
  try {
    await client.send(`kill query ${id}`);
  } catch (error) {
    throw toSqlError(error, `kill query ${id}`);
  } finally {
    await closeClient(client);
  }
}
