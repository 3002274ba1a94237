import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BareServer, eventually, startBareServer } from '../../../../tests/server.ts';
import type { CellValue, LoadConnection, LoadFailure, Session } from '../../engine.ts';
import { postgres } from '../index.ts';

const { connections } = postgres;
let server: BareServer;

beforeAll(async () => {
  server = await startBareServer();
});
afterAll(() => server[Symbol.asyncDispose]());

interface Loaded extends AsyncDisposable {
  readonly session: Session;
  readonly connection: LoadConnection;
  readonly lost: () => number;
  run(text: string, values?: readonly CellValue[], name?: string): Promise<LoadFailure | null>;
}

async function open(
  protocol: 'prepared' | 'unnamed' | 'simple',
  statementTimeoutMs: number | null = null,
): Promise<Loaded> {
  const session = await server.session();
  let lost = 0;
  const connection = await connections.connectLoad(session.target, {
    applicationName: 'rehearse load',
    statementTimeoutMs,
    protocol,
    onLost: () => {
      lost += 1;
    },
  });
  return {
    session,
    connection,
    lost: () => lost,
    run: (text, values = [], name = text) =>
      new Promise((resolve) => {
        connection.run({ name: name.slice(0, 60), text }, values, resolve);
      }),
    async [Symbol.asyncDispose]() {
      await connection.close();
      await session[Symbol.asyncDispose]();
    },
  };
}

for (const protocol of ['prepared', 'unnamed', 'simple'] as const) {
  test(`${protocol}: text, bytes and nulls arrive as they are, and rows are dropped`, async () => {
    await using load = await open(protocol);
    await load.session.execute('create table t (id int, note text, doc bytea)');
    const insert = "insert into t values ($1, $2 || '$1', $3)";
    const values: [string, string | null][] = [
      ['1', `it's "\\n" ä 🐘 $2`],
      ['2', null],
    ];
    for (const [id, note] of values)
      expect(await load.run(insert, [id, note, Buffer.from([0, 39, 92])])).toBeNull();
    expect(await load.run('select * from t where id = $1', ['1'])).toBeNull();
    expect(await load.session.query("select id, note, encode(doc, 'hex') as doc from t order by id")).toEqual(
      [
        { id: 1, note: `it's "\\n" ä 🐘 $2$1`, doc: '00275c' },
        { id: 2, note: null, doc: '00275c' },
      ],
    );
  });

  test(`${protocol}: a failure is told with its class, and the next statement runs`, async () => {
    await using load = await open(protocol, 100);
    await load.session.execute('create table t (id int primary key)');
    expect(await load.run('insert into t values ($1)', ['1'])).toBeNull();
    expect(await load.run('insert into t values ($1)', ['1'])).toMatchObject({
      code: '23505',
      outcome: 'constraint violation',
    });
    expect(await load.run('select nope from t')).toMatchObject({
      code: '42703',
      outcome: 'undefined object',
    });
    expect(await load.run('select pg_sleep(60)')).toMatchObject({
      code: '57014',
      outcome: 'statement timeout',
    });
    expect(await load.run('select * from t where id = $1', ['7'])).toBeNull();
  });

  test(`${protocol}: a transaction holds its rows until it is over`, async () => {
    await using load = await open(protocol);
    await load.session.execute('create table t (id int)');
    expect(await load.run('begin', [], '')).toBeNull();
    expect(await load.run('insert into t values ($1)', ['1'])).toBeNull();
    expect(await load.session.query('select * from t')).toEqual([]);
    expect(await load.run('commit', [], '')).toBeNull();
    expect(await load.session.query('select * from t')).toEqual([{ id: 1 }]);
  });
}

test('prepared statements are parsed once, and meet a changed table as the application would', async () => {
  await using load = await open('prepared');
  await load.session.execute('create table t (id int); insert into t values (1)');
  expect(await load.run('select * from t', [], 'all')).toBeNull();
  expect(await load.run('select * from t', [], 'all')).toBeNull();
  await load.session.execute('alter table t add column note text');
  const failure = await load.run('select * from t', [], 'all');
  expect(failure).toMatchObject({ code: '0A000', outcome: 'cached plan changed' });

  await using unnamed = await open('unnamed');
  await unnamed.session.execute('create table t (id int)');
  expect(await unnamed.run('select * from t')).toBeNull();
  await unnamed.session.execute('alter table t add column note text');
  expect(await unnamed.run('select * from t')).toBeNull();
});

test('a statement that could not be parsed is parsed again', async () => {
  await using load = await open('prepared');
  expect(await load.run('select * from late')).toMatchObject({ outcome: 'undefined object' });
  await load.session.execute('create table late (id int)');
  expect(await load.run('select * from late')).toBeNull();
});

test('a terminated connection fails its statement first and is then lost, once', async () => {
  await using load = await open('prepared');
  const pending = load.run('select pg_sleep(60)').then((failure) => ({ failure, lost: load.lost() }));
  const { id } = load.connection;
  await eventually('the sleep', async () => {
    const rows = await load.session.query(
      "select from pg_stat_activity where pid = $1 and state = 'active'",
      [id],
    );
    return rows.length === 1;
  });
  await load.session.query('select pg_terminate_backend($1)', [id]);
  expect(await pending).toMatchObject({ failure: { code: '57P01', outcome: 'connection lost' }, lost: 0 });
  await eventually('onLost', () => load.lost() === 1);
  expect(await load.run('select 1')).toMatchObject({ outcome: 'connection lost' });
  expect(load.lost()).toBe(1);
});

test('an idle connection is lost too, and a closed one is not', async () => {
  await using idle = await open('prepared');
  await idle.session.query('select pg_terminate_backend($1)', [idle.connection.id]);
  await eventually('onLost', () => idle.lost() === 1);
  await using closed = await open('prepared');
  await closed.connection.close();
  expect(closed.lost()).toBe(0);
});
