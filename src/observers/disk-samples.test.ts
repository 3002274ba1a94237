import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keepSamples, MOST_SAMPLES } from './bounded-samples.ts';
import { larger, sumBytes } from './disk-samples.ts';

test('the peak stays, in the order of time, however many readings come', () => {
  const property = fc.property(
    fc.integer({ min: 1, max: 20_000 }),
    fc.integer({ min: 0, max: 19_999 }),
    (count, peakAt) => {
      const samples = keepSamples(larger);
      for (let index = 0; index < count; index += 1)
        samples.add({ atMs: index, areas: { tables: index === peakAt ? 1_000_000 : index % 100 } });
      const list = samples.list();
      expect(list.length).toBeLessThanOrEqual(MOST_SAMPLES);
      expect(list.length).toBeGreaterThanOrEqual(Math.min(count, MOST_SAMPLES / 2));
      expect(list.every(({ atMs }, index) => index === 0 || atMs > (list[index - 1]?.atMs ?? 0))).toBe(true);
      expect(list.some(({ areas }) => areas.tables === 1_000_000)).toBe(peakAt < count);
    },
  );
  fc.assert(property, { numRuns: 20 });
});

test('the larger reading is the one with the larger sum of its areas at one time', () => {
  const one = { atMs: 1, areas: { tables: 10, temporary: 5 } };
  const other = { atMs: 2, areas: { tables: 12, log: 2 } };
  expect(larger(one, other)).toBe(one);
  expect(sumBytes(other)).toBe(14);
});
