import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BareServer, eventually, startBareServer } from '../../../../tests/server.ts';
import { EnvironmentError } from '../../../errors.ts';
import { type Session, SqlError } from '../../engine.ts';
import { postgres } from '../index.ts';

const { connections } = postgres;
let server: BareServer;

beforeAll(async () => {
  server = await startBareServer();
});
afterAll(() => server[Symbol.asyncDispose]());

async function errorOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => null,
    (error: unknown) => error,
  );
}

async function sqlErrorOf(work: Promise<unknown>): Promise<SqlError> {
  const error = await errorOf(work);
  if (!(error instanceof SqlError)) throw new Error(`no SqlError but ${error}`);
  return error;
}

test('a session binds values, tells affected rows and has its limits and its name set', async () => {
  await using base = await server.session();
  await using session = await connections.connect(base.target, {
    applicationName: 'my name',
    statementTimeoutMs: 4321,
    lockTimeoutMs: 250,
  });
  const [row] = await session.query(
    `select $1::int + 1 as sum, current_setting('application_name') as name, pg_backend_pid() as pid,
       current_setting('statement_timeout') as statement, current_setting('lock_timeout') as lock`,
    [41],
  );
  expect(row).toEqual({ sum: 42, name: 'my name', statement: '4321ms', lock: '250ms', pid: session.id });
  expect(await session.execute('create table t (a int)')).toEqual({ rows: null });
  expect(await session.execute('insert into t values (1); insert into t values (2), (3)')).toEqual({
    rows: 2,
  });
});

test('a session of prepared statements gives what another one gives, at each call, also after errors', async () => {
  await using base = await server.session();
  await base.execute('create table t (a int primary key, b text)');
  const options = { applicationName: 'prepared' };
  await using prepared = await connections.connect(base.target, { ...options, prepared: true });
  const statements: readonly (readonly [string, readonly unknown[]])[] = [
    [
      `select 1::int8 as a, 1.5::float8 as b, 2.50::numeric as c, now() = now() as d, null::int as e, '{1,2}'::int[] as f,
        '{"x": [1]}'::jsonb as g, '2026-01-02 03:04:05+00'::timestamptz as h, 'ä''"'::text as i, 7::oid as j, '\\x00ff'::bytea as k`,
      [],
    ],
    [
      'select $1::int + 1 as next, $2::text as word, $3::bool as flag, $4::text as none',
      [41, 'wörd', true, null],
    ],
    ['select a, count(*) from generate_series(1, $1::int) as a group by a order by a', [300]],
    ['select a from t where a = $1', [5]],
    ["insert into t values ($1, 'x') on conflict do nothing", [1]],
    ['select array_length($1::int[], 1) as n', [[1, 2, 3]]],
  ];
  for (const round of [1, 2, 3])
    for (const [text, values] of statements)
      expect([round, await prepared.query(text, values)]).toEqual([round, await base.query(text, values)]);
  expect((await sqlErrorOf(prepared.query('select nothing from t'))).code).toBe('42703');
  for (const value of ['x', 'y', 3])
    expect(
      await prepared.query('select $1::int as n', [value]).catch((error: SqlError) => error.code),
    ).toEqual(value === 3 ? [{ n: 3 }] : '22P02');
  expect((await sqlErrorOf(prepared.query('select nothing from t'))).code).toBe('42703');
  const [kept] = await prepared.query('select count(*)::int as n from pg_prepared_statements');
  expect(kept).toEqual({ n: statements.length + 1 });
  const overlapping = [1, 2, 3].map((value) => prepared.query('select $1::int as n', [value]));
  expect((await Promise.all(overlapping)).flat()).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
});

test('COPY data that stands in the text, as in a dump, is loaded', async () => {
  await using session = await server.session();
  const [create, copy] = postgres.dialect.split(
    'create table t (a int, b text);\nCOPY t FROM stdin;\n1\ta;b\n2\t\\N\n\\.\n',
  );
  await session.execute(create?.text ?? '');
  expect(await session.execute(copy?.text ?? '')).toEqual({ rows: 2 });
  expect(await session.query('select * from t order by a')).toEqual([
    { a: 1, b: 'a;b' },
    { a: 2, b: null },
  ]);
  const refused = await sqlErrorOf(session.execute('copy t from stdin;\nx\ty\n\\.'));
  expect(refused.code).toBe('22P02');
  expect(await session.query('select 1 as one')).toEqual([{ one: 1 }]);
});

test('a failed statement says SQLSTATE, position and statement', async () => {
  await using session = await server.session();
  const error = await sqlErrorOf(session.query('select nope from pg_class'));
  expect(error).toMatchObject({ code: '42703', position: 8, statement: 'select nope from pg_class' });
});

test('calls that overlap run in the order in which they were made', async () => {
  await using session = await server.session();
  await session.execute('create table t (a serial, b int)');
  await Promise.all([1, 2, 3].map((b) => session.query('insert into t (b) values ($1)', [b])));
  expect(await session.query('select a, b from t order by a')).toEqual([1, 2, 3].map((a) => ({ a, b: a })));
});

test('cancel ends what the session is running, and the session lives on', async () => {
  await using session = await server.session();
  await using other = await connections.connect(session.target, { applicationName: 'other' });
  const sleeping = sqlErrorOf(session.execute('select pg_sleep(60)'));
  await eventually('the sleep', () => isRunning(other, session.id));
  await session.cancel();
  expect((await sleeping).code).toBe('57014');
  expect(await session.query('select 1 as one')).toEqual([{ one: 1 }]);
});

