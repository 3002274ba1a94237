import { expect, test } from 'vitest';
import { exactly } from '../recording/figure.ts';
import type { CodeReading, CodeRecord, CodeStatement, Recording } from '../recording/recording.ts';
import { codeBreaks } from './code-breaks.ts';
import { duration } from './duration.ts';
import { planRegression } from './plan-regression.ts';
import { ALL_BUDGETS, recording as recordingOf, step } from './recording.fixture.ts';

const RUNNING: CodeStatement = { codeVersion: 'running', operation: 'get_order', text: 'select note from o' };
const NEXT: CodeStatement = { codeVersion: 'next', operation: 'get_remark', text: 'select remark from o' };
const WORKS: CodeReading = { outcome: 'works', fullScans: [] };
const MISSING: CodeReading = {
  outcome: 'breaks',
  error: { code: '42703', message: 'column "note" does not exist', statement: RUNNING.text, position: 8 },
};
const UNREAD: CodeReading = { outcome: 'not measured', reason: 'lock timeout (55P03): canceling' };
const scanning = (rows: number | null): CodeReading => ({
  outcome: 'works',
  fullScans: [{ table: 'orders', rows }],
});

/** Steps 1, 2, ... that were applied, with a reading before the first one and after each. */
function withReadings(
  statements: readonly CodeStatement[],
  ...readings: (readonly CodeReading[])[]
): Recording {
  const code: CodeRecord = {
    statements,
    moments: readings.map((each, index) => ({
      afterStep: index === 0 ? null : String(index),
      atMs: 2000 + index * 100,
      durationMs: 5,
      readings: each,
    })),
  };
  const steps = readings
    .slice(1)
    .map((_, index) => step({ version: String(index + 1), file: `${index + 1}.sql` }));
  return recordingOf({ code, steps });
}

test('a statement of the running version that a step breaks is told once, with the step and the error', () => {
  const recording = withReadings([RUNNING], [WORKS], [WORKS], [MISSING], [MISSING]);
  expect(codeBreaks.check(recording, ALL_BUDGETS)).toMatchObject([
    {
      verdict: 'fail',
      subject: 'running version',
      what: 'statement breaks after 2.sql',
      figure: exactly(1, 'PREPARE and EXPLAIN between the steps'),
      details: [{ what: 'get_order (42703: column "note" does not exist)' }],
    },
  ]);
});

test('a statement that breaks and works again has been broken', () => {
  const recording = withReadings([RUNNING], [WORKS], [MISSING], [WORKS]);
  expect(codeBreaks.check(recording, ALL_BUDGETS).map(({ verdict }) => verdict)).toEqual(['fail']);
});

test('the next version may not work before the last step, and must after it', () => {
  const late = withReadings([RUNNING, NEXT], [WORKS, MISSING], [WORKS, MISSING], [WORKS, WORKS]);
  expect(codeBreaks.check(late, ALL_BUDGETS).map(({ verdict }) => verdict)).toEqual(['pass', 'pass']);
  const never = withReadings([RUNNING, NEXT], [WORKS, MISSING], [WORKS, MISSING]);
  expect(codeBreaks.check(never, ALL_BUDGETS)).toMatchObject([
    { verdict: 'fail', subject: 'next version', what: 'statement does not work after the last step' },
    { verdict: 'pass', subject: 'running version' },
  ]);
});

test('what was not read is no pass, and hides no breach', () => {
  const gap = withReadings([RUNNING], [WORKS], [UNREAD], [WORKS]);
  expect(codeBreaks.check(gap, ALL_BUDGETS)).toMatchObject([
    { verdict: 'inconclusive', reason: expect.stringContaining('55P03') },
  ]);
  const breach = withReadings([RUNNING], [WORKS], [UNREAD], [MISSING]);
  expect(codeBreaks.check(breach, ALL_BUDGETS)).toMatchObject([{ verdict: 'fail' }]);
});

test('a step that failed says nothing about the next version', () => {
  const recording = withReadings([NEXT], [MISSING], [MISSING]);
  const failed = {
    ...recording,
    steps: recording.steps.map((each) => ({ ...each, outcome: 'failed' as const })),
  };
  expect(codeBreaks.check(failed, ALL_BUDGETS)).toMatchObject([{ verdict: 'inconclusive' }]);
});

test('a recording without a look at the code has no finding; one that could not look is inconclusive', () => {
  expect(codeBreaks.check(recordingOf({}), ALL_BUDGETS)).toEqual([]);
  const blind = recordingOf({ code: { notMeasured: 'no connection' } });
  expect(codeBreaks.check(blind, ALL_BUDGETS)).toMatchObject([{ verdict: 'inconclusive' }]);
});

test('a plan that begins to read a large table from end to end is told with its step and rows', () => {
  const recording = withReadings([RUNNING], [WORKS], [scanning(10_001)], [scanning(10_001)]);
  expect(planRegression.check(recording, ALL_BUDGETS)).toMatchObject([
    {
      verdict: 'pass',
      subject: 'get_order',
      figure: { lower: 10_001 },
      what: expect.stringContaining('1.sql'),
    },
  ]);
});

test('neither a small table nor one that was always read from end to end is told', () => {
  expect(planRegression.check(withReadings([RUNNING], [WORKS], [scanning(10_000)]), ALL_BUDGETS)).toEqual([]);
  const always = withReadings([RUNNING], [scanning(50_000)], [scanning(50_000)]);
  expect(planRegression.check(always, ALL_BUDGETS)).toEqual([]);
});

test('a table of unknown size is told, and its rows are not measured', () => {
  const recording = withReadings([RUNNING], [WORKS], [scanning(null)]);
  expect(planRegression.check(recording, ALL_BUDGETS)).toMatchObject([
    { figure: { notMeasured: expect.any(String) } },
  ]);
});

test('the time that our look took between the steps is no part of their duration', () => {
  const steps = [
    step({ version: '1', startedAtMs: 2100, endedAtMs: 2200 }),
    step({ version: '2', startedAtMs: 2300, endedAtMs: 2400 }),
  ];
  const moment = { durationMs: 40, readings: [WORKS] };
  const code: CodeRecord = {
    statements: [RUNNING],
    moments: [
      { ...moment, afterStep: null, atMs: 2000 },
      { ...moment, afterStep: '1', atMs: 2210 },
      { ...moment, afterStep: '2', atMs: 2410 },
    ],
  };
  expect(duration.check(recordingOf({ steps, code }), ALL_BUDGETS)).toMatchObject([
    { figure: { lower: 260 } },
  ]);
});
