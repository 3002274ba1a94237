/** What each tool makes of a directory, and of its ledger: pure. */
import { expect, test } from 'vitest';
import { findEngine } from '../engines/index.ts';
import { UsageError } from '../errors.ts';
import { findTool } from './index.ts';
import type { Migration } from './tool.ts';

const { dialect } = findEngine('postgres');

function migrationsOf(tool: string, files: Readonly<Record<string, string>>): readonly Migration[] {
  return findTool(tool).migrations(
    Object.entries(files).map(([path, text]) => ({ path, text })),
    dialect,
  );
}

function interpret(
  tool: string,
  rows: readonly Record<string, unknown>[],
  files: Readonly<Record<string, string>>,
) {
  const reading = findTool(tool).ledger(dialect, 'postgres').interpret(rows, migrationsOf(tool, files));
  return { ...reading, pending: reading.pending.map(({ version }) => version) };
}

test('an unknown tool is a usage error that lists those that there are', () => {
  expect(() => findTool('liquibase')).toThrow(
    /"liquibase".*dbmate, golang-migrate, flyway, prisma, drizzle, sql/,
  );
});

test('a ledger that is not known on a kind of server is a usage error', () => {
  expect(() => findTool('flyway').ledger(dialect, 'oracle')).toThrow(
    /Flyway is not known on "oracle".*postgres/,
  );
});

test('dbmate: versions are leading digits, other files are left out, the up section keeps its line', () => {
  const found = migrationsOf('dbmate', {
    '20240102_b.sql': '-- about b\n\n-- migrate:up\nselect 1;\n-- migrate:down\nselect 2;\n',
    '20240101_a.sql': '-- migrate:up transaction:false\nselect 1;\n-- migrate:down',
    'seed.sql': 'select 3',
    'old/20230101_z.sql': '-- migrate:up\n-- migrate:down',
  });
  expect(found.map(({ version, name }) => `${version} ${name}`)).toEqual(['20240101 a', '20240102 b']);
  expect(found[0]?.parts).toMatchObject([{ message: 'whole', transaction: 'none', line: 1 }]);
  expect(found[1]?.parts).toEqual([
    { sql: '-- migrate:up\nselect 1;\n', line: 3, message: 'whole', transaction: 'one' },
  ]);
});

test.each([
  ['no up section', 'select 1;'],
  ['no down section', '-- migrate:up\nselect 1;'],
  ['a statement before the up section', 'select 0;\n-- migrate:up\n-- migrate:down'],
  ['two down sections', '-- migrate:up\n-- migrate:down\n-- migrate:down'],
])('dbmate refuses a file with %s', (_what, text) => {
  expect(() => migrationsOf('dbmate', { '1_a.sql': text })).toThrow(UsageError);
});

test('golang-migrate: versions are numbers, a down file alone runs nothing, two of one version are refused', () => {
  const found = migrationsOf('golang-migrate', {
    '10_c.up.sql': 'select 10',
    '9_b.down.sql': 'select -9',
    '000001_a.up.sql': 'select 1',
    '000001_a.down.sql': 'select -1',
  });
  expect(found.map(({ version, name, parts }) => `${version} ${name} ${parts.length}`)).toEqual([
    '1 a 1',
    '9 b 0',
    '10 c 1',
  ]);
  expect(() => migrationsOf('golang-migrate', { '1_a.up.sql': '', '01_b.up.sql': '' })).toThrow(
    /same version 1/,
  );
});

test('golang-migrate: what is above the one row is pending', () => {
  const files = { '1_a.up.sql': 'a', '5_b.up.sql': 'b', '7_c.up.sql': 'c' };
  expect(interpret('golang-migrate', [{ version: '5', dirty: false }], files)).toEqual({
    applied: ['1', '5'],
    pending: ['7'],
    dirty: null,
    notes: [],
  });
  const missing = interpret('golang-migrate', [{ version: '6', dirty: true }], files);
  expect(missing.notes).toEqual([
    'the ledger holds versions that have no file in the migrations directory: 6',
  ]);
  expect(missing.dirty).toMatch(/version 6 as dirty/);
});

