import { expect, test } from 'vitest';
import { largestLag, trackLag } from './replica-lag.ts';

/** The primary is asked at `atMs` and answers 1 ms later; so does the replica after it. */
function reading(atMs: number, primaryPosition: number, appliedPosition: number) {
  return {
    primary: { askedAtMs: atMs, answeredAtMs: atMs + 1, position: primaryPosition, bytes: primaryPosition },
    replica: { askedAtMs: atMs + 1, answeredAtMs: atMs + 2, position: appliedPosition },
    appliedBytes: appliedPosition,
    receivedBytes: primaryPosition - 1,
    applyingAgeMs: null,
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

test('the stamp of what is applied says it exactly', () => {
  const tracker = trackLag();
  tracker.add(reading(0, 500, 500));
  expect(tracker.add({ ...reading(1000, 900, 500), applyingAgeMs: 640 }).lagMs).toEqual([640, 641]);
});

test('where positions count transactions, the bytes behind begin at the last stand that was passed', () => {
  const tracker = trackLag();
  const counted = (atMs: number, transactions: number, bytes: number, applied: number) => {
    const { primary, ...rest } = reading(atMs, transactions, applied);
    return { ...rest, primary: { ...primary, bytes }, appliedBytes: null, receivedBytes: null };
  };
  tracker.add(counted(0, 10, 1000, 10));
  tracker.add(counted(100, 20, 3000, 10));
  expect(tracker.add(counted(200, 30, 9000, 25))).toMatchObject({ lagBytes: 6000, notReceivedBytes: null });
  expect(tracker.add(counted(300, 30, 9000, 30))).toMatchObject({ lagBytes: 0 });
});
