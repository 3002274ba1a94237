import { expect, test } from 'vitest';
import { createTimeLeft } from './time-left.ts';

const seen = (
  atMs: number,
  done: number,
  more: { phase?: string; of?: 'statement'; total?: number } = {},
) => ({
  sessionId: 1,
  phase: 'copy to tmp table',
  total: 1000,
  ...more,
  atMs,
  done,
});

test('the pace so far tells what is left', () => {
  const timeLeft = createTimeLeft();
  expect(timeLeft.add(seen(0, 100))).toMatchObject({ leftMs: null, fraction: 0.1, of: 'phase' });
  expect(timeLeft.add(seen(2_000, 300))).toMatchObject({ leftMs: 7_000, fraction: 0.3 });
});

test('what was faster long ago does not count', () => {
  const timeLeft = createTimeLeft();
  timeLeft.add(seen(0, 0));
  timeLeft.add(seen(1_000, 500));
  timeLeft.add(seen(11_000, 600));
  expect(timeLeft.add(seen(21_000, 700))).toMatchObject({ leftMs: 30_000, quietMs: 0 });
});

test('work that is counted by the phase begins anew with each, that of a statement goes on', () => {
  const byPhase = createTimeLeft();
  byPhase.add(seen(0, 500));
  expect(byPhase.add(seen(1_000, 510, { phase: 'end' })).leftMs).toBeNull();
  const byStatement = createTimeLeft();
  byStatement.add(seen(0, 500, { of: 'statement', phase: 'merge sort' }));
  expect(byStatement.add(seen(1_000, 600, { of: 'statement', phase: 'insert' })).leftMs).toBe(4_000);
});

test('a count that stands still promises nothing, until it moves again', () => {
  const timeLeft = createTimeLeft();
  timeLeft.add(seen(0, 100));
  timeLeft.add(seen(250, 200));
  expect(timeLeft.add(seen(500, 200))).toMatchObject({ leftMs: expect.any(Number), quietMs: 250 });
  expect(timeLeft.add(seen(2_000, 200))).toMatchObject({ leftMs: null, quietMs: 1_750 });
  expect(timeLeft.add(seen(30_000, 200))).toMatchObject({ leftMs: null, quietMs: 29_750 });
  expect(timeLeft.add(seen(30_250, 300))).toMatchObject({ leftMs: 1_750, quietMs: 0 });
});

test('the next statement, and an estimate that was too low, promise nothing', () => {
  const timeLeft = createTimeLeft();
  timeLeft.add(seen(0, 900));
  expect(timeLeft.add(seen(100, 10)).leftMs).toBeNull();
  timeLeft.add(seen(1_000, 900));
  expect(timeLeft.add(seen(2_000, 1_190))).toMatchObject({ leftMs: null, fraction: 1 });
});