async function isRunning(observer: Session, pid: number): Promise<boolean> {
  const rows = await observer.query("select from pg_stat_activity where pid = $1 and state = 'active'", [
    pid,
  ]);
  return rows.length === 1;
}

test('a session that the server ends rejects pending and later work, and the process lives on', async () => {
  await using session = await server.session();
  await using idle = await connections.connect(session.target, { applicationName: 'idle' });
  await using other = await connections.connect(session.target, { applicationName: 'other' });
  const pending = sqlErrorOf(session.execute('select pg_sleep(60)'));
  const queued = sqlErrorOf(session.query('select 1'));
  await eventually('the sleep', () => isRunning(other, session.id));
  await other.query('select pg_terminate_backend($1), pg_terminate_backend($2)', [session.id, idle.id]);
  expect((await pending).code).toBe('57P01');
  expect(postgres.dialect.classify((await queued).code, (await queued).message)).toBe('connection lost');
  expect((await sqlErrorOf(idle.query('select 1'))).message).not.toBe('');
});

test('leaving a busy session ends its statement on the server', async () => {
  await using other = await server.session();
  let running: Promise<SqlError>;
  {
    await using session = await connections.connect(other.target, { applicationName: 'busy' });
    running = sqlErrorOf(session.execute('select pg_sleep(60)'));
    await eventually('the sleep', () => isRunning(other, session.id));
  }
  await running;
  await eventually('the end of the statement', async () => {
    const rows = await other.query("select from pg_stat_activity where application_name = 'busy'");
    return rows.length === 0;
  });
});

test('who cannot connect is told where, as whom and what to do, and no password', async () => {
  const { administrator } = server.server;
  const options = { applicationName: 'nobody' };
  const cases = [
    [{ database: 'nowhere' }, /"nowhere" does not exist\. .*or create it/],
    [{ password: 'wrong-secret' }, /password authentication failed.*Correct the user or the password/],
    [{ socket: null, host: '127.0.0.1', port: 1 }, /127\.0\.0\.1:1 .*ECONNREFUSED.*start the server/],
    [{ socket: '/nowhere' }, /\/nowhere \(socket.*no such socket/],
    [{ socket: null, host: '127.0.0.1', tls: true }, /SSL.*sslmode=disable/],
  ] as const;
  for (const [changed, message] of cases) {
    const error = await errorOf(connections.connect({ ...administrator, ...changed }, options));
    expect(error).toBeInstanceOf(EnvironmentError);
    expect(String(error)).toMatch(message);
    expect(String(error)).not.toMatch(/wrong-secret/);
  }
});

test('connecting stops when it is aborted', async () => {
  const reason = new Error('enough');
  const aborted = connections.connect(
    server.server.administrator,
    { applicationName: 'x' },
    AbortSignal.abort(reason),
  );
  expect(await errorOf(aborted)).toBe(reason);
});

test('each role can do its part and no more, also when the roles are made again', async () => {
  await using administrator = await server.session();
  const database = 'shop "north"';
  const first = await connections.createRoles(administrator, database);
  const roles = await connections.createRoles(administrator, database);
  const open = (target: typeof roles.load) => connections.connect(target, { applicationName: 'role' });
  {
    await using migrator = await open(roles.migrator);
    await migrator.execute(
      'create schema app; create table app.t (id serial primary key); create table t (a int)',
    );
    await migrator.execute('create function app.one() returns int language sql as $$ select 1 $$');
    await using load = await open(roles.load);
    await load.execute(
      'insert into app.t default values; insert into t values (1); update t set a = app.one()',
    );
    expect((await sqlErrorOf(load.execute('drop table t'))).code).toBe('42501');
    expect(await load.query('show deadlock_timeout')).toEqual([{ deadlock_timeout: '10ms' }]);
    await using drill = await open(roles.drill);
    expect(await drill.query('select a from t for update')).toEqual([{ a: 1 }]);
    await using observer = await open(roles.observer);
    expect(observer.target.database).not.toBe(database);
    const seen = await observer.query('select query from pg_stat_activity where pid = $1', [drill.id]);
    expect(seen).toEqual([{ query: 'select a from t for update' }]);
    await using inside = await open(roles.observerInside);
    expect((await sqlErrorOf(inside.query('select * from t'))).code).toBe('42501');
  }
  expect(roles.administrator.database).toBe(database);
  expect(String(await errorOf(open(first.load)))).toMatch(/password authentication failed/);

  await connections.dropRoles(administrator, database);
  await connections.dropRoles(administrator, database);
  expect(await administrator.query("select rolname from pg_roles where rolname ~ '^rehearse_'")).toEqual([]);
  await using after = await open(roles.administrator);
  expect(await after.query('select * from app.t')).toEqual([{ id: 1 }]);
});

test('without a superuser the administrator itself migrates', async () => {
  await using superuser = await server.session();
  await superuser.execute("create role boss login createdb createrole password 'boss'");
  await superuser.execute('grant pg_monitor, pg_read_all_stats to boss with admin option');
  const target = { ...superuser.target, user: 'boss', password: 'boss' };
  await using boss = await connections.connect(target, { applicationName: 'boss' });
  const roles = await connections.createRoles(boss, 'managed');
  expect(roles.migrator).toEqual({ ...target, database: 'managed' });
  await using migrator = await connections.connect(roles.migrator, { applicationName: 'migrator' });
  await migrator.execute('create table t (id serial)');
  await using load = await connections.connect(roles.load, { applicationName: 'load' });
  expect(await load.execute('insert into t default values')).toEqual({ rows: 1 });
});
