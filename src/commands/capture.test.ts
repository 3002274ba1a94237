/** The command as a user calls it, against a real server; what is read of it has tests beside each engine. */
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rehearse } from '../../tests/command.ts';
import { startBareServer } from '../../tests/server.ts';
import type { ConnectionTarget } from '../engines/engine.ts';
import { exitCodeOf, explain } from '../errors.ts';
import { profileFrom, readProfile } from '../profile/read.ts';
import { capture as captureCommand } from './capture.ts';

const PASSWORD = 'do-not-print-me';
const FROM_ENVIRONMENT = `\${PRODUCTION_URL}`;

let folder: string;
let server: Awaited<ReturnType<typeof startBareServer>>;
let target: ConnectionTarget;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rehearse capture '));
  server = await startBareServer();
  await using session = await server.session();
  await session.execute(
    `create table orders (id int primary key, note text);
    insert into orders select i, 'zanzibar ' || i % 10 from generate_series(1, 1000) i;
    analyze orders;
    create role reader login superuser password '${PASSWORD}'`,
  );
  target = { ...session.target, user: 'reader', password: PASSWORD };
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

function urlTo({ user, password, host, port, socket, database }: ConnectionTarget): string {
  const at = socket === null ? `${host}:${port}` : '';
  const where = socket === null ? '' : `?host=${encodeURIComponent(socket)}&port=${port}`;
  return `postgres://${user}:${password}@${at}/${database}${where}`;
}

function capture(args: readonly string[]) {
  return rehearse(['capture', ...args], { cwd: folder, env: { PRODUCTION_URL: urlTo(target) } });
}

test('writes a profile that its owner alone may read, says what is in it, and prints no password', async () => {
  const { exitCode, stdout, stderr } = await capture(['--url', FROM_ENVIRONMENT]);
  expect(stderr).toMatch(/wrote production\.json, readable by you alone: 1 table, 1,000 rows/);
  expect(stderr).toMatch(/statements: .*pg_stat_statements/);
  expect(stderr).not.toContain(PASSWORD);
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
  const file = join(folder, 'production.json');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const profile = await readProfile(file);
  expect(profile.tables.map(({ name, rows }) => ({ name, rows }))).toEqual([{ name: 'orders', rows: 1000 }]);
  expect(profile.serverVersion).toMatch(/^\d+\.\d+$/);
  await rm(file);
});

test('prints the profile alone on stdout when asked to', async () => {
  const { exitCode, stdout } = await capture([
    '--url',
    FROM_ENVIRONMENT,
    '--out',
    '-',
    '--values',
    '--no-statements',
  ]);
  expect(exitCode).toBe(0);
  const [table] = profileFrom(stdout, 'stdout').tables;
  expect(table?.columns.find(({ name }) => name === 'note')?.values).toHaveLength(10);
  expect(await readdir(folder)).toEqual([]);
});

const troubles: readonly {
  readonly what: string;
  readonly args: readonly string[];
  readonly env?: () => Readonly<Record<string, string>>;
  readonly exitCode: 2 | 3;
  readonly says: RegExp;
}[] = [
  { what: 'no URL', args: [], exitCode: 2, says: /--url is missing: .*See rehearse capture --help/ },
  {
    what: 'a name that the environment has not',
    args: ['--url', `\${NOWHERE_URL}`],
    exitCode: 2,
    says: /the environment has no NOWHERE_URL/,
  },
  {
    what: 'a URL of no engine',
    args: ['--url', `oracle://me:${PASSWORD}@host/db`],
    exitCode: 2,
    says: /"oracle:\/\/" is no engine that is known: write one of postgres, mysql, mariadb/,
  },
  {
    what: 'a folder that is not there',
    args: ['--url', FROM_ENVIRONMENT, '--out', 'nowhere/production.json'],
    exitCode: 2,
    says: /--out: ".*nowhere" is no folder that can be written to/,
  },
  {
    what: 'a wrong unit',
    args: ['--url', FROM_ENVIRONMENT, '--statement-timeout', '30'],
    exitCode: 2,
    says: /--statement-timeout: "30" is a duration without a unit/,
  },
  {
    what: 'a server that is not there',
    args: ['--url', `postgres://me:${PASSWORD}@127.0.0.1:1/shop`],
    exitCode: 3,
    says: /cannot connect to Postgres at 127\.0\.0\.1:1 as user "me", database "shop".*Nothing listens there/s,
  },
  {
    what: 'a wrong password',
    args: ['--url', FROM_ENVIRONMENT],
    env: () => ({ PRODUCTION_URL: urlTo({ ...target, user: 'nobody_here' }) }),
    exitCode: 3,
    says: /as user "nobody_here".*(?:password|role)/s,
  },
  {
    what: 'a database without a table',
    args: ['--url', FROM_ENVIRONMENT],
    env: () => ({ PRODUCTION_URL: urlTo({ ...target, database: 'postgres' }) }),
    exitCode: 3,
    says: /database "postgres" has no table: name the database of the application/,
  },
  {
    what: 'a schema that is not there',
    args: ['--url', FROM_ENVIRONMENT, '--schema', 'bilng'],
    exitCode: 3,
    says: /has no schema "bilng": it has public/,
  },
];

test.for(troubles)(
  '$what is told in one message, and nothing is written',
  async ({ args, env, exitCode, says }) => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const environment = { PRODUCTION_URL: urlTo(target), ...env?.() };
    const signal = new AbortController().signal;
    const error: unknown = await captureCommand
      .run(args, { stdout, stderr, env: environment, cwd: folder, signal })
      .then(
        () => null,
        (caught: unknown) => caught,
      );
    const said = `${String(stderr.read() ?? '')}${explain(error)}`;
    expect(said).toMatch(says);
    expect(said).not.toContain(PASSWORD);
    expect(said).not.toMatch(/^\s+at /m);
    expect({ exitCode: exitCodeOf(error), printed: stdout.read() }).toEqual({ exitCode, printed: null });
    expect(await readdir(folder)).toEqual([]);
  },
);
