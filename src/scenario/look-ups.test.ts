import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { UsageError } from '../errors.ts';
import {
  configuredEngines,
  type DetectTool,
  engineMeant,
  engineNamed,
  projectOf,
  sqlTexts,
  toolOf,
  topOf,
} from './look-ups.ts';

const known = {
  engines: [
    { name: 'postgres', flavors: ['postgres'] },
    { name: 'mysql', flavors: ['mysql', 'mariadb'] },
  ],
  provisioners: [],
  tools: [],
};

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'rehearse look '));
});
afterEach(() => rm(root, { recursive: true }));

async function write(path: string, text = ''): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
}

test('a flavor names its engine, and words of tools begin with a flavor', () => {
  expect(engineNamed('mariadb', known)).toEqual({ engine: 'mysql', flavor: 'mariadb' });
  expect(engineNamed('mysql', known)).toEqual({ engine: 'mysql', flavor: 'mysql' });
  expect(engineNamed('oracle', known)).toBeNull();
  expect(engineMeant('postgresql', known)).toEqual({ engine: 'postgres', flavor: 'postgres' });
  expect(engineMeant('mysql2', known)).toEqual({ engine: 'mysql', flavor: 'mysql' });
  expect(engineMeant('mongodb', known)).toBeNull();
});

test.each([
  ['.env', 'DATABASE_URL="mysql://root@localhost/shop"\nREDIS=redis://x', 'mysql'],
  ['db/migrations/migration_lock.toml', 'provider = "postgresql"', 'postgres'],
  ['db/migrations/meta/_journal.json', '{ "dialect": "mysql" }', 'mysql'],
  ['config/database.yml', 'default:\n  adapter: mysql2\n', 'mysql'],
  ['flyway.conf', 'flyway.url=jdbc:mariadb://localhost/shop', 'mariadb'],
  ['alembic.env', 'postgres://', null],
])('%s with %j tells the engine: %s', async (file, text, flavor) => {
  await write(file, text);
  const found = await configuredEngines(join(root, 'db/migrations'), root, known);
  expect(found.map((one) => one.flavor)).toEqual(flavor === null ? [] : [flavor]);
});

test('configuration that names two dialects gives both', async () => {
  await write('.env', 'A=mysql://x\nB=postgres://y\nC=postgres://z');
  const found = await configuredEngines(root, root, known);
  expect(found.map(({ flavor }) => flavor)).toEqual(['mysql', 'postgres']);
});

test('the texts are the schema and the .sql files below the migrations', async () => {
  await write('schema.sql', 'schema');
  await write('m/2/up.sql', 'two');
  await write('m/1.sql', 'one');
  await write('m/README.md', 'no');
  expect(await sqlTexts(join(root, 'schema.sql'), join(root, 'm'))).toEqual(['schema', 'one', 'two']);
  expect(await sqlTexts(null, join(root, 'absent'))).toEqual([]);
});

test('the project is the nearest folder that looks like one, else the base, else the folder above', async () => {
  await write('shop/package.json');
  await write('shop/db/migrations/1.sql');
  await write('plain/db/migrations/1.sql');
  const elsewhere = join(root, 'elsewhere');
  const marked = join(root, 'shop/db/migrations');
  const unmarked = join(root, 'plain/db/migrations');
  expect(await projectOf(marked, root)).toBe(join(root, 'shop'));
  expect(await projectOf(marked, elsewhere)).toBe(join(root, 'shop'));
  expect(await projectOf(unmarked, join(root, 'plain'))).toBe(join(root, 'plain'));
  expect(await projectOf(unmarked, elsewhere)).toBe(join(root, 'plain/db'));
});

test('files up to the base speak of the migrations, up to the project where they lie elsewhere', async () => {
  await write('shop/package.json');
  await write('shop/db/migrations/1.sql');
  expect(await topOf(join(root, 'shop/db/migrations'), root)).toBe(root);
  expect(await topOf(join(root, 'shop/db/migrations'), join(root, 'elsewhere'))).toBe(join(root, 'shop'));
});

test('the tool of a folder is told by what lies around it, unless that is of another folder', async () => {
  const migrations = join(root, 'db/migrations');
  const asked: string[] = [];
  const detect: DetectTool = async (directory) => {
    asked.push(directory);
    if (directory === root) throw new UsageError('two tools');
    if (directory === migrations) return { tool: { name: 'sql' }, directory, because: '1.sql' };
    return { tool: { name: 'flyway' }, directory: join(root, 'elsewhere'), because: 'V1__a.sql' };
  };
  expect((await toolOf(migrations, root, detect)).tool.name).toBe('sql');
  expect(asked).toEqual([root, join(root, 'db'), migrations]);
  const around: DetectTool = async (directory) =>
    directory === root
      ? { tool: { name: 'dbmate' }, directory: 'db/migrations', because: 'db/schema.sql' }
      : { tool: { name: 'sql' }, directory, because: '1.sql' };
  expect((await toolOf(migrations, root, around)).tool.name).toBe('dbmate');
});

test('migrations that lie deeper than the given folder are an error that names their folder', async () => {
  const detect: DetectTool = async () => ({
    tool: { name: 'prisma' },
    directory: join(root, 'prisma/migrations'),
    because: 'migration_lock.toml',
  });
  await expect(toolOf(root, root, detect)).rejects.toThrow(
    `the migrations of prisma (migration_lock.toml) are in "${root}/prisma/migrations": write that folder`,
  );
});
