import { expect, test } from 'vitest';
import { underWayInWords } from './under-way.ts';

test('while nothing is counted no time is promised', () => {
  const quiet = { phase: 'insert', fraction: 0.9, of: 'statement', leftMs: null } as const;
  expect(underWayInWords({ ...quiet, quietMs: 500 })).toBe('insert');
  expect(underWayInWords({ ...quiet, quietMs: 6_200 })).toBe('insert, no work counted for 6 s');
});

test.each([
  [null, 'statement', 'sorting'],
  [300, 'statement', 'sorting, about 1 s left'],
  [100_000, 'phase', 'sorting, about 100 s left of this phase'],
  [1_000_000, 'statement', 'sorting, about 17 min left'],
  [20_000_000, 'statement', 'sorting, about 6 h left'],
] as const)('%s ms of the %s: %s', (leftMs, of, words) => {
  expect(underWayInWords({ phase: 'sorting', fraction: 0.5, of, leftMs, quietMs: 0 })).toBe(words);
});
