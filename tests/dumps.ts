/** Dumps made and restored on a server in a container, for tests of both engines. */
import { describeRestoredTables, reshape, restoreDump } from '../src/dumps/index.ts';
import { capture } from '../src/dumps/programs.ts';
import type { Session } from '../src/engines/engine.ts';
import type { RestorePlan } from '../src/scenario/plan.ts';
import type { FillingResult } from '../src/seeders/index.ts';
import type { BareServer } from './server.ts';
import { dataPlan } from './tables.ts';

export interface Wanted {
  readonly clientDirectory?: string;
  readonly mask?: RestorePlan['mask'];
  readonly scale?: number;
}

export interface Restored extends AsyncDisposable {
  /** In the database that was restored into. */
  readonly session: Session;
  readonly notes: readonly string[];
  readonly progress: readonly string[];
  /** As the pipeline describes it, the ledger `schema_migrations` left out. */
  describe(): Promise<FillingResult>;
}

let databases = 0;

/** Restores into a new database, as the pipeline does. */
export async function restoreInto(
  server: BareServer,
  { file, clientDirectory, mask = {}, scale = 1 }: Wanted & { readonly file: string },
): Promise<Restored> {
  const { engine } = server;
  const { connect, createRoles } = engine.connections;
  databases += 1;
  const administrator = { applicationName: 'test administrator' };
  await using superuser = await connect(server.server.administrator, administrator);
  const { migrator } = await createRoles(superuser, `restored_${databases}`);
  const session = await connect(migrator, { applicationName: 'test restore' });
  const notes: string[] = [];
  const progress: string[] = [];
  const plan = { file, clientDirectory: clientDirectory ?? null, mask };
  const request = {
    engine,
    plan,
    server: server.server,
    target: session.target,
    session,
    data: { ...dataPlan(null), restore: plan, scale },
    onVolume: () => Promise.resolve(),
    onProgress: ({ message }: { message: string }) => progress.push(message),
    say: (message: string) => progress.push(message),
    onNote: (text: string) => notes.push(text),
  };
  const tables = async () =>
    (await engine.schema.describe(session)).filter(({ name }) => name !== 'schema_migrations');
  try {
    const signal = AbortSignal.timeout(60_000);
    await restoreDump(request, signal);
    await reshape({ ...request, tables: await tables() }, signal);
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
  return {
    session,
    notes,
    progress,
    describe: async () =>
      describeRestoredTables({ ...request, tables: await tables(), onTable: () => undefined }),
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}

/** Runs a script in the server's container, whose programs find the server by the environment; resolves to what it prints. */
export async function runInside(
  { server }: BareServer,
  script: string,
  more: Readonly<Record<string, string>>,
): Promise<string> {
  const { programs, administrator } = server;
  if (programs === null || !('run' in programs)) throw new Error('the server is in no container');
  const { user, password } = administrator;
  const env = { PGHOST: programs.host, PGUSER: user, PGPASSWORD: password, MYSQL_PWD: password, ...more };
  const command = { program: 'sh', args: ['-c', script], env };
  const { code, output, errors } = await capture(programs.run, command, AbortSignal.timeout(30_000));
  if (code !== 0) throw new Error(errors);
  return output;
}

/** The first row. */
export async function one(session: Session, text: string): Promise<Readonly<Record<string, unknown>>> {
  return (await session.query<Record<string, unknown>>(text))[0] ?? {};
}

/** The one value of a scalar query. */
export async function number(session: Session, text: string): Promise<number> {
  return Number((await one(session, `select (${text}) as value`)).value);
}
