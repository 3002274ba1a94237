import { expect, test } from 'vitest';
import { exactly } from '../recording/figure.ts';
import type { ObservedChange, Recording, SqlFailure } from '../recording/recording.ts';
import { diskFree } from './disk-free.ts';
import { diskGrowthPeak } from './disk-growth-peak.ts';
import { duration } from './duration.ts';
import { checks, findCheck } from './index.ts';
import { invalidLeftovers } from './invalid-leftovers.ts';
import { lockTimeoutGivenUp } from './lock-timeout-given-up.ts';
import { migrationFailed } from './migration-failed.ts';
import { ALL_BUDGETS, NO_BUDGETS, recording, statementRecord, step } from './recording.fixture.ts';
import { replicaLag } from './replica-lag.ts';

const error: SqlFailure = {
  code: '42704',
  message: 'type "order_status" does not exist',
  statement: 'alter table orders alter column status type order_status',
  position: 48,
};

test('the duration runs from the first step to the last, each step named', () => {
  const steps = [step(), step({ version: '2', file: '2_index.sql', startedAtMs: 2300, endedAtMs: 3100 })];
  const findings = duration.check(recording({ steps }), { ...NO_BUDGETS, durationMs: 900 });
  expect(findings).toMatchObject([
    {
      verdict: 'fail',
      figure: { upper: 1000 },
      details: [
        { what: '1_tax_rate.sql', figure: { upper: 100 } },
        { what: '2_index.sql', figure: { upper: 800 } },
      ],
    },
  ]);
  expect(duration.check(recording({ steps }), { ...NO_BUDGETS, durationMs: 1000 })).toMatchObject([
    { verdict: 'pass' },
  ]);
});

test('whether the peak fits in what is free, area by area; without the budget nothing is asked', () => {
  const held = (diskFreeBytes: number | null) =>
    diskFree.check(recording(), { ...NO_BUDGETS, diskFreeBytes })[0];
  expect(held(999_999)).toMatchObject({
    verdict: 'fail',
    figure: { upper: 1e6 },
    bound: 999_999,
    details: [{ what: 'of it in tables', figure: { upper: 1e6 } }],
  });
  expect(held(1e6)).toMatchObject({ verdict: 'pass' });
  expect(held(null)).toBeUndefined();
  const unseen = recording({ disk: { notMeasured: 'gone' } });
  expect(diskFree.check(unseen, { ...NO_BUDGETS, diskFreeBytes: 1 })).toMatchObject([
    { verdict: 'inconclusive', figure: { notMeasured: 'gone' } },
  ]);
});

test('how long a failed migration takes is not known, but too long already is too long', () => {
  const steps = [step({ outcome: 'failed', endedAtMs: 3100 })];
  const verdict = (durationMs: number) =>
    duration.check(recording({ steps }), { ...NO_BUDGETS, durationMs })[0]?.verdict;
  expect(verdict(2000)).toBe('inconclusive');
  expect(verdict(500)).toBe('fail');
});

test('disk growth is the peak of all areas together less what was there before', () => {
  const growth = (budget: { bytes: number } | { ratio: number }) =>
    diskGrowthPeak.check(recording(), { ...NO_BUDGETS, diskGrowthPeak: budget })[0];
  expect(growth({ bytes: 999_999 })).toMatchObject({
    verdict: 'fail',
    figure: { upper: 1e6 },
    unit: 'bytes',
  });
  expect(growth({ bytes: 1e6 })).toMatchObject({ verdict: 'pass' });
  expect(growth({ ratio: 0.4 })).toMatchObject({
    verdict: 'fail',
    figure: { upper: 0.5 },
    unit: 'ratio',
    statementId: '1#1.1',
    details: [{ figure: { upper: 1e6 } }, { what: 'of it in tables', figure: { upper: 1e6 } }],
  });
});

test('where temporary files cannot be seen a growth within the budget proves nothing, and one beyond it does', () => {
  const { disk } = recording();
  if ('notMeasured' in disk) throw new Error('the fixture has a disk');
  const hidden = recording({
    disk: { ...disk, unseen: 'another user’s process', freeTakenBytes: exactly(5e8, 'statfs') },
  });
  const verdictOf = (facts: Recording, diskFreeBytes: number) =>
    diskFree.check(facts, { ...NO_BUDGETS, diskFreeBytes })[0];
  expect(verdictOf(recording(), 1e12)?.verdict).toBe('pass');
  expect(verdictOf(hidden, 1e12)?.verdict).toBe('inconclusive');
  expect(verdictOf(hidden, 1e12)?.details[0]).toMatchObject({ figure: { upper: 5e8 } });
  expect(verdictOf(hidden, 1)?.verdict).toBe('fail');
  expect(diskGrowthPeak.check(hidden, { ...NO_BUDGETS, diskGrowthPeak: { ratio: 100 } })[0]?.verdict).toBe(
    'inconclusive',
  );
});

test('disk that was not observed is inconclusive with the reason', () => {
  const disk = { notMeasured: 'the data directory cannot be read' };
  expect(diskGrowthPeak.check(recording({ disk }), ALL_BUDGETS)).toMatchObject([
    { verdict: 'inconclusive', figure: disk },
  ]);
});

