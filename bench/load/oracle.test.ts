import { expect, test } from 'vitest';
import { predictResponses } from './oracle.ts';

const everyMs = (count: number) => Array.from({ length: count }, (_, index) => index);

test('an operation x before the release waits x (1 - arrival rate / drain rate) + what came before it', () => {
  const responses = predictResponses({
    arrivalsMs: everyMs(3000),
    takenMs: 0,
    releasedMs: 2000,
    drainPerSecond: 10_000,
  });
  const [rate, drain, lockMs] = [1000, 10_000, 2000];
  for (const beforeMs of [1999, 1000, 1]) {
    const waited = beforeMs * (1 - rate / drain) + (rate / 1000) * lockMs * (1000 / drain);
    expect(responses[lockMs - beforeMs]).toBeCloseTo(waited, 0);
  }
});

test('who comes after the release waits until the backlog is gone, and nobody after that', () => {
  const responses = predictResponses({
    arrivalsMs: everyMs(4000),
    takenMs: 100,
    releasedMs: 1100,
    drainPerSecond: 5000,
  });
  // 1,000 wait, and shrink by 4 a millisecond: 250 ms.
  expect(responses[1101]).toBeGreaterThan(195);
  expect(responses[1351]).toBeCloseTo(0.2, 5);
  expect(responses[50]).toBeCloseTo(0.2, 5);
});
