/** `rehearse init`: looks at the project and writes a commented scenario for the migration tool it finds. */
import { access, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findEngine } from '../engines/index.ts';
import { EnvironmentError, explain, UsageError } from '../errors.ts';
import { type Inspection, inspectProject } from '../phases/workload.ts';
import { planScenario, versionBeforeNewest } from '../planning.ts';
import type { Profile } from '../profile/profile.ts';
import { readProfile } from '../profile/read.ts';
import { SCENARIO_FILES } from '../scenario/load.ts';
import type { Overrides } from '../scenario/overrides.ts';
import type { Plan } from '../scenario/plan.ts';
import type { Resolved } from '../scenario/resolve.ts';
import { parseArguments } from './arguments.ts';
import type { Command, CommandIo } from './command.ts';
import { scenarioText } from './init-scenario.ts';
import { drawProgress } from './progress.ts';

const help = `rehearse init [OPTIONS]

Looks at the project in the working directory and writes rehearsal.yaml for the migration tool it finds, and workload.sql
with operations derived from the schema, both to be edited. Starts a server for a moment to see what is pending. Nothing
that exists is overwritten.

  --schema FILE          SQL file with the schema before the pending migrations; db/schema.sql, schema.sql and the like
                         are found when left out. Where there is none, or it holds every migration already, all
                         migrations but the newest build the schema.
  --migrations DIR       the migrations; found by their files when left out
  --tool NAME            dbmate, golang-migrate, flyway, prisma, drizzle or sql; found by its files when left out
  --released VERSION     last version that production has, where the ledger in the schema does not tell
  --engine NAME          postgres, mysql or mariadb, or with a version: postgres:17, mariadb:11.8; recognised from the
                         SQL when left out
  --provision NAME       embedded or container, for the server that is asked and in what is written; default: the first that
                         can be used here
  --profile FILE         profile of production, from rehearse capture: workload.sql gets the statements that ran there, with
                         their weights; those that need a hint, or cannot be repeated, stand in it as comments
  --force                write over rehearsal.yaml and workload.sql

Example:
  rehearse init && rehearse run`;

const options = {
  schema: { type: 'string' },
  migrations: { type: 'string' },
  tool: { type: 'string' },
  released: { type: 'string' },
  engine: { type: 'string' },
  provision: { type: 'string' },
  profile: { type: 'string' },
  force: { type: 'boolean' },
} as const;

type Values = Readonly<
  Partial<Record<'schema' | 'migrations' | 'tool' | 'released' | 'engine' | 'provision', string>>
>;

const [SCENARIO_FILE] = SCENARIO_FILES;
const WORKLOAD_FILE = 'workload.sql';

/** Where projects keep a dump of their schema. */
const SCHEMA_FILES = [
  'db/schema.sql',
  'db/structure.sql',
  'schema.sql',
  'structure.sql',
  'database/schema.sql',
  'sql/schema.sql',
];

const WORKLOAD_HEADER = `-- What the load does, as "rehearse init" found it. Make it what the application really does.
-- Each weight is how often, compared with the others. Below it stands where the value of each parameter comes from:
-- a column of live rows (zipf, uniform or latest; two columns of one table: of one row), of some row (any) or of the next
-- new one (new), a range of integers (1..100), or the values themselves ('open', 'paid'). Behind a weight, "transaction"
-- runs the statements of an operation between BEGIN and COMMIT, and "replica" sends one that only reads to the replica.

`;

export const init: Command = {
  name: 'init',
  summary: 'look at the project, write a commented scenario for the migration tool found',
  help,
  async run(args, io) {
    const { values, positionals } = parseArguments('init', args, options);
    if (positionals.length > 0) {
      throw new UsageError(
        `rehearse init takes no argument, but there is "${positionals[0]}". See rehearse init --help.`,
      );
    }
    const { force = false, profile: profileFile, ...wanted } = values;
    await refuseExisting(io.cwd, force);
    const profile = profileFile === undefined ? null : await readProfile(resolve(io.cwd, profileFile));
    const { plan, inspection } = await look(wanted, io, profile);
    const workloadFile = await keepWorkload(inspection, io.cwd, force, io);
    const { engine, flavor } = plan.database;
    const exampleVersion = findEngine(engine).recipe.defaultVersion(flavor);
    const facts = {
      plan,
      exampleVersion,
      directory: io.cwd,
      workloadFile,
      tables: inspection?.tables ?? null,
    };
    await writeFile(
      join(io.cwd, SCENARIO_FILE),
      scenarioText({ ...facts, jsonSchemaFile: await jsonSchemaWithin(io.cwd) }),
    );
    io.stdout.write(`wrote ${SCENARIO_FILE}\n`);
    if (inspection !== null) io.stdout.write(`${whatIsPending(inspection, plan)}\n`);
    io.stdout.write('Set rows and rate to those of production, then: rehearse run\n');
    return 0;
  },
};

