/** A server of its own with the schema of the rehearsal and a few rows per table. */
import type { Engine, Probing, RoleTargets } from '../engines/engine.ts';
import { EnvironmentError } from '../errors.ts';
import { silentProgress } from '../progress.ts';
import type { Provisioner, Server } from '../provisioners/provisioner.ts';
import { notMeasured } from '../recording/figure.ts';
import type { DatabasePlan, DataPlan } from '../scenario/plan.ts';
import { planSpec, seedSynthetic } from '../seeders/index.ts';
import { applySchema, buildSchema, type FillRequest } from './fill.ts';
import { describeTables, openAs } from './pending.ts';
import { profileOf } from './profile.ts';

/** Enough for plans as of a table, rewrites that take files of their own and scans that count; filled in an instant. */
export const PROBE_ROWS = 2000;

export type ProbeServerRequest = Omit<FillRequest, 'onPending' | 'started'> & {
  /** The one of the rehearsal. */
  readonly provisioner: Provisioner;
};

/** The server of the rehearsal: the schema that a dump has built is read from there. */
type Rehearsed = FillRequest['started'];

export interface ProbeServer extends AsyncDisposable {
  readonly roles: RoleTargets;
}

/** Without a schema. EnvironmentError where there can be no such server. */
export async function startProbeServer(request: ProbeServerRequest, probing: Probing): Promise<ProbeServer> {
  const { plan, engine, provisioner, recorder, signal } = request;
  const database = databaseOf(plan.database, probing);
  const serverRequest = { engine, database, role: 'probe', say: () => undefined, fork: null } as const;
  const server = await provisioner.start(serverRequest, signal);
  try {
    await server.useProfile('rehearsal');
    const roles = await makeRoles(engine, server, signal);
    await using session = await openAs({ engine, started: { roles }, signal }, 'administrator');
    recorder.addServer({
      role: server.role,
      engine: engine.name,
      flavor: plan.database.flavor,
      version: server.version,
      provisioner: provisioner.name,
      description: server.description,
      data: { origin: 'filled' },
      settings: await engine.views.readSettings(session),
      clockOffsetMs: notMeasured('no instant is read from this server'),
    });
    return { roles, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

function databaseOf(database: DatabasePlan, probing: Probing): DatabasePlan {
  if (database.url !== null)
    throw new EnvironmentError('the server of the rehearsal is not ours, and a small copy needs one like it');
  return { ...database, replica: false, settings: { ...database.settings, ...probing.settings } };
}

async function makeRoles(engine: Engine, server: Server, signal: AbortSignal): Promise<RoleTargets> {
  await using administrator = await engine.connections.connect(
    server.administrator,
    { applicationName: 'rehearse probe' },
    signal,
  );
  // Awaited here: the session is closed when this returns.
  return await engine.connections.createRoles(administrator, server.database);
}

/** The schema of the rehearsal, and a few rows in each table. */
export async function fillSmall(
  request: ProbeServerRequest,
  { roles }: ProbeServer,
  rehearsed: Rehearsed,
): Promise<void> {
  const { plan, engine, signal } = request;
  const inside = { ...request, started: { roles }, progress: silentProgress };
  const profile = await profileOf(plan);
  if (plan.data.restore === null) await buildSchema(inside, profile);
  else await applySchema(inside, plan.data.restore.file, await readSchema(request, rehearsed));
  await using administrator = await openAs(inside, 'administrator');
  const tables = await describeTables(inside, administrator);
  const data = smallData(plan.data, () => planSpec(tables, plan.data, profile).tables);
  await seedSynthetic(
    {
      engine,
      target: roles.migrator,
      administrator: roles.administrator,
      tables,
      data,
      profile: plan.data.restore === null ? profile : null,
      streams: 1,
      onProgress: () => undefined,
    },
    signal,
  );
  await engine.filling.settle(administrator, tables);
}

/** What the dump has built, as DDL. */
async function readSchema({ engine, signal }: ProbeServerRequest, { roles }: Rehearsed): Promise<string> {
  const { schema } = await engine.capture.read({
    target: roles.administrator,
    schemas: [],
    values: false,
    statements: false,
    statementTimeoutMs: SCHEMA_LIMIT_MS,
    say: () => undefined,
    signal,
  });
  return schema;
}

const SCHEMA_LIMIT_MS = 30_000;

type PlannedTables = ReturnType<typeof planSpec>['tables'];

/** At most {@link PROBE_ROWS} rows in each table, and as many as the rehearsal has where those are fewer. */
function smallData(data: DataPlan, planned: () => PlannedTables): DataPlan {
  const small = { ...data, restore: null, scale: 1, age: null };
  if (data.restore !== null) return { ...small, rows: PROBE_ROWS, tables: {} };
  const tables = planned()
    .filter(({ existingKeys }) => existingKeys === null)
    .map(({ description: { name }, rows }) => {
      const columns = data.tables[name]?.columns ?? {};
      return [name, { rows: Math.min(rows, PROBE_ROWS), columns }] as const;
    });
  return { ...small, rows: null, tables: Object.fromEntries(tables) };
}
