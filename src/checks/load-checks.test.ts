import { expect, test } from 'vitest';
import { exactly, notMeasured } from '../recording/figure.ts';
import type { Budgets, LoadRecord, OutcomeRecord } from '../recording/recording.ts';
import { failedOperations } from './failed-operations.ts';
import { latencyP99 } from './latency-p99.ts';
import { loadRan } from './load-ran.ts';
import { ALL_BUDGETS, loadRecord, NO_BUDGETS, recording, response } from './recording.fixture.ts';
import { stall } from './stall.ts';

const budgets = (changes: Partial<Budgets>): Budgets => ({ ...NO_BUDGETS, ...changes });

function withFailures(outcomes: readonly OutcomeRecord[], changes: Partial<LoadRecord> = {}): LoadRecord {
  const load = loadRecord();
  const windows = load.windows.map((window) => {
    const failed = outcomes
      .filter((each) => each.window === window.window && each.outcome !== 'dropped')
      .reduce((sum, { count }) => sum + count, 0);
    const dropped = outcomes
      .filter((each) => each.window === window.window && each.outcome === 'dropped')
      .reduce((sum, { count }) => sum + count, 0);
    return { ...window, failed, dropped, completed: window.due - failed - dropped };
  });
  return { ...load, windows, outcomes, ...changes };
}

function outcome(changes: Partial<OutcomeRecord> = {}): OutcomeRecord {
  return {
    operation: 'get_order',
    window: 'migration',
    outcome: 'undefined object',
    code: '42703',
    count: 5,
    firstAtMs: 2200,
    statement: null,
    message: 'column "note" does not exist',
    ...changes,
  };
}

const slowGenerator = {
  ...loadRecord().selfCheck,
  scheduleLagMsP99: exactly(30, 'load'),
};

test('a stretch without a completed operation fails beyond the budget and passes within it', () => {
  const load = loadRecord({ stalls: [{ fromMs: 2150, toMs: 4650, due: 250 }] });
  expect(stall.check(recording({ load }), budgets({ stallMs: 1000 }))).toMatchObject([
    { verdict: 'fail', subject: 'load', figure: { upper: 2500 }, statementId: null },
  ]);
  expect(stall.check(recording({ load }), budgets({ stallMs: 3000 }))).toMatchObject([{ verdict: 'pass' }]);
});

test('a stall names the statement that ran, how much was due and how many waited in the pool', () => {
  const slots = loadRecord().slots.map((slot) => ({ ...slot, poolQueue: slot.atMs >= 2000 ? 33 : 99 }));
  const load = loadRecord({ slots, stalls: [{ fromMs: 2100, toMs: 2190, due: 9 }] });
  const [finding] = stall.check(recording({ load }), budgets({ stallMs: 10 }));
  expect(finding).toMatchObject({
    statementId: '1#1.1',
    details: [{ figure: { upper: 9 } }, { figure: { upper: 33 } }],
  });
});

test('a stall that was over before the migration began is not its doing', () => {
  const load = loadRecord({ stalls: [{ fromMs: 100, toMs: 1900, due: 180 }] });
  expect(stall.check(recording({ load }), budgets({ stallMs: 1000 }))).toMatchObject([
    { verdict: 'pass', figure: { lower: 0, upper: 100 } },
  ]);
});

test('failed and dropped operations are counted by operation, cause and code', () => {
  const load = withFailures([
    outcome({ outcome: 'pool timeout', code: null, count: 4 }),
    outcome({ outcome: 'pool timeout', code: null, count: 2, window: 'recovery' }),
    outcome({ outcome: 'dropped', code: null, count: 3 }),
  ]);
  const findings = failedOperations.check(recording({ load }), budgets({ failedOperations: 8 }));
  expect(findings).toMatchObject([
    {
      verdict: 'fail',
      subject: 'load',
      figure: { upper: 9 },
      details: [
        { what: 'get_order (pool timeout)', figure: { upper: 6 } },
        { what: 'get_order (dropped)', figure: { upper: 3 } },
      ],
    },
  ]);
  expect(failedOperations.check(recording({ load }), budgets({ failedOperations: 9 }))).toMatchObject([
    { verdict: 'pass' },
  ]);
});