test('Flyway: versions compare number by number, repeatables come last, undo scripts are left out', () => {
  const found = migrationsOf('flyway', {
    'V10__ten.sql': 'select 10',
    'sub/V1_2__one_two.sql': 'select 12',
    'V1.10__one_ten.sql': 'select 110',
    'R__view_b.sql': 'select 1',
    'R__view_a.sql': 'select 2',
    'U10__ten.sql': 'select -10',
    'Views.sql': 'select 3',
  });
  expect(found.map(({ version, name, file }) => `${version}|${name}|${file}`)).toEqual([
    '1.2|one two|sub/V1_2__one_two.sql',
    '1.10|one ten|V1.10__one_ten.sql',
    '10|ten|V10__ten.sql',
    'R__view_a|view a|R__view_a.sql',
    'R__view_b|view b|R__view_b.sql',
  ]);
});

test.each([
  ['a version that is no number', { 'V1.x__a.sql': 'select 1' }, /cannot read the version/],
  ['a repeatable with a version', { 'R1__a.sql': 'select 1' }, /no version in a repeatable/],
  [
    'two scripts of one version',
    { 'V1__a.sql': 'select 1', 'V1.0__b.sql': 'select 1' },
    /the same migration/,
  ],
  ['a placeholder', { 'V1__a.sql': `select '$${'{name}'}'` }, /placeholder \$\{name\}/],
  [
    'both kinds of statements',
    { 'V1__a.sql': 'create table t (a int);\ncreate index concurrently i on t (a);' },
    /V1__a\.sql:2: Flyway refuses a migration that mixes/,
  ],
])('Flyway refuses %s', (_what, files, message) => {
  expect(() => migrationsOf('flyway', files)).toThrow(message);
});

test('Flyway: the checksum is the signed CRC-32 of the lines, whatever their ends', () => {
  // zlib.crc32 of Python over the joined lines
  for (const text of [
    'create table person (\n  id int\n);\n',
    '\uFEFFcreate table person (\r\n  id int\r\n);',
  ]) {
    expect(migrationsOf('flyway', { 'V1__a.sql': text })[0]?.checksum).toBe('-1974688266');
  }
});

test('Flyway: what it does not know to refuse a transaction runs in one, and fails there', () => {
  const transactionOf = (sql: string) =>
    migrationsOf('flyway', { 'V1__a.sql': sql })[0]?.parts[0]?.transaction;
  expect(transactionOf('-- why\ncreate unique index concurrently i on t (a);')).toBe('none');
  expect(transactionOf('vacuum t;')).toBe('none');
  expect(transactionOf('reindex index concurrently i;')).toBe('one');
});

const FLYWAY_ROW = { description: 'x', type: 'SQL', checksum: null, success: true };

test('Flyway: older than the newest applied is passed over, unless a baseline covers it', () => {
  const files = { 'V1__a.sql': 'a', 'V2__b.sql': 'b', 'V3__c.sql': 'c' };
  const row = { ...FLYWAY_ROW, script: 'V2__b.sql' };
  const outOfOrder = interpret('flyway', [{ ...row, version: '2' }], files);
  expect(outOfOrder).toMatchObject({ applied: ['2'], pending: ['3'], dirty: null });
  expect(outOfOrder.notes).toEqual([expect.stringMatching(/passes over V1__a\.sql/)]);
  const baseline = interpret('flyway', [{ ...row, version: '2', type: 'BASELINE' }], files);
  expect(baseline).toMatchObject({ pending: ['3'], notes: [] });
});

test('Flyway: the newest baseline script replaces all before it where nothing has run yet', () => {
  const files = { 'V1__a.sql': 'a', 'B2__all.sql': 'ab', 'V2__b.sql': 'b', 'V3__c.sql': 'c' };
  expect(interpret('flyway', [], files).pending).toEqual(['B2', '3']);
  expect(interpret('flyway', [{ ...FLYWAY_ROW, version: '1' }], files).pending).toEqual(['2', '3']);
});

test('Flyway: a repeatable is pending when its latest checksum is another one', () => {
  const files = { 'V1__a.sql': 'a', 'R__v.sql': 'select 1' };
  const checksum = migrationsOf('flyway', files).at(-1)?.checksum ?? null;
  const rows = [
    { ...FLYWAY_ROW, version: '1' },
    { ...FLYWAY_ROW, version: null, description: 'v', checksum: Number(checksum) },
  ];
  expect(interpret('flyway', rows, files).pending).toEqual([]);
  expect(interpret('flyway', [...rows, { ...rows[1], checksum: 1 }], files).pending).toEqual(['R__v']);
});

