/**
 * Real servers for tests: `ENGINES=postgres:14,mysql:9.7 npm test` names those of the engine contract and of the engines'
 * own tests. A server has a rehearsed database with its roles, and gives sessions in databases of their own.
 */
import {
  type Engine,
  type RoleTargets,
  type Session,
  type SessionOptions,
  SqlError,
} from '../src/engines/engine.ts';
import { engines, findEngine } from '../src/engines/index.ts';
import { AUTOMATIC, chooseProvisioner } from '../src/provisioners/index.ts';
import type { Server, ServerRequest } from '../src/provisioners/provisioner.ts';
import type { DatabasePlan } from '../src/scenario/plan.ts';
import { containersMissing } from './containers.ts';

/** A server that tests ask for. */
export interface ServerSpec {
  /** As in ENGINES, and as the name of its image: `mysql:9.7`. */
  readonly name: string;
  readonly engine: Engine;
  readonly flavor: string;
  readonly version: string;
  /** Where it comes from; left out: PROVISIONS. */
  readonly provision?: string;
}

/** `postgres:14`, or `postgres` for the default version; `postgres:14@container` says where it is to come from. */
export function serverSpec(name: string): ServerSpec {
  const [server = '', provision] = name.trim().split('@');
  const [flavor = '', version] = server.split(':');
  const engine = engines.find(({ flavors }) => flavors.includes(flavor));
  if (engine === undefined) throw new Error(`ENGINES: "${name}" is no server: write one such as "mysql:9.7"`);
  const known = version ?? engine.recipe.defaultVersion(flavor);
  const spec = { name: `${flavor}:${known}`, engine, flavor, version: known };
  return provision === undefined ? spec : { ...spec, provision };
}

/** What ENGINES names; `postgres` when it is not set. */
export function wantedServers(): readonly ServerSpec[] {
  return (process.env.ENGINES || 'postgres').split(',').map(serverSpec);
}

/** The wanted servers of one engine, or the default one of each flavor when none is wanted. */
export function serversOf(engineName: string): readonly ServerSpec[] {
  const wanted = wantedServers().filter(({ engine }) => engine.name === engineName);
  return wanted.length > 0 ? wanted : findEngine(engineName).flavors.map(serverSpec);
}

/** The last one that is wanted: `ENGINES=postgres:12 npm test` runs the tests of Postgres alone on 12. */
export function postgresServer(): ServerSpec {
  return serversOf('postgres').at(-1) ?? serverSpec('postgres');
}

/** MySQL and MariaDB come from images: an embedded one may have to be fetched first, up to 900 MB. */
const PROVISIONS: Readonly<Record<string, string>> = {
  postgres: AUTOMATIC,
  mysql: 'container',
  mariadb: 'container',
};

export function databasePlan(
  { engine, flavor, version, provision }: ServerSpec,
  changed: Partial<DatabasePlan> = {},
): DatabasePlan {
  return {
    engine: engine.name,
    flavor,
    version,
    provision: provision ?? PROVISIONS[flavor] ?? AUTOMATIC,
    image: null,
    binary: null,
    url: null,
    expendable: false,
    settings: {},
    replica: false,
    ...changed,
  };
}

/** A request as the pipeline makes it; the lines that were said are kept. */
export function serverRequest(
  database: Partial<DatabasePlan> = {},
  spec = postgresServer(),
): ServerRequest & { readonly said: readonly string[] } {
  const said: string[] = [];
  const say = (message: string) => void said.push(message);
  return {
    engine: spec.engine,
    role: 'rehearsal',
    say,
    said,
    fork: null,
    database: databasePlan(spec, database),
  };
}

/** Why a server cannot be had here, or null; an error where containers are required. */
export async function serverMissing(spec: ServerSpec): Promise<string | null> {
  const { provision } = databasePlan(spec);
  if (provision === 'container') return containersMissing(spec.name);
  const { name } = await chooseProvisioner(serverRequest({}, spec), AbortSignal.timeout(START_LIMIT_MS));
  return name === 'container' ? containersMissing(spec.name) : null;
}

/** As a provisioner hands it over: in its filling profile, without a rehearsed database. */
export interface BareServer extends AsyncDisposable {
  readonly spec: ServerSpec;
  readonly engine: Engine;
  readonly server: Server;
  /** A session of the superuser in a new, empty database. */
  session(options?: Partial<SessionOptions>): Promise<Session>;
}

/** In its rehearsal profile, with the rehearsed database and its roles. */
export interface TestServer extends BareServer {
  readonly roles: RoleTargets;
  /** A session as one of the roles. */
  connect(role: keyof RoleTargets, applicationName?: string): Promise<Session>;
}

const START_LIMIT_MS = 170_000;

export async function startBareServer(
  spec: ServerSpec = postgresServer(),
  settings: DatabasePlan['settings'] = {},
): Promise<BareServer> {
  const { engine } = spec;
  const request = serverRequest({ settings }, spec);
  const provisioner = await chooseProvisioner(request, AbortSignal.timeout(START_LIMIT_MS));
  const server = await provisioner.start(request, AbortSignal.timeout(START_LIMIT_MS));
  const { connect } = engine.connections;
  let databases = 0;
  return {
    spec,
    engine,
    server,
    async session(options = {}) {
      databases += 1;
      const database = `test_${databases}`;
      await using superuser = await connect(server.administrator, { applicationName: 'test database' });
      await superuser.execute(`create database ${database}`);
      return connect({ ...server.administrator, database }, { applicationName: 'rehearse test', ...options });
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

export async function startTestServer(
  spec: ServerSpec = postgresServer(),
  settings: DatabasePlan['settings'] = {},
): Promise<TestServer> {
  const bare = await startBareServer(spec, settings);
  const { engine, server } = bare;
  const { connect, createRoles } = engine.connections;
  try {
    await server.useProfile('rehearsal');
    await using administrator = await connect(server.administrator, { applicationName: 'test roles' });
    const roles = await createRoles(administrator, server.database);
    return {
      ...bare,
      roles,
      connect: (role, applicationName = `test ${role}`) => connect(roles[role], { applicationName }),
    };
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

/** Waits until the condition gives something other than null and false; says what it waited for when that does not come. */
export async function eventually<Result>(
  what: string,
  condition: () => Promise<Result | null | false> | Result | null | false,
  limitMs = 20_000,
): Promise<Result> {
  const until = performance.now() + limitMs;
  for (;;) {
    const result = await condition();
    if (result !== null && result !== false) return result;
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
