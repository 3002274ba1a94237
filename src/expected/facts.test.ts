import { expect, test } from 'vitest';
import { exactly, type Figure, notMeasured } from '../recording/figure.ts';
import type {
  LoadRecord,
  LockWait,
  OutcomeRecord,
  SessionOwner,
  SessionRecord,
  Step,
} from '../recording/recording.ts';
import { factDifferences, type NamedFacts } from './facts.ts';
import type { Facts } from './schema.ts';

const absent = { notMeasured: 'not part of this test' };

function differences(wanted: Facts, recorded: Partial<NamedFacts>): readonly string[] {
  return factDifferences({ steps: [], lockWaits: [], load: absent, changes: [], ...recorded }, wanted);
}

function step(version: string, facts: Partial<Step> = {}): Step {
  return {
    version,
    name: version,
    file: `${version}.sql`,
    outcome: 'applied',
    transaction: 'one',
    startedAtMs: 0,
    endedAtMs: 1,
    attempts: 1,
    statements: [],
    error: null,
    ...facts,
  };
}

test('steps are exact, in order, with their attempts and errors', () => {
  const wanted = (steps: Facts['steps']): Facts => ({ steps });
  const error = { code: '55P03', message: '', statement: null, position: null };
  const steps = [step('1', { attempts: 3 }), step('2', { outcome: 'failed', error })];
  const right: Facts['steps'] = [
    { version: '1', outcome: 'applied', attempts: { min: 2 }, errorCode: null },
    { version: '2', outcome: 'failed', errorCode: '55P03', effects: [] },
  ];
  expect(differences(wanted(right), { steps })).toEqual([]);
  expect(differences(wanted(right.slice(0, 1)), { steps })).toEqual(['the steps are 1, 2, expected 1']);
  const wrong: Facts['steps'] = [
    { version: '1', outcome: 'failed', attempts: 1 },
    { version: '2', outcome: 'failed', errorCode: null, effects: ['took effect'] },
  ];
  expect(differences(wanted(wrong), { steps })).toEqual([
    'step 1: outcome applied, expected failed',
    'step 1: number of attempts is 3, expected 1',
    'step 2: error 55P03, expected none',
    'step 2: effects none, expected took effect',
  ]);
});

function session(owner: SessionOwner): SessionRecord {
  return { sessionId: 1, owner, applicationName: '', statement: null, state: null };
}

function lockWait(waiter: SessionOwner, blockers: readonly SessionOwner[], waitedMs: Figure): LockWait {
  return {
    server: 'rehearsal',
    waiter: session(waiter),
    blockers: blockers.map(session),
    target: 'relation',
    relation: 'orders',
    mode: 'AccessExclusiveLock',
    startedAtMs: 0,
    waitedMs,
    ended: 'granted',
    statementId: null,
  };
}

test('a wait that was not measured may have been longer than all others', () => {
  const lockWaits = [
    lockWait('load', ['drill'], exactly(4_000, 'log')),
    lockWait('load', ['drill'], notMeasured('gone')),
  ];
  expect(differences({ lockWaits: [{ longestMs: { max: 5_000 } }] }, { lockWaits })).toEqual([
    'lock waits with {}: the longest is 4000 to Infinity, expected at most 5000 ms',
  ]);
  expect(differences({ lockWaits: [{ longestMs: { min: 1 } }] }, { lockWaits: lockWaits.slice(1) })).toEqual([
    'lock waits with {}: the longest not measured (gone), expected at least 1 ms',
  ]);
});

