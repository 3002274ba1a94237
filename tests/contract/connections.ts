/** The contract of sessions: URLs, errors, timeouts, cancelling. */
import { expect, test } from 'vitest';
import { SqlError } from '../../src/engines/engine.ts';
import { EnvironmentError, UsageError } from '../../src/errors.ts';
import { eventually, type TestServer } from '../server.ts';
import type { Fixture } from './fixtures.ts';

export function connectionsContract(given: () => TestServer, fixture: Fixture): void {
  const connect = (...args: Parameters<TestServer['engine']['connections']['connect']>) =>
    given().engine.connections.connect(...args);
  const isRunning = async (id: number) => {
    await using watcher = await given().connect('administrator');
    await eventually('the statement runs', async () => (await watcher.query(fixture.running(id))).length > 0);
  };

  test('a URL says where and as whom; a wrong one is refused without its password', () => {
    const { parseUrl } = given().engine.connections;
    expect(parseUrl(`${fixture.scheme}://me:s%40fe@db.example:1234/shop`)).toMatchObject({
      host: 'db.example',
      port: 1234,
      socket: null,
      user: 'me',
      password: 's@fe',
      database: 'shop',
      tls: false,
    });
    for (const url of [
      'http://me:hidden@h/d',
      `${fixture.scheme}://me:hidden@h`,
      `${fixture.scheme}://me:hidden@h:x/d`,
    ]) {
      const error = errorOf(() => parseUrl(url));
      expect(error).toBeInstanceOf(UsageError);
      expect(String(error)).not.toContain('hidden');
    }
  });

  test('a wrong password and a server that is not there are told with host, port and user', async () => {
    const { administrator } = given().roles;
    const options = { applicationName: 'test', connectTimeoutMs: 5_000 };
    const refused = await rejection(connect({ ...administrator, password: 'wrong-hidden' }, options));
    expect(refused).toBeInstanceOf(EnvironmentError);
    expect(String(refused)).toContain(administrator.user);
    expect(String(refused)).not.toContain('wrong-hidden');
    const nobody = { ...administrator, host: '127.0.0.1', port: 1, socket: null, password: 'wrong-hidden' };
    const unreachable = await rejection(connect(nobody, options));
    expect(unreachable).toBeInstanceOf(EnvironmentError);
    expect(String(unreachable)).toMatch(/127\.0\.0\.1.*\b1\b/);
    expect(String(unreachable)).not.toContain('wrong-hidden');
  });

  test('rows come by column name, values are bound, and the affected rows are told', async () => {
    await using session = await given().session();
    const { placeholder } = given().engine.dialect;
    await session.execute('create table t (id int primary key, note varchar(200))');
    const note = `it's "\\n" ä 🐘 ? $1 \\`;
    await session.query(`insert into t values (${placeholder(1)}, ${placeholder(2)})`, [1, note]);
    await session.query(`insert into t values (${placeholder(1)}, ${placeholder(2)})`, [2, null]);
    expect(await session.query('select id, note from t order by id')).toEqual([
      { id: 1, note },
      { id: 2, note: null },
    ]);
    expect(await session.execute("update t set note = concat('x', id)")).toEqual({ rows: 2 });
  });

  test('several statements in one message run in their order, up to the one that fails', async (context) => {
    const { multiStatementMessage } = given().engine.capabilities;
    if (multiStatementMessage !== true) context.skip(multiStatementMessage.missing);
    await using session = await given().session();
    await session.execute('create table t (id int primary key); insert into t values (1), (2)');
    const error = await rejection(session.execute('insert into t values (3); insert into t values (1)'));
    expect(error).toMatchObject({ code: fixture.codes.unique });
    expect((await session.query('select id from t where id < 3')).length).toBe(2);
  });

  test('an error of the server is told with its code and statement, and the session goes on', async () => {
    await using session = await given().session();
    for (const [statement, code] of [
      ['select * from nowhere', fixture.codes.undefinedTable],
      ['select nope from (select 1 as one) as t', fixture.codes.undefinedColumn],
    ] as const)
      for (const work of [() => session.query(statement), () => session.execute(statement)]) {
        const error = await rejection(work());
        expect(error).toBeInstanceOf(SqlError);
        expect(error).toMatchObject({ code, statement });
      }
    expect(await session.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('cancelling ends what runs, and nothing but that', async () => {
    await using session = await given().session();
    const running = rejection(session.query(fixture.endless));
    await isRunning(session.id);
    await session.cancel();
    expect(await running).toBeInstanceOf(SqlError);
    expect(await session.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('a session that is disposed of takes its statement with it', async () => {
    await using watcher = await given().connect('administrator');
    let ended: Promise<unknown>;
    let id = 0;
    {
      await using session = await given().session();
      id = session.id;
      ended = rejection(session.query(fixture.endless));
      await isRunning(id);
    }
    await ended;
    await eventually(
      'the statement is gone',
      async () => (await watcher.query(fixture.running(id))).length === 0,
    );
  });

  test.each([1000, 300])(
    'a lock timeout of %i ms gives up no earlier and says that it was one',
    async (lockTimeoutMs) => {
      const { dialect } = given().engine;
      await using holder = await given().session();
      await holder.execute('create table held (id int primary key)');
      await holder.execute('insert into held values (1)');
      await holder.execute('begin');
      await holder.query('select id from held where id = 1 for update');
      await using session = await connect(holder.target, { applicationName: 'test', lockTimeoutMs });
      for (const statement of ['alter table held add column more int', 'delete from held where id = 1']) {
        const sentMs = performance.now();
        const error = await rejection(session.execute(statement));
        expect(performance.now() - sentMs).toBeGreaterThanOrEqual(lockTimeoutMs - 1);
        expect(error).toBeInstanceOf(SqlError);
        if (!(error instanceof SqlError)) return;
        expect([statement, dialect.isLockTimeout(error.code)]).toEqual([statement, true]);
        expect(dialect.classify(error.code, error.message)).toBe('lock timeout');
      }
      await holder.execute('rollback');
      await session.execute('alter table held add column more int');
    },
  );

  test('a statement timeout ends the statement and leaves the session', async () => {
    const { dialect } = given().engine;
    const options = { applicationName: 'test', statementTimeoutMs: 300 };
    await using session = await connect(given().roles.administrator, options);
    const sentMs = performance.now();
    const error = await rejection(session.query(fixture.endless));
    expect(performance.now() - sentMs).toBeGreaterThanOrEqual(299);
    expect(error).toBeInstanceOf(SqlError);
    if (!(error instanceof SqlError)) return;
    expect(dialect.classify(error.code, error.message)).toBe('statement timeout');
    expect(await session.query('select 1 as one')).toEqual([{ one: 1 }]);
  });
}

function errorOf(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

/** What it rejects with; null when it does not. */
export function rejection(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => null,
    (error: unknown) => error,
  );
}
