import { expect, test } from 'vitest';
import { largestLag, trackLag } from './replica-lag.ts';

/** The primary is asked at `atMs` and answers 1 ms later; so does the replica after it. */
function reading(atMs: number, primaryPosition: number, appliedPosition: number) {
  return {
    primary: { askedAtMs: atMs, answeredAtMs: atMs + 1, position: primaryPosition },
    replica: { askedAtMs: atMs + 1, answeredAtMs: atMs + 2, position: appliedPosition },
    receivedPosition: primaryPosition - 1,
  };
}

test('a replica of an idle primary is not behind, however long that lasts', () => {
  const tracker = trackLag();
  for (const atMs of [0, 100, 60_000])
    expect(tracker.add(reading(atMs, 500, 500))).toMatchObject({ lagBytes: 0, lagMs: [0, 2] });
});

test('the lag counts from the reading at which the primary had gone on', () => {
  const tracker = trackLag();
  tracker.add(reading(0, 500, 500));
  tracker.add(reading(100, 800, 500));
  expect(tracker.add(reading(1000, 900, 500))).toEqual({
    atMs: 1002,
    lagBytes: 400,
    notReceivedBytes: 1,
    // What comes after 500 was written between 0 and 101 ms.
    lagMs: [1001 - 101, 1002],
  });
});

test('a primary that has written and is idle since does not make the replica less behind', () => {
  const tracker = trackLag();
  tracker.add(reading(0, 500, 500));
  tracker.add(reading(100, 800, 500));
  tracker.add(reading(500, 800, 500));
  expect(tracker.add(reading(1000, 800, 500)).lagMs).toEqual([1001 - 101, 1002]);
});

test('it shrinks as the replica passes what the primary wrote when', () => {
  const tracker = trackLag();
  for (const [atMs, position] of [
    [0, 100],
    [100, 200],
    [200, 300],
    [300, 400],
  ] as const)
    tracker.add(reading(atMs, position, 100));
  expect(tracker.add(reading(400, 500, 250)).lagMs).toEqual([401 - 201, 402 - 100]);
  expect(tracker.add(reading(500, 500, 500)).lagMs).toEqual([0, 2]);
});

test('between two samples the lag may have been larger by no more than the time between them', () => {
  const sample = (atMs: number, least: number, most: number) => ({
    atMs,
    lagBytes: 0,
    notReceivedBytes: null,
    lagMs: [least, most] as const,
  });
  expect(largestLag([sample(0, 0, 5), sample(100, 80, 105), sample(250, 0, 5)])).toEqual({
    lower: 80,
    upper: 105 + 150,
  });
  expect(largestLag([])).toBeNull();
});
