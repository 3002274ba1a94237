/** Phases 2 to 4: schema, released migrations, rows, and a server that has settled. */

import { readFile, statfs } from 'node:fs/promises';
import { relative } from 'node:path';
import { refuseUnknownTables } from '../drills/index.ts';
import type { Engine, Session, TableDescription } from '../engines/engine.ts';
import { SqlError } from '../engines/engine.ts';
import { EnvironmentError, UsageError } from '../errors.ts';
import type { GeneratorSpec } from '../generators/generator.ts';
import { planOperations } from '../load/index.ts';
import type { Profile } from '../profile/profile.ts';
import type { Progress } from '../progress.ts';
import type { Recorder } from '../recording/recorder.ts';
import type { TableFilling } from '../recording/recording.ts';
import type { Plan } from '../scenario/plan.ts';
import { estimateVolume, type FillingResult, planSpec, seedSynthetic } from '../seeders/index.ts';
import { runReleased } from '../tools/index.ts';
import type { Migration, Tool } from '../tools/tool.ts';
import { ageTables } from './age.ts';
import { takeOver } from './forked.ts';
import { describeTables, ledgerOf, openAs, readPending, requirePending } from './pending.ts';
import { profileOf, refuseOtherSchema } from './profile.ts';
import { mebibytes, refuseFullDisk, type StartedServer, willHaveReplica } from './provision.ts';
import { describeRestored, restoreRows } from './restore.ts';
import { cancelledBy } from './wait.ts';

export interface FillRequest {
  readonly plan: Plan;
  readonly engine: Engine;
  readonly tool: Tool;
  readonly migrations: readonly Migration[];
  readonly started: StartedServer;
  readonly recorder: Recorder;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Called when it is known what is pending, before the rows are filled. */
  readonly onPending?: (pending: readonly Migration[]) => void;
}

export interface Filled {
  readonly tables: readonly TableDescription[];
  readonly generator: GeneratorSpec;
  readonly pending: readonly Migration[];
  readonly filling: readonly TableFilling[];
}

export async function fill(request: FillRequest): Promise<Filled> {
  const { plan, engine, started, recorder, progress, signal } = request;
  recorder.enter('fill');
  if (started.snapshot !== null) return takeOver(request, started.snapshot);
  const profile = await profileOf(plan);
  const { pending, tables } = await prepareSchema(request, profile);
  if (profile !== null) refuseOtherSchema(profile, tables, ledgerOf(request));
  requirePending(request, pending);
  refuseUnknownTables(plan.drills, tables);
  request.onPending?.(pending);
  await refuseWrongOperations(request, tables, profile);
  const loaded =
    plan.data.restore === null
      ? await generateRows(request, tables, profile)
      : await describeRestored(request, tables);
  const { generator } = loaded;
  const { filling, worn } = await ageTables(request, tables, loaded);
  for (const table of filling) recorder.add('filling', table);

  recorder.enter('settle');
  progress.say('settle', 'restarting with production-like settings; statistics and checkpoint');
  await started.rehearsalProfile();
  await using administrator = await openAs(request, 'administrator');
  await cancelledBy(signal, administrator, () =>
    collectStatistics(engine, administrator, { tables, profile }),
  );
  await cancelledBy(signal, administrator, () => engine.filling.settle(administrator, tables, worn));
  return { tables: await describeTables(request, administrator), generator, pending, filling };
}

interface Profiled {
  readonly tables: readonly TableDescription[];
  readonly profile: Profile | null;
}

async function collectStatistics(
  { filling }: Engine,
  session: Session,
  { tables, profile }: Profiled,
): Promise<void> {
  if (filling.collectStatistics === undefined || profile === null) return;
  for (const table of tables) {
    const its = profile.tables.find(({ name }) => name === table.name);
    if (its !== undefined) await filling.collectStatistics(session, table, its);
  }
}

async function generateRows(
  request: FillRequest,
  tables: readonly TableDescription[],
  profile: Profile | null,
): Promise<FillingResult> {
  const { plan, engine, started, progress, signal } = request;
  const bytes = await refuseTooLittleDisk(request, tables, profile);
  progress.say('fill', `filling ${tables.length} tables, about ${mebibytes(bytes)} MiB`);
  return seedSynthetic(
    {
      engine,
      target: started.roles.migrator,
      administrator: started.roles.administrator,
      tables,
      data: plan.data,
      profile,
      onProgress: ({ message, fraction }) => progress.update('fill', message, fraction),
    },
    signal,
  );
}

