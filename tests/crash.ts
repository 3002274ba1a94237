/** A server that dies without a word and comes back at the same place. */
import { execa } from 'execa';
import type { BareServer } from './server.ts';

/**
 * A container is killed and started again. An embedded Postgres loses the given backend to SIGKILL, whereupon it ends all
 * others at once and recovers.
 */
export async function crash({ server }: BareServer, backend: number): Promise<void> {
  const name = /^the container (\S+)$/.exec(
    server.programs !== null && 'where' in server.programs ? server.programs.where : '',
  )?.[1];
  if (name === undefined) {
    process.kill(backend, 'SIGKILL');
    return;
  }
  await execa('docker', ['kill', '--signal', 'KILL', name]);
  await execa('docker', ['start', name]);
}
