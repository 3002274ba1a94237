/** The contract of the load's connections: values as they are, and every failure with its class. */
import { describe, expect, test } from 'vitest';
import type { CellValue, LoadConnectionOptions, LoadFailure, Session } from '../../src/engines/engine.ts';
import { reachableBytes } from '../heap.ts';
import { eventually, type TestServer } from '../server.ts';
import type { Fixture } from './fixtures.ts';

interface Loaded extends AsyncDisposable {
  readonly id: number;
  readonly session: Session;
  /** What the load was told: `failed` for each failure, `lost`. */
  readonly told: readonly string[];
  run(text: string, values?: readonly CellValue[], name?: string): Promise<LoadFailure | null>;
}

type Protocol = LoadConnectionOptions['protocol'];
const PROTOCOLS: readonly Protocol[] = ['prepared', 'unnamed', 'simple'];

export function loadConnectionsContract(given: () => TestServer, fixture: Fixture): void {
  const open = async (
    protocol: Protocol = 'prepared',
    { statementTimeoutMs = null, beside }: { statementTimeoutMs?: number | null; beside?: Session } = {},
  ): Promise<Loaded> => {
    const session = beside ?? (await given().session());
    const told: string[] = [];
    const onLost = () => void told.push('lost');
    const options = { applicationName: 'test load', statementTimeoutMs, protocol, onLost };
    const connection = await given().engine.connections.connectLoad(session.target, options);
    return {
      id: connection.id,
      session,
      told,
      run: (text, values = [], name = text) =>
        new Promise((resolve) => {
          connection.run({ name: name.slice(0, 60), text }, values, (failure) => {
            if (failure !== null) told.push('failed');
            resolve(failure);
          });
        }),
      async [Symbol.asyncDispose]() {
        await connection.close();
        if (beside === undefined) await session[Symbol.asyncDispose]();
      },
    };
  };
  const placeholders = (count: number) =>
    Array.from({ length: count }, (_, index) => given().engine.dialect.placeholder(index + 1)).join(', ');
  const isRunning = (watcher: Session, id: number) =>
    eventually('the statement runs', async () => (await watcher.query(fixture.running(id))).length > 0);

  test.each(PROTOCOLS)('%s: text, bytes and nulls arrive as they are', async (protocol) => {
    await using load = await open(protocol);
    await load.session.execute(
      `create table t (id int primary key, note varchar(99), doc ${fixture.types.bytes})`,
    );
    const notes = [`it's "\\n" ä 🐘 $2 ? \\`, '', null];
    const insert = `insert into t values (${placeholders(3)})`;
    for (const [id, note] of notes.entries())
      expect(await load.run(insert, [String(id), note, Buffer.from([id, 39, 92, 255])])).toBeNull();
    expect(await load.run(`select * from t where id = ${placeholders(1)}`, ['1'])).toBeNull();
    expect(await load.session.query('select id, note, doc from t order by id')).toEqual(
      notes.map((note, id) => ({ id, note, doc: Buffer.from([id, 39, 92, 255]) })),
    );
  });

  test.each(PROTOCOLS)(
    '%s: a failure is told with its class, and the next statement runs',
    async (protocol) => {
      await using load = await open(protocol, { statementTimeoutMs: 300 });
      await load.session.execute('create table t (id int primary key, note varchar(9) not null)');
      const insert = `insert into t values (${placeholders(2)})`;
      expect(await load.run(insert, ['1', 'a'])).toBeNull();
      const { codes } = fixture;
      for (const [text, values, code, outcome] of [
        [insert, ['1', 'a'], codes.unique, 'constraint violation'],
        [insert, ['2', null], codes.notNull, 'constraint violation'],
        ['select nope from t', [], codes.undefinedColumn, 'undefined object'],
        ['select * from nowhere', [], codes.undefinedTable, 'undefined object'],
        [fixture.endless, [], expect.any(String), 'statement timeout'],
      ] as const)
        expect(await load.run(text, values)).toMatchObject({ code, outcome });
      expect(await load.run('select * from t')).toBeNull();
    },
  );

  describe.each(PROTOCOLS)('%s', (protocol) => {
    test('the statement timeout is for whatever waits for a table, and its connection stays of use', async () => {
      await using load = await open(protocol, { statementTimeoutMs: 200 });
      await load.session.execute('create table t (id int primary key, n int)');
      await load.session.execute('insert into t values (1, 0)');
      const statements = [
        'select n from t',
        'select n from t where id = 1 for update',
        'update t set n = n + 1 where id = 1',
        'delete from t where id = 1',
        'insert into t values (2, 0)',
      ];
      // Those that are known wait when they are executed, those with another name when they are prepared.
      for (const text of statements.slice(0, 3)) expect(await load.run(text)).toBeNull();
      await load.session.execute(fixture.exclusive.take('t'));
      for (const text of statements) {
        const startMs = performance.now();
        expect(await load.run(text), text).toMatchObject({ outcome: 'statement timeout' });
        expect(performance.now() - startMs).toBeGreaterThan(199);
      }
      await load.session.execute(fixture.exclusive.release);
      for (const text of statements) expect(await load.run(text), text).toBeNull();
      expect(await load.session.query('select n from t order by id')).toEqual([{ n: 0 }]);
    });
  });

  test('what is stopped as it ends leaves the next statement alone', async () => {
    const limitMs = 100;
    await using load = await open('prepared', { statementTimeoutMs: limitMs });
    await load.session.execute('create table t (n int)');
    const outcomes = new Set<string | null>();
    for (let round = 0; round < 24; round += 1) {
      // From well before the limit to well behind the arrival of what ends it.
      const seconds = (limitMs + (round % 12) * 8 - 30) / 1000;
      const failure = await load.run(fixture.slowInsert('t', seconds), [], `insert ${round % 12}`);
      outcomes.add(failure?.outcome ?? null);
      for (let next = 0; next < 3; next += 1) {
        const startMs = performance.now();
        const failure = await load.run('select 1');
        // On a machine that is far too busy it has its own limit to meet.
        if (failure !== null) expect(performance.now() - startMs).toBeGreaterThanOrEqual(limitMs);
      }
    }
    expect([...outcomes].toSorted()).toEqual([null, 'statement timeout']);
  });

  test('a row that is locked for too long is a lock timeout', async () => {
    await using load = await open();
    await load.session.execute('create table t (id int primary key)');
    await load.session.execute('insert into t values (1)');
    await load.session.execute('begin');
    await load.session.query('select id from t where id = 1 for update');
    expect(await load.run(fixture.shortLockWaits, [], '')).toBeNull();
    expect(await load.run('delete from t where id = 1')).toMatchObject({ outcome: 'lock timeout' });
    await load.session.execute('rollback');
    expect(await load.run('delete from t where id = 1')).toBeNull();
  });

  test('of two transactions that lock each other out, one is told of the deadlock', async () => {
    await using one = await open();
    await using other = await open('prepared', { beside: one.session });
    await one.session.execute('create table t (id int primary key, n int)');
    await one.session.execute('insert into t values (1, 0), (2, 0)');
    const update = (load: Loaded, id: number) =>
      load.run(`update t set n = n + 1 where id = ${placeholders(1)}`, [String(id)]);
    for (const load of [one, other]) expect(await load.run('begin', [], '')).toBeNull();
    expect(await update(one, 1)).toBeNull();
    expect(await update(other, 2)).toBeNull();
    const waiting = update(one, 2);
    await isRunning(one.session, one.id);
    const outcomes = await Promise.all([waiting, update(other, 1)]);
    expect(outcomes.filter((failure) => failure === null)).toHaveLength(1);
    expect(outcomes.find((failure) => failure !== null)).toMatchObject({ outcome: 'deadlock' });
    for (const load of [one, other]) expect(await load.run('rollback', [], '')).toBeNull();
  });

  test('a transaction is visible to others when it is over', async () => {
    await using load = await open();
    await load.session.execute('create table t (id int primary key)');
    expect(await load.run('begin', [], '')).toBeNull();
    expect(await load.run(`insert into t values (${placeholders(1)})`, ['1'])).toBeNull();
    expect(await load.session.query('select id from t')).toEqual([]);
    expect(await load.run('commit', [], '')).toBeNull();
    expect(await load.session.query('select id from t')).toEqual([{ id: 1 }]);
  });

  test('a connection that is ended fails its statement first and is then lost, once', async () => {
    await using load = await open();
    const pending = load.run(fixture.endless);
    await isRunning(load.session, load.id);
    await load.session.execute(fixture.terminate(load.id));
    expect(await pending).toMatchObject({ outcome: 'connection lost' });
    await eventually('onLost', () => load.told.includes('lost'));
    expect(await load.run('select 1')).toMatchObject({ outcome: 'connection lost' });
    expect(load.told).toEqual(['failed', 'lost', 'failed']);
  });

  test('a connection keeps nothing of its statements', async () => {
    await using load = await open('prepared', { statementTimeoutMs: 60_000 });
    await load.session.execute('create table t (id int primary key, note varchar(99))');
    await load.session.execute("insert into t values (1, 'a')");
    const text = `select * from t where id = ${placeholders(1)}`;
    const growth: number[] = [];
    for (let stretch = 0; stretch < 3; stretch += 1) {
      const bytes = reachableBytes();
      for (let at = 0; at < 4000; at += 1) {
        const failure = await load.run(text, ['1']);
        if (failure !== null) throw new Error(failure.message);
      }
      growth.push(reachableBytes() - bytes);
    }
    // Code that is compiled on the way shows in one stretch; 100 bytes of each statement would show in all of them.
    expect(Math.min(...growth)).toBeLessThan(400_000);
  });

  test('an idle connection is lost too', async () => {
    await using load = await open();
    await load.session.execute(fixture.terminate(load.id));
    await eventually('onLost', () => load.told.includes('lost'));
  });
}
