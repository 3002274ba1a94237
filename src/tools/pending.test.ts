import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { directoryWith } from '../../tests/migrating.ts';
import { findEngine } from '../engines/index.ts';
import { findTool } from './index.ts';
import { readMigrations, upToReleased } from './pending.ts';

const { dialect } = findEngine('postgres');

async function read(tool: string, files: Readonly<Record<string, string>>) {
  await using directory = await directoryWith(files);
  return await readMigrations(findTool(tool), directory.path, dialect);
}

test('released may name a version, a file, or the same number written otherwise', async () => {
  const migrations = await read('golang-migrate', { '07_a.up.sql': 'a', '08_b.up.sql': 'b' });
  for (const released of ['7', '007', '07_a', '07_a.up.sql']) {
    expect(upToReleased(migrations, released).map(({ version }) => version)).toEqual(['7']);
  }
});

test('an unknown released version lists those near it', async () => {
  const files = Object.fromEntries([1, 2, 3, 4, 6, 7, 8, 9].map((version) => [`${version}_x.up.sql`, 'x']));
  const migrations = await read('golang-migrate', files);
  expect(() => upToReleased(migrations, '5')).toThrow(/"5".*Near it are: 2, 3, 4, 6, 7, 8\./);
});

test('a directory that is not there, is a file, or holds nothing of the tool is a usage error', async () => {
  await using directory = await directoryWith({ 'a.sql': 'select 1' });
  const flyway = findTool('flyway');
  await expect(readMigrations(flyway, join(directory.path, 'x'), dialect)).rejects.toThrow(/x" is not there/);
  await expect(readMigrations(flyway, join(directory.path, 'a.sql'), dialect)).rejects.toThrow(/is a file/);
  await expect(readMigrations(flyway, directory.path, dialect)).rejects.toThrow(
    /no migration in the layout of Flyway is in/,
  );
});

test('two files of one version are a usage error that names both', async () => {
  const section = '-- migrate:up\nselect 1;\n-- migrate:down';
  await expect(read('dbmate', { '1_a.sql': section, '1_b.sql': section })).rejects.toThrow(
    /1_b\.sql and 1_a\.sql.*version 1/,
  );
});

test('a file that is not UTF-8 is a usage error that names it', async () => {
  await using directory = await directoryWith({ '1.sql': 'select 1' });
  await writeFile(join(directory.path, '1.sql'), Uint8Array.of(0x73, 0xe4, 0x20));
  await expect(readMigrations(findTool('sql'), directory.path, dialect)).rejects.toThrow(
    /1\.sql is not UTF-8/,
  );
});