test('Flyway: a script that was changed after it was applied is noted', () => {
  const rows = [{ ...FLYWAY_ROW, version: '1', checksum: 1 }];
  expect(interpret('flyway', rows, { 'V1__a.sql': 'a' }).notes).toEqual([
    expect.stringMatching(/checksum differs/),
  ]);
});

test('Prisma: a folder is a migration; a folder without its script is refused', () => {
  const [first] = migrationsOf('prisma', {
    '2024_init/migration.sql': 'select 1',
    'migration_lock.toml': 'x',
  });
  // printf 'select 1' | sha256sum
  expect(first).toMatchObject({
    version: '2024_init',
    name: 'init',
    file: '2024_init/migration.sql',
    checksum: '822ae07d4783158bc1912bb623e5107cc9002d519e1143a9c200ed6ee18b6d0f',
  });
  expect(() => migrationsOf('prisma', { '2024_init/readme.sql': '' })).toThrow(
    /2024_init\/ has no migration\.sql.*P3015/,
  );
});

test('Prisma: what was rolled back is pending again', () => {
  const files = { '1_a/migration.sql': 'a', '2_b/migration.sql': 'b' };
  const rows = [
    { migration_name: '1_a', finished: true, rolled_back: false },
    { migration_name: '2_b', finished: false, rolled_back: true },
  ];
  expect(interpret('prisma', rows, files)).toMatchObject({ applied: ['1_a'], pending: ['2_b'], dirty: null });
});

test('Drizzle: the journal orders the files, pieces keep their lines, an entry older than the ledger never runs', () => {
  const journal = (...entries: readonly object[]) => JSON.stringify({ entries });
  const files = {
    'meta/_journal.json': journal(
      { tag: '0001_b', when: 2 },
      { tag: '0000_a', when: 1 },
      { tag: '0002_c', when: 3 },
    ),
    '0000_a.sql': 'select 1;',
    '0001_b.sql': 'select 1;\n--> statement-breakpoint\nselect 2;',
    '0002_c.sql': 'select 3;',
  };
  const found = migrationsOf('drizzle', files);
  expect(found.map(({ version }) => version)).toEqual(['0001_b', '0000_a', '0002_c']);
  expect(found[0]?.parts.map(({ line }) => line)).toEqual([1, 2]);
  const reading = interpret('drizzle', [{ created_at: '2' }], files);
  expect(reading).toMatchObject({ pending: ['0002_c'] });
  expect(reading.notes).toEqual([expect.stringMatching(/never runs 0000_a\.sql/)]);
});

test.each([
  ['no journal', { '0000_a.sql': 'select 1' }, /_journal\.json is missing/],
  ['a journal that is not JSON', { 'meta/_journal.json': '<<<<' }, /is not JSON/],
  ['a journal without entries', { 'meta/_journal.json': '{}' }, /no list "entries"/],
  [
    'an entry without its file',
    { 'meta/_journal.json': '{"entries":[{"tag":"x","when":1}]}' },
    /x\.sql is in/,
  ],
])('Drizzle refuses %s', (_what, files, message) => {
  expect(() => migrationsOf('drizzle', files)).toThrow(message);
});

test('plain files: natural order, one transaction unless a file says or needs otherwise', () => {
  const found = migrationsOf('sql', {
    '10_late.sql': 'select 1',
    '2_index.sql': 'create index concurrently i on t (a)',
    '3_own.sql': 'begin; select 1; commit',
    '4_marked.sql': '-- rehearse: no-transaction\nselect 1',
    '4_marked.down.sql': 'select 2',
    'sub/1_first.sql': 'select 1',
  });
  expect(found.map(({ version, name, parts }) => `${version} ${name} ${parts[0]?.transaction}`)).toEqual([
    '2_index index none',
    '3_own own none',
    '4_marked marked none',
    '10_late late one',
    'sub/1_first first one',
  ]);
  expect(() => migrationsOf('sql', { '1.sql': '-- nothing' })).toThrow(/1\.sql holds no statement/);
});