/** Schema, released migrations, and what is pending by the ledger; the tables without those of the ledger. */
export async function prepareSchema(request: FillRequest, profile: Profile | null = null) {
  const { restore } = request.plan.data;
  if (restore !== null) await restoreRows(request, restore);
  else await buildSchema(request, profile);
  await using session = await openAs(request, 'migrator');
  const pending = await readPending(request, session);
  const tables = await describeTables(request, session);
  if (tables.length === 0) {
    throw new UsageError(
      'the database has no table to fill: give data.schema (--schema FILE), or migrations.released so that the ' +
        'released migrations build it.',
    );
  }
  return { pending, tables };
}

/** What a schema is built from, and where. */
export type SchemaRequest = Pick<
  FillRequest,
  'plan' | 'engine' | 'tool' | 'migrations' | 'progress' | 'signal'
> & { readonly started: Pick<StartedServer, 'roles'> };

/** By its file, by the profile, or by the released migrations. */
export async function buildSchema(request: SchemaRequest, profile: Profile | null): Promise<void> {
  const { plan, engine, tool, migrations, started, progress, signal } = request;
  const { schemaFile, profileFile } = plan.data;
  const { released } = plan.migrations;
  if (schemaFile !== null) await applySchema(request, schemaFile, await readFile(schemaFile, 'utf8'));
  else if (profile !== null && profileFile !== null) await applySchema(request, profileFile, profile.schema);
  else if (released !== null) {
    progress.say('fill', `applying the released migrations up to ${released}`);
    await runReleased({
      engine,
      tool,
      flavor: plan.database.flavor,
      target: started.roles.migrator,
      migrations,
      released,
      signal,
    });
  }
}

/** On a session of its own: a dump changes settings of its session, the search path among them. */
export async function applySchema(request: SchemaRequest, file: string, script: string): Promise<void> {
  const { engine, progress, signal } = request;
  await using session = await openAs(request, 'migrator');
  progress.say('fill', `applying ${relative(request.plan.directory, file)}`);
  for (const statement of engine.dialect.split(script)) {
    try {
      await cancelledBy(signal, session, () => session.execute(statement.text));
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      const advice = engine.dialect.adviceFor?.(error.code) ?? null;
      throw new UsageError(
        `${file}:${statement.line}: the server refused this statement (${error.code ?? 'no code'}): ${error.message}` +
          (advice === null ? '' : `. ${advice}`),
        { cause: error },
      );
    }
  }
}

/** Returns the bytes that the rows are expected to take. */
async function refuseTooLittleDisk(
  request: FillRequest,
  tables: readonly TableDescription[],
  profile: Profile | null,
): Promise<number> {
  const { plan, started, recorder } = request;
  const bytes = estimateVolume(tables, plan.data, profile);
  const { dataDirectory } = started.server;
  if ('missing' in dataDirectory) {
    recorder.add('notMeasured', { what: 'free disk before filling', reason: dataDirectory.missing });
    return bytes;
  }
  const space = await statfs(dataDirectory.path).catch((cause) => {
    throw new EnvironmentError(`cannot read the free disk of ${dataDirectory.path}`, { cause });
  });
  refuseFullDisk({
    wantedBytes: bytes,
    freeBytes: space.bavail * space.bsize,
    replica: willHaveReplica(plan, started.server),
  });
  return bytes;
}

/** On the empty tables: a mistake in the workload file must not cost the filling. */
async function refuseWrongOperations(
  request: FillRequest,
  tables: readonly TableDescription[],
  profile: Profile | null,
): Promise<void> {
  const { plan, engine } = request;
  if (plan.load === null || plan.load.operationsFile === null) return;
  await using session = await openAs(request, 'administrator');
  const generator = planSpec(tables, plan.data, profile);
  const settings = plan.load;
  await planOperations({ engine, session, tables, settings, generator, beforeFilling: true });
}
