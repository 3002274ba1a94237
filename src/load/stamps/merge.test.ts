import { expect, test } from 'vitest';
import { countOf } from '../../recording/histogram.ts';
import { instanceOf, instancesOf } from '../application/share.ts';
import { mergeFacts } from './merge.ts';
import { createStampRecorder, type StampFacts } from './stamps.ts';

const timeout = { outcome: 'pool timeout', code: null, message: 'no connection' } as const;

/** One operation every 100 ms from `firstMs` on, answered after `responseMs`; the last one fails. */
function factsOf(firstMs: number, responseMs: number): StampFacts {
  const recorder = createStampRecorder();
  recorder.open('migration', 0);
  for (const atMs of [firstMs, firstMs + 100, firstMs + 200]) {
    const stamps = recorder.due(0, atMs, atMs);
    recorder.levels(atMs, 0);
    if (atMs < firstMs + 200) recorder.completed(stamps, atMs + responseMs);
    else recorder.failed(stamps, { ...timeout, message: `at ${atMs}` }, atMs);
  }
  return recorder.finish(1000, ['read']);
}

test('counts, latencies, outcomes and slots of all threads add up', () => {
  const merged = mergeFacts([factsOf(10, 1), factsOf(20, 5)]);
  expect(merged.windows).toEqual([
    { window: 'migration', due: 6, completed: 4, failed: 2, dropped: 0, inFlight: 0, waitedInPool: 0 },
  ]);
  const responses = merged.latencies.filter(({ kind }) => kind === 'response');
  expect(responses.map(({ histogram }) => countOf(histogram))).toEqual([6]);
  expect(merged.outcomes).toMatchObject([
    { outcome: 'pool timeout', count: 2, firstAtMs: 210, message: 'at 210' },
  ]);
  expect(merged.slots[0]).toMatchObject({ atMs: 0, due: 2, completed: 2, maxResponseMs: 5 });
  expect(merged.slots.reduce((sum, { due }) => sum + due, 0)).toBe(6);
});

test('failures of different statements of an operation stay apart', () => {
  const failing = (statement: string): StampFacts => {
    const recorder = createStampRecorder();
    recorder.open('migration', 0);
    const failure = { outcome: 'lock timeout', code: '55P03', message: 'waited', statement } as const;
    recorder.failed(recorder.due(0, 10, 10), failure, 20);
    return recorder.finish(1000, ['pay']);
  };
  const merged = mergeFacts(['select 1', 'commit', 'commit'].map(failing));
  expect(merged.outcomes.map(({ statement, count }) => [statement, count])).toEqual([
    ['select 1', 1],
    ['commit', 2],
  ]);
});

test('one thread answers while the other stalls: no stall', () => {
  const stalled = createStampRecorder();
  stalled.open('migration', 0);
  stalled.due(0, 5, 5);
  expect(mergeFacts([stalled.finish(225, ['read'])]).stalls).toEqual([{ fromMs: 5, toMs: 225, due: 1 }]);
  const other = createStampRecorder();
  other.open('migration', 0);
  for (const atMs of [50, 130, 200]) other.completed(other.due(0, atMs, atMs), atMs + 1);
  const again = createStampRecorder();
  again.open('migration', 0);
  again.due(0, 5, 5);
  expect(mergeFacts([again.finish(225, ['read']), other.finish(225, ['read'])]).stalls).toEqual([]);
});

test('every arrival goes to one instance of one thread', () => {
  for (const [threads, instances] of [
    [1, 1],
    [1, 3],
    [2, 3],
    [3, 7],
  ] as const) {
    const shares = Array.from({ length: threads }, (_, thread) => ({ thread, threads, instances }));
    expect(shares.reduce((sum, share) => sum + instancesOf(share), 0)).toBe(instances);
    for (let arrival = 0; arrival < 50; arrival += 1) {
      const owners = shares.filter((share) => instanceOf(share, arrival) !== null);
      expect(owners).toHaveLength(1);
      for (const share of owners) expect(instanceOf(share, arrival)).toBeLessThan(instancesOf(share));
    }
  }
});
