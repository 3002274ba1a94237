import { expect, test } from 'vitest';
import type { Finding, Judgement, Verdict } from './checks/check.ts';
import { UsageError } from './errors.ts';
import { compareWithExpected, parseExpected } from './expected.ts';
import { between, exactly, type Figure, notMeasured } from './recording/figure.ts';
import type {
  LoadRecord,
  LockWait,
  OutcomeRecord,
  Recording,
  SessionOwner,
  SessionRecord,
  Step,
} from './recording/recording.ts';

const absent = { notMeasured: 'not part of this test' };

function recording(facts: Partial<Recording>, version = '18.4'): Recording {
  return {
    format: 'migration-rehearsal/recording',
    formatVersion: 1,
    harnessVersion: '0.0.0',
    scenario: 'test',
    startedAt: '2026-01-01T00:00:00.000Z',
    endedAtMs: 1,
    ended: { how: 'completed' },
    randomSeed: 42,
    machine: { cores: 2, memoryBytes: 1, platform: 'linux', nodeVersion: 'v24' },
    servers: [
      {
        role: 'rehearsal',
        engine: 'postgres',
        flavor: 'postgres',
        version,
        provisioner: 'embedded',
        description: '',
        settings: [],
        clockOffsetMs: absent,
      },
    ],
    phases: [],
    filling: [],
    windows: [],
    load: absent,
    steps: [],
    migrations: { tool: 'sql', directory: '', lockTimeoutMs: null, applied: [], pending: [] },
    lockWaits: [],
    heldLocks: [],
    disk: absent,
    progress: [],
    changes: [],
    drills: [],
    observers: [],
    budgets: {
      lockWaitMs: null,
      stallMs: null,
      durationMs: null,
      diskGrowthPeak: null,
      failedOperations: null,
      latencyP99: null,
      replicaLagMs: null,
    },
    notMeasured: [],
    notes: [],
    ...facts,
  };
}

function finding(checkId: string, verdict: Verdict, facts: Partial<Finding> = {}): Finding {
  return {
    checkId,
    verdict,
    subject: 'orders',
    what: 'waited',
    figure: exactly(4_200, 'test'),
    unit: 'ms',
    bound: 500,
    statementId: null,
    reason: null,
    details: [],
    ...facts,
  };
}

function judgement(verdict: Verdict, findings: readonly Finding[]): Judgement {
  return { verdict, findings, budgets: recording({}).budgets };
}

function differences(
  expected: unknown,
  {
    facts = {},
    findings = [],
    verdict = 'pass',
    version = '18.4',
  }: {
    facts?: Partial<Recording>;
    findings?: readonly Finding[];
    verdict?: Verdict;
    version?: string;
  },
): readonly string[] {
  const parsed = parseExpected(JSON.stringify(expected), 'expected.json');
  const compared = compareWithExpected(recording(facts, version), judgement(verdict, findings), parsed);
  expect(compared.met).toBe(compared.differences.length === 0);
  return compared.differences;
}

test('a verdict and a finding that are as written meet the expectation', () => {
  const expected = {
    postgres: {
      verdict: 'fail',
      findings: [
        { check: 'lock-wait', verdict: 'fail', subject: 'orders', figureMs: { min: 3_000, max: 6_000 } },
      ],
    },
  };
  expect(differences(expected, { verdict: 'fail', findings: [finding('lock-wait', 'fail')] })).toEqual([]);
});

test('inconclusive is never taken for a pass', () => {
  expect(differences({ postgres: { verdict: 'pass' } }, { verdict: 'inconclusive' })).toEqual([
    'the verdict is inconclusive, expected pass',
  ]);
});

test('a failing or inconclusive finding that is not listed is a difference, a passing one is not', () => {
  const findings = [
    finding('stall', 'fail'),
    finding('duration', 'inconclusive'),
    finding('lock-wait', 'pass'),
  ];
  expect(differences({ postgres: { verdict: 'fail' } }, { verdict: 'fail', findings })).toEqual([
    'unexpected finding stall fail: orders waited',
    'unexpected finding duration inconclusive: orders waited (slow)',
  ]);
});