async function refuseExisting(directory: string, force: boolean): Promise<void> {
  for (const name of SCENARIO_FILES) {
    if (!(await exists(join(directory, name))) || (force && name === SCENARIO_FILE)) continue;
    const way =
      name === SCENARIO_FILE ? 'edit it, or write over it with --force' : 'edit it, or move it away first';
    throw new UsageError(`${name} is already there: ${way}.`);
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

interface Look {
  readonly plan: Plan;
  /** Null when no server could be started here; the reason has been said. */
  readonly inspection: Inspection | null;
}

/** The plan that `rehearse run` would follow, tried on a server without rows. */
async function look(wanted: Values, io: CommandIo, profile: Profile | null): Promise<Look> {
  const schema = wanted.schema ?? (await firstExisting(io.cwd, SCHEMA_FILES));
  const released = wanted.released ?? (schema === null ? UNKNOWN_YET : undefined);
  const { plan, found } = await planFor({ ...wanted, ...said({ schema, released }) }, io);
  for (const sentence of found) io.stderr.write(`${sentence}\n`);
  if (released === UNKNOWN_YET) return tryOut(await builtFromMigrations(plan), io, profile);

  const first = await tryOut(plan, io, profile);
  const chosen = wanted.schema !== undefined || released !== undefined;
  if (chosen || first.inspection === null || first.inspection.pending.length > 0) return first;
  // The dump of a working copy holds what is pending too: dbmate writes it after each migration.
  const before = await versionBeforeNewest(plan);
  if (before === null) return first;
  io.stderr.write(
    `${schema} holds every migration already, so production's schema is built from those up to ${before}\n`,
  );
  return tryOut((await planFor({ ...wanted, released: before }, io)).plan, io, profile);
}

/** Which version is the last but one can be told when a plan has found the migrations, and a plan needs some version. */
const UNKNOWN_YET = 'the last but one';

/** Without a schema file all migrations but the newest build the schema. */
async function builtFromMigrations(plan: Plan): Promise<Plan> {
  const released = await versionBeforeNewest(plan);
  if (released !== null) return { ...plan, migrations: { ...plan.migrations, released } };
  throw new UsageError(
    'there is no schema file, and a single migration cannot be both the schema and the pending change. ' +
      'Give the schema before it: --schema FILE (for example from pg_dump --schema-only).',
  );
}

function planFor(overrides: Overrides, { cwd, env }: CommandIo): Promise<Resolved> {
  return planScenario({ scenario: null, overrides, workingDirectory: cwd, environment: env });
}

/** What was said, without the keys that were not. */
function said({
  schema,
  released,
}: {
  readonly schema: string | null;
  readonly released: string | undefined;
}) {
  return { ...(schema === null ? {} : { schema }), ...(released === undefined ? {} : { released }) };
}

async function firstExisting(directory: string, names: readonly string[]): Promise<string | null> {
  for (const name of names) if (await exists(join(directory, name))) return name;
  return null;
}

async function tryOut(plan: Plan, io: CommandIo, profile: Profile | null): Promise<Look> {
  using progress = drawProgress(io.stderr, 'looking at the project on an empty server');
  try {
    return { plan, inspection: await inspectProject(plan, { progress, signal: io.signal, profile }) };
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    progress.say('provision', `no server could be asked, so nothing was tried out: ${explain(error)}`);
    return { plan, inspection: null };
  }
}

/** Writes the derived operations unless there are some; the name of the file to be used, or null. */
async function keepWorkload(
  inspection: Inspection | null,
  directory: string,
  force: boolean,
  io: CommandIo,
): Promise<string | null> {
  const file = join(directory, WORKLOAD_FILE);
  if (!force && (await exists(file))) {
    io.stdout.write(`${WORKLOAD_FILE} is already there and is used as it is\n`);
    return WORKLOAD_FILE;
  }
  if (inspection === null || inspection.workload === null) return null;
  await writeFile(file, `${WORKLOAD_HEADER}${inspection.workload}`);
  io.stdout.write(`wrote ${WORKLOAD_FILE}\n`);
  return WORKLOAD_FILE;
}

/** The published JSON schema when this package is installed within the project; an editor finds it there later too. */
async function jsonSchemaWithin(directory: string): Promise<string | null> {
  const file = fileURLToPath(new URL('../../src/scenario/rehearsal.schema.json', import.meta.url));
  const isWithin = !relative(directory, file).startsWith('..');
  return isWithin && (await exists(file)) ? file : null;
}

function whatIsPending({ applied, pending }: Inspection, { migrations }: Plan): string {
  if (pending.length === 0) {
    return 'No migration is pending: production has them all by what is known here. Add the one to be rehearsed.';
  }
  const shown = pending.slice(0, MOST_SHOWN).map(({ file }) => file);
  const more = pending.length > shown.length ? ` and ${pending.length - shown.length} more` : '';
  const sentence =
    `${pending.length} of ${applied.length + pending.length} migrations ` +
    `${pending.length === 1 ? 'is' : 'are'} pending: ${shown.join(', ')}${more}`;
  if (applied.length > 0 || pending.length === 1 || migrations.released !== null) return sentence;
  return (
    `${sentence}\nThe schema file does not say which of them production has. ` +
    'Where it has some, write the last of those as migrations.released.'
  );
}

/** Enough to see which ones are meant. */
const MOST_SHOWN = 5;
