/**
 * The scenario file as a user writes it: one schema gives the type, the validation, the amounts and the published JSON
 * schema. Nothing is required here; resolve.ts adds the defaults and looks up what is not said.
 */
import { z } from 'zod';
import {
  amount,
  duration,
  fields,
  flag,
  limit,
  orNone,
  path,
  positive,
  textValue,
  wholeNumber,
} from './fields.ts';
import {
  parseBytes,
  parseCount,
  parseDuration,
  parseGrowth,
  parseLatency,
  parseSignedDuration,
} from './units.ts';

const FAKER = /^[a-zA-Z]+\.[a-zA-Z]+$/;

const database = z.strictObject({
  engine: fields.engine.optional(),
  version: fields.version.optional(),
  provision: fields.provision.optional(),
  image: fields.image.optional(),
  binary: fields.binary.optional(),
  url: fields.url.optional(),
  expendable: fields.expendable.optional(),
  settings: z
    .record(z.string(), textValue())
    .meta({
      description: "Settings of the server, production's own. They win over the production-like profile.",
      examples: [{ work_mem: '64MB' }],
    })
    .optional(),
  replica: flag(
    'true: a real replica runs beside a server of our own (embedded, container), and its lag is recorded; on MySQL and MariaDB how it applies schema changes too. Default: false.',
  ).optional(),
});

const column = z.strictObject({
  values: z
    .record(z.string(), z.number().positive())
    .meta({ description: 'Literal values with their weights.', examples: [{ paid: 90, open: 9, void: 1 }] })
    .optional(),
  range: z
    .tuple([textValue(), textValue()])
    .meta({ description: 'Smallest and largest value: numbers, dates or timestamps.', examples: [[1, 500]] })
    .optional(),
  faker: z
    .string()
    .regex(FAKER, 'must be a module and a function of faker: write for example internet.email')
    .meta({ description: 'Function of faker, such as internet.email.' })
    .optional(),
  nullFraction: z.number().min(0).max(1).meta({ description: 'Share of nulls, from 0 to 1.' }).optional(),
  width: wholeNumber(1, 'Length of text in characters.').optional(),
  fanout: z
    .enum(['zipf', 'uniform'])
    .meta({ description: 'How the rows of a foreign key spread over their parents. Default: zipf.' })
    .optional(),
});

const age = z
  .union([
    z.enum(['none', 'light', 'heavy']),
    z.strictObject({
      update: z.number().min(0).max(1).meta({ description: 'Share of the rows to update.' }).optional(),
      delete: z.number().min(0).max(1).meta({ description: 'Share of the rows to delete.' }).optional(),
    }),
  ])
  .meta({
    description:
      'Wear of a live system: dead tuples and half-full pages, made by updates and deletes in random key order. ' +
      'none, light (5 % updated, 1 % deleted), heavy (30 %, 10 %), or shares of the rows. Default: light.',
    examples: ['light', { update: 0.05, delete: 0.01 }],
  });

const data = z.strictObject({
  schema: fields.schema.optional(),
  restore: fields.restore.optional(),
  client: path(
    'Folder with the client programs that restore the dump, such as pg_restore. Default: those of the server, else those on PATH.',
  ).optional(),
  mask: z
    .record(z.string(), z.record(z.string(), column))
    .meta({
      description: 'Columns by table whose values are replaced after restoring.',
      examples: [{ users: { email: { faker: 'internet.email' } } }],
    })
    .optional(),
  profile: fields.profile.optional(),
  scale: fields.scale.optional(),
  age: age.optional(),
  rows: fields.rows.optional(),
  tables: z
    .record(
      z.string(),
      z.strictObject({
        rows: amount(parseCount, '200k', 'Rows of this table, such as 200k or 20M.').optional(),
        columns: z.record(z.string(), column).meta({ description: 'How columns are filled.' }).optional(),
      }),
    )
    .meta({ description: 'Tables that are to be filled otherwise than the schema suggests.' })
    .optional(),
  randomSeed: fields.randomSeed.optional(),
});

/** Pools with the defaults of these libraries. */
export const POOL_PRESET_NAMES = ['node-postgres', 'HikariCP', 'ActiveRecord', 'SQLAlchemy'] as const;

const pool = z.strictObject({
  preset: z
    .enum(POOL_PRESET_NAMES)
    .meta({
      description: 'Size and checkout timeout as this library has them by default; the other keys win.',
    })
    .optional(),
  size: wholeNumber(1, 'Connections of one instance of the application. Default: 20.').optional(),
  instances: wholeNumber(1, 'Instances of the application, each with its own pool. Default: 1.').optional(),
  checkoutTimeout: limit('How long an operation waits for a free connection. Default: 5s.').optional(),
  maxQueue: wholeNumber(
    1,
    'Operations that may wait for a connection; more are dropped. Default: 100000.',
  ).optional(),
});

/** The first one is ours; the others are load programs of an engine. */
export const LOAD_GENERATORS = ['rehearse', 'pgbench'] as const;

