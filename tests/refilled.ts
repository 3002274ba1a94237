/** Databases that something else filled, captured, filled again from the profile, and compared. */
import type { Session, TableDescription } from '../src/engines/engine.ts';
import { PROFILE_VERSION, type Profile } from '../src/profile/profile.ts';
import type { DataPlan } from '../src/scenario/plan.ts';
import { fitIndexes, seedSynthetic } from '../src/seeders/index.ts';
import { type Comparison, verifyFilling } from '../src/verify/index.ts';
import type { TestServer } from './server.ts';

const LIMIT_MS = 120_000;

export async function runScript(server: TestServer, session: Session, script: string): Promise<void> {
  for (const { text } of server.engine.dialect.split(script)) await session.execute(text);
}

/** What `rehearse capture` would write of the session's database. */
export async function captureFrom(
  { engine }: TestServer,
  { target }: Session,
  values: boolean,
): Promise<Profile> {
  const facts = await engine.capture?.read({
    target,
    values,
    schemas: [],
    statements: false,
    statementTimeoutMs: LIMIT_MS,
    say: () => undefined,
    signal: AbortSignal.timeout(LIMIT_MS),
  });
  if (facts === undefined) throw new Error('the engine captures nothing');
  return { version: PROFILE_VERSION, harnessVersion: '0', capturedAt: new Date().toISOString(), ...facts };
}

export function profileData(changed: Partial<DataPlan> = {}): DataPlan {
  const nothing = { schemaFile: null, restore: null, profileFile: 'profile.json', age: null, rows: null };
  return { ...nothing, scale: 1, tables: {}, randomSeed: 42, ...changed };
}

export interface Refilling {
  readonly server: TestServer;
  /** From which a database of its own is filled. */
  readonly profile: Profile;
  /** Against which it is held; the same when left out. */
  readonly against?: Profile;
  readonly data?: DataPlan;
  /** Takes statistics of the tables. */
  readonly analyze: (session: Session, tables: readonly TableDescription[]) => Promise<void>;
}

export async function refilled(request: Refilling): Promise<readonly Comparison[]> {
  const { server, profile, analyze, against = profile, data = profileData() } = request;
  const { engine } = server;
  const signal = AbortSignal.timeout(LIMIT_MS);
  await using maker = await server.session();
  await runScript(server, maker, profile.schema);
  const { target } = maker;
  await using session = await engine.connections.connect(target, { applicationName: 'test verify' });
  const tables = await engine.schema.describe(session);
  const roles = { target, administrator: target };
  const onProgress = () => undefined;
  const filling = { engine, ...roles, tables, data, profile, onProgress };
  const { generator } = await seedSynthetic(filling, signal);
  if (data.age !== null) {
    const { randomSeed, age } = data;
    await engine.ageing.age({ session, tables, randomSeed, ...age, onTable: onProgress });
    await fitIndexes({ engine, onProgress }, { session, generator, signal });
  }
  await analyze(session, tables);
  const withValues = against.tables.some(({ columns }) => columns.some(({ values }) => values !== null));
  const { tables: got } = await captureFrom(server, session, withValues);
  const say = () => undefined;
  return await verifyFilling({ engine, session, profile: against, got, tables, data, say, signal });
}

export function outside(comparisons: readonly Comparison[]): readonly string[] {
  return comparisons
    .filter(({ verdict }) => verdict === 'outside')
    .map(
      ({ table, of, measure, wanted, got }) =>
        `${table} ${of ?? ''} ${measure}: wanted ${wanted}, got ${got}`,
    );
}
