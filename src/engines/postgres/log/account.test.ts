/** What is counted, put on what is told. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { exactly } from '../../../recording/figure.ts';
import { openAccount, uncounted } from './account.ts';
import type { Counted } from './counted.ts';
import { blankStatement, type TrackedMessage, type TrackedStatement } from './message.ts';
import { shapeOf } from './shape.ts';

function statement(text: string, changes: Partial<TrackedStatement> = {}): TrackedStatement {
  const started = { notBeforeMs: 1000, notAfterMs: 1001 };
  const blank = blankStatement(text, started, { virtualTransaction: '3/1', transactionId: null });
  return { ...blank, durationMs: exactly(50, 'server log: duration'), outcome: 'ok', ...changes };
}

const message = (...statements: readonly TrackedStatement[]): TrackedMessage => ({
  sessionId: 1,
  applicationName: 'psql',
  statements,
});

function counted(text: string, changes: Partial<Counted> = {}): Counted {
  return {
    queryId: shapeOf(text),
    topLevel: true,
    own: true,
    text,
    calls: 1,
    rows: 10,
    logBytes: 800,
    executionMs: 5,
    ...changes,
  };
}

const INSERT = 'insert into t values ($1)';

test('one run of one statement is told exactly, by its number or by its shape', () => {
  for (const queryId of [null, '77']) {
    const account = openAccount([counted(INSERT, { queryId: '77', calls: 5, rows: 50, logBytes: 4000 })]);
    const now = [counted(INSERT, { queryId: '77', calls: 6, rows: 53, logBytes: 4100 })];
    const [told] =
      account.settle([message(statement("insert into t values ('a')", { queryId }))], now, false) ?? [];
    expect(told?.statements).toMatchObject([
      { rows: { lower: 3, upper: 3 }, logBytes: { lower: 100, upper: 100 } },
    ]);
    expect(told?.statements[0]).not.toHaveProperty('queryId');
  }
});

test('what EXECUTE runs is counted under the text of PREPARE, which is not counted itself', () => {
  const prepare = 'prepare "P" (bigint) as update t set a = 1 where id = $1';
  const account = openAccount([]);
  expect(account.settle([message(statement(prepare))], [], false)?.[0]?.statements).toMatchObject([
    { rows: { notMeasured: expect.any(String) } },
  ]);
  const now = [counted(prepare.replace('= 1', '= $2'), { calls: 1, rows: 4 })];
  const run = message(statement('/* again */ EXECUTE "P" (5)'), statement('execute p (5)'));
  expect(account.settle([run], now, true)?.[0]?.statements).toMatchObject([
    { rows: { lower: 4, upper: 4 } },
    { rows: { notMeasured: expect.any(String) } },
  ]);
});

test('equal statements share: each has between none and all, and nothing where there was none', () => {
  const account = openAccount([]);
  const two = message(statement('insert into t values (1)'), statement('insert into t values (2)'));
  const [told] = account.settle([two], [counted(INSERT, { calls: 2, rows: 7, logBytes: 0 })], false) ?? [];
  expect(told?.statements).toMatchObject([
    { rows: { lower: 0, upper: 7 }, logBytes: { lower: 0, upper: 0 } },
    { rows: { lower: 0, upper: 7 }, logBytes: { lower: 0, upper: 0 } },
  ]);
});

test('what somebody else ran alike is not counted in, a role that the user took is', () => {
  const others = counted(INSERT, { own: false, calls: 4, rows: 400 });
  const one = [message(statement('insert into t values (1)'))];
  const [told] = openAccount([]).settle(one, [counted(INSERT), others], false) ?? [];
  expect(told?.statements).toMatchObject([{ rows: { lower: 10, upper: 10 } }]);
  const [taken] = openAccount([]).settle(one, [counted(INSERT, { own: false, rows: 4 })], false) ?? [];
  expect(taken?.statements).toMatchObject([{ rows: { lower: 4, upper: 4 } }]);
});

test('of several statements the one that has lines of a function in SQL is meant, with bounds', () => {
  const both = message(statement('select f()', { untoldInside: true }), statement('select g()'));
  const counts = [
    counted('select f()'),
    counted('select g()'),
    counted(INSERT, { topLevel: false, calls: 4 }),
  ];
  expect(openAccount([]).settle([both], counts, true)?.[0]?.statements[2]).toMatchObject({
    text: INSERT,
    within: 0,
    runs: { lower: 1, upper: 4 },
    rows: { lower: 0, upper: 10 },
  });
});

test('while the counts are ahead of the log nothing is told; in the end an interval is', () => {
  const account = openAccount([]);
  const told = [message(statement('insert into t values (1)'))];
  const ahead = [counted(INSERT, { calls: 2, rows: 7 })];
  expect(account.settle(told, ahead, false)).toBeNull();
  expect(account.settle(told, ahead, true)?.[0]?.statements).toMatchObject([
    { rows: { lower: 0, upper: 7 } },
  ]);
});

