import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createPool } from './pool.ts';

function poolOf(settings: { checkoutTimeoutMs: number | null; maxQueue: number }) {
  const granted: [string, string][] = [];
  const expired: string[] = [];
  const pool = createPool<string, string>({
    ...settings,
    grant: (waiter, connection) => granted.push([waiter, connection]),
    expire: (waiter) => expired.push(waiter),
  });
  return { pool, granted, expired };
}

test('the connection given back last is taken first', () => {
  const { pool, granted } = poolOf({ checkoutTimeoutMs: null, maxQueue: 10 });
  for (const connection of ['a', 'b', 'c']) pool.release(connection);
  expect(pool.acquire('one', 0)).toBe('granted');
  expect(pool.acquire('two', 0)).toBe('granted');
  expect(granted).toEqual([
    ['one', 'c'],
    ['two', 'b'],
  ]);
  expect(pool.idle).toBe(1);
});

test('a queue that is given up serves nobody any more', () => {
  const { pool, granted, expired } = poolOf({ checkoutTimeoutMs: 1000, maxQueue: 10 });
  for (const waiter of ['one', 'two']) pool.acquire(waiter, 0);
  expect(pool.giveUpQueue()).toEqual(['one', 'two']);
  pool.release('a');
  pool.expireUntil(2000);
  expect([pool.queued, pool.idle, granted, expired]).toEqual([0, 1, [], []]);
});

test('those who wait are served in turn, and a full queue refuses', () => {
  const { pool, granted } = poolOf({ checkoutTimeoutMs: null, maxQueue: 2 });
  expect(['one', 'two', 'three'].map((waiter) => pool.acquire(waiter, 0))).toEqual([
    'queued',
    'queued',
    'refused',
  ]);
  pool.release('a');
  pool.release('b');
  pool.release('c');
  expect(granted).toEqual([
    ['one', 'a'],
    ['two', 'b'],
  ]);
  expect(pool.idle).toBe(1);
});

test('a wait ends at its deadline, not before', () => {
  const { pool, expired, granted } = poolOf({ checkoutTimeoutMs: 1000, maxQueue: 10 });
  pool.acquire('one', 0);
  pool.acquire('two', 400);
  expect(pool.nextDeadlineMs()).toBe(1000);
  pool.expireUntil(999);
  expect(expired).toEqual([]);
  pool.expireUntil(1399);
  expect(expired).toEqual(['one']);
  expect(pool.nextDeadlineMs()).toBe(1400);
  pool.release('a');
  expect(granted).toEqual([['two', 'a']]);
  expect(pool.nextDeadlineMs()).toBeNull();
});

test('a broken connection is taken out only while it is idle', () => {
  const { pool } = poolOf({ checkoutTimeoutMs: null, maxQueue: 1 });
  pool.release('a');
  expect(pool.discard('a')).toBe(true);
  expect(pool.discard('a')).toBe(false);
  expect(pool.acquire('one', 0)).toBe('queued');
});

test('whatever happens, every waiter is granted, refused, expired or still queued, and no connection has two', () => {
  const event = fc.constantFrom('acquire', 'release', 'pass');
  fc.assert(
    fc.property(fc.array(event, { maxLength: 3000 }), fc.integer({ min: 1, max: 5 }), (events, size) => {
      const { pool, granted, expired } = poolOf({ checkoutTimeoutMs: 5, maxQueue: 4 });
      let acquired = 0;
      let refused = 0;
      let nowMs = 0;
      for (let index = 0; index < size; index += 1) pool.release(`connection ${index}`);
      let given = 0;
      for (const what of events) {
        if (what === 'pass') {
          nowMs += 1;
          pool.expireUntil(nowMs);
        } else if (what === 'acquire') {
          if (pool.acquire(`waiter ${acquired}`, nowMs) === 'refused') refused += 1;
          acquired += 1;
        } else if (given < granted.length) {
          const [, connection] = granted[given] ?? [];
          given += 1;
          if (connection !== undefined) pool.release(connection);
        }
        expect(acquired).toBe(granted.length + refused + expired.length + pool.queued);
        expect(granted.length - given + pool.idle).toBe(size);
        if (pool.queued > 0) expect(pool.idle).toBe(0);
      }
      const numbers = granted.map(([waiter]) => Number(waiter.split(' ')[1]));
      expect(numbers).toEqual(numbers.toSorted((one, other) => one - other));
    }),
    { numRuns: 50 },
  );
});
