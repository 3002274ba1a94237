import { expect, test } from 'vitest';
import { mostOfTwoStreams } from './cpu.ts';

test('a stream whose generator and server keep two cores busy leaves nothing to a second one', () => {
  const even = { harness: 1.3, server: 1.3 };
  expect(mostOfTwoStreams(even, even, 2)).toBeCloseTo(1);
});

test('what the faster side of one stream leaves idle is there for two', () => {
  const cheap = { harness: 0.5, server: 1.5 };
  expect(mostOfTwoStreams(cheap, cheap, 2)).toBeCloseTo(1.5);
});

test('with cores to spare two streams are twice as fast as one', () => {
  const cheap = { harness: 0.5, server: 1.5 };
  expect(mostOfTwoStreams(cheap, cheap, 8)).toBeCloseTo(2);
});
