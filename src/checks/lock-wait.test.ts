import { expect, test } from 'vitest';
import { between, notMeasured } from '../recording/figure.ts';
import type { Recording } from '../recording/recording.ts';
import { lockWait } from './lock-wait.ts';
import {
  loadRecord,
  loadSession,
  lockWaitRecord,
  MIGRATION,
  NO_BUDGETS,
  READER,
  recording,
  response,
  statementRecord,
  step,
} from './recording.fixture.ts';

const budgets = { ...NO_BUDGETS, lockWaitMs: 500 };
const check = (changes: Partial<Recording>) => lockWait.check(recording(changes), budgets);

test('without a budget nothing is said about locks', () => {
  expect(lockWait.check(recording({ lockWaits: [lockWaitRecord(9000)] }), NO_BUDGETS)).toEqual([]);
});

test('a migration that waits longer than the budget fails, naming the lock, its blocker and the statement', () => {
  const [finding] = check({ lockWaits: [lockWaitRecord(4200)] });
  expect(finding).toMatchObject({
    checkId: 'lock-wait',
    verdict: 'fail',
    subject: 'orders',
    what: 'wait of the migration for AccessExclusiveLock behind session 20 (psql)',
    figure: { lower: 4200, upper: 4200 },
    bound: 500,
    statementId: '1#1.1',
  });
});

test('the load behind the migration is a finding of its own, with how many queued in database and pool', () => {
  const waits = [11, 12, 13].map((id) =>
    lockWaitRecord(1000 + id, {
      waiter: loadSession(id),
      blockers: [READER, MIGRATION],
      mode: 'AccessShareLock',
      startedAtMs: 2110,
      statementId: null,
    }),
  );
  const load = loadRecord();
  const windows = load.windows.map((window) => ({
    ...window,
    waitedInPool: window.window === 'baseline' ? 7 : 40,
  }));
  const findings = check({ lockWaits: [lockWaitRecord(1000), ...waits], load: { ...load, windows } });
  expect(findings.map(({ verdict }) => verdict)).toEqual(['fail', 'fail']);
  expect(findings[1]).toMatchObject({
    what: 'longest wait of the load for AccessShareLock behind session 20 (psql), in the queue of the migration',
    figure: { upper: 1013 },
    statementId: '1#1.1',
    details: [{ what: 'operations queued in the database', figure: { upper: 3 } }, { figure: { upper: 80 } }],
  });
});

test('the wait of the migration comes first, being the cause, though others waited longer', () => {
  const behind = {
    waiter: loadSession(11),
    blockers: [READER, MIGRATION],
    startedAtMs: 2110,
    statementId: null,
  };
  const findings = check({ lockWaits: [lockWaitRecord(900), lockWaitRecord(950, behind)] });
  expect(findings.map(({ figure }) => 'upper' in figure && figure.upper)).toEqual([900, 950]);
});

test('all attempts of one statement are one finding: the longest', () => {
  const statements = [1, 2, 3].map((attempt) =>
    statementRecord({ id: `1#${attempt}.1`, attempt, startedAtMs: 2100 + attempt * 100 }),
  );
  const lockWaits = [600, 900, 700].map((ms, index) =>
    lockWaitRecord(ms, { statementId: `1#${index + 1}.1`, ended: 'lock timeout' }),
  );
  const findings = check({ lockWaits, steps: [step({ statements, attempts: 3 })] });
  expect(findings).toHaveLength(1);
  expect(findings[0]).toMatchObject({ verdict: 'fail', figure: { upper: 900 }, statementId: '1#2.1' });
});

test('a budget that was held gives one pass with the longest wait', () => {
  const findings = check({ lockWaits: [lockWaitRecord(300), lockWaitRecord(20)] });
  expect(findings).toMatchObject([{ verdict: 'pass', figure: { upper: 300 } }]);
});

test('no wait in any reading is at most one interval of readings', () => {
  expect(check({})).toMatchObject([{ verdict: 'pass', figure: { lower: 0, upper: 20 } }]);
});

test('no wait in any reading is at most the longest pause between two, and at most what anything took', () => {
  const observers = recording().observers.map((each) => ({ ...each, longestPauseMs: 480 }));
  const took = (ms: number) => loadRecord({ latencies: [response('migration', ms)] });
  expect(check({ observers, load: took(800) })).toMatchObject([{ figure: { lower: 0, upper: 480 } }]);
  const [found] = check({ observers, load: took(300) });
  expect(found?.figure).toMatchObject({ lower: 0 });
  expect(found?.figure).not.toMatchObject({ upper: 480 });
});

