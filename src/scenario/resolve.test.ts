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
const inMysql: EngineCandidate = { engine: 'mysql', flavor: 'mysql', marks: ['"auto_increment"'] };

/** The real look-ups in small: marks are searched in the texts, the tool is told by a marker file beside db/. */
const lookUps: LookUps = {
  recogniseEngine: (texts) =>
    [inPostgres, inMysql].filter(({ marks }) =>
      texts.some((text) => marks.some((mark) => text.includes(mark.replaceAll('"', '')))),
    ),
  detectTool: async (directory) => {
    if (!directory.endsWith('shop')) throw new UsageError(`no migrations are found in ${directory}`);
    return {
      tool: { name: 'dbmate' },
      directory: join(directory, 'db/migrations'),
      because: 'db/schema.sql',
    };
  },
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
  expect(found).toContain('migrations in db/migrations are of dbmate, because of db/schema.sql');
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

test('another engine does not inherit the version and image of the file', async () => {
  const { plan } = await resolved({
    scenario: {
      database: { engine: 'postgres', version: '17', image: 'ours/postgres:17' },
      data: { schema: 'schema.sql' },
    },
    overrides: { engine: 'mysql' },
  });
  expect(plan.database).toMatchObject({ flavor: 'mysql', version: null, image: null });
});

test('a URL takes its secrets from the environment, means external, and tells the engine', async () => {
  const { plan } = await resolved({
    scenario: { data: { schema: 'schema.sql' }, database: { url: `\${SHOP_URL}`, expendable: true } },
    environment: { SHOP_URL: 'postgresql://app:geheim@db/shop' },
  });
  expect(plan.database).toMatchObject({
    engine: 'postgres',
    provision: 'external',
    url: 'postgresql://app:geheim@db/shop',
    expendable: true,
  });
});

test.each([
  ['.env', 'DATABASE_URL="mysql://root@localhost/shop"\nREDIS=redis://x', 'mysql'],
  ['db/migrations/migration_lock.toml', 'provider = "postgresql"', 'postgres'],
  ['db/migrations/meta/_journal.json', '{ "dialect": "mysql" }', 'mysql'],
  ['config/database.yml', 'default:\n  adapter: mysql2\n', 'mysql'],
  ['flyway.conf', 'flyway.url=jdbc:mariadb://localhost/shop', 'mariadb'],
])('%s tells the engine', async (file, text, flavor) => {
  await write(file, text);
  const { plan, found } = await resolved({ scenario: { data: { schema: 'schema.sql' } } });
  expect(plan.database.flavor).toBe(flavor);
  expect(found.join()).toContain(`the engine is ${flavor}, because of `);
});

test('configuration that names two dialects leaves the word to the SQL', async () => {
  await write('.env', 'A=mysql://x\nB=postgres://y');
  expect((await resolved({ scenario: { data: { schema: 'schema.sql' } } })).plan.database.flavor).toBe(
    'postgres',
  );
});

test('a folder that holds several projects does not hide the tool of one of them', async () => {
  const detectTool: LookUps['detectTool'] = async (directory) => {
    if (directory === root) throw new UsageError('two tools');
    if (directory === join(root, 'db'))
      return { tool: { name: 'flyway' }, directory: 'elsewhere', because: '' };
    return { tool: { name: 'sql' }, directory, because: '1_add.sql' };
  };
  const scenario = { data: { schema: 'schema.sql' }, migrations: { directory: 'db/migrations' } };
  const { plan } = await resolved({ scenario, lookUps: { detectTool } });
  expect(plan.migrations.tool).toBe('sql');
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
      'scenario: migrations.tool: "liquibase" is no known migration tool: write one of dbmate, flyway, sql',
    ],
  ],
  [
    'an unknown provisioner',
    { scenario: { ...valid, database: { engine: 'postgres', provision: 'docker' } } },
    [
      'scenario: database.provision: "docker" is no known provisioner: write one of embedded, container, external',
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
    'wrong options',
    { overrides: { rows: 'many', rate: '5', engine: 'postgres:latest', randomSeed: '-1' } },
    [
      '--random-seed: "-1" is not a count: write a whole number such as 5000, 200k or 20M',
      '--rate: "5" is a rate without a unit: write 5/s or 5/min',
      '--rows: "many" is not a count: write a whole number such as 5000, 200k or 20M',
      '--version: "latest" must be a version as production runs it: write for example "17" or "8.4"',
    ],
  ],
  [
    'wrong budgets among the options',
    { scenario: valid, overrides: { budget: ['stal=1s', 'lockWait', 'duration=5'] } },
    [
      '--budget: duration: "5" is a duration without a unit: write 5ms or 5s',
      '--budget: lockWait: "" is not a duration: write a number with ms, s, m or h, such as 300ms, 5s, 15m or 1h',
      '--budget: unknown key "stal" in the budgets: did you mean "stall"?',
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
      'scenario: data.schema: there is nothing to migrate from: write data.schema (--schema FILE), or migrations.released (--released VERSION) to build it from the migrations',
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
    'an engine that nothing tells',
    { scenario: { data: { schema: 'schema.sql' } }, lookUps: { recogniseEngine: () => [] } },
    [
      'scenario: database.engine: neither the SQL nor the configuration of a tool tells the engine: write database.engine (--engine), one of postgres, mysql, mariadb',
    ],
  ],
  [
    'an engine in doubt',
    { overrides: { schema: 'schema.sql' }, lookUps: { recogniseEngine: () => [inPostgres, inMysql] } },
    [
      'command line: the SQL could be for postgres ("bigserial") or mysql ("auto_increment"): write database.engine (--engine), one of postgres, mysql, mariadb',
    ],
  ],
  [
    'external without a URL',
    { scenario: { ...valid, database: { engine: 'postgres', provision: 'external' } } },
    [
      `scenario: database.provision: external needs the URL of the server: write database.url (--url), such as \${DATABASE_URL} to keep it out of the file`,
    ],
  ],
  [
    'a URL whose variable is not set',
    { scenario: { ...valid, database: { engine: 'postgres', url: `\${SHOP_URL}` } } },
    ['scenario: database.url: the environment has no SHOP_URL: set it, or write the URL without it'],
  ],
  [
    'a URL that is none, without printing it',
    { scenario: { ...valid, database: { engine: 'postgres', url: 'geheim@db' } } },
    ['scenario: database.url: is not a URL: write scheme://user:password@host:port/database'],
  ],
  [
    'keys of another provisioner',
    { scenario: { ...valid, database: { engine: 'postgres', provision: 'embedded', image: 'a' } } },
    [
      'scenario: database.image: is of no use with the provisioner embedded: write provision: container, or remove it',
    ],
  ],
  [
    'keys of two provisioners',
    { scenario: { ...valid, database: { engine: 'postgres', url: 'postgres://db/a', image: 'a' } } },
    ['scenario: database.provision: url and image contradict each other: keep one of them'],
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
  [
    'a setting that cannot be one',
    { scenario: { ...valid, database: { engine: 'postgres', settings: { 'work mem': '1MB' } } } },
    ['scenario: database.settings.work mem: "work mem" is not the name of a setting'],
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

test('the machine is asked for a provisioner only when nothing is wrong', async () => {
  let asked = 0;
  const chooseProvisioner = async (): Promise<string> => {
    asked += 1;
    return 'container';
  };
  await problemsOf(
    resolved({ scenario: { ...valid, data: { schema: 'absent.sql' } }, lookUps: { chooseProvisioner } }),
  );
  expect(asked).toBe(0);
  const { plan } = await resolved({ scenario: valid, lookUps: { chooseProvisioner } });
  expect(plan.database.provision).toBe('container');
});
