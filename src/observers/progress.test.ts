import { expect, test } from 'vitest';
import { keepChanges } from './progress.ts';

const seen = (atMs: number, done: number, sessionId = 1) => ({
  atMs,
  sessionId,
  phase: 'sort',
  done,
  total: 9,
});

test('of readings that do not change the first and the last one stay', () => {
  const kept = keepChanges();
  for (const each of [seen(0, 1), seen(250, 2), seen(500, 2), seen(750, 2), seen(1_000, 3)]) kept.add(each);
  kept.add(seen(1_250, 3));
  expect(kept.all()).toEqual([seen(0, 1), seen(250, 2), seen(750, 2), seen(1_000, 3), seen(1_250, 3)]);
});

test('a statement that is gone from the readings has ended, and the next one begins anew', () => {
  const kept = keepChanges();
  kept.add(seen(0, 5));
  kept.add(seen(250, 5));
  kept.add(seen(250, 1, 2));
  kept.present(new Set([2]));
  kept.add(seen(5_000, 5));
  expect(kept.all()).toEqual([seen(0, 5), seen(250, 1, 2), seen(250, 5), seen(5_000, 5)]);
});
