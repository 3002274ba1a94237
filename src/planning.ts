/** A scenario becomes a plan with what this house knows: its engines, provisioners and tools. */
import { resolve } from 'node:path';
import { engines } from './engines/index.ts';
import { AUTOMATIC, provisionerNames } from './provisioners/index.ts';
import { type LoadedScenario, loadScenario } from './scenario/load.ts';
import type { Overrides } from './scenario/overrides.ts';
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
  return resolvePlan({
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
      detectTool,
      // Which one can be used here is found when the server is started.
      chooseProvisioner: async () => AUTOMATIC,
    },
  });
}

/**
 * Versions of a project's migrations in their order, by its files alone. The engine need not be known: the order and
 * the names come from the files' names, and any dialect splits them well enough.
 */
export async function migrationVersions(
  wanted: { readonly tool?: string; readonly migrations?: string },
  directory: string,
): Promise<readonly string[]> {
  const folder = resolve(directory, wanted.migrations ?? '.');
  const detected =
    wanted.tool === undefined || wanted.migrations === undefined ? await detectTool(folder) : null;
  const tool = wanted.tool === undefined ? detected?.tool : findTool(wanted.tool);
  if (tool === undefined) return [];
  const dialect = engines[0]?.dialect;
  if (dialect === undefined) return [];
  const found = await readMigrations(tool, detected?.directory ?? folder, dialect);
  return found.map(({ version }) => version);
}
