import { expect, test } from 'vitest';
import { recording } from '../checks/recording.fixture.ts';
import { between, exactly, notMeasured } from '../recording/figure.ts';
import type { LagSample, ReplayRecord, ReplicaRecord } from '../recording/recording.ts';
import { notMeasuredOf } from './facts.ts';
import { replayTable, replicaTable } from './replica.ts';

function sample(atMs: number, lagMs: number): LagSample {
  return { atMs, lagBytes: lagMs, notReceivedBytes: 0, lagMs: [lagMs, lagMs] };
}

function replay(changes: Partial<ReplayRecord> = {}): ReplayRecord {
  return {
    statementId: '1#1.1',
    kind: 'alter table',
    startedAtMs: exactly(2200, 'test'),
    durationMs: exactly(900, 'test'),
    othersWaitedMs: between(700, 950, 'test'),
    lockWaitedMs: between(300, 310, 'test'),
    ended: true,
    failed: false,
    ...changes,
  };
}

function replica(changes: Partial<ReplicaRecord> = {}): ReplicaRecord {
  return {
    source: 'test',
    intervalMs: 100,
    lagMs: exactly(1000, 'test'),
    lagBytes: exactly(1000, 'test'),
    samples: [sample(100, 2), sample(2300, 40), sample(4100, 600), sample(6000, 1000), sample(6500, 1)],
    conflicts: { notMeasured: 'it cancels no reader' },
    replays: [replay()],
    applier: { workers: 4, waitedMs: { 'Waiting for dependent transaction to commit': 820 }, source: 'test' },
    stoppedBy: null,
    caughtUpMs: between(1400, 1500, 'test'),
    ...changes,
  };
}

test('the lag of each window, and of the time in which the replica catches up', () => {
  const { rows, note } = replicaTable(recording(), replica());
  expect(rows.map(([name, worst, , , last]) => [name, worst, last])).toEqual([
    ['baseline', '2 ms', '2 ms'],
    ['migration', '40 ms', '40 ms'],
    ['recovery', '600 ms', '600 ms'],
    ['afterwards', '1 s', '1 ms'],
  ]);
  expect(note).toContain('not measured (it cancels no reader)');
  expect(note).toContain('It had applied all 1.4 s – 1.5 s after the end of the load.');
});

test('a schema change stands with what it took on both sides, and what waited behind it', () => {
  const { rows, note } = replayTable(recording(), replica());
  expect(rows).toEqual([
    ['1_tax_rate.sql:1 (alter table)', '100 ms', '900 ms', '300 ms – 310 ms', '700 ms – 950 ms', 'applied'],
  ]);
  expect(note).toContain('4 threads apply in parallel there');
  expect(note).toContain('820 ms waiting for dependent transaction to commit');
});

test('what has no statement, failed or still runs is told so, and one thread alone too', () => {
  const replays = [
    replay({ statementId: null, kind: 'drop table', failed: true }),
    replay({ ended: false, durationMs: exactly(5000, 'test') }),
  ];
  const { rows, note } = replayTable(
    recording(),
    replica({ replays, replaysNotKept: 3, applier: { workers: 0, waitedMs: {}, source: 'test' } }),
  );
  expect(rows.map(([name, , took, , , outcome]) => [name, took, outcome])).toEqual([
    ['drop table', '900 ms', 'failed'],
    ['1_tax_rate.sql:1 (alter table)', '5 s', 'still runs'],
  ]);
  expect(note).toContain('One thread applies all there');
  expect(note).toContain('3 more.');
});

test('why it stopped, and that it did not catch up, are told, and are no green', () => {
  const record = replica({
    stoppedBy: { atMs: 2500, code: '1062', message: "Duplicate entry '?'" },
    caughtUpMs: notMeasured('it had not applied all after 30 s'),
    replays: { notMeasured: 'its performance_schema is off' },
  });
  expect(replicaTable(recording(), record).note).toContain(
    "It stopped at 2.5 s: Duplicate entry '?' (1062).",
  );
  expect(replayTable(recording(), record).rows).toEqual([]);
  const told = notMeasuredOf(recording({ replica: record })).map(({ text }) => text);
  expect(told).toContain('it had not applied all after 30 s');
  expect(told).toContain('statements as it applies them: its performance_schema is off');
});

test('a recording of an older harness has none of it', () => {
  const { source, intervalMs, lagMs, lagBytes, samples } = replica();
  const old: ReplicaRecord = { source, intervalMs, lagMs, lagBytes, samples, conflicts: [] };
  expect(replayTable(recording(), old).rows).toEqual([]);
  expect(replicaTable(recording(), old).note).not.toContain('applied all');
});
