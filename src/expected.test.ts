import { expect, test } from 'vitest';
import type { Finding, Judgement, Verdict } from './checks/check.ts';
import { UsageError } from './errors.ts';
import { compareWithExpected, parseExpected } from './expected.ts';
import { between, exactly, type Figure, notMeasured } from './recording/figure.ts';
import type { Recording } from './recording/recording.ts';

const absent = { notMeasured: 'not part of this test' };

function recording(facts: Partial<Recording>, version = '18.4'): Recording {
  return {
    format: 'migration-rehearsal/recording',
    formatVersion: 2,
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
    finding('duration', 'inconclusive', { reason: 'slow' }),
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

test('a fact that is not as expected is a difference', () => {
  const wanted = { verdict: 'pass', facts: { steps: [{ version: '1', outcome: 'applied' }] } };
  expect(differences({ postgres: wanted }, {})).toEqual(['the steps are none, expected 1']);
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