test('the failures of two statements of one operation are two lines', () => {
  const [first, second] = ['select 1\n  from a', 'x'.repeat(101)];
  const load = withFailures([
    outcome({ outcome: 'deadlock', code: '40P01', count: 2, statement: first }),
    outcome({ outcome: 'deadlock', code: '40P01', count: 1, statement: second }),
  ]);
  const [finding] = failedOperations.check(recording({ load }), budgets({ failedOperations: 0 }));
  expect(finding?.details.map(({ what }) => what)).toEqual([
    'get_order (deadlock, 40P01): select 1 from a',
    `get_order (deadlock, 40P01): ${'x'.repeat(100)}…`,
  ]);
});

test('old code on the new schema is a sentence of its own', () => {
  const load = withFailures([outcome({ statement: 'select note from orders where id = $1' })]);
  const findings = failedOperations.check(recording({ load }), budgets({ failedOperations: 0 }));
  expect(findings).toHaveLength(2);
  expect(findings[1]).toMatchObject({
    subject: 'get_order',
    verdict: 'fail',
    figure: { upper: 5 },
    what: 'operations of the running application failed: the migrated schema no longer has what they use (42703: column "note" does not exist; in "select note from orders where id = $1")',
  });
});

test('what failed in the baseline already is not blamed on the schema', () => {
  const load = withFailures([
    outcome({ outcome: 'constraint violation', code: '23505' }),
    outcome({ outcome: 'constraint violation', code: '23505', window: 'baseline' }),
  ]);
  const findings = failedOperations.check(recording({ load }), budgets({ failedOperations: 0 }));
  expect(findings).toMatchObject([{ subject: 'load', figure: { upper: 5 } }]);
});

test('latency is held against a multiple of the baseline or against milliseconds', () => {
  const load = loadRecord({ latencies: [response('baseline', 2), response('migration', 20)] });
  const ratio = (bound: number) =>
    latencyP99.check(recording({ load }), budgets({ latencyP99: { ratio: bound } }))[0];
  expect(ratio(5)).toMatchObject({ verdict: 'fail', unit: 'ratio' });
  expect(ratio(11)).toMatchObject({ verdict: 'pass' });
  const ms = latencyP99.check(recording({ load }), budgets({ latencyP99: { ms: 15 } }))[0];
  expect(ms).toMatchObject({ verdict: 'fail', unit: 'ms', bound: 15 });
});

test('a p99 of fewer than 100 operations is not measured', () => {
  const load = loadRecord({ latencies: [response('baseline', 2), response('migration', 20, 99)] });
  expect(latencyP99.check(recording({ load }), budgets({ latencyP99: { ms: 1 } }))).toMatchObject([
    {
      verdict: 'inconclusive',
      figure: { notMeasured: expect.stringContaining('fewer than 100 operations') },
    },
  ]);
});

test('a load that ran throughout can be believed', () => {
  expect(loadRan.check(recording(), ALL_BUDGETS)).toMatchObject([
    { verdict: 'pass', figure: { upper: 300 } },
  ]);
});

test.each([
  ['a hole of two seconds', { slots: loadRecord().slots.filter(({ atMs }) => atMs < 2100 || atMs > 3900) }],
  ['an end before the migration', { slots: loadRecord().slots.filter(({ atMs }) => atMs < 2500) }],
  ['counts that do not add up', { windows: loadRecord().windows.map((each) => ({ ...each, completed: 1 })) }],
])('a load with %s makes load checks inconclusive', (_, changes) => {
  const load = loadRecord(changes);
  expect(loadRan.check(recording({ load }), ALL_BUDGETS)).toMatchObject([{ verdict: 'inconclusive' }]);
  expect(stall.check(recording({ load }), ALL_BUDGETS)).toMatchObject([{ verdict: 'inconclusive' }]);
});