test('lock waits are chosen by their properties, counted, and the longest is held against bounds', () => {
  const lockWaits = [
    lockWait('migration', ['drill'], exactly(5_000, 'log')),
    lockWait('load', ['drill', 'migration'], exactly(4_000, 'log')),
    lockWait('load', ['drill', 'migration'], notMeasured('gone')),
  ];
  const wanted = (...waits: NonNullable<Facts['lockWaits']>): Facts => ({ lockWaits: waits });
  const right = wanted(
    {
      waiter: 'migration',
      rootBlocker: 'drill',
      mode: 'AccessExclusiveLock',
      ended: 'granted',
      longestMs: 5_000,
    },
    { waiter: 'load', rootBlocker: 'drill', relation: 'orders', count: 2, longestMs: { min: 3_900 } },
    { waiter: 'load', rootBlocker: 'migration', count: 0 },
  );
  expect(differences(right, { lockWaits })).toEqual([]);
  const wrong = wanted(
    { waiter: 'load', count: { max: 1 } },
    { ended: 'lock timeout' },
    { waiter: 'migration', longestMs: { max: 1 } },
  );
  expect(differences(wrong, { lockWaits })).toEqual([
    'lock waits with {"waiter":"load"}: number is 2, expected at most 1',
    'lock waits with {"ended":"lock timeout"}: number is 0, expected at least 1',
    'lock waits with {"waiter":"migration"}: the longest is 5000, expected at most 1 ms',
  ]);
});

function load(outcomes: readonly (readonly [string | null, OutcomeRecord['outcome'], number])[]): LoadRecord {
  const window = { due: 9, completed: 9, failed: 0, dropped: 0, inFlight: 0 };
  return {
    ratePerSecond: 1,
    arrivals: 'poisson',
    arrivalsHash: '',
    pool: { size: 1, instances: 1, checkoutTimeoutMs: null, maxQueue: 1 },
    statementTimeoutMs: null,
    operations: [],
    windows: [
      { ...window, window: 'baseline', waitedInPool: 100 },
      { ...window, window: 'migration', waitedInPool: 7 },
      { ...window, window: 'recovery', waitedInPool: 1 },
    ],
    latencies: [],
    outcomes: outcomes.map(([code, outcome, count]) => ({
      operation: 'a',
      window: 'migration',
      outcome,
      code,
      count,
      firstAtMs: 0,
      statement: null,
      message: '',
    })),
    slotMs: 100,
    slots: [],
    stalls: [],
    selfCheck: {
      offeredPerSecond: 1,
      achievedPerSecond: 1,
      scheduleLagMsP99: absent,
      eventLoopDelayMsP99: absent,
      utilization: absent,
      cpuCores: absent,
    },
  };
}

test('failed operations are counted by code or cause, and what is not listed must not occur', () => {
  const recorded = {
    load: load([
      ['42703', 'undefined object', 3],
      ['42703', 'undefined object', 2],
      [null, 'pool timeout', 4],
    ]),
  };
  const wanted = (failedOperations: Facts['failedOperations']): Facts => ({ failedOperations });
  expect(differences(wanted({ '42703': 5, 'pool timeout': { min: 1 } }), recorded)).toEqual([]);
  expect(differences(wanted({ '42703': { max: 4 }, '40P01': { min: 1 } }), recorded)).toEqual([
    'operations failed with 42703: number is 5, expected at most 4',
    'operations failed with 40P01: number is 0, expected at least 1',
    'operations failed with pool timeout: 4, expected none',
  ]);
  expect(differences(wanted({}), {})).toEqual(['failed operations: not measured (not part of this test)']);
});

test('operations that waited in the pool count from the migration on', () => {
  const wanted = (operationsWaitedInPool: Facts['operationsWaitedInPool']): Facts => ({
    operationsWaitedInPool,
  });
  expect(differences(wanted(8), { load: load([]) })).toEqual([]);
  expect(differences(wanted({ min: 9 }), { load: load([]) })).toEqual([
    'operations that waited in the pool: number is 8, expected at least 9',
  ]);
  expect(differences(wanted({ min: 9 }), {})).toEqual([
    'operations that waited in the pool: not measured (not part of this test)',
  ]);
});

test('a change of a relation must have been seen with its algorithm', () => {
  const changes = [{ statementId: null, relation: 'orders', algorithm: 'rewrite', detail: '', source: '' }];
  const wanted = (algorithm: string | null): Facts => ({ changes: [{ relation: 'orders', algorithm }] });
  expect(differences(wanted('rewrite'), { changes })).toEqual([]);
  expect(differences(wanted('instant'), { changes })).toEqual([
    'change of orders: rewrite, expected instant',
  ]);
  expect(differences(wanted('instant'), {})).toEqual(['change of orders: nothing, expected instant']);
});
