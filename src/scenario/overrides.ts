/** What the command line says instead of the scenario file, in the same form and checked by the same fields. */
import { z } from 'zod';
import { amount, fields } from './fields.ts';
import { childSchema, type SchemaNode, scenarioJsonSchema } from './json-schema.ts';
import type { LoadedScenario } from './load.ts';
import { type Path, pathText, problemsOf, usageErrorOf } from './problems.ts';
import { budgetsSchema, type CheckedBudgets, type CheckedScenario } from './scenario.ts';
import { parseCount } from './units.ts';

/** Options by name; an option `randomSeed` is `--random-seed` on the command line. Paths are relative to the caller. */
export const overridesSchema = z.strictObject({
  name: fields.name.optional(),
  /** `postgres`, or with a version: `postgres:17`. */
  engine: fields.engine.optional(),
  version: fields.version.optional(),
  provision: fields.provision.optional(),
  image: fields.image.optional(),
  binary: fields.binary.optional(),
  url: fields.url.optional(),
  expendable: fields.expendable.optional(),
  schema: fields.schema.optional(),
  restore: fields.restore.optional(),
  profile: fields.profile.optional(),
  scale: z
    .union([z.number(), z.string().regex(/\d/, 'must be a number such as 0.1')])
    .transform(Number)
    .pipe(fields.scale)
    .optional(),
  rows: fields.rows.optional(),
  randomSeed: amount(parseCount, '42', 'The same seed gives the same rows and the same load.').optional(),
  rate: fields.rate.optional(),
  tool: fields.tool.optional(),
  migrations: fields.directory.optional(),
  released: fields.released.optional(),
  lockTimeout: fields.lockTimeout.optional(),
  /** Each `name=value`, such as `lockWait=1s`. */
  budget: z.array(z.string()).optional(),
});

export type Overrides = z.input<typeof overridesSchema>;

/** A scenario with the command line's word over it, and where each value comes from. */
export interface Wanted {
  readonly scenario: CheckedScenario;
  /** Absolute folder of the scenario; the working directory when there is no scenario. */
  readonly directory: string;
  /** Folder against which the path at this key is resolved. */
  baseOf(path: Path): string;
  /** Says what is wrong with the value at this key, with its place in front. */
  complain(path: Path, message: string): void;
  /** Throws all complaints so far as one UsageError. */
  throwComplaints(): void;
}

/** Which option stands for which key of a scenario. */
const HOMES: Readonly<Record<Exclude<keyof Overrides, 'budget'>, readonly string[]>> = {
  name: ['name'],
  engine: ['database', 'engine'],
  version: ['database', 'version'],
  provision: ['database', 'provision'],
  image: ['database', 'image'],
  binary: ['database', 'binary'],
  url: ['database', 'url'],
  expendable: ['database', 'expendable'],
  schema: ['data', 'schema'],
  restore: ['data', 'restore'],
  profile: ['data', 'profile'],
  scale: ['data', 'scale'],
  rows: ['data', 'rows'],
  randomSeed: ['data', 'randomSeed'],
  rate: ['load', 'rate'],
  tool: ['migrations', 'tool'],
  migrations: ['migrations', 'directory'],
  released: ['migrations', 'released'],
  lockTimeout: ['migrations', 'lockTimeout'],
};

/** The provisioner that a key of `database` belongs to. */
export const PROVISIONER_OF = { url: 'external', image: 'container', binary: 'embedded' } as const;

/** Puts the options over the scenario, which may be none. Throws UsageError for wrong options. */
export function mergeOverrides(
  loaded: LoadedScenario | null,
  overrides: Overrides,
  workingDirectory: string,
): Wanted {
  const written = withEngineVersion(overrides);
  const parsed = overridesSchema.safeParse(written);
  if (!parsed.success)
    throw optionError(parsed.error, written, z.toJSONSchema(overridesSchema, { io: 'input' }));
  const options = parsed.data;
  const fromOption = new Map(
    Object.entries(HOMES).flatMap(([option, home]): [string, string][] =>
      Object.hasOwn(options, option) && Reflect.get(options, option) !== undefined
        ? [[home.join('.'), optionName(option)]]
        : [],
    ),
  );
  const complaints: { path: Path; at: 'value'; message: string }[] = [];
  const directory = loaded?.directory ?? workingDirectory;
  const placeOf = (path: Path): string | null =>
    fromOption.get(path.join('.')) ?? loaded?.locate(path, 'value') ?? null;
  return {
    scenario: merged(loaded?.scenario ?? {}, options),
    directory,
    baseOf: (path) => (fromOption.has(path.join('.')) ? workingDirectory : directory),
    complain(path, message) {
      const named = fromOption.has(path.join('.')) || loaded === null;
      complaints.push({ path, at: 'value', message: named ? message : `${pathText(path)}: ${message}` });
    },
    throwComplaints() {
      if (complaints.length > 0) throw usageErrorOf(complaints, (path) => placeOf(path) ?? 'command line');
    },
  };
}

