import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EnvironmentError, UsageError } from '../errors.ts';
import { PROFILE_VERSION, type Profile } from './profile.ts';
import { profileFrom, readProfile } from './read.ts';
import { profileText, writeProfile } from './write.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rehearse-profile-'));
});

afterAll(() => rm(folder, { recursive: true }));

const profile: Profile = {
  version: PROFILE_VERSION,
  harnessVersion: '0.1.0',
  capturedAt: '2026-03-02T09:14:07.512Z',
  engine: 'postgres',
  flavor: 'postgres',
  serverVersion: '18.1',
  settings: { work_mem: '8MB' },
  schema: 'create table orders (id bigint primary key, customer bigint, status text);',
  tables: [
    {
      name: 'orders',
      rows: 1000,
      tableBytes: 81_920,
      toastBytes: 0,
      bloat: 0.1,
      fillfactor: 100,
      columns: [
        column('id', { distinct: 1000, correlation: 1 }),
        column('status', { nullFraction: 0.2, frequencies: [0.5, 0.25], values: ['paid', 'open'] }),
      ],
      indexes: [{ name: 'orders_pkey', columns: ['id'], bytes: 40_960, fillfactor: 90, cardinality: 1000 }],
      foreignKeys: [{ columns: ['id'], references: 'customers', parentsReferred: null, frequencies: [] }],
    },
  ],
  statements: [{ text: 'select $1', calls: 3, rows: 3, meanMs: 0.1 }],
  statementsSince: null,
  missing: [],
};

function column(
  name: string,
  facts: Partial<Profile['tables'][number]['columns'][number]> = {},
): Profile['tables'][number]['columns'][number] {
  const unknown = { distinct: null, averageBytes: null, correlation: null, values: null, bounds: null };
  return { name, nullFraction: 0, frequencies: [], ...unknown, ...facts };
}

/** The message for a profile that was changed after it was made. */
function complaint(change: (made: Record<string, unknown>) => unknown): string {
  try {
    profileFrom(JSON.stringify(change(JSON.parse(profileText(profile)))), 'production.json');
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return error instanceof Error ? error.message : '';
  }
  return 'nothing';
}

test('what is written is what is read, and its owner alone may read it', async () => {
  const file = join(folder, 'production.json');
  await writeFile(file, 'something older', { mode: 0o644 });
  await writeProfile(file, profile);
  expect(await readProfile(file)).toEqual(profile);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toEqual(['production.json']);
});

test('a folder that is not there is named', async () => {
  const file = join(folder, 'nowhere', 'production.json');
  await expect(writeProfile(file, profile)).rejects.toThrow(EnvironmentError);
  await expect(writeProfile(file, profile)).rejects.toThrow(/nowhere.production\.json/);
  await expect(readProfile(file)).rejects.toThrow(/no profile to read at ".*nowhere/);
});

test('a profile of a newer version says which rehearse made it', () => {
  expect(complaint((made) => ({ ...made, version: PROFILE_VERSION + 1, harnessVersion: '9.8.7' }))).toMatch(
    /profile version 2.*made by a newer version \(rehearse 9\.8\.7\)/,
  );
});

test('what is no profile is told from a damaged one', () => {
  expect(complaint(() => [])).toContain('is no profile');
  expect(complaint(() => ({ version: 'one', tables: [] }))).toContain('is no profile');
  expect(() => profileFrom('{"version": 1, "tab', 'cut.json')).toThrow(/"cut\.json" is not JSON/);
});

test('everything that is wrong is said at once, each with its place', () => {
  const wrong = {
    ...profile,
    statements: 'none',
    tables: profile.tables.map((table) => ({
      ...table,
      rows: -1,
      columns: [...table.columns, { ...column('late'), nullFraction: 1.5 }],
    })),
  };
  const said = complaint(() => wrong);
  expect(said).toContain('tables[0].rows: ');
  expect(said).toContain('tables[0].columns[2].nullFraction: ');
  expect(said).toContain('statements: ');
});

test('fields that contradict each other are named', () => {
  const said = complaint(() => ({
    ...profile,
    tables: profile.tables.flatMap((table) => [
      table,
      {
        ...table,
        columns: [
          column('id', { frequencies: [0.9, 0.4] }),
          column('id', { frequencies: [0.5], values: ['a', 'b'] }),
        ],
        foreignKeys: [{ columns: ['gone'], references: 'customers', parentsReferred: 1, frequencies: [] }],
      },
    ]),
  }));
  expect(said).toContain('"orders" is there twice');
  expect(said).toContain('column "id" is there twice');
  expect(said).toContain('are 1.300 of all rows');
  expect(said).toContain('2 values stand beside 1 frequencies');
  expect(said).toContain('the column "gone"');
});

test('keys of a later version are left out', async () => {
  const file = join(folder, 'later.json');
  await writeFile(file, JSON.stringify({ ...profile, histograms: [] }));
  expect(await readProfile(file)).toEqual(profile);
  expect(await readFile(file, 'utf8')).toContain('histograms');
});
