import fc from 'fast-check';
import { expect, test } from 'vitest';
import { countOf, percentileMs } from '../../recording/histogram.ts';
import type { LatencyKind } from '../../recording/recording.ts';
import { createRecentSecond, recentP99Ms } from './recent.ts';
import { createGapFinder, stallsOf } from './stalls.ts';
import { createStampRecorder, type StampFacts, type Stamps } from './stamps.ts';

const timeout = { outcome: 'statement timeout', code: '57014', message: 'canceling statement' } as const;
const dropped = { outcome: 'dropped', code: null, message: 'the queue was full' } as const;

function latencyOf({ tallies }: StampFacts, kind: LatencyKind) {
  const found = tallies.flatMap(({ latencies }) => latencies).find((latency) => latency.kind === kind);
  return found === undefined
    ? null
    : { count: countOf(found.histogram), maxMs: percentileMs(found.histogram, 1) };
}

test('the four latencies come from the five stamps', () => {
  const recorder = createStampRecorder();
  recorder.open('baseline', 0);
  const stamps = recorder.due(0, 100, 101);
  recorder.queued(stamps);
  recorder.acquired(stamps, 111);
  stamps.sentMs = 111;
  recorder.completed(stamps, 150);
  const facts = recorder.finish(200, ['read']);
  const about = (milliseconds: number) => ({
    count: 1,
    maxMs: expect.closeTo(milliseconds, milliseconds < 20 ? 0 : -1),
  });
  expect(latencyOf(facts, 'schedule lag')).toEqual(about(1));
  expect(latencyOf(facts, 'pool wait')).toEqual(about(10));
  expect(latencyOf(facts, 'service')).toEqual(about(39));
  expect(latencyOf(facts, 'response')).toEqual(about(50));
  expect(facts.tallies[0]?.window).toMatchObject({ due: 1, completed: 1, waitedInPool: 1 });
});

test('what is in flight at the end is counted and recorded with its age', () => {
  const recorder = createStampRecorder();
  recorder.open('migration', 0);
  const stamps = recorder.due(0, 10, 10);
  recorder.acquired(stamps, 10);
  stamps.sentMs = 10;
  recorder.due(1, 20, 20);
  const facts = recorder.finish(5010, ['runs', 'waits']);
  expect(facts.tallies[0]?.window).toMatchObject({ due: 2, completed: 0, inFlight: 2 });
  const ages = facts.tallies[0]?.latencies.filter(({ kind }) => kind === 'response') ?? [];
  expect(ages.map(({ operation }) => operation)).toEqual(['runs', 'waits']);
  for (const { histogram } of ages) expect(percentileMs(histogram, 1)).toBeGreaterThan(4900);
});

test('an operation belongs to the window in which it was due, whenever it is answered', () => {
  const recorder = createStampRecorder();
  const warm = recorder.due(0, 1, 1);
  recorder.open('baseline', 10);
  const early = recorder.due(0, 11, 11);
  recorder.open('migration', 20);
  const late = recorder.due(0, 21, 21);
  recorder.failed(early, timeout, 30);
  recorder.completed(warm, 31);
  recorder.completed(late, 32);
  const { tallies } = recorder.finish(40, ['read']);
  expect(tallies.map(({ window }) => [window.window, window.due, window.completed, window.failed])).toEqual([
    ['baseline', 1, 0, 1],
    ['migration', 1, 1, 0],
  ]);
  expect(tallies[0]?.outcomes).toEqual([
    {
      operation: 'read',
      window: 'baseline',
      outcome: 'statement timeout',
      code: '57014',
      count: 1,
      firstAtMs: 30,
      statement: null,
      message: 'canceling statement',
    },
  ]);
});

test('due = completed + failed + dropped + in flight, in every window and every pulse, in any order of answers', () => {
  const event = fc.record({
    what: fc.constantFrom('due', 'complete', 'fail', 'drop', 'open'),
    which: fc.nat(),
    window: fc.constantFrom('baseline' as const, 'migration' as const, 'recovery' as const),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 200 }), (events) => {
      const recorder = createStampRecorder();
      const flying: Stamps[] = [];
      events.forEach(({ what, which, window }, atMs) => {
        if (what === 'open') recorder.open(window, atMs);
        else if (what === 'due') flying.push(recorder.due(which % 3, atMs, atMs));
        else {
          const [stamps] = flying.splice(which % Math.max(1, flying.length), 1);
          if (stamps === undefined) return;
          if (what === 'complete') recorder.completed(stamps, atMs);
          else if (what === 'fail') recorder.failed(stamps, timeout, atMs);
          else recorder.dropped(stamps, dropped, atMs);
        }
        const pulse = recorder.pulse(atMs, 0);
        expect(pulse.due).toBe(pulse.completed + pulse.failed + pulse.dropped + pulse.inFlight);
        expect(pulse.inFlight).toBe(flying.length);
      });
      const { tallies, slots } = recorder.finish(events.length, ['a', 'b', 'c']);
      for (const { window, latencies, outcomes } of tallies) {
        expect(window.due).toBe(window.completed + window.failed + window.dropped + window.inFlight);
        const responses = latencies.filter(({ kind }) => kind === 'response');
        const answered = responses.reduce((sum, { histogram }) => sum + countOf(histogram), 0);
        expect(answered).toBe(window.completed + window.failed + window.inFlight);
        expect(outcomes.reduce((sum, { count }) => sum + count, 0)).toBe(window.failed + window.dropped);
      }
      const sum = (pick: (window: (typeof tallies)[number]['window']) => number) =>
        tallies.reduce((total, { window }) => total + pick(window), 0);
      expect(slots.reduce((total, { due }) => total + due, 0)).toBe(sum(({ due }) => due));
      expect(slots.reduce((total, { failed }) => total + failed, 0)).toBe(sum(({ failed }) => failed));
    }),
  );
});

