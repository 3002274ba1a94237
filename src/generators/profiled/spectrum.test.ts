import { expect, test } from 'vitest';
import { correlationOf, measuredCorrelation, orderFor } from './correlation.ts';
import { FEW_ROWS, nullPattern, permutation, placement } from './permutation.ts';
import { spectrum } from './spectrum.ts';

function rows(count: number): readonly number[] {
  return Array.from({ length: count }, (_, row) => row);
}

test.each([1, 2, 3, 17, 1000, 4097, 65_537])('a permutation of %i numbers has each of them once', (size) => {
  expect(new Set(rows(size).map(permutation(7, size))).size).toBe(size);
  expect(Math.max(...rows(size).map(permutation(7, size)))).toBe(size - 1);
});

test('a permutation is the same each time, another one for another seed, and not in order', () => {
  const one = rows(5000).map(permutation(1, 5000));
  expect(rows(5000).map(permutation(1, 5000))).toEqual(one);
  expect(rows(5000).map(permutation(2, 5000))).not.toEqual(one);
  expect(Math.abs(correlationOf(one))).toBeLessThan(0.05);
});

test.each([
  [1000, 0.3, false],
  [20_000, 0.8, true],
  [5003, 0.05, false],
])('of %i rows the share %d in order, descending %s, has every place once', (size, share, descending) => {
  const places = rows(size).map(placement(3, size, { share, descending }));
  expect(new Set(places).size).toBe(size);
  expect(correlationOf(places) * (descending ? -1 : 1)).toBeCloseTo(share, 1);
});

test.each([
  [100, 0.25],
  [10_000, 0.031],
  [777, 0.9],
  [50, 1],
])('of %i rows the share %d is null, and the others are numbered', (size, fraction) => {
  const pattern = nullPattern(5, size, fraction);
  const present = rows(size).filter((row) => !pattern.isNull(row));
  // In the last 64 rows of many they lie as in a larger volume.
  const off = size < FEW_ROWS ? 0 : 8;
  expect(Math.abs(size - present.length - Math.round(size * fraction))).toBeLessThanOrEqual(off);
  expect(pattern.present).toBe(present.length);
  expect(present.map(pattern.placeOf).sort((one, other) => one - other)).toEqual(rows(present.length));
});

test('every common value has its rows and every other value at least one', () => {
  const made = spectrum({
    present: 10_000,
    counts: [3000, 1000, 10],
    distinct: 4000,
    ranks: [7, 3999, 0],
    even: true,
  });
  const seen = new Map<number, number>();
  for (const place of rows(10_000)) seen.set(made.rankAt(place), (seen.get(made.rankAt(place)) ?? 0) + 1);
  expect(made.distinct).toBe(4000);
  expect(seen.size).toBe(4000);
  expect([seen.get(7), seen.get(3999), seen.get(0)]).toEqual([3000, 1000, 10]);
  expect(Math.max(...[...seen].filter(([rank]) => ![7, 3999, 0].includes(rank)).map(([, n]) => n))).toBe(2);
});

test('the places of the values ascend', () => {
  const made = spectrum({ present: 1000, counts: [400], distinct: 50, ranks: [20], even: true });
  const ranks = rows(1000).map(made.rankAt);
  expect(ranks).toEqual(ranks.toSorted((one, other) => one - other));
});

const shapes: readonly [string, Parameters<typeof spectrum>[0]][] = [
  ['all different', { present: 20_000, counts: [], distinct: 20_000, ranks: [], even: true }],
  ['two values', { present: 20_000, counts: [15_000, 5000], distinct: 2, ranks: [1, 0], even: true }],
  ['skewed', { present: 20_000, counts: [6000, 3000, 500], distinct: 300, ranks: [11, 200, 4], even: true }],
];

test.each(shapes)('the correlation that is wanted is the one that is measured: %s', (_, shape) => {
  const made = spectrum(shape);
  const lowest = measuredCorrelation(made.stretches, { share: 1, descending: true });
  for (const wanted of [-0.9, -0.4, 0.1, 0.5, 0.75, 0.99].filter((each) => each > lowest)) {
    const order = orderFor(made.stretches, wanted);
    const place = placement(11, shape.present, order);
    const values = rows(shape.present).map((row) => made.rankAt(place(row)));
    expect(Math.abs(correlationOf(values) - wanted)).toBeLessThan(0.04);
  }
});

test('where the common values fall off, the others go on falling, and each is there', () => {
  const made = spectrum({
    present: 30_000,
    counts: [4000, 40, 17],
    distinct: 12_000,
    ranks: [3, 1, 2],
    even: false,
  });
  const seen = new Map<number, number>();
  for (const place of rows(30_000)) seen.set(made.rankAt(place), (seen.get(made.rankAt(place)) ?? 0) + 1);
  const others = [...seen].filter(([rank]) => ![3, 1, 2].includes(rank)).map(([, count]) => count);
  const share = (count: number) => others.filter((each) => each === count).length / others.length;
  expect(seen.size).toBeGreaterThan(11_950);
  expect(Math.max(...others)).toBeLessThanOrEqual(18);
  expect(share(1)).toBeGreaterThan(share(2));
  expect(share(2)).toBeGreaterThan(share(3));
});
