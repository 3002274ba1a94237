import { expect, test } from 'vitest';
import { dataPlan, generatorSpec, table, tableSpec } from '../../tests/tables.ts';
import { estimateBytes } from './estimate.ts';
import { fillingOrder, planRows } from './plan.ts';

const id = { columns: { id: 'int4' }, primaryKey: ['id'] };
const customers = table('customers', id);
const statuses = table('order_statuses', id);
const orders = table('orders', {
  columns: { id: 'int4', customer_id: 'int4', status_id: 'int4' },
  primaryKey: ['id'],
  foreignKeys: ['customer_id -> customers(id)', 'status_id -> order_statuses(id)'],
});
const items = table('items', {
  columns: { order_id: 'int4', line: 'int4' },
  primaryKey: ['order_id', 'line'],
  foreignKeys: ['order_id -> orders(id)'],
});
const details = table('details', {
  columns: { order_id: 'int4' },
  primaryKey: ['order_id'],
  foreignKeys: ['order_id -> orders(id)'],
});
const shop = [customers, details, items, statuses, orders];

test('parents have a tenth of the rows of their children, lookup tables twenty, one-to-one tables as many', () => {
  expect(Object.fromEntries(planRows(shop, dataPlan(1_000_000)))).toEqual({
    customers: 10_000,
    order_statuses: 20,
    orders: 100_000,
    items: 1_000_000,
    details: 100_000,
  });
});

test('rows that the scenario gives win', () => {
  const planned = planRows(shop, dataPlan(1000, { customers: { rows: 7 }, items: { rows: 50 } }));
  expect([planned.get('customers'), planned.get('orders'), planned.get('items')]).toEqual([7, 100, 50]);
});

test('without a number of rows the largest table that the scenario names is the measure', () => {
  const planned = planRows(shop, dataPlan(null, { items: { rows: 5000 } }));
  expect([planned.get('items'), planned.get('orders')]).toEqual([5000, 500]);
});

test('a table that joins two others has at most half of all pairs', () => {
  const joins = table('joins', {
    columns: { a: 'int4', b: 'int4' },
    primaryKey: ['a', 'b'],
    foreignKeys: ['a -> customers(id)', 'b -> order_statuses(id)'],
  });
  const tables = [customers, statuses, joins];
  expect(planRows(tables, dataPlan(100_000, { customers: { rows: 50 } })).get('joins')).toBe(500);
});

test('a table that joins one whose rows are there already counts those that there are', () => {
  const joins = table('joins', {
    columns: { a: 'int4', b: 'int4' },
    primaryKey: ['a', 'b'],
    foreignKeys: ['a -> customers(id)', 'b -> order_statuses(id)'],
  });
  const tables = [customers, { ...statuses, hasRows: true }, joins];
  const data = dataPlan(1000, { customers: { rows: 50 } });
  const existingKeys = new Map([['order_statuses', { id: ['7', '9'] }]]);
  expect(planRows(tables, data, { existingKeys }).get('joins')).toBe(50);
});

test('partitions and tables that hold rows already get none of their own', () => {
  const filled = { ...statuses, hasRows: true };
  const partition = { ...table('orders_1', id), partitioning: 'partition' as const };
  const planned = planRows([customers, filled, orders, partition], dataPlan(1000));
  expect(planned.get('order_statuses')).toBe(0);
  expect(planned.has('orders_1')).toBe(false);
});

test('a table that is not there, or is a partition, is an error that lists the tables', () => {
  expect(() => planRows(shop, dataPlan(10, { custmers: { rows: 1 } }))).toThrow(
    'data.tables."custmers": the schema has no such table. It has: customers, details, items, order_statuses, orders.',
  );
  const partition = { ...table('orders_1', id), partitioning: 'partition' as const };
  expect(() => planRows([orders, partition], dataPlan(10, { orders_1: { rows: 1 } }))).toThrow(
    'data.tables."orders_1" is a partition',
  );
});

test('parents come before their children, also where tables refer to each other', () => {
  const names = fillingOrder(shop).map(({ name }) => name);
  expect(names.indexOf('customers')).toBeLessThan(names.indexOf('orders'));
  expect(names.indexOf('orders')).toBeLessThan(names.indexOf('items'));
  const a = table('a', { columns: { b: 'int4' }, foreignKeys: ['b -> b(id)'] });
  const b = table('b', {
    columns: { id: 'int4', a: 'int4' },
    primaryKey: ['id'],
    foreignKeys: ['a -> a(b)'],
  });
  expect(new Set(fillingOrder([a, b]).map(({ name }) => name))).toEqual(new Set(['a', 'b']));
});

test('the estimate grows with the rows, and with the width of the cells', () => {
  const notes = table('notes', { columns: { id: 'int4', body: 'text' }, primaryKey: ['id'] });
  const estimate = (rows: number, width: number) =>
    estimateBytes(generatorSpec(tableSpec(notes, rows, { columns: { body: { width } } })));
  expect(estimate(20_000, 100) / estimate(2000, 100)).toBeCloseTo(10, 1);
  expect(estimate(1000, 1000) - estimate(1000, 100)).toBeGreaterThan(900_000);
  expect(estimate(1000, 100)).toBeGreaterThan(1000 * 100);
});
