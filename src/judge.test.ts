import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hold, merged } from './checks/finding.ts';
import { ALL_BUDGETS, lockWaitRecord, NO_BUDGETS, recording } from './checks/recording.fixture.ts';
import { judge } from './judge.ts';
import { between } from './recording/figure.ts';
import type { Recording } from './recording/recording.ts';

/** A recording of a real run. */
function stored(name: string): Recording {
  const file = new URL(`../reports/examples/${name}/recording.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8'));
}

test('every budget held is a pass', () => {
  const judgement = judge(recording({ budgets: ALL_BUDGETS }));
  expect(judgement.findings.filter(({ verdict }) => verdict !== 'pass')).toEqual([]);
  expect(judgement.verdict).toBe('pass');
});

test('one breach is a fail, and breaches come first', () => {
  const judgement = judge(recording({ budgets: ALL_BUDGETS, lockWaits: [lockWaitRecord(900)] }));
  expect(judgement.verdict).toBe('fail');
  expect(judgement.findings[0]).toMatchObject({ checkId: 'lock-wait', verdict: 'fail' });
});

test('another budget flips the verdict of the same recording', () => {
  const stored = recording({ budgets: ALL_BUDGETS, lockWaits: [lockWaitRecord(90)] });
  expect(judge(stored, { ...ALL_BUDGETS, lockWaitMs: 100 }).verdict).toBe('pass');
  expect(judge(stored, { ...ALL_BUDGETS, lockWaitMs: 89 }).verdict).toBe('fail');
});

test('no budget at all is no pass', () => {
  const { verdict, findings } = judge(recording(), NO_BUDGETS);
  expect(verdict).toBe('inconclusive');
  expect(findings[0]).toMatchObject({ checkId: 'no-budget' });
});

test('no check at all is no pass', () => {
  expect(judge(recording(), ALL_BUDGETS, []).verdict).toBe('inconclusive');
});

test.each<Recording['ended']>([
  { how: 'interrupted', phase: 'migration', signal: 'SIGINT' },
  { how: 'failed', phase: 'fill', message: 'disk full' },
])('a rehearsal that was not completed is inconclusive whatever was seen: %o', (ended) => {
  const { verdict, findings } = judge(recording({ ended, lockWaits: [lockWaitRecord(9000)] }), ALL_BUDGETS);
  expect(verdict).toBe('inconclusive');
  expect(findings).toContainEqual(
    expect.objectContaining({ checkId: 'rehearsal-completed', verdict: 'inconclusive' }),
  );
  expect(findings[0]).toMatchObject({ checkId: 'lock-wait', verdict: 'fail' });
});

test('a check that throws is inconclusive with its message, and the others are still heard', () => {
  const words = { title: 'Broken', condition: '', effect: '', workaround: '' };
  const broken = {
    ...words,
    id: 'broken',
    check: () => {
      throw new Error('no such window');
    },
  };
  const fine = { ...words, id: 'fine', check: () => [] };
  const { verdict, findings } = judge(recording(), ALL_BUDGETS, [broken, fine]);
  expect(verdict).toBe('inconclusive');
  expect(findings).toMatchObject([
    {
      checkId: 'broken',
      verdict: 'inconclusive',
      figure: { notMeasured: expect.stringContaining('no such window') },
    },
  ]);
});

test('a rehearsal that ended before the migrations passes nothing', () => {
  const ended = { how: 'failed', phase: 'fill', message: 'disk full' } as const;
  const load = { notMeasured: 'the load was not started' };
  const disk = { notMeasured: 'disk was not observed' };
  const early = recording({ ended, windows: [], steps: [], load, disk, observers: [] });
  expect(judge(early, ALL_BUDGETS).findings.filter(({ verdict }) => verdict === 'pass')).toEqual([]);
});

test('a figure passes only when all of it does, and fails only when all of it does', () => {
  const amount = fc.integer({ min: 0, max: 1000 });
  fc.assert(
    fc.property(amount, amount, amount, (one, other, bound) => {
      const figure = between(one, other, 'test');
      const verdict = hold(figure, bound);
      expect(verdict === 'pass').toBe(Math.max(one, other) <= bound);
      expect(verdict === 'fail').toBe(Math.min(one, other) > bound);
    }),
  );
});

test('fail outweighs inconclusive, which outweighs pass, in any order', () => {
  const verdicts = fc.array(fc.constantFrom('pass', 'inconclusive', 'fail'), { minLength: 1 });
  fc.assert(
    fc.property(verdicts, (all) => {
      const expected = all.includes('fail') ? 'fail' : all.includes('inconclusive') ? 'inconclusive' : 'pass';
      expect(merged(all)).toBe(expected);
    }),
  );
});

test.each([
  ['postgres-add-column-behind-long-read', 'fail', ['lock-wait', 'lock-wait', 'stall', 'failed-operations']],
  ['postgres-add-column-with-lock-timeout', 'pass', []],
  ['mysql-half-applied-migration', 'fail', ['migration-failed']],
])('the stored recording %s is judged %s', (name, verdict, failed) => {
  const judgement = judge(stored(name));
  expect(judgement.verdict).toBe(verdict);
  expect(judgement.findings.filter((each) => each.verdict === 'fail').map(({ checkId }) => checkId)).toEqual(
    failed,
  );
});

test('another budget flips the verdict of a stored recording, in both directions', () => {
  const safe = stored('postgres-add-column-with-lock-timeout');
  expect(judge(safe, { ...safe.budgets, lockWaitMs: 90 }).findings[0]).toMatchObject({
    checkId: 'lock-wait',
    verdict: 'fail',
  });
  const unsafe = stored('postgres-add-column-behind-long-read');
  const generous = { ...unsafe.budgets, lockWaitMs: 5000, stallMs: 5000, failedOperations: 1000 };
  expect(judge(unsafe, generous).verdict).toBe('pass');
  expect(judge(unsafe, { ...generous, stallMs: 4000 }).verdict).toBe('fail');
});

test('no budget turns a migration that failed halfway into a pass', () => {
  const half = stored('mysql-half-applied-migration');
  expect(judge(half, NO_BUDGETS).verdict).toBe('fail');
  expect(judge(half, NO_BUDGETS).findings[0]?.details.map(({ what }) => what)).toEqual([
    'half applied: line 1 took effect and stays: alter table orders add column net_total decimal(10, 2) null',
    'half applied: line 2 took effect and stays: alter table orders add column tax_total decimal(10, 2) null',
    expect.stringContaining('the rows here are generated'),
  ]);
});
