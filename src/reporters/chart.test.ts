import { expect, test } from 'vitest';
import { loadRecord, loadSession, lockWaitRecord, recording } from '../checks/recording.fixture.ts';
import type { LoadSlot, Recording } from '../recording/recording.ts';
import { timeline } from './chart.ts';

const WIDTH = 60;

function chartOf(change: (slot: LoadSlot) => Partial<LoadSlot>, lockWaits = recording().lockWaits) {
  const slots = loadRecord().slots.map((slot) => ({ ...slot, ...change(slot) }));
  return timeline(recording({ load: loadRecord({ slots }), lockWaits }), WIDTH);
}

const slowWhileLocked = ({ atMs }: LoadSlot): Partial<LoadSlot> =>
  atMs >= 2000 && atMs < 3000 ? { maxResponseMs: 1000, failed: 1 } : {};

test('slow responses stand high where they were due, and quiet ones low', () => {
  const rows = chartOf(slowWhileLocked).filter(({ kind }) => kind === 'response');
  expect(rows).toHaveLength(4);
  expect(rows[0]?.text).toBe(`${' '.repeat(20)}${'█'.repeat(10)}${' '.repeat(20)}`);
  expect(rows[0]?.label.trim()).toBe('1 s');
  expect(rows[3]?.text).not.toContain(' ');
});

test('windows, statements, lock waits and failures stand beneath the columns in which they were', () => {
  const lines = chartOf(slowWhileLocked, [
    lockWaitRecord(900),
    lockWaitRecord(500, { waiter: loadSession(11), startedAtMs: 2500, statementId: null }),
  ]);
  const row = (kind: string) => lines.find((line) => line.kind === kind)?.text ?? '';
  expect(row('windows').indexOf('|baseline')).toBe(0);
  expect(row('windows').indexOf('|migration')).toBe(20);
  expect(row('windows').indexOf('|recovery')).toBe(40);
  expect(row('migration').indexOf('W')).toBe(21);
  expect(row('migration').lastIndexOf('W')).toBe(30);
  expect(row('load').indexOf('W')).toBe(25);
  expect(row('failed')).toBe(`${' '.repeat(20)}${'x'.repeat(10)}${' '.repeat(20)}`);
  expect(row('legend')).toContain('1 column = 100 ms');
});

test('the name of a window that has no room is cut, and says so', () => {
  const windows: Recording['windows'] = [
    { name: 'baseline', startedAtMs: 0, endedAtMs: 2000 },
    { name: 'migration', startedAtMs: 2000, endedAtMs: 2400 },
    { name: 'recovery', startedAtMs: 2400, endedAtMs: 5000 },
  ];
  const row = timeline(recording({ windows }), WIDTH).find(({ kind }) => kind === 'windows')?.text;
  expect(row).toBe(`${'|baseline'.padEnd(20)}|mi…${'|recovery'.padEnd(26)}`);
});

test('rows without a mark are left out', () => {
  const kinds = chartOf(() => ({})).map(({ kind }) => kind);
  expect(kinds).not.toContain('failed');
  expect(kinds).not.toContain('load');
  expect(kinds).toContain('migration');
});

test('no line is longer than the width, however many slots there are', () => {
  for (const slots of [[], loadRecord().slots.slice(0, 1), loadRecord().slots]) {
    for (const { kind, label, text } of timeline(recording({ load: loadRecord({ slots }) }), WIDTH)) {
      if (kind !== 'legend') expect((label + text).length).toBeLessThanOrEqual(WIDTH);
    }
  }
});

test('without a load there is no timeline', () => {
  expect(timeline(recording({ load: { notMeasured: 'no load' } }), WIDTH)).toEqual([]);
});
