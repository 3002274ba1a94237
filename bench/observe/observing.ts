/**
 * The shipped observers and canaries in a process of their own, so that they can be switched on and off within a
 * millisecond (SIGCONT, SIGSTOP) while a load runs on: to open and close their sessions each time would be measured too.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { RoleTargets } from '../../src/engines/engine.ts';
import { EnvironmentError } from '../../src/errors.ts';
import type { TestServer } from '../../tests/server.ts';

/** What the process is told. */
export interface Observed {
  readonly engine: string;
  readonly dataDirectory: string;
  readonly roles: RoleTargets;
  /** Text that names the tables to be watched by canaries. */
  readonly migration: string;
}

export interface Observing extends AsyncDisposable {
  readonly pid: number;
  on(): void;
  off(): void;
}

const STOP_LIMIT_MS = 10_000;

/** Starts them; they run until they are switched off. */
export async function startObserving(
  { engine, server, roles }: TestServer,
  migration: string,
): Promise<Observing> {
  if ('missing' in server.dataDirectory) throw new EnvironmentError(server.dataDirectory.missing);
  const child = fork(fileURLToPath(new URL('process.ts', import.meta.url)), { serialization: 'advanced' });
  const { pid } = child;
  if (pid === undefined) throw new EnvironmentError('the process of the observers could not be started');
  const exited = once(child, 'exit');
  const told: Observed = {
    engine: engine.name,
    dataDirectory: server.dataDirectory.path,
    roles,
    migration,
  };
  child.send(told);
  const [answer] = await Promise.race([once(child, 'message'), exited]);
  if (answer !== 'ready') throw new EnvironmentError(`the process of the observers ended: ${String(answer)}`);
  return {
    pid,
    on: () => void child.kill('SIGCONT'),
    off: () => void child.kill('SIGSTOP'),
    async [Symbol.asyncDispose]() {
      child.kill('SIGCONT');
      if (child.connected) child.disconnect();
      await Promise.race([exited, delay(STOP_LIMIT_MS, undefined, { ref: false })]);
      if (child.exitCode === null) child.kill('SIGKILL');
    },
  };
}
