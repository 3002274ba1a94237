/** `rehearse init`: looks at the project and writes a commented scenario for the migration tool it finds. */
import { access, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { EnvironmentError, explain, UsageError } from '../errors.ts';
import { deriveWorkload } from '../phases/workload.ts';
import { migrationVersions, planScenario } from '../planning.ts';
import type { Plan } from '../scenario/plan.ts';
import { parseArguments } from './arguments.ts';
import type { Command, CommandIo } from './command.ts';
import { drawProgress } from './progress.ts';

const help = `rehearse init [OPTIONS]

Looks at the project in the working directory and writes rehearsal.yaml for the migration tool it finds, and workload.sql
with operations derived from the schema, both to be edited. Nothing that exists is overwritten.

  --schema FILE          SQL file with the schema before the pending migrations; db/schema.sql, schema.sql and the like
                         are found when left out. Without one the released migrations build the schema.
  --migrations DIR       the migrations; found by their files when left out
  --tool NAME            dbmate, golang-migrate, flyway, prisma, drizzle or sql; found by its files when left out
  --released VERSION     last version that production has; default: all but the newest, when there is no schema file
  --engine NAME          postgres, or with a version: postgres:17; recognised from the SQL when left out
  --force                write over what is there

Example:
  rehearse init && rehearse run`;

const options = {
  schema: { type: 'string' },
  migrations: { type: 'string' },
  tool: { type: 'string' },
  released: { type: 'string' },
  engine: { type: 'string' },
  force: { type: 'boolean' },
} as const;

const SCENARIO_FILE = 'rehearsal.yaml';
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

export const init: Command = {
  name: 'init',
  summary: 'look at the project, write a commented scenario for the migration tool found',
  help,
  async run(args, io) {
    const { values, positionals } = parseArguments('init', args, options);
    if (positionals.length > 0) {
      throw new UsageError(`rehearse init takes no argument, but there is "${positionals[0]}".`);
    }
    const { force = false, ...rest } = values;
    if (!force) await refuseExisting(io.cwd, SCENARIO_FILE);
    const schema = rest.schema ?? (await firstExisting(io.cwd, SCHEMA_FILES));
    const request = { scenario: null, workingDirectory: io.cwd, environment: io.env };
    const overrides = { ...rest, ...(schema === null ? {} : { schema }) };
    const released = await releasedFor(overrides, io.cwd);
    const { plan, found } = await planScenario({
      ...request,
      overrides: { ...overrides, ...(released === null ? {} : { released }) },
    });
    for (const sentence of found) io.stderr.write(`${sentence}\n`);
    const hasWorkload = await writeWorkloadFile(plan, io, force);
    await writeFile(join(io.cwd, SCENARIO_FILE), scenarioText(plan, { directory: io.cwd, hasWorkload }));
    io.stdout.write(`wrote ${SCENARIO_FILE}${hasWorkload ? ` and ${WORKLOAD_FILE}` : ''}\n`);
    io.stdout.write(
      'Set the rows of the large tables and the rate of production in them, then: rehearse run\n',
    );
    return 0;
  },
};

async function refuseExisting(directory: string, name: string): Promise<void> {
  if (!(await exists(join(directory, name)))) return;
  throw new UsageError(`${name} is already there: edit it, or write over it with --force.`);
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function firstExisting(directory: string, names: readonly string[]): Promise<string | null> {
  for (const name of names) if (await exists(join(directory, name))) return name;
  return null;
}

/** Without a schema file the released migrations build it: all but the newest, unless the user says otherwise. */
async function releasedFor(
  overrides: {
    readonly schema?: string;
    readonly released?: string;
    readonly tool?: string;
    readonly migrations?: string;
  },
  directory: string,
): Promise<string | null> {
  if (overrides.schema !== undefined || overrides.released !== undefined) return null;
  const versions = await migrationVersions(overrides, directory);
  const released = versions.at(-2);
  if (released !== undefined) return released;
  throw new UsageError(
    'there is no schema file, and a single migration cannot be both the schema and the pending change. ' +
      'Give the schema before it: --schema FILE (for example from pg_dump --schema-only).',
  );
}

/** Says why when the operations cannot be derived here; the scenario then leaves it to the run. */
async function writeWorkloadFile(plan: Plan, io: CommandIo, force: boolean): Promise<boolean> {
  const file = join(io.cwd, WORKLOAD_FILE);
  if (!force && (await exists(file))) {
    io.stderr.write(`${WORKLOAD_FILE} is already there and is used as it is\n`);
    return true;
  }
  using progress = drawProgress(io.stderr, 'deriving operations from the schema');
  try {
    const text = await deriveWorkload(plan, { progress, signal: io.signal });
    if (text === null) return false;
    await writeFile(file, text);
    return true;
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    progress.say('provision', `no ${WORKLOAD_FILE} was written: ${explain(error)}`);
    return false;
  }
}

function scenarioText(
  plan: Plan,
  { directory, hasWorkload }: { directory: string; hasWorkload: boolean },
): string {
  const path = (absolute: string): string => JSON.stringify(relative(directory, absolute) || '.');
  const { data, migrations, database } = plan;
  return `# What "rehearse run" rehearses; "rehearse run --help" and the README explain every key.
name: ${plan.name}
database:
  engine: ${database.flavor}
  # version: "17"                # as production runs it
  # settings: { shared_buffers: 1GB, max_wal_size: 4GB }   # production's own
data:
${data.schemaFile === null ? '  # The schema is built from the released migrations (migrations.released below).' : `  schema: ${path(data.schemaFile)}`}
  rows: 1M                       # of the largest table; the others follow from the foreign keys
  # tables:                      # or table by table
  #   orders: { rows: 20M, columns: { status: { values: { paid: 90, open: 9, void: 1 } } } }
load:
  rate: 100/s                    # operations due per second, whether or not earlier ones have been answered
  pool: { size: 20, checkoutTimeout: 5s }
  ${hasWorkload ? `operations: ${WORKLOAD_FILE}` : '# operations: workload.sql     # left out: derived from the schema'}
migrations:
  tool: ${migrations.tool}
  directory: ${path(migrations.directory)}
${migrations.released === null ? '  # released: "20260101"         # last version that production has, when the ledger does not tell' : `  released: ${JSON.stringify(migrations.released)}   # last version that production has; what comes after it is rehearsed`}
  # lockTimeout: 300ms           # with retries and backoff, as production would run it
# drills:                        # trouble put in on purpose
#   - longReader: { table: orders, at: -1s, for: 6s }
budgets:
  lockWait: 500ms                # longest any operation queued for a lock
  stall: 1s
  duration: 15m
  diskGrowthPeak: 2x             # of the size before
  failedOperations: 0
`;
}
