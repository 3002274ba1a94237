import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { UsageError } from '../errors.ts';
import { checkScenario, findScenario, type LoadedScenario, loadScenario } from './load.ts';
import { defineScenario } from './scenario.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rehearse scenario '));
});
afterEach(() => rm(folder, { recursive: true }));

async function load(text: string, name = 'rehearsal.yaml'): Promise<LoadedScenario> {
  await writeFile(join(folder, name), text);
  return loadScenario('.', folder);
}

async function messageOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(UsageError);
  return error instanceof UsageError ? error.message : '';
}

test('a whole scenario is read, its amounts in plain units', async () => {
  const { scenario, directory, file } = await load(`
name: orders-tax-rate
database: { engine: postgres, version: 17, settings: { shared_buffers: 1GB, fsync: on, max_connections: 0200 } }
data:
  schema: schema.sql
  tables:
    orders: { rows: 20M, columns: { status: { values: { paid: 90, open: 9.5 } }, total: { range: [1, 9999999999999999999] } } }
load: { rate: 24000/min, pool: { preset: HikariCP, checkoutTimeout: none } }
migrations: { tool: dbmate, released: 0001, lockTimeout: 300ms }
drills:
  - longReader: { table: orders, at: -1s, for: 15s }
  - idleInTransaction: { table: orders, for: 2m }
budgets: { diskGrowthPeak: 2x, latencyP99: 200ms, stall: none, failedOperations: 0 }
`);
  expect(directory).toBe(folder);
  expect(file).toBe(join(folder, 'rehearsal.yaml'));
  expect(scenario).toEqual({
    name: 'orders-tax-rate',
    database: {
      engine: 'postgres',
      version: '17',
      settings: { shared_buffers: '1GB', fsync: 'on', max_connections: '0200' },
    },
    data: {
      schema: 'schema.sql',
      tables: {
        orders: {
          rows: 20_000_000,
          columns: {
            status: { values: { paid: 90, open: 9.5 } },
            total: { range: ['1', '9999999999999999999'] },
          },
        },
      },
    },
    load: { rate: 400, pool: { preset: 'HikariCP', checkoutTimeout: null } },
    migrations: { tool: 'dbmate', released: '0001', lockTimeout: 300 },
    drills: [
      { longReader: { table: 'orders', at: -1_000, for: 15_000 } },
      { idleInTransaction: { table: 'orders', for: 120_000 } },
    ],
    budgets: { diskGrowthPeak: { ratio: 2 }, latencyP99: { ms: 200 }, stall: null, failedOperations: 0 },
  });
});

test.each(['8.0', '9.10', '17'])('version %s keeps its form without quotes', async (version) => {
  expect((await load(`database: { version: ${version} }`)).scenario.database?.version).toBe(version);
});

test('a section whose keys are all commented out counts as absent', async () => {
  const { scenario } = await load('name: a\nload:\n  # rate: 5/s\ndrills:\nbudgets:\n  stall: 2s\n');
  expect(scenario).toEqual({ name: 'a', budgets: { stall: 2_000 } });
});

test('aliases are followed', async () => {
  const { scenario } = await load('data:\n  tables:\n    a: &same { rows: 5k }\n    b: *same\n');
  expect(scenario.data?.tables?.b?.rows).toBe(5_000);
});

test('all problems are said at once, in the order of the file', async () => {
  const text = `name: "bad name"
database:
  engin: postgres
  version: latest
  settings: [a]
data:
  rows: 0
  tables:
    orders: { rows: 1.5, columns: { status: { values: { a: x }, range: [1], nullFraction: 2 } } }
load:
  lockTimeout: 3s
  rate: 400
  pool: { size: 0, preset: hikaricp, checkoutTimeout: 5 }
  baseline: 0
migrations:
  directory:
drills:
  - longReader: { at: 1s }
  - {}
  - longReader
budgets:
  lockWait: fast
zzz: 1
`;
  expect((await messageOf(load(text))).split('\n')).toEqual([
    'rehearsal.yaml:1:7: name: "bad name" must be letters, digits, ".", "_" or "-": write for example orders-tax-rate',
    'rehearsal.yaml:3:3: unknown key "engin" in database: did you mean "engine"?',
    'rehearsal.yaml:4:12: database.version: "latest" must be a version as production runs it: write for example "17" or "8.4"',
    'rehearsal.yaml:5:13: database.settings: a list is not a map: write for example {"work_mem":"64MB"}',
    'rehearsal.yaml:7:9: data.rows: "0" must be more than zero: write for example 200k',
    'rehearsal.yaml:9:21: data.tables.orders.rows: "1.5" is not a whole number that can be counted: write for example 200k or 20M',
    'rehearsal.yaml:9:60: data.tables.orders.columns.status.values.a: "x" is not a number',
    'rehearsal.yaml:9:72: data.tables.orders.columns.status.range: has too few entries: write for example [1,500]',
    'rehearsal.yaml:9:91: data.tables.orders.columns.status.nullFraction: "2" is too large: write at most 1',
    'rehearsal.yaml:11:3: unknown key "lockTimeout" in load: it belongs to migrations',
    'rehearsal.yaml:12:9: load.rate: "400" is a rate without a unit: write 400/s or 400/min',
    'rehearsal.yaml:13:17: load.pool.size: "0" is too small: write at least 1',
    'rehearsal.yaml:13:28: load.pool.preset: "hikaricp" is not known: did you mean "HikariCP"?',
    'rehearsal.yaml:13:55: load.pool.checkoutTimeout: "5" is a duration without a unit: write 5ms or 5s',
    'rehearsal.yaml:14:13: load.baseline: "0" must be more than zero: write for example 10s',
    'rehearsal.yaml:16:13: migrations.directory: is empty: write a value or remove the key',
    'rehearsal.yaml:18:5: drills[0].longReader.for: is missing: write for example 15s',
    'rehearsal.yaml:18:5: drills[0].longReader.table: is missing: write for example orders',
    'rehearsal.yaml:19:5: drills[1]: must name exactly one drill: write for example - longReader: { table: orders, for: 15s }',
    'rehearsal.yaml:20:5: drills[2]: "longReader" is not a map: write a map with the keys longReader, idleInTransaction',
    'rehearsal.yaml:22:13: budgets.lockWait: "fast" is not a duration: write a number with ms, s, m or h, such as 300ms, 5s, 15m or 1h',
    'rehearsal.yaml:23:1: unknown key "zzz" in the scenario: write one of name, database, data, load, migrations, drills, budgets',
  ]);
});

