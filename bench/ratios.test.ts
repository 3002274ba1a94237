import { expect, test } from 'vitest';
import { countQuiet, holds, judgePairs, median } from './ratios.ts';

test('the median stands in the middle, between two when their number is even', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(() => median([])).toThrow('no value');
});

test('the ratio is the median of the ratios, not the ratio of the medians', () => {
  const pairs = [
    { ours: 90, peer: 100 },
    { ours: 104, peer: 104 },
    { ours: 77, peer: 96 },
  ];
  const { ratio, least, most, noisy } = judgePairs(pairs, 3);
  expect([ratio, least, most, noisy]).toEqual([0.9, 77 / 96, 1, false]);
});

test('a pair whose peer is far from its usual figure is told and left out', () => {
  const pairs = [
    { ours: 50, peer: 100 },
    { ours: 52, peer: 101 },
    { ours: 51, peer: 60 },
    { ours: 50, peer: 99 },
  ];
  const judged = judgePairs(pairs, 4);
  expect(judged.pairs.map(({ noisy }) => noisy)).toEqual([false, false, true, false]);
  expect(judged.most).toBeLessThan(0.52);
  expect(judged.noisy).toBe(false);
  expect(countQuiet(pairs)).toBe(3);
});

test('a pair is not left out because our own figure is bad', () => {
  const pairs = [
    { ours: 10, peer: 100 },
    { ours: 100, peer: 100 },
    { ours: 100, peer: 100 },
  ];
  expect(judgePairs(pairs, 3)).toMatchObject({ least: 0.1, ratio: 1, noisy: false });
});

test('too few quiet pairs are told, and every pair counts', () => {
  const pairs = [
    { ours: 1, peer: 10 },
    { ours: 1, peer: 20 },
    { ours: 1, peer: 40 },
    { ours: 1, peer: 80 },
  ];
  expect(judgePairs(pairs, 4)).toMatchObject({ noisy: true, least: 1 / 80, most: 1 / 10 });
});

test('a goal is a least or a greatest ratio, or a distance from 1', () => {
  expect(holds(0.98, { within: 0.03 })).toBe(true);
  expect(holds(1.04, { within: 0.03 })).toBe(false);
  expect(holds(0.96, { within: 0.03 })).toBe(false);
  expect(holds(0.8, { atLeast: 0.8 })).toBe(true);
  expect(holds(0.79, { atLeast: 0.8 })).toBe(false);
  expect(holds(1.1, { atMost: 1.1 })).toBe(true);
  expect(holds(1.11, { atMost: 1.1 })).toBe(false);
});

test('a figure of zero is no measurement', () => {
  expect(() => judgePairs([{ ours: 0, peer: 1 }], 1)).toThrow('not a pair');
});

test('two peers far apart are both noisy, and neither is quiet', () => {
  expect(
    countQuiet([
      { ours: 1, peer: 10 },
      { ours: 1, peer: 14 },
    ]),
  ).toBe(0);
});