test('what the server forgot, or never counted, is not measured, and so is what failed', () => {
  const account = openAccount([counted(INSERT, { calls: 9 })]);
  const statements = [
    statement('execute put(1)'),
    statement('select 1 / 0', { outcome: 'failed' }),
    statement('select 2', { outcome: 'not run' }),
  ];
  const [told] = account.settle([message(...statements)], [], true) ?? [];
  expect(told?.statements.map(({ rows }) => rows)).toEqual([
    { notMeasured: 'pg_stat_statements did not count it' },
    { notMeasured: 'the server counts nothing of a statement that failed' },
    { notMeasured: 'it was not run' },
  ]);
});

test('counts that were reset in between count from zero', () => {
  const account = openAccount([counted(INSERT, { calls: 9, rows: 90, logBytes: 7200 })]);
  const [told] =
    account.settle([message(statement('insert into t values (1)'))], [counted(INSERT)], false) ?? [];
  expect(told?.statements).toMatchObject([{ rows: { lower: 10 }, logBytes: { lower: 800 } }]);
});

test('what ran inside gets its runs; an expression that was never executed is left out', () => {
  const inside = (text: string, expression = false): TrackedStatement =>
    statement(text, { within: 0, outcome: 'unknown', expression });
  const block = message(
    statement('do $$ begin end $$'),
    inside("update t set a = '1'"),
    inside('i + 1', true),
    inside('insert into u values (1)'),
  );
  const counts = [
    counted('do $$ begin end $$', { rows: 0 }),
    counted('update t set a = $1', { topLevel: false, calls: 400, rows: 800, executionMs: 12.5 }),
    counted('select from v', { topLevel: false, calls: 3, rows: 3 }),
  ];
  const [told] = openAccount([]).settle([block], counts, true) ?? [];
  expect(told?.statements).toMatchObject([
    { text: 'do $$ begin end $$', rows: { lower: 0 } },
    {
      text: "update t set a = '1'",
      runs: { lower: 400 },
      rows: { lower: 800 },
      durationMs: { lower: 12.5 },
      outcome: 'ok',
    },
    { text: 'insert into u values (1)', rows: { notMeasured: expect.stringContaining('did not count it') } },
    { text: 'select from v', within: 0, runs: { lower: 3 } },
  ]);
});

test('what ran inside one of several, without a line of its own, is put on none and counted', () => {
  const account = openAccount([]);
  const both = message(statement('select f()'), statement('select g()'));
  const counts = [
    counted('select f()'),
    counted('select g()'),
    counted(INSERT, { topLevel: false, calls: 4 }),
  ];
  expect(account.settle([both], counts, true)?.[0]?.statements).toHaveLength(2);
  expect(account.unplacedRuns).toBe(4);
});

test('without counts everything is not measured, for its reason', () => {
  const [told] = uncounted(
    [message(statement('select 1'), statement('i + 1', { within: 0, expression: true }))],
    'why',
  );
  expect(told?.statements).toMatchObject([
    { rows: { notMeasured: 'why' }, logBytes: { notMeasured: 'why' } },
  ]);
});

test('rows are neither lost nor made up: the bounds of equal statements contain what each of them had', () => {
  const rows = fc.array(fc.nat(1000), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(rows, fc.nat(100), (each, before) => {
      const total = each.reduce((sum, one) => sum + one, 0);
      const account = openAccount([counted(INSERT, { calls: before, rows: before })]);
      const told = account.settle(
        each.map((_, index) => message(statement(`insert into t values (${index})`))),
        [counted(INSERT, { calls: before + each.length, rows: before + total })],
        false,
      );
      for (const [index, one] of each.entries()) {
        const figure = told?.[index]?.statements[0]?.rows;
        if (figure === undefined || 'notMeasured' in figure) throw new Error(JSON.stringify(figure));
        expect(figure.lower).toBeLessThanOrEqual(one);
        expect(figure.upper).toBeGreaterThanOrEqual(one);
      }
    }),
  );
});

test('a text and what the server keeps of it have one shape', () => {
  for (const [sent, kept] of [
    ["insert into t values (1, 'a''b', -2.5)", 'insert into t values ($1, $2, $3)'],
    ['select a - 1 from t where b in (1, 2, 3);', 'select a - $1 from t where b in ($1 /*, ... */)'],
    ['SELECT  /* c */ true, null::int -- x', 'select $1, $2::int'],
    ["select $q$it's$q$, E'\\n', 0x1F", 'select $1, $2, $3'],
    ['alter table "T" add column a int default 5', 'alter table "T" add column a int default 5;'],
  ] as const)
    expect(shapeOf(sent)).toBe(shapeOf(kept));
  expect(shapeOf('do $$ a $$')).not.toBe(shapeOf('do $$ b $$'));
  expect(shapeOf('select 1 from t')).not.toBe(shapeOf('select 1 from "T"'));
});
