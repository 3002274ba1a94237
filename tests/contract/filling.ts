/** The contract of filling: what slows it goes and comes back just as it was, and rows are what was handed over. */
import { expect, test } from 'vitest';
import { type CellValue, type Session, SqlError } from '../../src/engines/engine.ts';
import { UsageError } from '../../src/errors.ts';
import { eventually, type TestServer } from '../server.ts';
import { rejection } from './connections.ts';
import type { Fixture } from './fixtures.ts';
import { createShop, describeTable, load, shopRows } from './schemas.ts';

export function fillingContract(given: () => TestServer, fixture: Fixture): void {
  const count = async (session: Session, name: string) =>
    given().engine.schema.countRows(session, await describeTable(given().engine, session, name));

  test('what is taken away while filling is put back as it was', async () => {
    const { engine } = given();
    await using session = await given().session();
    await createShop(session);
    const tables = await engine.schema.describe(session);
    const indexes = await session.query(fixture.indexes);
    const { restore } = await engine.filling.prepare(session, tables);
    expect(restore.length).toBeGreaterThan(0);
    expect((await session.query(fixture.indexes)).length).toBeLessThan(indexes.length);
    // Children first: nothing is held against its parent yet.
    for (const each of shopRows(200).toReversed()) await load(engine, session, each);
    for (const { statements } of restore.flat())
      for (const statement of statements) await session.execute(statement);
    expect(await session.query(fixture.indexes)).toEqual(indexes);
    const restored = await engine.schema.describe(session);
    expect(restored).toEqual(tables.map((table) => ({ ...table, hasRows: true })));
    for (const wrong of [
      'insert into orders (id, customer_id, quantity) values (9999, 9999, 1)',
      "insert into customers (id, email, credit) values (9999, 'c1@example.com', 1)",
      "insert into customers (id, email, credit) values (9999, 'new@example.com', -1)",
    ])
      expect([wrong, await rejection(session.execute(wrong))]).toEqual([wrong, expect.any(SqlError)]);
    const [doubled] = await session.query<{ doubled: number }>('select doubled from orders where id = 1');
    expect(doubled).toEqual({ doubled: 14 });
  });

  test('text, bytes and nulls are loaded as they are, however long', async () => {
    await using session = await given().session();
    const { bytes, longText } = fixture.types;
    await session.execute(`create table t (id int primary key, note ${longText}, doc ${bytes})`);
    const notes: readonly (string | null)[] = [
      ...['', '\\N', 'a\tb\nc\rd\\', `it's "quoted"`, 'ä 🐘', null, '\\.', 'null', '\\'],
      'long '.repeat(60_000),
    ];
    const doc = (index: number) => Buffer.from([index, 0, 9, 10, 13, 39, 92, 255]);
    const rows = notes.map((note, index) => [String(index), note, index === 1 ? null : doc(index)]);
    const loaded = await load(given().engine, session, { table: 't', columns: ['id', 'note', 'doc'], rows });
    expect(loaded).toBe(notes.length);
    expect(await session.query('select id, note, doc from t order by id')).toEqual(
      notes.map((note, id) => ({ id, note, doc: id === 1 ? null : doc(id) })),
    );
  });

  test('a value that the server refuses is named with table, row and column, and no row is there', async () => {
    await using session = await given().session();
    await session.execute('create table filled (id int primary key, amount int not null, note varchar(5))');
    const columns = ['id', 'amount', 'note'];
    const wrongs: readonly (readonly [CellValue[], string])[] = [
      [['2', 'x', 'b'], 'amount'],
      [['2', null, 'b'], 'amount'],
      [['2', '1', 'too long'], 'note'],
    ];
    for (const [wrong, column] of wrongs) {
      const rows = [['1', '1', 'a'], wrong, ['3', '1', 'c']];
      const error = await rejection(load(given().engine, session, { table: 'filled', columns, rows }));
      expect(error).toBeInstanceOf(UsageError);
      expect(String(error)).toMatch(/table "filled" cannot be filled at row 2/);
      expect(String(error)).toMatch(new RegExp(`data\\.tables\\."?filled"?\\.columns\\."?${column}\\b`));
      expect(await count(session, 'filled')).toBe(0);
    }
    const twice = [
      ['1', '1', 'a'],
      ['1', '1', 'b'],
    ];
    const error = await rejection(load(given().engine, session, { table: 'filled', columns, rows: twice }));
    expect(error).toBeInstanceOf(UsageError);
    expect(String(error)).toContain('table "filled"');
    expect(await count(session, 'filled')).toBe(0);
  });

  test('an error of the rows goes through as it is, and an abort ends the load with its reason', async () => {
    await using session = await given().session();
    await session.execute('create table t (id int primary key, note varchar(200))');
    const columns = ['id', 'note'];
    function* broken(): Iterable<readonly CellValue[]> {
      yield ['1', 'a'];
      throw new Error('the generator failed');
    }
    const error = await rejection(load(given().engine, session, { table: 't', columns, rows: broken() }));
    expect(error).toMatchObject({ message: 'the generator failed' });
    const stop = new AbortController();
    let pulled = 0;
    function* endless(): Iterable<readonly CellValue[]> {
      for (;;) {
        pulled += 1;
        yield [String(pulled), 'x'.repeat(150)];
      }
    }
    const loading = rejection(
      load(given().engine, session, { table: 't', columns, rows: endless() }, stop.signal),
    );
    await eventually('rows are pulled', () => pulled > 20_000);
    stop.abort(new Error('enough'));
    expect(await loading).toMatchObject({ message: 'enough' });
    await eventually('the server has let go', async () => (await count(session, 't')) === 0);
    await session.execute('drop table t');
  });

  test('counters go past the loaded rows', async () => {
    const { engine } = given();
    await using session = await given().session();
    await session.execute(`create table counted (id ${fixture.types.counter}, note varchar(9))`);
    const rows = Array.from({ length: 50 }, (_, index) => [String(index + 1), 'a']);
    await load(engine, session, { table: 'counted', columns: ['id', 'note'], rows });
    await engine.filling.advanceCounters(session, [await describeTable(engine, session, 'counted')]);
    await session.execute("insert into counted (note) values ('new')");
    expect(await session.query("select id from counted where note = 'new' and id > 50")).toHaveLength(1);
  });

  test('a settled table has its size, and one with rows is larger than one without', async () => {
    const { engine } = given();
    await using session = await given().session();
    await session.execute('create table empty_one (id int primary key, note varchar(200))');
    await session.execute('create table full_one (id int primary key, note varchar(200))');
    const rows = Array.from({ length: 20_000 }, (_, index) => [String(index), 'x'.repeat(150)]);
    await load(engine, session, { table: 'full_one', columns: ['id', 'note'], rows });
    const tables = await engine.schema.describe(session);
    await engine.filling.settle(session, tables);
    const sizes = await engine.filling.sizes(session, tables);
    expect([...sizes.keys()].sort()).toEqual(['empty_one', 'full_one']);
    expect(sizes.get('full_one')).toBeGreaterThan(20_000 * 150);
    expect(sizes.get('full_one')).toBeGreaterThan((sizes.get('empty_one') ?? Number.NaN) + 2_000_000);
  });
}
