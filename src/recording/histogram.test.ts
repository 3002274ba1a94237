import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  bucketOf,
  bucketValue,
  countOf,
  createHistogram,
  mergeHistograms,
  percentileMs,
  RELATIVE_ERROR,
  record,
  storeHistogram,
} from './histogram.ts';

const microseconds = fc.oneof(
  fc.integer({ min: 0, max: 5000 }),
  fc.double({ min: 0, max: 2 ** 33, noNaN: true }),
  fc.integer({ min: 0, max: 36 }).map((power) => 2 ** power),
);

function stored(values: readonly number[]) {
  const histogram = createHistogram();
  for (const value of values) record(histogram, value);
  return storeHistogram(histogram);
}

test('a stored value has three digits of the recorded one, and is found in its own bucket again', () => {
  fc.assert(
    fc.property(microseconds, (value) => {
      const bucket = bucketOf(value);
      expect(Math.abs(bucketValue(bucket) - value)).toBeLessThanOrEqual(Math.max(1, value * RELATIVE_ERROR));
      expect(bucketOf(bucketValue(bucket))).toBe(bucket);
    }),
  );
  expect(RELATIVE_ERROR).toBeLessThanOrEqual(0.001);
});

test('larger values never have a lower bucket', () => {
  fc.assert(
    fc.property(microseconds, microseconds, (one, other) => {
      expect(bucketOf(Math.min(one, other))).toBeLessThanOrEqual(bucketOf(Math.max(one, other)));
    }),
  );
});

test('what is stored, read back and merged is what one histogram would hold', () => {
  const values = fc.array(microseconds, { maxLength: 200 });
  fc.assert(
    fc.property(values, values, (one, other) => {
      const merged = mergeHistograms([stored(one), JSON.parse(JSON.stringify(stored(other)))]);
      expect(merged).toEqual(stored([...one, ...other]));
      expect(countOf(merged)).toBe(one.length + other.length);
    }),
  );
});

test('percentiles are those of the sorted values', () => {
  fc.assert(
    fc.property(
      fc.array(microseconds, { minLength: 1, maxLength: 300 }),
      fc.constantFrom(0.5, 0.9, 0.99, 1),
      (values, fraction) => {
        const exact =
          values.toSorted((one, other) => one - other)[Math.ceil(values.length * fraction) - 1] ?? 0;
        const found = (percentileMs(stored(values), fraction) ?? Number.NaN) * 1000;
        expect(Math.abs(found - exact)).toBeLessThanOrEqual(Math.max(1, exact * RELATIVE_ERROR));
      },
    ),
  );
});
