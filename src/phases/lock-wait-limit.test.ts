import { expect, test } from 'vitest';
import { findEngine } from '../engines/index.ts';
import { longLockWait, setsLimit } from './lock-wait-limit.ts';

test("a server's default of one year is pointed out", () => {
  const note = longLockWait({ setting: 'lock_wait_timeout', limitMs: 31_536_000_000 });
  expect(note).toContain('waits for up to 365 days for a lock (lock_wait_timeout)');
  expect(note).toContain('in production unless it is set there');
});

test('no limit at all is pointed out', () => {
  expect(longLockWait({ setting: 'lock_timeout', limitMs: null })).toContain(
    'nobody set a lock timeout: the migration waits without any limit for a lock (lock_timeout)',
  );
});

test.each([
  [90_000, '1.5 minutes'],
  [3_600_000, '60 minutes'],
  [86_400_000, '24 hours'],
  [172_800_000, '2 days'],
])('a limit of %d ms is told as %s', (limitMs, words) => {
  expect(longLockWait({ setting: 'lock_timeout', limitMs })).toContain(`for up to ${words} for a lock`);
});

test('a limit of a minute or less is nothing to tell', () => {
  expect(longLockWait({ setting: 'lock_timeout', limitMs: 60_000 })).toBeNull();
});

test('a migration that sets the limit itself is seen, one that only speaks of it is not', () => {
  const { dialect } = findEngine('mysql');
  const limit = { setting: 'lock_wait_timeout', limitMs: null };
  const sets = (script: string): boolean => setsLimit(script, limit, dialect);
  expect(sets('SET SESSION lock_wait_timeout = 5;\nalter table orders add column note text;')).toBe(true);
  expect(sets('set @@lock_wait_timeout = 5;')).toBe(true);
  expect(sets('-- lock_wait_timeout is for later\nalter table orders add column note text;')).toBe(false);
  expect(sets('set session innodb_lock_wait_timeout = 5;')).toBe(false);
});
