/** The contract of ageing: pages are worn, rows and values are what they were, and nothing else was set off. */
import { expect, test } from 'vitest';
import type { Session } from '../../src/engines/engine.ts';
import { isMeasured } from '../../src/recording/figure.ts';
import { eventually, type TestServer } from '../server.ts';
import { createShop, load, shopRows } from './schemas.ts';

const WEAR = { updateShare: 0.3, deleteShare: 0.1, randomSeed: 42, onTable: () => undefined };
/** Full pages split and stay half full; of heavier wear InnoDB merges the pages again that it empties. */
const LIGHT = { updateShare: 0.05, deleteShare: 0.01 };

export function ageingContract(given: () => TestServer): void {
  const everything = async (session: Session, names: readonly string[]) => {
    const { schema, dialect } = given().engine;
    const tables = (await schema.describe(session)).filter(({ name }) => names.includes(name));
    const rows: unknown[] = [];
    for (const table of tables) {
      const key = (table.primaryKey.length > 0 ? table.primaryKey : table.columns.map(({ name }) => name))
        .map(dialect.quote)
        .join(', ');
      rows.push(await session.query(`select * from ${dialect.quoteName(table.parts)} order by ${key}`));
    }
    return rows;
  };

  test('rows and values are the same after ageing, and the tables are larger or hold dead rows', async () => {
    const { engine } = given();
    await using session = await given().session();
    await createShop(session);
    for (const each of shopRows(20_000)) await load(engine, session, each);
    const names = ['customers', 'orders', 'regions'];
    const before = await everything(session, names);
    const tables = await engine.schema.describe(session);
    const sizes = await engine.filling.sizes(session, tables);

    await using ageing = await engine.connections.connect(session.target, { applicationName: 'test ageing' });
    const aged = await engine.ageing.age({ session: ageing, tables, ...WEAR, ...LIGHT });

    // Before anybody reads the rows: reading takes dead ones away (Postgres prunes pages), as on a live system.
    const bloat = (await engine.ageing.bloat(session, tables)).get('orders');
    const dead = bloat !== undefined && isMeasured(bloat.deadRows) ? bloat.deadRows.lower : 0;
    // InnoDB's own statistics may lag behind an ANALYZE.
    await eventually('dead rows, or a larger table', async () => {
      const grown = (await engine.filling.sizes(session, tables)).get('orders') ?? 0;
      return dead > 0 || grown > (sizes.get('orders') ?? 0);
    });
    expect(await everything(session, names)).toEqual(before);
    const orders = aged.find(({ table }) => table === 'orders');
    expect(orders).toMatchObject({ notAged: null });
    // Random samples of 1000 and 200 rows; as far off as this would be no sample.
    expect(orders?.updatedRows).toBeGreaterThan(700);
    expect(orders?.reinsertedRows).toBeGreaterThan(100);
  });

  test('deletes set off no cascade, and a column that is set at each update keeps its value', async () => {
    const { engine } = given();
    await using session = await given().session();
    await session.execute('create table parents (id int primary key, name varchar(40) not null)');
    await session.execute(
      `create table children (
         id int primary key, parent_id int not null,
         changed timestamp default current_timestamp${engine.name === 'mysql' ? ' on update current_timestamp' : ''},
         foreign key (parent_id) references parents (id) on delete cascade
       )`,
    );
    const numbers = Array.from({ length: 500 }, (_, index) => String(index + 1));
    await load(engine, session, {
      table: 'parents',
      columns: ['id', 'name'],
      rows: numbers.map((n) => [n, `p${n}`]),
    });
    await load(engine, session, {
      table: 'children',
      columns: ['id', 'parent_id', 'changed'],
      rows: numbers.map((n) => [n, n, '2001-02-03 04:05:06']),
    });
    const before = await everything(session, ['parents', 'children']);
    const tables = await engine.schema.describe(session);
    await using ageing = await engine.connections.connect(session.target, { applicationName: 'test ageing' });
    const aged = await engine.ageing.age({ session: ageing, tables, ...WEAR });
    expect(aged.map(({ notAged }) => notAged)).toEqual([null, null]);
    expect(aged.every(({ reinsertedRows }) => reinsertedRows > 0)).toBe(true);
    expect(await everything(session, ['parents', 'children'])).toEqual(before);
  });

  test('tables without a primary key, without a row and with partitions keep their rows or say why', async () => {
    const { engine } = given();
    await using session = await given().session();
    await session.execute('create table keyless (a int, b varchar(20))');
    await session.execute('create table vacant (a int primary key)');
    const rows = Array.from({ length: 300 }, (_, index) => [String(index % 7), `v${index}`]);
    await load(engine, session, { table: 'keyless', columns: ['a', 'b'], rows });
    const before = await session.query('select a, b from keyless order by a, b');
    const tables = await engine.schema.describe(session);
    await using ageing = await engine.connections.connect(session.target, { applicationName: 'test ageing' });
    const aged = await engine.ageing.age({ session: ageing, tables, ...WEAR });
    expect(await session.query('select a, b from keyless order by a, b')).toEqual(before);
    for (const { notAged, updatedRows } of aged.filter(({ table }) => table === 'keyless'))
      expect(updatedRows > 0 || notAged !== null).toBe(true);
    expect(aged.find(({ table }) => table === 'vacant')).toMatchObject({ updatedRows: 0, reinsertedRows: 0 });
  });
}
