/** The contract of the schema: tables as they are, statements as the server understands them, live keys. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Session, SqlError, type TableDescription } from '../../src/engines/engine.ts';
import type { TestServer } from '../server.ts';
import { rejection } from './connections.ts';
import type { Fixture } from './fixtures.ts';
import { createShop, describeTable, load, shopRows } from './schemas.ts';

const ROWS = 500;

export function schemaContract(given: () => TestServer, fixture: Fixture): void {
  let session: Session;
  beforeAll(async () => {
    session = await given().session();
    await createShop(session);
    for (const each of shopRows(ROWS)) await load(given().engine, session, each);
  });
  afterAll(() => session?.[Symbol.asyncDispose]());

  const table = (name: string): Promise<TableDescription> => describeTable(given().engine, session, name);

  test('tables are described with their keys, checks and references', async () => {
    const tables = await given().engine.schema.describe(session);
    expect(tables.map(({ name, hasRows }) => [name, hasRows])).toEqual([
      ['customers', true],
      ['orders', true],
      ['regions', true],
    ]);
    const [customers, orders, regions] = tables;
    expect(customers).toMatchObject({ primaryKey: ['id'], uniques: [['email']], partitioning: 'none' });
    expect(customers?.checks.map(({ name }) => name)).toEqual(['credit_not_negative']);
    expect(customers?.checks[0]?.expression).toMatch(/credit.*>= .?0/);
    expect(regions?.primaryKey).toEqual(['country', 'code']);
    expect(orders?.foreignKeys.toSorted((one, other) => (one.name < other.name ? -1 : 1))).toEqual([
      {
        name: 'orders_customer',
        columns: ['customer_id'],
        references: 'customers',
        referencedColumns: ['id'],
      },
      {
        name: 'orders_region',
        columns: ['country', 'region'],
        references: 'regions',
        referencedColumns: ['country', 'code'],
      },
    ]);
  });

  test('columns are described with their kind, size, default and who fills them', async () => {
    const facts = (await table('customers')).columns.map(({ name, nullable, type }) => [
      ...[name, type.kind, nullable, type.maxLength],
      ...(type.kind === 'decimal' ? [type.precision, type.scale] : []),
    ]);
    expect(facts).toEqual([
      ['id', 'integer', false, null],
      ['email', 'text', false, 120],
      ['name', 'text', true, 60],
      ['credit', 'decimal', false, null, 10, 2],
      ['born', 'date', true, null],
    ]);
    expect((await table('customers')).columns[2]?.defaultExpression).toContain("'nobody'");
    const generated = (await table('orders')).columns.filter((column) => column.generated !== 'no');
    expect(generated.map((column) => [column.name, column.generated])).toEqual([['doubled', 'stored']]);
  });

  const inspections: readonly [statement: string, what: string, parameters: readonly string[]][] = [
    ['select * from orders where id = ?', 'read orders', ['equality orders.id']],
    [
      'select * from orders where customer_id > ? and customer_id <= ? order by id limit 10',
      'read orders',
      ['range orders.customer_id', 'range orders.customer_id'],
    ],
    [
      'select o.id from orders o join customers c on c.id = o.customer_id where c.email = ? limit ?',
      'read customers,orders',
      ['equality customers.email', 'limit'],
    ],
    [
      'insert into orders (id, customer_id, quantity) values (?, ?, ?)',
      'write orders',
      ['inserted orders.id', 'inserted orders.customer_id', 'inserted orders.quantity'],
    ],
    ['update orders set note = ? where id = ?', 'write orders', ['set orders.note', 'equality orders.id']],
    ['delete from orders where id = ?', 'write orders', ['equality orders.id']],
    ['select id from orders where id = ? for update', 'write orders', ['equality orders.id']],
    ['select 1', 'read ', []],
  ];
  test.each(inspections)('the server says of: %s', async (statement, what, parameters) => {
    const found = await given().engine.schema.inspect(session, placed(statement));
    expect(`${found.kind} ${found.tables.join(',')}`).toBe(what);
    expect(
      found.parameters.map(({ role, column }) =>
        [role, ...(column === null ? [] : [`${column.table}.${column.column}`])].join(' '),
      ),
    ).toEqual(parameters);
    expect(found.fullScans).toEqual([]);
  });

  test('each value of a list is compared with the column', async () => {
    const { parameters } = await given().engine.schema.inspect(
      session,
      placed('select * from orders where id in (?, ?, ?)'),
    );
    expect(parameters.map(({ column, role }) => [column?.column, role])).toEqual(
      Array(3).fill(['id', 'equality']),
    );
  });

  test('a table without a fitting index is read from end to end', async () => {
    const found = await given().engine.schema.inspect(session, placed('select * from orders where note = ?'));
    expect(found.fullScans).toEqual(['orders']);
  });

  test('inspecting changes nothing, and what the server refuses is told with its code and statement', async () => {
    const { schema } = given().engine;
    await schema.inspect(session, placed('delete from orders where id > ?'));
    expect(await schema.countRows(session, await table('orders'))).toBe(ROWS);
    const statement = 'select nope from orders';
    const error = await rejection(schema.inspect(session, statement));
    expect(error).toBeInstanceOf(SqlError);
    expect(error).toMatchObject({ code: fixture.codes.undefinedColumn, statement });
    expect(await session.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('sampled keys are live, spread over the table, and the same each time', async () => {
    const { sampleKeys } = given().engine.schema;
    const orders = await table('orders');
    const keys = await sampleKeys(session, orders, 'id', 10);
    expect(keys).toHaveLength(10);
    expect(keys.every((key) => Number(key) >= 1 && Number(key) <= ROWS)).toBe(true);
    expect(Number(keys.at(-1))).toBeGreaterThan(ROWS * 0.8);
    expect(await sampleKeys(session, orders, 'id', 10)).toEqual(keys);
    const expression = { text: 'o.id + 1', alias: 'o' };
    expect(await sampleKeys(session, orders, expression, 5 * ROWS)).toHaveLength(ROWS);
    expect(new Set(await sampleKeys(session, orders, 'note', 5 * ROWS)).size).toBe(ROWS);
  });

  test('sampled rows hold what one live row holds, are spread over the table, and the same each time', async () => {
    const { sampleRows, sampleKeys } = given().engine.schema;
    const orders = await table('orders');
    const keys = ['customer_id', 'id', { text: 'o.id + 1', alias: 'o' }];
    const rows = await sampleRows(session, orders, keys, 50);
    expect(rows).toHaveLength(50);
    expect(await sampleRows(session, orders, keys, 50)).toEqual(rows);
    for (const [customer, id, next] of rows.slice(0, 5)) {
      const live = await session.query(
        placed('select 1 as one from orders where customer_id = ? and id = ?'),
        [customer ?? null, id ?? null],
      );
      expect([live.length, next]).toEqual([1, String(Number(id) + 1)]);
    }
    // As often as in the table, not each pair once; rows without one of the values have no place.
    const regions = await sampleRows(session, orders, ['country', 'region'], 5 * ROWS);
    expect(regions.length).toBeGreaterThan((await sampleKeys(session, orders, 'region', 5 * ROWS)).length);
    expect(regions.flat()).not.toContain(null);
    const never = { text: 'nullif(o.id, o.id)', alias: 'o' };
    const without = await sampleRows(session, orders, ['id', never], 50);
    expect(without).toHaveLength(50);
    expect(without.every(([id, none]) => id !== null && none === null)).toBe(true);
  });

  /** `?` as the engine writes the n-th placeholder. */
  function placed(statement: string): string {
    let position = 0;
    return statement.replace(/\?/g, () => given().engine.dialect.placeholder(++position));
  }
}
