import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { UsageError } from '../errors.ts';
import { checkScenario, loadScenario } from './load.ts';
import type { EngineCandidate } from './look-ups.ts';
import type { Overrides } from './overrides.ts';
import { type LookUps, type Resolved, resolvePlan } from './resolve.ts';
import type { Scenario } from './scenario.ts';

const known = {
  engines: [
    { name: 'postgres', flavors: ['postgres'] },
    { name: 'mysql', flavors: ['mysql', 'mariadb'] },
  ],
  provisioners: ['embedded', 'container', 'external'],
  tools: ['dbmate', 'flyway', 'sql'],
};

const inPostgres: EngineCandidate = { engine: 'postgres', flavor: 'postgres', marks: ['"bigserial"'] };

/** The real look-ups in small: one mark, and one project with migrations. */
const lookUps: LookUps = {
  recogniseEngine: (texts) => (texts.some((text) => text.includes('bigserial')) ? [inPostgres] : []),
  detectTool: async (directory) => {
    if (!directory.endsWith('shop')) throw new UsageError(`no migrations are found in ${directory}`);
    return {
      tool: { name: 'dbmate' },
      directory: join(directory, 'db/migrations'),
      because: 'db/schema.sql is there',
    };
  },
  recogniseDump: async () => null,
  chooseProvisioner: async () => 'embedded',
};

const noTool = async (directory: string): Promise<never> => {
  throw new UsageError(`no migrations are found in ${directory}`);
};

let root = '';
beforeEach(async () => {
  root = join(await mkdtemp(join(tmpdir(), 'rehearse resolve ')), 'shop');
  await write('schema.sql', 'create table orders (id bigserial primary key)');
  await write('db/migrations/1_add.sql', 'alter table orders add note text');
});
afterEach(() => rm(dirname(root), { recursive: true }));

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
}

interface Wish {
  readonly scenario?: Scenario;
  readonly overrides?: Overrides;
  readonly environment?: Record<string, string>;
  readonly workingDirectory?: string;
  readonly lookUps?: Partial<LookUps>;
}

function resolved(wish: Wish): Promise<Resolved> {
  return resolvePlan({
    loaded: wish.scenario === undefined ? null : checkScenario(wish.scenario, root),
    overrides: wish.overrides ?? {},
    workingDirectory: wish.workingDirectory ?? root,
    environment: wish.environment ?? {},
    known,
    lookUps: { ...lookUps, ...wish.lookUps },
  });
}

async function problemsOf(promise: Promise<unknown>): Promise<readonly string[]> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(UsageError);
  return error instanceof UsageError ? error.message.replaceAll(root, 'SHOP').split('\n') : [];
}

test('schema, migrations and rows on the command line are enough', async () => {
  const { plan, found } = await resolved({
    overrides: { schema: 'shop/schema.sql', migrations: 'shop/db/migrations', rows: '200k', tool: 'dbmate' },
    workingDirectory: dirname(root),
  });
  expect(plan).toMatchObject({
    directory: dirname(root),
    database: { engine: 'postgres', flavor: 'postgres', provision: 'embedded', version: null, url: null },
    data: { schemaFile: join(root, 'schema.sql'), rows: 200_000, randomSeed: 42 },
    migrations: { tool: 'dbmate', directory: join(root, 'db/migrations'), retries: 0 },
    load: { ratePerSecond: 100, warmUpMs: 2_000, baselineMs: 10_000, recoveryMs: 10_000 },
    budgets: { lockWaitMs: 500, failedOperations: 0 },
  });
  expect(found).toEqual(['the engine is postgres, because of "bigserial"']);
});

test('without a scenario the rehearsal is named after the project of the migrations', async () => {
  const elsewhere = join(dirname(root), 'elsewhere');
  await mkdir(elsewhere);
  await write('package.json', '{}');
  const { plan } = await resolved({
    overrides: { schema: '../shop/schema.sql', migrations: '../shop/db/migrations', tool: 'sql' },
    workingDirectory: elsewhere,
  });
  expect(plan.name).toBe('shop');
  expect(plan.reports.directory).toBe(join(elsewhere, 'reports', 'shop'));
});

test('migrations and their tool are found in the project, and the plan says why', async () => {
  const { plan, found } = await resolved({ scenario: { data: { schema: 'schema.sql' } } });
  expect(plan.migrations).toMatchObject({ tool: 'dbmate', directory: join(root, 'db/migrations') });
  expect(plan.name).toBe('shop');
  expect(plan.expectedFile).toBe(join(root, 'expected.json'));
  expect(found).toContain('migrations in db/migrations are of dbmate, because db/schema.sql is there');
});

test('the tool of a given folder is found by what lies around it', async () => {
  const { plan } = await resolved({
    scenario: { data: { schema: 'schema.sql' }, migrations: { directory: 'db/migrations' } },
  });
  expect(plan.migrations.tool).toBe('dbmate');
});

test('a lock timeout brings retries and a backoff', async () => {
  const { plan } = await resolved({
    scenario: { data: { schema: 'schema.sql' }, migrations: { lockTimeout: '300ms' } },
  });
  expect(plan.migrations).toMatchObject({ lockTimeoutMs: 300, retries: 10, backoffMs: 1_000 });
});

