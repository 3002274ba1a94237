import { expect, test } from 'vitest';
import { DEFAULT_BUDGETS, resolveBudgets, resolveDrills, resolveLoad, resolveTables } from './defaults.ts';
import type { POOL_PRESET_NAMES } from './scenario.ts';

const NO_FILES = { operationsFile: null, nextOperationsFile: null, profileFile: null, program: null };

test('budgets that are not written keep what holds otherwise, and null takes one away', () => {
  expect(resolveBudgets({})).toEqual(DEFAULT_BUDGETS);
  expect(resolveBudgets({ stall: null, lockWait: 50 })).toEqual({
    ...DEFAULT_BUDGETS,
    stallMs: null,
    lockWaitMs: 50,
  });
  const recorded = { ...DEFAULT_BUDGETS, durationMs: 1, replicaLagMs: 7 };
  expect(resolveBudgets({ duration: 2 }, recorded)).toEqual({ ...recorded, durationMs: 2 });
});

test('a rate of zero is no load', () => {
  expect(resolveLoad({ rate: 0 }, NO_FILES)).toBeNull();
});

test('each preset has the defaults of its library', () => {
  const poolOf = (preset: (typeof POOL_PRESET_NAMES)[number]) =>
    resolveLoad({ pool: { preset, instances: 3, maxQueue: 7 } }, NO_FILES)?.pool;
  const others = { instances: 3, maxQueue: 7 };
  expect(poolOf('node-postgres')).toEqual({ size: 10, checkoutTimeoutMs: null, ...others });
  expect(poolOf('HikariCP')).toEqual({ size: 10, checkoutTimeoutMs: 30_000, ...others });
  expect(poolOf('ActiveRecord')).toEqual({ size: 5, checkoutTimeoutMs: 5_000, ...others });
  expect(poolOf('SQLAlchemy')).toEqual({ size: 15, checkoutTimeoutMs: 30_000, ...others });
});

test('a pool preset gives size and checkout timeout, and what is written wins', () => {
  expect(resolveLoad({ pool: { preset: 'node-postgres' } }, NO_FILES)?.pool).toMatchObject({
    size: 10,
    checkoutTimeoutMs: null,
  });
  expect(resolveLoad({ pool: { preset: 'SQLAlchemy', size: 3 } }, NO_FILES)?.pool).toMatchObject({
    size: 3,
    checkoutTimeoutMs: 30_000,
  });
  expect(resolveLoad({ pool: { checkoutTimeout: null } }, NO_FILES)?.pool.checkoutTimeoutMs).toBeNull();
  expect(resolveLoad({}, NO_FILES)?.pool).toEqual({
    size: 20,
    instances: 1,
    checkoutTimeoutMs: 5_000,
    maxQueue: 100_000,
  });
});

test('a drill begins a second before the migrations unless it says when', () => {
  expect(
    resolveDrills([
      { longReader: { table: 'orders', for: 5 } },
      { idleInTransaction: { table: 'users', at: 7, for: 9 } },
    ]),
  ).toEqual([
    { kind: 'longReader', table: 'orders', atMs: -1_000, forMs: 5 },
    { kind: 'idleInTransaction', table: 'users', atMs: 7, forMs: 9 },
  ]);
});

test('columns are complete, values with their weights', () => {
  expect(resolveTables({ orders: { columns: { status: { values: { paid: 9, open: 1 } } } } })).toEqual({
    orders: {
      rows: null,
      columns: {
        status: {
          values: [
            { value: 'paid', weight: 9 },
            { value: 'open', weight: 1 },
          ],
          range: null,
          faker: null,
          nullFraction: null,
          width: null,
          fanout: null,
        },
      },
    },
  });
});