test('slots have no gap, and keep the levels through a stall', () => {
  const recorder = createStampRecorder();
  recorder.open('baseline', 1000);
  const stamps = recorder.due(0, 1010, 1010);
  recorder.levels(1010, 3);
  recorder.completed(stamps, 1450);
  recorder.levels(1450, 0);
  const { slots } = recorder.finish(1650, ['read']);
  expect(slots.map(({ atMs }) => atMs)).toEqual([1000, 1100, 1200, 1300, 1400, 1500, 1600]);
  expect(slots.map(({ poolQueue }) => poolQueue)).toEqual([3, 3, 3, 3, 3, 0, 0]);
  expect(slots.map(({ completed }) => completed)).toEqual([0, 0, 0, 0, 1, 0, 0]);
  expect(slots[0]).toMatchObject({ due: 1, maxResponseMs: 440, inFlight: 1 });
});

test('the recent p99 knows the age of what has not been answered, and forgets after a second', () => {
  const recorder = createStampRecorder();
  const second = createRecentSecond();
  const p99At = (atMs: number) => {
    second.add(recorder.pulse(atMs, 0).recent);
    return recentP99Ms([second]);
  };
  expect(p99At(0)).toBeNull();
  const stamps = recorder.due(0, 0, 0);
  expect(p99At(700)).toBeGreaterThan(690);
  recorder.completed(stamps, 800);
  for (let step = 0; step < 10; step += 1) expect(p99At(800 + step)).toBeGreaterThan(790);
  expect(p99At(1900)).toBeNull();
});

test('the recent p99 of several threads is that of all their operations', () => {
  const seconds = [10, 1000].map((responseMs) => {
    const recorder = createStampRecorder();
    for (let count = 0; count < 100; count += 1) recorder.completed(recorder.due(0, 0, 0), responseMs);
    const second = createRecentSecond();
    second.add(recorder.pulse(1000, 0).recent);
    return second;
  });
  expect(recentP99Ms(seconds.slice(0, 1))).toBeLessThan(11);
  expect(recentP99Ms(seconds)).toBeGreaterThan(990);
});

test('a stall lasts from the first operation due without a completion to the next completion', () => {
  const finder = createGapFinder();
  finder.due(0);
  finder.completed(1);
  for (const atMs of [10, 20, 30, 40]) finder.due(atMs);
  finder.completed(2010);
  finder.due(2011);
  finder.completed(2012);
  expect(stallsOf([finder.gaps(3000)])).toEqual([{ fromMs: 10, toMs: 2010, due: 4 }]);
});

test('a stall that is open at the end ends there; a short one is none, a lonely operation is one', () => {
  const finder = createGapFinder();
  for (const atMs of [0, 10, 20]) finder.due(atMs);
  finder.completed(99);
  expect(stallsOf([finder.gaps(99)])).toEqual([]);
  finder.due(1000);
  finder.completed(5000);
  const lonely = { fromMs: 1000, toMs: 5000, due: 1 };
  for (const atMs of [5001, 5002, 5003]) finder.due(atMs);
  expect(stallsOf([finder.gaps(5100)])).toEqual([lonely]);
  expect(stallsOf([finder.gaps(5101)])).toEqual([lonely, { fromMs: 5001, toMs: 5101, due: 3 }]);
});

test('what was due before the last completion, and dispatched after it, did not stall before it', () => {
  const finder = createGapFinder();
  finder.completed(50);
  for (const atMs of [40, 60, 70]) finder.due(atMs);
  finder.completed(151);
  expect(stallsOf([finder.gaps(151)])).toEqual([{ fromMs: 50, toMs: 151, due: 3 }]);
});

test('threads that share a load find the stalls that one thread finds', () => {
  const event = fc.record({
    what: fc.constantFrom('due', 'due', 'completed'),
    afterMs: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 80, max: 400 })),
    thread: fc.integer({ min: 0, max: 2 }),
  } as const);
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      const alone = createGapFinder();
      const shared = [createGapFinder(), createGapFinder(), createGapFinder()];
      let atMs = 0;
      for (const { what, afterMs, thread } of events) {
        atMs += afterMs;
        for (const finder of [alone, shared[thread]]) {
          if (what === 'due') finder?.due(atMs);
          else finder?.completed(atMs);
        }
      }
      const endMs = atMs + 150;
      expect(stallsOf(shared.map((finder) => finder.gaps(endMs)))).toEqual(stallsOf([alone.gaps(endMs)]));
    }),
  );
});

test('a probe counts as warm-up: nothing of it is in the facts or among the recent responses', () => {
  const recorder = createStampRecorder();
  recorder.beginProbe();
  recorder.completed(recorder.due(0, 100, 100), 1600);
  recorder.endProbe();
  expect(recorder.counts).toMatchObject({ completed: 1, failed: 0 });
  expect(recorder.pulse(1600, 0)).toMatchObject({ due: 1, completed: 1, inFlight: 0 });
  expect(recorder.pulse(1600, 0).recent).toEqual({ answered: [], waiting: [] });
  recorder.open('baseline', 2000);
  expect(recorder.finish(3000, ['read'])).toMatchObject({
    tallies: [{ window: { due: 0, completed: 0 }, latencies: [] }],
    gaps: [{ dueMs: [] }],
  });
});
