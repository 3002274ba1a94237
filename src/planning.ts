/** A scenario becomes a plan with what this house knows: its engines, provisioners and tools. */
import { recogniseDump } from './dumps/index.ts';
import { engines, findEngine, loadProgramOf } from './engines/index.ts';
import { refuseUnreadableWorkload } from './load/index.ts';
import { AUTOMATIC, provisionerNames } from './provisioners/index.ts';
import { type LoadedScenario, loadScenario } from './scenario/load.ts';
import type { Overrides } from './scenario/overrides.ts';
import type { Plan } from './scenario/plan.ts';
import { type Resolved, resolvePlan } from './scenario/resolve.ts';
import { detectTool, findTool, readMigrations, tools } from './tools/index.ts';

export interface PlanningRequest {
  /** A loaded scenario, a path to one, or null when the overrides say everything. */
  readonly scenario: LoadedScenario | string | null;
  readonly overrides: Overrides;
  readonly workingDirectory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Makes the plan; throws one UsageError with everything that is wrong. */
export async function planScenario(request: PlanningRequest): Promise<Resolved> {
  const { scenario, overrides, workingDirectory, environment } = request;
  const resolved = await resolvePlan({
    loaded: typeof scenario === 'string' ? await loadScenario(scenario, workingDirectory) : scenario,
    overrides,
    workingDirectory,
    environment,
    known: {
      engines: engines.map(({ name, flavors }) => ({ name, flavors })),
      provisioners: provisionerNames,
      tools: tools.map(({ name }) => name),
    },
    lookUps: {
      recogniseEngine: (texts) =>
        engines.flatMap((engine) => {
          const marks = [...new Set(texts.flatMap((text) => engine.dialect.recognise(text)))];
          return marks.length === 0
            ? []
            : [{ engine: engine.name, flavor: engine.flavors[0] ?? engine.name, marks }];
        }),
      recogniseDump: (path) => recogniseDump(engines, path),
      detectTool,
      // Which one can be used here is found when the server is started.
      chooseProvisioner: async () => AUTOMATIC,
    },
  });
  const { load, database } = resolved.plan;
  const program = load?.program ?? null;
  const engine = findEngine(database.engine);
  if (program !== null) loadProgramOf(engine, program.name);
  if (load !== null)
    await refuseUnreadableWorkload({ settings: load, dialect: engine.dialect, replica: database.replica });
  return resolved;
}

/**
 * The version before the newest of a plan's migrations, by their files; null for a single one. Scripts without a version
 * of their own (Flyway's repeatable ones) do not count.
 */
export async function versionBeforeNewest({ database, migrations }: Plan): Promise<string | null> {
  const { dialect } = findEngine(database.engine);
  const found = await readMigrations(findTool(migrations.tool), migrations.directory, dialect);
  return found.filter(({ ledgerKey }) => ledgerKey !== '').at(-2)?.version ?? null;
}