test('a workload of which nothing completes even before the migration is no load', () => {
  const windows = loadRecord().windows.map((each) => ({ ...each, completed: 0, failed: each.due }));
  expect(loadRan.check(recording({ load: loadRecord({ windows }) }), ALL_BUDGETS)).toMatchObject([
    { verdict: 'inconclusive', reason: expect.stringContaining('baseline') },
  ]);
});

test('a low rate leaves long gaps between arrivals, and that is no hole', () => {
  const slots = loadRecord().slots.map((slot, index) => ({ ...slot, due: index % 14 === 0 ? 1 : 0 }));
  expect(
    loadRan.check(recording({ load: loadRecord({ slots, ratePerSecond: 0.7 }) }), ALL_BUDGETS),
  ).toMatchObject([{ verdict: 'pass' }]);
});

test.each([
  ['lag', { ...loadRecord().selfCheck, scheduleLagMsP99: exactly(6, 'load') }],
  ['utilisation', { ...loadRecord().selfCheck, utilization: exactly(0.81, 'node') }],
])('a generator at its limit by %s makes even a breach inconclusive', (_, selfCheck) => {
  const load = loadRecord({ selfCheck, stalls: [{ fromMs: 2100, toMs: 4100, due: 9 }] });
  const [finding] = stall.check(recording({ load }), ALL_BUDGETS);
  expect(finding).toMatchObject({
    verdict: 'inconclusive',
    reason: expect.stringMatching(/^generator-limited/),
  });
  expect(loadRan.check(recording({ load }), ALL_BUDGETS)).toMatchObject([{ verdict: 'inconclusive' }]);
});

test('lag below a twentieth of the response p99 is the wait of the operations, not of the generator', () => {
  const load = loadRecord({
    selfCheck: slowGenerator,
    latencies: [response('baseline', 2), response('migration', 1000), response('recovery', 1000)],
  });
  expect(loadRan.check(recording({ load }), ALL_BUDGETS)).toMatchObject([{ verdict: 'pass' }]);
});

test('a lag that cannot turn any verdict does not make one doubtful', () => {
  const selfCheck = { ...loadRecord().selfCheck, scheduleLagMsP99: exactly(60, 'test') };
  const late = recording({ load: loadRecord({ selfCheck }) });
  expect(stall.check(late, budgets({ stallMs: 1000 }))).toMatchObject([{ verdict: 'pass' }]);
  expect(stall.check(late, budgets({ stallMs: 500 }))).toMatchObject([{ verdict: 'inconclusive' }]);
});

test('errors that the server itself gave are failures whatever the generator was', () => {
  const answered = withFailures([outcome()], { selfCheck: slowGenerator });
  const unanswered = withFailures([outcome({ outcome: 'pool timeout', code: null })], {
    selfCheck: slowGenerator,
  });
  const check = (load: LoadRecord) => failedOperations.check(recording({ load }), ALL_BUDGETS)[0]?.verdict;
  expect(check(answered)).toBe('fail');
  expect(check(unanswered)).toBe('inconclusive');
});

test('a self-check that was not measured is no self-check', () => {
  const selfCheck = { ...loadRecord().selfCheck, utilization: notMeasured('the worker was gone') };
  expect(loadRan.check(recording({ load: loadRecord({ selfCheck }) }), ALL_BUDGETS)).toMatchObject([
    { verdict: 'inconclusive', reason: expect.stringContaining('the worker was gone') },
  ]);
});

test('without a load every budget of the load is inconclusive with the reason, never a pass', () => {
  const load = { notMeasured: 'the scenario asks for no load (load.rate: 0)' };
  for (const check of [stall, failedOperations, latencyP99, loadRan]) {
    expect(check.check(recording({ load }), ALL_BUDGETS)).toMatchObject([
      { verdict: 'inconclusive', figure: load },
    ]);
  }
  expect(loadRan.check(recording({ load }), NO_BUDGETS)).toEqual([]);
});