test('options win over the file, and their paths are relative to the caller', async () => {
  await write('other/schema.sql', 'select 1');
  const { plan } = await resolved({
    scenario: {
      database: { engine: 'postgres', version: '17', provision: 'embedded' },
      data: { schema: 'schema.sql', tables: { a: { rows: '20M' }, b: { rows: '5M' }, c: { rows: 0 } } },
      load: { rate: '400/s', pool: { size: 7 } },
      budgets: { stall: '3s', duration: '1m' },
    },
    overrides: {
      schema: 'schema.sql',
      engine: 'mariadb:11.8',
      provision: 'container',
      rows: '200k',
      rate: '50/s',
      budget: ['stall=none', 'lockWait=1s'],
    },
    workingDirectory: join(root, 'other'),
  });
  expect(plan.data.schemaFile).toBe(join(root, 'other/schema.sql'));
  expect(plan.database).toMatchObject({
    engine: 'mysql',
    flavor: 'mariadb',
    version: '11.8',
    provision: 'container',
  });
  expect(Object.values(plan.data.tables).map(({ rows }) => rows)).toEqual([200_000, 50_000, 0]);
  expect(plan.load).toMatchObject({ ratePerSecond: 50, pool: { size: 7 } });
  expect(plan.budgets).toMatchObject({ stallMs: null, lockWaitMs: 1_000, durationMs: 60_000 });
});

const valid: Scenario = { database: { engine: 'postgres' }, data: { schema: 'schema.sql' } };

test.each<[string, Wish, readonly string[]]>([
  [
    'an unknown engine, provisioner and tool',
    {
      scenario: {
        data: { schema: 'schema.sql' },
        database: { engine: 'postgre', provision: 'docker' },
        migrations: { tool: 'liquibase', directory: 'db/migrations' },
      },
    },
    [
      'scenario: database.engine: "postgre" is no known engine: did you mean "postgres"? write one of postgres, mysql, mariadb',
      'scenario: database.provision: "docker" is no known provisioner: write one of embedded, container, external',
      'scenario: migrations.tool: "liquibase" is no known migration tool: write one of dbmate, flyway, sql',
    ],
  ],
  [
    'an engine with its version, as on the command line',
    { scenario: { data: { schema: 'schema.sql' }, database: { engine: 'postgres:17' } } },
    [
      'scenario: database.engine: "postgres:17" is an engine and a version: write engine: postgres and version: "17"',
    ],
  ],
  [
    'files that are not there',
    {
      scenario: {
        database: { engine: 'postgres', binary: 'none' },
        data: { schema: 'absent.sql' },
        load: { operations: 'db' },
        migrations: { directory: 'nowhere' },
      },
    },
    [
      'scenario: data.schema: there is no file "SHOP/absent.sql": correct the path or write the file',
      'scenario: database.binary: there is no folder "SHOP/none": write the folder that holds the server\'s binaries',
      'scenario: load.operations: "SHOP/db" is a folder: write the path of a file',
      'scenario: migrations.directory: there is no folder "SHOP/nowhere": correct the path',
    ],
  ],
  [
    'a missing option, with no scenario',
    { overrides: { schema: 'absent.sql', migrations: 'schema.sql', engine: 'postgres' } },
    [
      '--migrations: "SHOP/schema.sql" is a file: write the folder that holds the migrations',
      '--schema: there is no file "SHOP/absent.sql": correct the path or write the file',
    ],
  ],
  [
    'nothing to migrate from',
    { scenario: { database: { engine: 'postgres' } } },
    [
      'scenario: data.schema: there is nothing to migrate from: write data.schema (--schema FILE), data.restore or data.profile, or migrations.released (--released VERSION) to build it from the migrations',
    ],
  ],
  [
    'no migrations at all',
    { scenario: valid, lookUps: { detectTool: noTool } },
    ['scenario: migrations.tool: no migrations are found in SHOP'],
  ],
  [
    'migrations of no known tool',
    {
      scenario: { ...valid, migrations: { directory: 'db/migrations' } },
      lookUps: { detectTool: noTool },
    },
    ['scenario: migrations.tool: no migrations are found in SHOP/db/migrations'],
  ],
  [
    'a tool whose migrations are not the ones that lie there',
    { scenario: { ...valid, migrations: { tool: 'flyway' } } },
    [
      'scenario: migrations.directory: what was found in "SHOP/db/migrations" is of dbmate: write the folder of flyway (--migrations DIRECTORY)',
    ],
  ],
  [
    'retries without a lock timeout, and one of zero',
    { scenario: { ...valid, migrations: { retries: 3 } }, overrides: {} },
    [
      'scenario: migrations.retries: has no effect without a lock timeout: write migrations.lockTimeout, such as 300ms',
    ],
  ],
  [
    'a lock timeout of zero',
    { scenario: valid, overrides: { lockTimeout: '0' } },
    ['--lock-timeout: 0 would wait for ever: write none, or more than zero'],
  ],
  [
    'a drill before the baseline',
    { scenario: { ...valid, drills: [{ longReader: { table: 'orders', at: '-1m', for: '5s' } }] } },
    [
      'scenario: drills[0].longReader.at: lies before the baseline, which begins 10000ms before the migrations: write a later instant',
    ],
  ],
])('%s is refused', async (_, wish, problems) => {
  expect(await problemsOf(resolved(wish))).toEqual(problems);
});

test('a problem that is found while resolving has the place in the file', async () => {
  await write('rehearsal.yaml', 'database:\n  engine: postgres\ndata:\n  schema: absent.sql\n');
  const loaded = await loadScenario('.', root);
  const promise = resolvePlan({
    loaded,
    overrides: {},
    workingDirectory: root,
    environment: {},
    known,
    lookUps,
  });
  expect(await problemsOf(promise)).toEqual([
    'rehearsal.yaml:4:11: data.schema: there is no file "SHOP/absent.sql": correct the path or write the file',
  ]);
});