/** Budgets from `name=value` options; UsageError for an unknown name or a wrong unit. */
export function parseBudgetOptions(options: readonly string[]): CheckedBudgets {
  const entries = options.map((option): [string, string] => {
    const at = option.indexOf('=');
    return at === -1 ? [option, ''] : [option.slice(0, at), option.slice(at + 1)];
  });
  const written = Object.fromEntries(entries);
  const parsed = budgetsSchema.safeParse(written);
  if (parsed.success) return parsed.data;
  const schema = childSchema(scenarioJsonSchema(), 'budgets') ?? {};
  throw usageErrorOf(problemsOf(parsed.error, written, schema, 'the budgets'), () => '--budget');
}

function merged(written: CheckedScenario, options: z.output<typeof overridesSchema>): CheckedScenario {
  return {
    ...written,
    name: options.name ?? written.name,
    database: mergedDatabase(written.database ?? {}, options),
    data: {
      ...written.data,
      schema: options.schema ?? (options.restore === undefined ? written.data?.schema : undefined),
      restore: options.restore ?? written.data?.restore,
      profile: options.profile ?? (options.restore === undefined ? written.data?.profile : undefined),
      scale: options.scale ?? written.data?.scale,
      rows: options.rows ?? written.data?.rows,
      tables: scaled(written.data?.tables, options.rows),
      randomSeed: options.randomSeed ?? written.data?.randomSeed,
    },
    load: { ...written.load, rate: options.rate ?? written.load?.rate },
    migrations: {
      ...written.migrations,
      tool: options.tool ?? written.migrations?.tool,
      directory: options.migrations ?? written.migrations?.directory,
      released: options.released ?? written.migrations?.released,
      lockTimeout: options.lockTimeout === undefined ? written.migrations?.lockTimeout : options.lockTimeout,
    },
    budgets: { ...written.budgets, ...parseBudgetOptions(options.budget ?? []) },
  };
}

type Database = NonNullable<CheckedScenario['database']>;

/** An option takes away what in the file belongs to another engine, version or provisioner. */
function mergedDatabase(written: Database, options: z.output<typeof overridesSchema>): Database {
  const otherEngine = options.engine !== undefined && options.engine !== written.engine;
  const otherVersion = otherEngine || options.version !== undefined;
  const otherProvision = (key: keyof typeof PROVISIONER_OF): boolean =>
    options.provision !== undefined && options.provision !== PROVISIONER_OF[key];
  const implied = options.url ?? options.image ?? options.binary;
  return {
    ...written,
    engine: options.engine ?? written.engine,
    version: options.version ?? (otherEngine ? undefined : written.version),
    provision: options.provision ?? (implied === undefined ? written.provision : undefined),
    image: options.image ?? (otherVersion || otherProvision('image') ? undefined : written.image),
    binary: options.binary ?? (otherVersion || otherProvision('binary') ? undefined : written.binary),
    url: options.url ?? (otherProvision('url') ? undefined : written.url),
    expendable: options.expendable ?? written.expendable,
  };
}

type Tables = NonNullable<CheckedScenario['data']>['tables'];

/** Row counts per table in the same proportions, so that the largest has as many as the option says. */
function scaled(tables: Tables, rows: number | undefined): Tables {
  if (tables === undefined || rows === undefined) return tables;
  const largest = Math.max(0, ...Object.values(tables).map((table) => table.rows ?? 0));
  if (largest === 0) return tables;
  return Object.fromEntries(
    Object.entries(tables).map(([name, table]) => {
      if (table.rows === undefined || table.rows === 0) return [name, table];
      return [name, { ...table, rows: Math.max(1, Math.round((table.rows / largest) * rows)) }];
    }),
  );
}

/** `postgres:17` is the engine and its version. */
function withEngineVersion(overrides: Overrides): Overrides {
  const [engine, version, ...rest] = overrides.engine?.split(':') ?? [];
  if (engine === undefined || version === undefined || rest.length > 0) return overrides;
  return { ...overrides, engine, version: overrides.version ?? version };
}

function optionError(error: z.ZodError, overrides: Overrides, schema: SchemaNode) {
  const problems = problemsOf(error, overrides, schema, 'the options').map((problem) => {
    const name = pathText(problem.path);
    const message = problem.message.startsWith(`${name}: `)
      ? problem.message.slice(name.length + 2)
      : problem.message;
    return { ...problem, message };
  });
  return usageErrorOf(problems, (path) => optionName(String(path[0])));
}

function optionName(option: string): string {
  return `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
