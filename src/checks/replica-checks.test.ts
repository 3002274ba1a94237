import { expect, test } from 'vitest';
import { exactly, notMeasured } from '../recording/figure.ts';
import type { ReplicaRecord } from '../recording/recording.ts';
import { NO_BUDGETS, recording } from './recording.fixture.ts';
import { replicaLag } from './replica-lag.ts';
import { replicaStopped } from './replica-stopped.ts';

function replica(changes: Partial<ReplicaRecord> = {}): ReplicaRecord {
  return {
    source: 'test',
    intervalMs: 100,
    lagMs: exactly(300, 'test'),
    lagBytes: exactly(1000, 'test'),
    samples: [],
    conflicts: [],
    ...changes,
  };
}

const WITH_BUDGET = { ...NO_BUDGETS, replicaLagMs: 1000 };

test('a replica that stopped fails without a budget, with its number and its words', () => {
  const stoppedBy = { atMs: 2500, code: '1062', message: "Duplicate entry '?' for key 'PRIMARY'." };
  const replays = [
    {
      statementId: '1#1.1',
      kind: 'alter table',
      startedAtMs: exactly(2400, 'test'),
      durationMs: exactly(20, 'test'),
      othersWaitedMs: exactly(0, 'test'),
      ended: true,
      failed: true,
    },
  ];
  const facts = recording({ replica: replica({ stoppedBy, replays }) });
  expect(replicaStopped.check(facts, NO_BUDGETS)).toMatchObject([
    {
      verdict: 'fail',
      what: "stopped: Duplicate entry '?' for key 'PRIMARY' (1062)",
      statementId: '1#1.1',
    },
  ]);
  expect(replicaStopped.check(recording({ replica: replica({ stoppedBy: null }) }), NO_BUDGETS)).toEqual([]);
  expect(replicaStopped.check(recording({ replica: replica() }), NO_BUDGETS)).toEqual([]);
});

test('a lag within the budget is no pass while the replica has not caught up', () => {
  const verdict = (changes: Partial<ReplicaRecord>) =>
    replicaLag.check(recording({ replica: replica(changes) }), WITH_BUDGET)[0];
  expect(verdict({})).toMatchObject({ verdict: 'pass' });
  expect(verdict({ caughtUpMs: exactly(20, 'test') })).toMatchObject({ verdict: 'pass' });
  expect(verdict({ caughtUpMs: notMeasured('it is still behind') })).toMatchObject({
    verdict: 'inconclusive',
    reason: 'it is still behind',
  });
  const stoppedBy = { atMs: 2500, code: '1062', message: 'no' };
  expect(verdict({ stoppedBy })).toMatchObject({ verdict: 'inconclusive' });
  expect(verdict({ stoppedBy, lagMs: exactly(1001, 'test') })).toMatchObject({ verdict: 'fail' });
});