test('a failed migration fails without a budget and tells what is left half applied', () => {
  const statements = [
    statementRecord({ text: 'create index concurrently i on orders (status)', line: 3 }),
    statementRecord({ id: '1#1.2', index: 2, line: 5, outcome: 'failed', effect: 'none', error }),
  ];
  const steps = [
    step({ outcome: 'failed', statements, error }),
    step({ version: '2', file: '2_next.sql', outcome: 'not run', statements: [] }),
  ];
  expect(migrationFailed.check(recording({ steps }), NO_BUDGETS)).toMatchObject([
    {
      verdict: 'fail',
      subject: '1_tax_rate.sql',
      what: 'statement failed at line 5: type "order_status" does not exist (42704)',
      bound: null,
      statementId: '1#1.2',
      details: [
        {
          what: 'half applied: line 3 took effect and stays: create index concurrently i on orders (status)',
        },
        { what: '2_next.sql was not run' },
      ],
    },
  ]);
});

test('a failure whose transaction was rolled back leaves nothing', () => {
  const statements = [statementRecord({ outcome: 'failed', effect: 'rolled back', error })];
  const [finding] = migrationFailed.check(
    recording({ steps: [step({ outcome: 'failed', statements })] }),
    NO_BUDGETS,
  );
  expect(finding?.details).toMatchObject([{ what: 'nothing of it is left in the database' }]);
});

test.each([
  ['23514', true, true],
  ['22P02', true, true],
  ['1062', true, true],
  ['42704', true, false],
  ['23514', false, false],
])('error %s on rows that are generated (%s): that is said: %s', (code, generated, said) => {
  const failure = { ...error, code };
  const statements = [statementRecord({ outcome: 'failed', effect: 'rolled back', error: failure })];
  const { filling } = recording();
  const [finding] = migrationFailed.check(
    recording({
      steps: [step({ outcome: 'failed', statements })],
      filling: filling.map((table) => ({ ...table, generated })),
    }),
    NO_BUDGETS,
  );
  expect(finding?.details.some(({ what }) => what.includes('the rows here are generated'))).toBe(said);
});

test('nothing pending is nothing rehearsed, and no pass', () => {
  const migrations = { ...recording().migrations, pending: [] };
  expect(migrationFailed.check(recording({ steps: [], migrations }), NO_BUDGETS)).toMatchObject([
    { verdict: 'inconclusive', figure: { notMeasured: expect.stringContaining('no migration was pending') } },
  ]);
});

test('an attempt that gave up at the lock timeout is told, and is no breach', () => {
  expect(lockTimeoutGivenUp.check(recording({ steps: [step({ attempts: 4 })] }), NO_BUDGETS)).toMatchObject([
    { verdict: 'pass', subject: '1_tax_rate.sql', figure: { upper: 3 } },
  ]);
  expect(lockTimeoutGivenUp.check(recording(), NO_BUDGETS)).toEqual([]);
  const failed = recording({ steps: [step({ attempts: 4, outcome: 'failed' })] });
  expect(lockTimeoutGivenUp.check(failed, NO_BUDGETS)).toEqual([]);
});

function change(relation: string, validity: NonNullable<ObservedChange['validity']>): ObservedChange {
  return { statementId: '1#1.1', relation, algorithm: null, detail: '', source: 'pg_index', validity };
}

test('an index that is still invalid after the last step fails; one that was repaired or dropped does not', () => {
  const changes = [
    change('a_idx', 'invalid index'),
    change('b_idx', 'invalid index'),
    change('c_idx', 'invalid index'),
    change('b_idx', 'valid'),
    change('c_idx', 'gone'),
  ];
  expect(invalidLeftovers.check(recording({ changes }), NO_BUDGETS)).toMatchObject([
    { verdict: 'fail', subject: 'a_idx', what: 'index left invalid' },
  ]);
});

test('a constraint that is not validated is told without failing', () => {
  const changes = [change('orders.total_check', 'constraint not validated')];
  expect(invalidLeftovers.check(recording({ changes }), NO_BUDGETS)).toMatchObject([
    { verdict: 'pass', subject: 'orders.total_check', what: 'constraint left not validated' },
  ]);
});

test('a budget for a replica that did not run is inconclusive, never ignored', () => {
  expect(replicaLag.check(recording(), { ...NO_BUDGETS, replicaLagMs: 5000 })).toMatchObject([
    { verdict: 'inconclusive', figure: { notMeasured: expect.stringContaining('database.replica') } },
  ]);
});

test('every check has an identity of its own and its words', () => {
  expect(new Set(checks.map(({ id }) => id)).size).toBe(checks.length);
  for (const { id, title, condition, effect, workaround } of checks) {
    expect(id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    for (const text of [title, condition, effect, workaround]) expect(text.length).toBeGreaterThan(10);
  }
  expect(findCheck('lock-wait')?.id).toBe('lock-wait');
  expect(findCheck('lockwait')).toBeNull();
});