test('a listed finding that is missing or on another subject is a difference, unless it is optional', () => {
  const wanted = { check: 'stall', verdict: 'fail', subject: 'users' };
  const found = { verdict: 'fail' as const, findings: [finding('stall', 'fail')] };
  expect(differences({ postgres: { verdict: 'fail', findings: [wanted] } }, found)).toEqual([
    'stall fail of users: no such finding, but fail of orders',
    'unexpected finding stall fail: orders waited',
  ]);
  const optional = [
    { ...wanted, optional: true },
    { check: 'stall', verdict: 'fail' },
  ];
  expect(differences({ postgres: { verdict: 'fail', findings: optional } }, found)).toEqual([]);
});

test.each<[object, Figure, string | null]>([
  [{ figureMs: { min: 3_000 } }, between(2_900, 4_000, 'test'), 'is 2900 to 4000, expected at least 3000'],
  [{ figureMs: { max: 3_000 } }, between(2_900, 4_000, 'test'), 'is 2900 to 4000, expected at most 3000'],
  [{ figureMs: { min: 1, max: 2 } }, exactly(3, 'test'), 'is 3, expected 1 to 2'],
  [{ figureMs: { min: 1 } }, notMeasured('no view'), 'not measured (no view), expected at least 1'],
  [{ figureCount: 3 }, exactly(3, 'test'), 'its figure is in ms, expected in count'],
  [{ figureMs: 3 }, exactly(3, 'test'), null],
])('a figure is held against %j', (bounds, figure, difference) => {
  const wanted = { check: 'stall', verdict: 'fail', ...bounds };
  const found = { verdict: 'fail' as const, findings: [finding('stall', 'fail', { figure })] };
  expect(differences({ postgres: { verdict: 'fail', findings: [wanted] } }, found)).toEqual(
    difference === null ? [] : [`stall fail: ${difference}`],
  );
});

test('the most specific key that fits the server counts, alone', () => {
  const expected = {
    postgres: { verdict: 'fail' },
    'postgres:18': { verdict: 'pass' },
    'postgres:18.3': { verdict: 'inconclusive' },
    'postgres:1': { verdict: 'inconclusive' },
  };
  expect(differences(expected, { version: '18.4 (Debian 18.4-1)' })).toEqual([]);
  expect(differences(expected, { version: '17.2' })).toEqual(['the verdict is pass, expected fail']);
});

test('a dialect of which nothing is written is a difference', () => {
  expect(differences({ mysql: { verdict: 'pass' } }, {})).toEqual([
    'nothing is expected of postgres 18.4: add a key "postgres"',
  ]);
});

