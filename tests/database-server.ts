/** A real server for the tests of an engine: one for each test file, a database of its own for each test. */

import type { ConnectionTarget, Engine, Session } from '../src/engines/engine.ts';
import { embedded } from '../src/provisioners/embedded.ts';
import type { Server } from '../src/provisioners/provisioner.ts';

export interface TestServer extends AsyncDisposable {
  readonly server: Server;
  /** A session of the superuser in a new, empty database. */
  session(options?: { readonly lockTimeoutMs?: number }): Promise<Session>;
}

/**
 * Starts an embedded server; TEST_SERVER_VERSION asks for another version (`TEST_SERVER_VERSION=12 npm test`),
 * TEST_SERVER_BINARY names a folder with the binaries of one (`TEST_SERVER_BINARY=/usr/lib/postgresql/15/bin`).
 */
export async function startTestServer(engine: Engine): Promise<TestServer> {
  const server = await embedded.start(
    {
      engine,
      database: {
        engine: engine.name,
        flavor: engine.flavors[0] ?? engine.name,
        version: process.env.TEST_SERVER_VERSION ?? null,
        provision: 'embedded',
        image: null,
        binary: process.env.TEST_SERVER_BINARY ?? null,
        url: null,
        expendable: false,
        settings: {},
        replica: false,
      },
      role: 'rehearsal',
      say: () => undefined,
    },
    AbortSignal.timeout(120_000),
  );
  let databases = 0;
  return {
    server,
    async session(options = {}) {
      databases += 1;
      const database = `test_${databases}`;
      await using administrator = await connect(engine, server.administrator);
      await administrator.execute(`create database ${database}`);
      return connect(engine, { ...server.administrator, database }, options);
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function connect(engine: Engine, target: ConnectionTarget, options = {}): Promise<Session> {
  return engine.connections.connect(target, { applicationName: 'rehearse test', ...options });
}

/** Waits until something holds; fails loudly when it does not in time. */
export async function eventually(condition: () => Promise<boolean> | boolean, what: string): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`${what} did not happen within 20 s`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
