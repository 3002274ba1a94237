/** A real server for tests of parts that need one: `ENGINES=postgres:15` picks another than the default one. */
import { type Engine, type RoleTargets, type Session, SqlError } from '../src/engines/engine.ts';
import { findEngine } from '../src/engines/index.ts';
import { chooseProvisioner } from '../src/provisioners/index.ts';
import type { Server } from '../src/provisioners/provisioner.ts';

export interface TestServer extends AsyncDisposable {
  readonly engine: Engine;
  readonly server: Server;
  readonly roles: RoleTargets;
  /** A session as one of the roles. */
  connect(role: keyof RoleTargets, applicationName?: string): Promise<Session>;
}

export async function startTestServer(): Promise<TestServer> {
  const [name = 'postgres', version] = (process.env.ENGINES ?? 'postgres').split(',')[0]?.split(':') ?? [];
  const engine = findEngine(name);
  const request = {
    engine,
    role: 'rehearsal',
    say: () => undefined,
    database: {
      engine: name,
      flavor: engine.flavors[0] ?? name,
      version: version ?? null,
      provision: 'embedded',
      image: null,
      binary: null,
      url: null,
      expendable: false,
      settings: {},
      replica: false,
    },
  } as const;
  const provisioner = await chooseProvisioner(request);
  const server = await provisioner.start(request, AbortSignal.timeout(120_000));
  try {
    await server.useProfile('rehearsal');
    await using administrator = await engine.connections.connect(server.administrator, {
      applicationName: 'test administrator',
    });
    const roles = await engine.connections.createRoles(administrator, server.database);
    return {
      engine,
      server,
      roles,
      connect: (role, applicationName = `test ${role}`) =>
        engine.connections.connect(roles[role], { applicationName }),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

/** Waits until the condition gives something other than null; says what it waited for when that does not come. */
export async function eventually<Result>(
  what: string,
  condition: () => Promise<Result | null> | Result | null,
  limitMs = 20_000,
): Promise<Result> {
  const until = performance.now() + limitMs;
  for (;;) {
    const result = await condition();
    if (result !== null) return result;
    if (performance.now() > until) throw new Error(`${what}: not within ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The code of the SQL error that this rejects with, null when it does not reject. */
export async function sqlCode(work: Promise<unknown>): Promise<string | null> {
  return work.then(
    () => null,
    (error: unknown) => {
      if (error instanceof SqlError) return error.code;
      throw error;
    },
  );
}