test('a rehearsal that did not complete never meets an expectation', () => {
  const ended = { how: 'failed', phase: 'fill', message: 'disk full' } as const;
  expect(
    differences({ postgres: { verdict: 'inconclusive' } }, { verdict: 'inconclusive', facts: { ended } }),
  ).toEqual(['the rehearsal failed in fill: disk full']);
});

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
  const wanted = (steps: readonly object[]) => ({ postgres: { verdict: 'pass', facts: { steps } } });
  const error = { code: '55P03', message: '', statement: null, position: null };
  const steps = [step('1', { attempts: 3 }), step('2', { outcome: 'failed', error })];
  const right = [
    { version: '1', outcome: 'applied', attempts: { min: 2 }, errorCode: null },
    { version: '2', outcome: 'failed', errorCode: '55P03', effects: [] },
  ];
  expect(differences(wanted(right), { facts: { steps } })).toEqual([]);
  expect(differences(wanted(right.slice(0, 1)), { facts: { steps } })).toEqual([
    'the steps are 1, 2, expected 1',
  ]);
  const wrong = [
    { version: '1', outcome: 'failed', attempts: 1 },
    { version: '2', outcome: 'failed', errorCode: null, effects: ['took effect'] },
  ];
  expect(differences(wanted(wrong), { facts: { steps } })).toEqual([
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

test('lock waits are chosen by their properties, counted, and the longest is held against bounds', () => {
  const lockWaits = [
    lockWait('migration', ['drill'], exactly(5_000, 'log')),
    lockWait('load', ['drill', 'migration'], exactly(4_000, 'log')),
    lockWait('load', ['drill', 'migration'], notMeasured('gone')),
  ];
  const wanted = (...waits: readonly object[]) => ({
    postgres: { verdict: 'pass', facts: { lockWaits: waits } },
  });
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
  expect(differences(right, { facts: { lockWaits } })).toEqual([]);
  const wrong = wanted(
    { waiter: 'load', count: { max: 1 } },
    { ended: 'lock timeout' },
    { longestMs: { max: 1 } },
  );
  expect(differences(wrong, { facts: { lockWaits } })).toEqual([
    'lock waits with {"waiter":"load"}: number is 2, expected at most 1',
    'lock waits with {"ended":"lock timeout"}: number is 0, expected at least 1',
    'lock waits with {}: the longest is 5000, expected at most 1 ms',
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
  const facts = {
    load: load([
      ['42703', 'undefined object', 3],
      ['42703', 'undefined object', 2],
      [null, 'pool timeout', 4],
    ]),
  };
  const wanted = (failedOperations: object) => ({
    postgres: { verdict: 'pass', facts: { failedOperations } },
  });
  expect(differences(wanted({ '42703': 5, 'pool timeout': { min: 1 } }), { facts })).toEqual([]);
  expect(differences(wanted({ '42703': { max: 4 }, '40P01': { min: 1 } }), { facts })).toEqual([
    'operations failed with 42703: number is 5, expected at most 4',
    'operations failed with 40P01: number is 0, expected at least 1',
    'operations failed with pool timeout: 4, expected none',
  ]);
  expect(differences(wanted({}), {})).toEqual(['failed operations: not measured (not part of this test)']);
});

test('operations that waited in the pool count from the migration on', () => {
  const wanted = (operationsWaitedInPool: unknown) => ({
    postgres: { verdict: 'pass', facts: { operationsWaitedInPool } },
  });
  expect(differences(wanted(8), { facts: { load: load([]) } })).toEqual([]);
  expect(differences(wanted({ min: 9 }), { facts: { load: load([]) } })).toEqual([
    'operations that waited in the pool: number is 8, expected at least 9',
  ]);
  expect(differences(wanted({ min: 9 }), {})).toEqual([
    'operations that waited in the pool: not measured (not part of this test)',
  ]);
});

test('a change of a relation must have been seen with its algorithm', () => {
  const changes = [{ statementId: null, relation: 'orders', algorithm: 'rewrite', detail: '', source: '' }];
  const wanted = (algorithm: string | null) => ({
    postgres: { verdict: 'pass', facts: { changes: [{ relation: 'orders', algorithm }] } },
  });
  expect(differences(wanted('rewrite'), { facts: { changes } })).toEqual([]);
  expect(differences(wanted('instant'), { facts: { changes } })).toEqual([
    'change of orders: rewrite, expected instant',
  ]);
  expect(differences(wanted('instant'), {})).toEqual(['change of orders: nothing, expected instant']);
});

test.each([
  ['{', 'expected.json: not valid JSON: correct it'],
  ['{"postgres":{}}', /^expected\.json: postgres\.verdict: /],
  [
    '{"postgres":{"verdict":"pass","fact":{},"find":[]}}',
    'expected.json: postgres: unknown key "fact", "find": correct or remove it',
  ],
  [
    '{"Postgres 18":{"verdict":"pass"}}',
    /^expected\.json: Postgres 18: must be a dialect, or one with a version: write/,
  ],
  [
    '{"postgres":{"verdict":"fail","findings":[{"check":"a","verdict":"fail","figureMs":1,"figureCount":1}]}}',
    'expected.json: postgres.findings.0: has several figures: a finding has one, so keep the one in its unit',
  ],
  [
    '{"postgres":{"verdict":"pass","facts":{"operationsWaitedInPool":{}}}}',
    'expected.json: postgres.facts.operationsWaitedInPool: must be a number, or { "min": ..., "max": ... } with one of them or both',
  ],
])('%s is refused', (text, message) => {
  expect(() => parseExpected(text, 'expected.json')).toThrow(UsageError);
  expect(() => parseExpected(text, 'expected.json')).toThrow(message);
});
