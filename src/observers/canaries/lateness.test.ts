import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { watchLateness } from './lateness.ts';

const now = (): number => performance.now();

function block(milliseconds: number): void {
  const until = now() + milliseconds;
  while (now() < until);
}

test('a thread that is busy from the sending of a probe on is late by all of it', async () => {
  using lateness = watchLateness(now);
  const sentMs = now();
  const answered = lateness.during();
  block(300);
  await delay(5);
  answered();
  // The first look was due after 100 ms: that alone would be 200.
  expect(lateness.within(sentMs, now())).toBeGreaterThan(250);
  expect(lateness.within(sentMs - 50, sentMs - 10)).toBe(0);
});

test('in the middle of a long probe it is late by what kept it', async () => {
  using lateness = watchLateness(now);
  const sentMs = now();
  const answered = lateness.during();
  await delay(200);
  block(150);
  await delay(5);
  answered();
  expect(lateness.within(sentMs, now())).toBeGreaterThan(100);
});

test('without a probe under way nothing is noted', async () => {
  using lateness = watchLateness(now);
  lateness.during()();
  const fromMs = now();
  block(300);
  await delay(5);
  expect(lateness.within(fromMs, now())).toBe(0);
});
