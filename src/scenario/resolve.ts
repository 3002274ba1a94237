/**
 * A scenario and the command line's word over it become a plan, in this order:
 *
 *  1. options over the scenario, each value with its place for messages
 *  2. files: schema, operations; the folder of the migrations and their tool
 *  3. the engine: as written, else by the URL, the tool's configuration, the SQL
 *  4. the server: provisioner, version, URL with its secrets from the environment
 *  5. load, drills and budgets with their defaults
 *
 * All that is wrong is said at once. What was found rather than written is told, so that nobody has to guess.
 */
import { basename, join } from 'node:path';
import { resolveBudgets, resolveDrills, resolveLoad } from './defaults.ts';
import type { LoadedScenario } from './load.ts';
import { type DetectTool, type EngineCandidate, type Known, projectOf } from './look-ups.ts';
import { mergeOverrides, type Overrides, type Wanted } from './overrides.ts';
import type { DatabasePlan, Plan } from './plan.ts';
import { fileAt, hasSchema, resolveData } from './resolve-data.ts';
import { resolveDatabase, resolveEngine } from './resolve-database.ts';
import { resolveMigrations } from './resolve-migrations.ts';
import { resolveOperations } from './resolve-operations.ts';

export interface LookUps {
  /** Engines whose marks stand in the texts, from `Dialect.recognise`; empty when no text tells. */
  recogniseEngine(texts: readonly string[]): readonly EngineCandidate[];
  /** The engine whose dump it is, with what it is called; null when it is none, or cannot be read. */
  recogniseDump(path: string): Promise<EngineCandidate | null>;
  readonly detectTool: DetectTool;
  /** The first provisioner that can run on this machine; asked only when the scenario does not say. */
  chooseProvisioner(database: Omit<DatabasePlan, 'provision'>): Promise<string>;
}

export interface ResolveRequest {
  /** Null when the command line says everything. */
  readonly loaded: LoadedScenario | null;
  readonly overrides: Overrides;
  readonly workingDirectory: string;
  /** Where `${NAME}` of `database.url` is looked up. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly known: Known;
  readonly lookUps: LookUps;
}

export interface Resolved {
  readonly plan: Plan;
  /** What was found by looking rather than written, one sentence each: "the engine is postgres, because of ...". */
  readonly found: readonly string[];
}

/** Makes the plan. Throws one UsageError with every problem, each with its place. */
export async function resolvePlan(request: ResolveRequest): Promise<Resolved> {
  const found: string[] = [];
  const wanted = mergeOverrides(request.loaded, request.overrides, request.workingDirectory);
  const data = await resolveData(wanted);
  const migrations = await resolveMigrations(wanted, request, found);
  if (!hasSchema(data) && migrations !== null && migrations.released === null)
    wanted.complain(
      ['data', 'schema'],
      'there is nothing to migrate from: write data.schema (--schema FILE), data.restore or data.profile, or migrations.released (--released VERSION) to build it from the migrations',
    );
  const running = await resolveOperations(wanted, data.profileFile);
  const nextOperationsFile = await fileAt(
    wanted,
    ['load', 'nextOperations'],
    wanted.scenario.load?.nextOperations,
  );
  const load = resolveLoad(wanted.scenario.load ?? {}, { ...running, nextOperationsFile });
  if (load === null && nextOperationsFile !== null)
    wanted.complain(['load', 'nextOperations'], 'needs a load: write load.rate above 0, or leave it out');
  if (load !== null && load.threads > load.pool.instances)
    wanted.complain(
      ['load', 'threads'],
      `${load.threads} threads cannot share ${load.pool.instances} pool ${load.pool.instances === 1 ? 'instance' : 'instances'}: a pool is never ` +
        'torn apart, raise load.pool.instances or lower load.threads',
    );
  const drills = resolveDrills(wanted.scenario.drills ?? []);
  for (const [index, drill] of drills.entries())
    if (load !== null && drill.atMs < -load.baselineMs)
      wanted.complain(
        ['drills', index, drill.kind, 'at'],
        `lies before the baseline, which begins ${load.baselineMs}ms before the migrations: write a later instant`,
      );
  const dumpFile = data.restore?.file ?? null;
  const { schemaFile, profileFile } = data;
  const evidence = { schemaFile, dumpFile, profileFile, migrations };
  const engine = await resolveEngine(wanted, request, evidence, found);
  const database = await resolveDatabase(wanted, request, engine);
  wanted.throwComplaints();
  if (migrations === null || database === null)
    throw new Error('a part of the plan is missing although nothing was complained about');
  const name = wanted.scenario.name ?? (await nameOf(wanted, request.loaded, migrations.directory));
  const plan: Plan = {
    name,
    directory: wanted.directory,
    database,
    data,
    load,
    migrations,
    drills,
    budgets: resolveBudgets(wanted.scenario.budgets ?? {}),
    reports: { directory: join(request.workingDirectory, 'reports', name) },
    expectedFile: join(wanted.directory, 'expected.json'),
  };
  return { plan, found };
}

/** The folder of the scenario; without a scenario, the project of the migrations. */
async function nameOf(wanted: Wanted, loaded: LoadedScenario | null, directory: string): Promise<string> {
  const folder = loaded === null ? await projectOf(directory, wanted.directory) : loaded.directory;
  const name = basename(folder)
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 100);
  return name === '' ? 'rehearsal' : name;
}
