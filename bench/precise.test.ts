import { expect, test } from 'vitest';
import { isDecided, isWithin, medianInterval } from './precise.ts';

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

test('the ranks are those of the tables', () => {
  expect(medianInterval(upTo(5))).toBeNull();
  expect(medianInterval(upTo(6))).toEqual({ lower: 1, upper: 6 });
  expect(medianInterval(upTo(10))).toEqual({ lower: 2, upper: 9 });
  expect(medianInterval(upTo(25))).toEqual({ lower: 8, upper: 18 });
  expect(medianInterval(upTo(50).reverse())).toEqual({ lower: 18, upper: 33 });
});

test('a few ratios far away do not move it', () => {
  const ratios = [...Array(20).fill(0.99), 0.2, 3];
  expect(isWithin(ratios, 0.01)).toBe(true);
  expect(isDecided(ratios, 1)).toBe(true);
  expect(isDecided(ratios, 0.99)).toBe(true);
  expect(isWithin([0.9, 0.95, 1, 1.05, 1.1, 1.15, 1.2], 0.01)).toBe(false);
  expect(isDecided([0.9, 0.95, 1, 1.05, 1.1, 1.15, 1.2], 1)).toBe(false);
});