test.each([
  ['rate: 1/s\nrate: 2/s', 'rehearsal.yaml:2:1: the key "rate" is written twice: keep one of them'],
  ['name: [a', /^rehearsal\.yaml:1:9: not valid YAML: /],
  ['data:\n\trows: 5', /^rehearsal\.yaml:2:1: a tab cannot indent YAML: write spaces/],
  [
    'name: a\n---\nname: b',
    'rehearsal.yaml:2:1: a second document begins here: write one scenario a file, without ---',
  ],
  ['name: !secret a', /^rehearsal\.yaml:1:7: not valid YAML: Unresolved tag/],
  ['', 'rehearsal.yaml:1:1: the scenario is empty: write at least data.schema and migrations.directory'],
  [
    '# nothing\n',
    'rehearsal.yaml:1:1: the scenario is empty: write at least data.schema and migrations.directory',
  ],
  [
    'just text',
    /^rehearsal\.yaml:1:1: the scenario: "just text" is not a map: write a map with the keys name, database,/,
  ],
  [
    'name: *other',
    'rehearsal.yaml:1:7: nothing above is called "&other": write the value, or quote a text that begins with *',
  ],
  ['data: &a { tables: *a }', /too many or too deep values/],
])('%j is refused with its place', async (text, message) => {
  const said = await messageOf(load(text));
  if (typeof message === 'string') expect(said).toBe(message);
  else expect(said).toMatch(message);
});

test('JSON has positions too', async () => {
  expect(await messageOf(load('{\n  "load": { "rate": 5 }\n}', 'rehearsal.json'))).toBe(
    'rehearsal.json:2:21: load.rate: "5" is a rate without a unit: write 5/s or 5/min',
  );
});

test('rehearsal.config.ts is imported and checked', async () => {
  const good = await load('export default { name: "typed" as string };', 'rehearsal.config.ts');
  expect(good.scenario.name).toBe('typed');
  await rm(join(folder, 'rehearsal.config.ts'));
  await writeFile(join(folder, 'other.config.ts'), 'export default { load: { rate: 5 } };');
  expect(await messageOf(loadScenario('other.config.ts', folder))).toBe(
    'other.config.ts: load.rate: "5" is a rate without a unit: write 5/s or 5/min',
  );
  await writeFile(join(folder, 'none.config.ts'), 'export const scenario = {};');
  expect(await messageOf(loadScenario('none.config.ts', folder))).toBe(
    'none.config.ts: has no scenario: write export default defineScenario({ ... })',
  );
});

test('what is not there, or is no scenario, is said with what to do', async () => {
  expect(await messageOf(loadScenario('absent', folder))).toBe(
    'there is no scenario "absent": write a folder with a rehearsal.yaml',
  );
  expect(await messageOf(loadScenario('.', folder))).toBe(
    '"." holds no scenario: write a rehearsal.yaml into it, as "rehearse init" does',
  );
  await writeFile(join(folder, 'dump.sql'), 'select 1');
  expect(await messageOf(loadScenario('dump.sql', folder))).toBe(
    '"dump.sql" is no scenario: write a folder, or a .yaml, .json or .config.ts file',
  );
  await writeFile(join(folder, 'rehearsal.yaml'), 'name: a');
  await writeFile(join(folder, 'rehearsal.json'), '{}');
  expect(await messageOf(findScenario(folder))).toBe(
    `"${folder}" holds rehearsal.yaml and rehearsal.json: name the one to use`,
  );
});

test('every bundled scenario is read', async () => {
  const scenarios = fileURLToPath(new URL('../../scenarios', import.meta.url));
  const names = await readdir(scenarios);
  expect(names).not.toEqual([]);
  for (const name of names) expect((await loadScenario(name, scenarios)).scenario.name).toBe(name);
});

test('defineScenario gives back what it is given', () => {
  const scenario = { name: 'a', load: { rate: '5/s' }, data: { rows: 5_000 } };
  expect(defineScenario(scenario)).toBe(scenario);
});

test('a scenario handed over by a program is checked in the same way', async () => {
  expect(checkScenario({ load: { rate: '5/s' } }, folder).scenario.load?.rate).toBe(5);
  expect(() => checkScenario({ laod: {} }, folder)).toThrow(
    'scenario: unknown key "laod" in the scenario: did you mean "load"?',
  );
});