const load = z.strictObject({
  rate: fields.rate.optional(),
  arrivals: z
    .enum(['poisson', 'uniform'])
    .meta({ description: 'poisson: at random, as users come; uniform: evenly spaced. Default: poisson.' })
    .optional(),
  pool: pool.meta({ description: "The application's connection pool." }).optional(),
  statementTimeout: limit("The application's own statement timeout. Default: 30s.").optional(),
  protocol: z
    .enum(['prepared', 'unnamed', 'simple'])
    .meta({ description: 'How the application sends statements. Default: prepared.' })
    .optional(),
  operations: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .meta({
      description:
        'SQL file with named, weighted operations. Default: derived from the schema. With generator pgbench: its ' +
        'script, or a list of scripts, each also with a weight as FILE@WEIGHT. Relative to the folder of the scenario.',
      examples: ['workload.sql', ['read.sql@9', 'pay.sql@1']],
    })
    .optional(),
  generator: z
    .enum(LOAD_GENERATORS)
    .meta({
      description:
        'rehearse: the load of this harness. pgbench: an installed pgbench with scripts of your own (load.operations), ' +
        'at load.rate, with as many clients as the pool has connections; Postgres only. Default: rehearse.',
    })
    .optional(),
  profile: path(
    'Profile of production whose statements are the operations, with their rate. Default: data.profile.',
  ).optional(),
  nextOperations: path(
    'The same of the version that is being deployed: each statement is prepared and explained between the migrations.',
  ).optional(),
  threads: wholeNumber(
    1,
    'Threads that send the load, each for whole pool instances; more than 1 needs 4 cores or more. Default: 1.',
  ).optional(),
  warmUp: duration('Load before the baseline that is not counted. Default: 2s.').optional(),
  baseline: amount(
    positive(parseDuration, '10s'),
    '10s',
    'Load before the migrations. Default: 10s.',
  ).optional(),
  recovery: duration('Longest time for the load to be as before. Default: 10s.').optional(),
});

const migrations = z.strictObject({
  tool: fields.tool.optional(),
  directory: fields.directory.optional(),
  released: fields.released.optional(),
  lockTimeout: fields.lockTimeout.optional(),
  retries: wholeNumber(0, 'Tries after a lock timeout. Default: 10 with a lockTimeout.').optional(),
  backoff: duration('First pause before a retry; it doubles up to ten times itself. Default: 1s.').optional(),
  statementTimeout: limit(
    'Statement timeout of the migration. Default: the setting of the server.',
  ).optional(),
});

const transactionDrill = z.strictObject({
  table: z
    .string()
    .min(1)
    .meta({ description: 'Table that the transaction has read.', examples: ['orders'] }),
  at: amount(
    parseSignedDuration,
    '-1s',
    'From the start of the migrations, negative before it. Default: -1s.',
  ).optional(),
  for: amount(positive(parseDuration, '15s'), '15s', 'How long the transaction stays open.'),
});

const drill = z
  .strictObject({
    longReader: transactionDrill
      .meta({ description: 'A query that keeps reading a table, as a report or a backup does.' })
      .optional(),
    idleInTransaction: transactionDrill
      .meta({ description: 'A transaction that has read a table and does nothing.' })
      .optional(),
  })
  .refine((value) => Object.values(value).filter((one) => one !== undefined).length === 1, {
    error: 'must name exactly one drill: write for example - longReader: { table: orders, for: 15s }',
  })
  .meta({ minProperties: 1, maxProperties: 1 });

/** Limits; `none` takes one away. Also what `--budget name=value` sets. */
export const budgetsSchema = z.strictObject({
  lockWait: limit('Longest that anyone queued for a lock. Default: 500ms.').optional(),
  stall: limit('Longest time in which operations were due and none completed. Default: 1s.').optional(),
  duration: limit('Longest that all pending migrations take together. Default: 15m.').optional(),
  diskGrowthPeak: amount(
    orNone(parseGrowth),
    '2x',
    'Growth of the disk at its peak: 2x the size before, or 10GB. Default: 2x. "none" for no limit.',
  ).optional(),
  diskFree: amount(
    orNone(parseBytes),
    '40GB',
    'Space that is free on the disk of production: 40GB. Default: none. "none" for no limit.',
  ).optional(),
  failedOperations: amount(
    orNone(parseCount),
    '10',
    'Operations of the load that may fail. Default: 0. "none" for no limit.',
  ).optional(),
  latencyP99: amount(
    orNone(parseLatency),
    '5x',
    'p99 of the response time during the migrations: 5x the baseline, or 200ms. Default: none.',
  ).optional(),
  replicaLag: limit('Longest that the replica lagged behind. Default: none.').optional(),
});

export const scenarioSchema = z.strictObject({
  $schema: z.string().meta({ description: 'JSON schema, for editors.' }).optional(),
  name: fields.name.optional(),
  database: database.meta({ description: 'The server to rehearse on.' }).optional(),
  data: data.meta({ description: 'What the database is filled with.' }).optional(),
  load: load.meta({ description: 'The traffic of the application.' }).optional(),
  migrations: migrations.meta({ description: 'The migrations and how they are run.' }).optional(),
  drills: z.array(drill).meta({ description: 'Trouble put in on purpose.' }).optional(),
  budgets: budgetsSchema.meta({ description: 'Limits that the rehearsal is held against.' }).optional(),
});

/** A scenario as written, amounts in the user's form. */
export type Scenario = z.input<typeof scenarioSchema>;
/** A scenario whose every key and amount is known to be right; what was not written is absent. */
export type CheckedScenario = z.output<typeof scenarioSchema>;
export type CheckedBudgets = z.output<typeof budgetsSchema>;

/** Gives a scenario in rehearsal.config.ts its type; returns it unchanged. */
export function defineScenario(scenario: Scenario): Scenario {
  return scenario;
}