test('a wait of the migration is no longer than the pauses within its statements', () => {
  const paused = (longestPauseInStatementMs: number) =>
    recording().observers.map((each) => ({ ...each, longestPauseMs: 480, longestPauseInStatementMs }));
  const load = loadRecord({ latencies: [response('migration', 30)] });
  const upper = (pauseMs: number) => {
    const figure = check({ observers: paused(pauseMs), load })[0]?.figure;
    return figure !== undefined && 'upper' in figure ? figure.upper : null;
  };
  expect(upper(60)).toBe(60);
  // The load may have waited in any pause, but for no longer than its slowest operation took.
  expect(upper(25)).toBeGreaterThanOrEqual(30);
  expect(upper(25)).toBeLessThan(60);
});

test('a bound within the interval of the figure is inconclusive', () => {
  const [finding] = check({ lockWaits: [lockWaitRecord(between(400, 600, 'samples'))] });
  expect(finding).toMatchObject({ verdict: 'inconclusive', reason: expect.stringContaining('bound') });
});

test('a wait that was not measured is inconclusive', () => {
  const [finding] = check({ lockWaits: [lockWaitRecord(notMeasured('the session was gone'))] });
  expect(finding).toMatchObject({ verdict: 'inconclusive', figure: { notMeasured: 'the session was gone' } });
});

test('waits of the baseline, of drills, of the server and of the probe do not count', () => {
  const findings = check({
    lockWaits: [
      lockWaitRecord(900, { waiter: loadSession(11), startedAtMs: 100 }),
      lockWaitRecord(900, { waiter: { ...READER, owner: 'drill' } }),
      lockWaitRecord(900, { waiter: { ...READER, owner: 'server' } }),
      lockWaitRecord(900, { server: 'probe' }),
    ],
  });
  expect(findings).toMatchObject([{ verdict: 'pass', figure: { upper: 20 } }]);
});

test('without an observer of locks it is inconclusive with the reason that was recorded', () => {
  const reason = 'pg_read_all_stats is missing';
  const findings = check({ observers: [], notMeasured: [{ what: 'lock waits', reason }] });
  expect(findings).toMatchObject([{ verdict: 'inconclusive', figure: { notMeasured: reason } }]);
});

test('missed readings are inconclusive, unless nothing took longer than the budget at all', () => {
  const observers = recording().observers.map((each) => ({
    ...each,
    trouble: ['2100 to 2900 ms: no answer'],
  }));
  expect(check({ observers })).toMatchObject([{ verdict: 'pass' }]);
  const slow = loadRecord({ latencies: [response('baseline', 2), response('migration', 800)] });
  expect(check({ observers, load: slow })).toMatchObject([
    { verdict: 'inconclusive', reason: expect.stringContaining('no answer') },
  ]);
});

test('without a load only half of the question is answered: a breach stays one, a pass does not', () => {
  const load = { notMeasured: 'the scenario asks for no load' };
  expect(check({ load })).toMatchObject([{ verdict: 'inconclusive' }]);
  expect(check({ load, lockWaits: [lockWaitRecord(900)] })).toMatchObject([{ verdict: 'fail' }]);
});

test('a migration that was not applied proves nothing about the locks that it would have needed', () => {
  const findings = check({ steps: [step({ outcome: 'failed' })] });
  expect(findings).toMatchObject([
    { verdict: 'inconclusive', reason: expect.stringContaining('1_tax_rate.sql') },
  ]);
});

test('waits that could not be seen at all are not "no wait", whatever the durations say', () => {
  const reason = 'performance_schema is off';
  const unseen = { what: 'metadata-lock waits', reason, unseen: 'lock waits' } as const;
  expect(check({ notMeasured: [unseen] })).toMatchObject([
    { verdict: 'inconclusive', figure: { notMeasured: reason } },
  ]);
  const [short] = check({ notMeasured: [unseen], lockWaits: [lockWaitRecord(20)] });
  expect(short).toMatchObject({ verdict: 'inconclusive' });
  expect(check({ lockWaits: [lockWaitRecord(4200)], notMeasured: [unseen] })[0]).toMatchObject({
    verdict: 'fail',
  });
});
