import { expect, test } from 'vitest';
import { createPauses } from './sampling-account.ts';

test('of the pauses between readings, what lies within a statement counts, short ones by the longest of them', () => {
  let nowMs = 0;
  const pauses = createPauses(() => nowMs);
  for (const askedAtMs of [20, 40, 65, 300, 320, 340]) {
    nowMs = askedAtMs;
    pauses.read(askedAtMs);
  }
  expect(pauses.longestMs).toBe(235);
  expect(pauses.longestWithinMs([])).toBe(0);
  expect(pauses.longestWithinMs([{ fromMs: 0, toMs: 60 }])).toBe(25);
  expect(pauses.longestWithinMs([{ fromMs: 0, toMs: 10 }])).toBe(10);
  expect(pauses.longestWithinMs([{ fromMs: 250, toMs: 340 }])).toBe(50);
  expect(pauses.longestWithinMs([{ fromMs: 0, toMs: 340 }])).toBe(235);
  pauses.begin();
  expect(pauses.longestWithinMs([{ fromMs: 0, toMs: 340 }])).toBe(0);
});
