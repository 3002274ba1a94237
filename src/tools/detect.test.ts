import { join } from 'node:path';
import { expect, test } from 'vitest';
import { directoryWith } from '../../tests/migrating.ts';
import { UsageError } from '../errors.ts';
import { detectTool } from './detect.ts';

const PROJECTS: readonly (readonly [string, string, Readonly<Record<string, string>>])[] = [
  ['dbmate', 'db/migrations', { 'db/migrations/1_a.sql': '-- migrate:up\nselect 1;\n-- migrate:down' }],
  ['golang-migrate', 'migrations', { 'migrations/1_a.up.sql': '', 'migrations/1_a.down.sql': '' }],
  ['flyway', 'src/main/resources/db/migration', { 'src/main/resources/db/migration/V1__a.sql': '' }],
  ['prisma', 'prisma/migrations', { 'prisma/schema.prisma': '', 'prisma/migrations/1_a/migration.sql': '' }],
  ['drizzle', 'drizzle', { 'drizzle/meta/_journal.json': '{}', 'drizzle/0000_a.sql': '' }],
  ['sql', 'database/migrations', { 'database/migrations/1.sql': 'select 1' }],
  ['sql', '.', { '1.sql': 'select 1', '2.sql': 'select 2' }],
  ['sql', 'migrations', { 'schema.sql': 'create table a ()', 'migrations/1.sql': 'select 1' }],
];

test.each(PROJECTS)('%s is seen in %s', async (tool, directory, files) => {
  await using project = await directoryWith({
    ...files,
    'package.json': '{}',
    'node_modules/other/migrations/V1__theirs.sql': '',
    '.git/migrations/1_x.up.sql': '',
  });
  const found = await detectTool(project.path);
  expect(found.tool.name).toBe(tool);
  expect(found.directory).toBe(join(project.path, directory));
  expect(Object.keys(files).some((file) => found.because.includes(file))).toBe(true);
  expect((await detectTool(found.directory)).tool.name).toBe(tool);
});

test('Flyway reads the folders inside its location', async () => {
  await using project = await directoryWith({
    'db/migration/2025/V1__a.sql': '',
    'db/migration/2026/V2__b.sql': '',
  });
  expect((await detectTool(project.path)).directory).toBe(join(project.path, 'db/migration'));
});

test('two tools are a question to the user', async () => {
  await using project = await directoryWith({ 'a/V1__a.sql': '', 'b/1_a.up.sql': '' });
  await expect(detectTool(project.path)).rejects.toThrow(
    /golang-migrate in b .*flyway in a .*--tool golang-migrate or --tool flyway/s,
  );
});

test('two directories of one tool are a question to the user', async () => {
  await using project = await directoryWith({ 'a/V1__a.sql': '', 'b/V1__a.sql': '' });
  await expect(detectTool(project.path)).rejects.toThrow(/more than one migrations directory.*--migrations/s);
});

test('nothing found, and no directory, are usage errors', async () => {
  await using project = await directoryWith({ 'README.md': '' });
  await expect(detectTool(project.path)).rejects.toThrow(/no migrations are found/);
  await expect(detectTool(join(project.path, 'nowhere'))).rejects.toThrow(UsageError);
});
