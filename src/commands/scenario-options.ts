/** Options that stand for what a scenario file says, and the plans that they give. */
import { UsageError } from '../errors.ts';
import { planScenario } from '../planning.ts';
import { findScenario } from '../scenario/load.ts';
import type { Overrides } from '../scenario/overrides.ts';
import type { Resolved } from '../scenario/resolve.ts';
import type { parseArguments } from './arguments.ts';
import type { CommandIo } from './command.ts';

export const scenarioOptions = {
  schema: { type: 'string' },
  restore: { type: 'string' },
  profile: { type: 'string' },
  scale: { type: 'string' },
  migrations: { type: 'string' },
  released: { type: 'string' },
  tool: { type: 'string' },
  rows: { type: 'string' },
  'random-seed': { type: 'string' },
  rate: { type: 'string' },
  'lock-timeout': { type: 'string' },
  engine: { type: 'string' },
  'server-version': { type: 'string' },
  provision: { type: 'string' },
  image: { type: 'string' },
  binary: { type: 'string' },
  url: { type: 'string' },
  expendable: { type: 'boolean' },
  name: { type: 'string' },
  budget: { type: 'string', multiple: true },
} as const;

export type ScenarioValues = ReturnType<typeof parseArguments<typeof scenarioOptions>>['values'];

/** One plan for each path; without paths for the rehearsal.yaml of the working directory, or for the options alone. */
export async function planScenarios(
  values: ScenarioValues,
  paths: readonly string[],
  io: CommandIo,
): Promise<readonly Resolved[]> {
  const overrides = overridesOf(values);
  const scenarios: (string | null)[] = paths.length > 0 ? [...paths] : [await defaultScenario(values, io)];
  const plans: Resolved[] = [];
  for (const scenario of scenarios)
    plans.push(await planScenario({ scenario, overrides, workingDirectory: io.cwd, environment: io.env }));
  return plans;
}

/** The rehearsal.yaml of the working directory, or none when the options say what is needed. */
async function defaultScenario(values: ScenarioValues, io: CommandIo): Promise<string | null> {
  const { migrations, schema, profile } = values;
  if ([migrations, schema, profile].some((value) => value !== undefined)) return null;
  const found = await findScenario(io.cwd);
  if (found !== null) return found;
  throw new UsageError(
    `there is no rehearsal.yaml in ${io.cwd}. Write one with "rehearse init", name a scenario folder, ` +
      'or give --schema FILE --migrations DIR.',
  );
}

function overridesOf(values: ScenarioValues): Overrides {
  const {
    'server-version': version,
    'random-seed': randomSeed,
    'lock-timeout': lockTimeout,
    ...plain
  } = values;
  return {
    ...plain,
    ...(version === undefined ? {} : { version }),
    ...(randomSeed === undefined ? {} : { randomSeed }),
    ...(lockTimeout === undefined ? {} : { lockTimeout }),
  };
}
