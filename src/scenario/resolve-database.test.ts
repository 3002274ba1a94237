import { expect, test } from 'vitest';
import { UsageError } from '../errors.ts';
import { checkScenario } from './load.ts';
import type { EngineCandidate } from './look-ups.ts';
import { mergeOverrides } from './overrides.ts';
import type { DatabasePlan } from './plan.ts';
import type { LookUps, ResolveRequest } from './resolve.ts';
import { resolveDatabase, resolveEngine } from './resolve-database.ts';
import type { Scenario } from './scenario.ts';

type WrittenDatabase = NonNullable<Scenario['database']>;

const inPostgres: EngineCandidate = { engine: 'postgres', flavor: 'postgres', marks: ['"bigserial"'] };
const inMysql: EngineCandidate = { engine: 'mysql', flavor: 'mysql', marks: ['"auto_increment"'] };

function requestWith(
  lookUps: Partial<LookUps>,
  environment: ResolveRequest['environment'] = {},
): ResolveRequest {
  return {
    loaded: null,
    overrides: {},
    workingDirectory: '/nowhere',
    environment,
    known: {
      engines: [
        { name: 'postgres', flavors: ['postgres'] },
        { name: 'mysql', flavors: ['mysql', 'mariadb'] },
      ],
      provisioners: ['embedded', 'container', 'external'],
      tools: ['sql'],
    },
    lookUps: {
      recogniseEngine: () => [],
      detectTool: async () => {
        throw new UsageError('not asked here');
      },
      recogniseDump: async () => null,
      chooseProvisioner: async () => 'embedded',
      ...lookUps,
    },
  };
}

/** The engine is told by the SQL unless the scenario says it. */
async function resolved(database: WrittenDatabase, request = requestWith({})) {
  const wanted = mergeOverrides(checkScenario({ database }, '/nowhere'), {}, '/nowhere');
  const found: string[] = [];
  const migrations = {
    tool: 'sql',
    directory: '/nowhere/migrations',
    released: null,
    lockTimeoutMs: null,
    retries: 0,
    backoffMs: 1,
    statementTimeoutMs: null,
  };
  const engine = await resolveEngine(
    wanted,
    request,
    { schemaFile: null, dumpFile: null, profileFile: null, migrations },
    found,
  );
  const plan: DatabasePlan | null = await resolveDatabase(wanted, request, engine);
  wanted.throwComplaints();
  return { plan, found };
}

test.each([
  ['postgres', 'postgres', 'postgres'],
  ['mysql', 'mysql', 'mysql'],
  ['mariadb', 'mysql', 'mariadb'],
])('%s is a dialect of its engine', async (written, engine, flavor) => {
  expect((await resolved({ engine: written })).plan).toMatchObject({ engine, flavor });
});

test('the SQL tells the engine when nothing else does, and the marks are told', async () => {
  const { plan, found } = await resolved({}, requestWith({ recogniseEngine: () => [inMysql] }));
  expect(plan?.flavor).toBe('mysql');
  expect(found).toEqual(['the engine is mysql, because of "auto_increment"']);
});

test.each<[string, readonly EngineCandidate[], string]>([
  ['nothing tells it', [], 'neither the SQL nor the configuration of a tool tells the engine'],
  [
    'it is in doubt',
    [inPostgres, inMysql],
    'the SQL could be for postgres ("bigserial") or mysql ("auto_increment")',
  ],
])('the engine is asked for when %s', async (_, candidates, why) => {
  await expect(resolved({}, requestWith({ recogniseEngine: () => candidates }))).rejects.toThrow(
    new UsageError(
      `scenario: database.engine: ${why}: write database.engine (--engine), one of postgres, mysql, mariadb`,
    ),
  );
});

test('a URL takes its secrets from the environment, means external, and tells the engine', async () => {
  const environment = { SHOP_PASSWORD: 'geheim' };
  const url = `postgresql://app:\${SHOP_PASSWORD}@db/shop`;
  expect((await resolved({ url, expendable: true }, requestWith({}, environment))).plan).toMatchObject({
    engine: 'postgres',
    provision: 'external',
    url: 'postgresql://app:geheim@db/shop',
    expendable: true,
  });
});

test('an image means a container', async () => {
  expect((await resolved({ engine: 'postgres', image: 'ours/postgres' })).plan?.provision).toBe('container');
});

test.each<[string, WrittenDatabase, readonly string[]]>([
  [
    'an unknown provisioner',
    { provision: 'docker' },
    [
      'scenario: database.provision: "docker" is no known provisioner: write one of embedded, container, external',
    ],
  ],
  [
    'external without a URL',
    { provision: 'external' },
    [
      `scenario: database.provision: external needs the URL of the server: write database.url (--url), such as \${DATABASE_URL} to keep it out of the file`,
    ],
  ],
  [
    'a URL whose variable is not set',
    { url: `\${SHOP_URL}` },
    ['scenario: database.url: the environment has no SHOP_URL: set it, or write the URL without it'],
  ],
  [
    'a URL that is none, without printing it',
    { url: 'geheim@db' },
    ['scenario: database.url: is not a URL: write scheme://user:password@host:port/database'],
  ],
  [
    'keys of another provisioner',
    { provision: 'embedded', image: 'a' },
    [
      'scenario: database.image: is of no use with the provisioner embedded: write provision: container, or remove it',
    ],
  ],
  [
    'keys of two provisioners',
    { url: 'postgres://db/a', image: 'a' },
    ['scenario: database.provision: url and image contradict each other: keep one of them'],
  ],
  [
    'a setting that cannot be one',
    { settings: { 'work mem': '1MB' } },
    ['scenario: database.settings.work mem: "work mem" is not the name of a setting'],
  ],
])('%s is refused', async (_, database, problems) => {
  await expect(resolved({ engine: 'postgres', ...database })).rejects.toThrow(
    new UsageError(problems.join('\n')),
  );
});

test('the machine is asked for a provisioner only when nothing is wrong', async () => {
  let asked = 0;
  const request = requestWith({
    chooseProvisioner: async () => {
      asked += 1;
      return 'container';
    },
  });
  await expect(resolved({ engine: 'postgres', settings: { 'work mem': 1 } }, request)).rejects.toThrow();
  expect(asked).toBe(0);
  expect((await resolved({ engine: 'postgres' }, request)).plan?.provision).toBe('container');
});
