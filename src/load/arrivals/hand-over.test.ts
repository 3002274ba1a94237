import { expect, test } from 'vitest';
import type { Arrival } from './arrival-list.ts';
import { createHandOver } from './hand-over.ts';

/** An arrival every millisecond from 0 on; handing over one takes `eachMs`. */
function listOf(eachMs = 0) {
  const handed: number[] = [];
  let nowMs = 0;
  let next = 0;
  const list = createHandOver({
    arrivals: {
      get nextAtMs() {
        return next;
      },
      next() {
        next += 1;
        return { number: next } as Arrival;
      },
    },
    now: () => nowMs,
    hand(_, dueMs) {
      handed.push(dueMs);
      nowMs += eachMs;
    },
  });
  return {
    list,
    /** Instants at which the arrivals were due that are handed over at an instant of the clock. */
    at(ms: number, limitMs = 50) {
      nowMs = Math.max(nowMs, ms);
      handed.length = 0;
      list.drain(limitMs);
      return [...handed];
    },
    nowMs: () => nowMs,
  };
}

test('nothing is due before the zero, then each arrival once', () => {
  const { list, at } = listOf();
  expect(at(10)).toEqual([]);
  list.startMs = 8;
  expect(at(10)).toEqual([8, 9, 10]);
  expect(at(10)).toEqual([]);
  expect(at(12)).toEqual([11, 12]);
});

test('handing over ends at its limit, and what is left keeps the instant at which it was due', () => {
  const { list, at, nowMs } = listOf(20);
  list.startMs = 0;
  expect(at(1000)).toEqual([0, 1, 2]);
  expect(nowMs()).toBe(1060);
  expect(at(0)).toEqual([3, 4, 5]);
});

test('what is held comes later by the shift, what was due before the hold does not', () => {
  const { list, at } = listOf();
  list.startMs = 0;
  list.hold(5);
  expect(at(3)).toEqual([0, 1, 2, 3]);
  list.pause();
  expect(at(4)).toEqual([]);
  list.unpause();
  expect(at(100)).toEqual([4]);
  list.release();
  list.startMs += 200;
  expect(at(204)).toEqual([]);
  expect(at(206)).toEqual([205, 206]);
});

test('after the end there are no more', () => {
  const { list, at } = listOf();
  list.startMs = 0;
  list.end();
  expect(at(10)).toEqual([]);
});
