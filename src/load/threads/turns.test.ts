import { expect, test } from 'vitest';
import { createTurns } from './turns.ts';

function turnsThatTake(tookMs: readonly number[]) {
  const put: (() => void)[] = [];
  let nowMs = 0;
  let wakes = 0;
  const message = createTurns({
    wake() {
      nowMs += tookMs[wakes] ?? 0;
      wakes += 1;
    },
    now: () => nowMs,
    later: (turn) => put.push(turn),
  });
  return { message, put, wakes: () => wakes };
}

test('a short wake-up is over, and the next message wakes again', () => {
  const { message, put, wakes } = turnsThatTake([1, 1]);
  message();
  message();
  expect([wakes(), put.length]).toEqual([2, 0]);
});

test('after a long one the event loop has its turn, and messages until then wake nothing', () => {
  const { message, put, wakes } = turnsThatTake([50, 50, 1]);
  message();
  for (let count = 0; count < 1000; count += 1) message();
  expect([wakes(), put.length]).toEqual([1, 1]);
  put.shift()?.();
  message();
  expect([wakes(), put.length]).toEqual([2, 1]);
  put.shift()?.();
  expect([wakes(), put.length]).toEqual([3, 0]);
  message();
  expect(wakes()).toBe(4);
});
