import { expect, test } from 'vitest';
import { UsageError } from '../errors.ts';
import { checkScenario } from './load.ts';
import { mergeOverrides, type Overrides, parseBudgetOptions, type Wanted } from './overrides.ts';
import type { Scenario } from './scenario.ts';

function merged(scenario: Scenario, overrides: Overrides): Wanted {
  return mergeOverrides(checkScenario(scenario, '/project'), overrides, '/caller');
}

function problemsOf(work: () => unknown): readonly string[] {
  try {
    work();
  } catch (error) {
    if (error instanceof UsageError) return error.message.split('\n');
    throw error;
  }
  return [];
}

test('what no option says stays as the file has it', () => {
  const { scenario } = merged({ name: 'a', load: { rate: '5/s', warmUp: '1s' } }, { rate: '0' });
  expect(scenario).toMatchObject({ name: 'a', load: { rate: 0, warmUp: 1_000 } });
});

test('a path of an option is relative to the caller, one of the file to the file', () => {
  const wanted = merged({ data: { schema: 'a.sql' } }, { migrations: 'm' });
  expect(wanted.baseOf(['migrations', 'directory'])).toBe('/caller');
  expect(wanted.baseOf(['data', 'schema'])).toBe('/project');
});

test('another engine or version does not inherit version, image and binaries of the file', () => {
  const database = { engine: 'postgres', version: '17', image: 'ours/postgres:17' };
  expect(merged({ database }, { engine: 'mysql:8.4' }).scenario.database).toEqual({
    engine: 'mysql',
    version: '8.4',
  });
  expect(merged({ database }, { version: '16' }).scenario.database).toEqual({
    engine: 'postgres',
    version: '16',
  });
  expect(merged({ database }, { engine: 'postgres' }).scenario.database).toEqual(database);
});

test('another provisioner does not inherit what belongs to that of the file', () => {
  const url = 'postgres://db/a';
  expect(merged({ database: { url } }, { provision: 'embedded' }).scenario.database?.url).toBeUndefined();
  expect(merged({ database: { url } }, { provision: 'external' }).scenario.database?.url).toBe(url);
  expect(merged({ database: { provision: 'embedded' } }, { url }).scenario.database).toEqual({ url });
});

test('rows scale the row counts of the file, so that the largest table has as many', () => {
  const tables = { a: { rows: '20M' }, b: { rows: '5M' }, tiny: { rows: 1 }, empty: { rows: 0 }, other: {} };
  expect(merged({ data: { tables } }, { rows: '200k' }).scenario.data?.tables).toEqual({
    a: { rows: 200_000 },
    b: { rows: 50_000 },
    tiny: { rows: 1 },
    empty: { rows: 0 },
    other: {},
  });
});

test('a lock timeout of none takes that of the file away', () => {
  const file = { migrations: { lockTimeout: '300ms' } };
  expect(merged(file, { lockTimeout: 'none' }).scenario.migrations?.lockTimeout).toBeNull();
});

test('all wrong options are said at once', () => {
  const options = { rows: 'many', rate: '5', engine: 'postgres:latest', randomSeed: '-1' };
  expect(problemsOf(() => merged({}, options))).toEqual([
    '--random-seed: "-1" is not a count: write a whole number such as 5000, 200k or 20M',
    '--rate: "5" is a rate without a unit: write 5/s or 5/min',
    '--rows: "many" is not a count: write a whole number such as 5000, 200k or 20M',
    '--version: "latest" must be a version as production runs it: write for example "17" or "8.4"',
  ]);
});

test('budget options are amounts by name', () => {
  expect(parseBudgetOptions(['stall=none', 'diskGrowthPeak=3x'])).toEqual({
    stall: null,
    diskGrowthPeak: { ratio: 3 },
  });
  expect(problemsOf(() => parseBudgetOptions(['stal=1s', 'lockWait', 'duration=5']))).toEqual([
    '--budget: duration: "5" is a duration without a unit: write 5ms or 5s',
    '--budget: lockWait: "" is not a duration: write a number with ms, s, m or h, such as 300ms, 5s, 15m or 1h',
    '--budget: unknown key "stal" in the budgets: did you mean "stall"?',
  ]);
});

test('a complaint stands at the option, or at the place in the file', () => {
  const wanted = merged({ data: { schema: 'a.sql' } }, { migrations: 'm' });
  wanted.complain(['migrations', 'directory'], 'is not there');
  wanted.complain(['data', 'schema'], 'is not there');
  expect(problemsOf(() => wanted.throwComplaints())).toEqual([
    '--migrations: is not there',
    'scenario: data.schema: is not there',
  ]);
});
