import { expect, test } from 'vitest';
import { migrationWindowLength, watchRecovery } from './recovery.ts';

const settings = { baselineP99Ms: 10, limitMs: 5000, pulseLateMs: 0 };

test('the migration window lasts a second and a hundred operations, whichever is later', () => {
  expect(migrationWindowLength(999, { due: 5000, ratePerSecond: 1000 })).toBe('too short');
  expect(migrationWindowLength(1000, { due: 99, ratePerSecond: 50 })).toBe('too short');
  // What was due between the last pulse before the window and its start is in the count as well.
  expect(migrationWindowLength(1000, { due: 109, ratePerSecond: 50 })).toBe('too short');
  expect(migrationWindowLength(2200, { due: 110, ratePerSecond: 50 })).toBe('enough');
  expect(migrationWindowLength(1000, null)).toBe('enough');
});

test('below one operation a second it ends at its limit, and that is told', () => {
  expect(migrationWindowLength(119_999, { due: 60, ratePerSecond: 0.5 })).toBe('too short');
  expect(migrationWindowLength(120_000, { due: 60, ratePerSecond: 0.5 })).toBe('at its limit');
});

test('the recovery ends when p99 is within 1.2 x the baseline, and the time that took is an interval', () => {
  const watch = watchRecovery(settings);
  expect(watch.isOver(1200, { recentP99Ms: 900, poolQueue: 40 })).toBe(false);
  expect(watch.isOver(1400, { recentP99Ms: 12, poolQueue: 1 })).toBe(false);
  expect(watch.isOver(2600, { recentP99Ms: 12.1, poolQueue: 0 })).toBe(false);
  expect(watch.isOver(2800, { recentP99Ms: 12, poolQueue: 0 })).toBe(true);
  expect(watch.record()).toMatchObject({
    baselineP99Ms: 10,
    factor: 1.2,
    recovered: true,
    tookMs: { lower: 1600, upper: 2800 },
    lastP99Ms: 12,
  });
});

test('it lasts a second at least, and what is calm from the start took no time at least', () => {
  const watch = watchRecovery(settings);
  expect(watch.isOver(200, { recentP99Ms: 5, poolQueue: 0 })).toBe(false);
  expect(watch.isOver(1000, { recentP99Ms: 5, poolQueue: 0 })).toBe(true);
  expect(watch.record()).toMatchObject({ recovered: true, tookMs: { lower: 0, upper: 200 } });
});

test('a relapse begins the count anew', () => {
  const watch = watchRecovery(settings);
  watch.isOver(200, { recentP99Ms: 5, poolQueue: 0 });
  watch.isOver(400, { recentP99Ms: 50, poolQueue: 0 });
  expect(watch.isOver(1600, { recentP99Ms: 5, poolQueue: 0 })).toBe(true);
  expect(watch.record()).toMatchObject({ tookMs: { lower: 0, upper: 1600 } });
});

test('what has not recovered by the limit says where it stood', () => {
  const watch = watchRecovery(settings);
  expect(watch.isOver(4900, { recentP99Ms: null, poolQueue: 0 })).toBe(false);
  expect(watch.isOver(5000, { recentP99Ms: 340, poolQueue: 0 })).toBe(true);
  expect(watch.record()).toMatchObject({
    recovered: false,
    tookMs: { notMeasured: 'not back to normal within 5.0 s: p99 was still 340.0 ms' },
  });
});

test('without an answer in the baseline there is nothing to be back to', () => {
  const watch = watchRecovery({ ...settings, baselineP99Ms: null });
  expect(watch.isOver(5000, { recentP99Ms: 1, poolQueue: 0 })).toBe(true);
  expect(watch.record().tookMs).toHaveProperty('notMeasured');
});

test('a log that comes late makes the lower bound of the recovery what it may have been', () => {
  const watch = watchRecovery({ ...settings, pulseLateMs: 5000 });
  watch.isOver(2000, { recentP99Ms: 90, poolQueue: 0 });
  watch.isOver(2200, { recentP99Ms: 9, poolQueue: 0 });
  expect(watch.record()).toMatchObject({ tookMs: { lower: 0, upper: 2200 } });
});
