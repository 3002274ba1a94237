/** The journal in the reports: what the server told of each statement. */
import { expect, test } from 'vitest';
import { checks } from '../checks/index.ts';
import { recording } from '../checks/recording.fixture.ts';
import { judge } from '../judge.ts';
import { between, exactly, notMeasured } from '../recording/figure.ts';
import type { JournalStatement } from '../recording/recording.ts';
import { renderReport } from './index.ts';

function told(changes: Partial<JournalStatement> = {}): JournalStatement {
  return {
    sessionId: 10,
    applicationName: 'flyway',
    text: 'alter table orders add column tax_rate numeric',
    message: 0,
    within: null,
    startedAtMs: between(2100, 2101, 'log'),
    durationMs: exactly(104.2, 'log'),
    outcome: 'ok',
    error: null,
    transaction: '3/44',
    transactionId: '761',
    rows: exactly(0, 'pg_stat_statements'),
    logBytes: exactly(8192, 'pg_stat_statements'),
    statementId: '1#1.1',
    ...changes,
  };
}

function render(statements: readonly JournalStatement[], format: string, width = 80): string {
  const journal = { server: 'rehearsal' as const, source: 'server log (jsonlog)', statements };
  const facts = recording({ journal });
  return renderReport({ recording: facts, judgement: judge(facts), checks }, format, {
    colour: false,
    width,
  });
}

const rowsOf = (text: string): readonly string[] =>
  (/Statements as the server told them([\s\S]*?)<\/details>/.exec(text)?.[1] ?? '')
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(2);

test('each statement has its start, time, rows, log, transaction and error', () => {
  const refused = {
    outcome: 'failed',
    error: { code: '42703', message: 'no', statement: null, position: 8 },
  } as const;
  const text = render(
    [
      told(),
      told({
        text: 'update orders set tax_rate = 0',
        within: 0,
        runs: exactly(3, 'pg_stat_statements'),
        rows: exactly(1500, 'pg_stat_statements'),
      }),
      told({
        text: 'select nothing',
        statementId: null,
        transaction: '3/45',
        durationMs: between(1, 3, 'log'),
        rows: notMeasured('the server counts none'),
        logBytes: notMeasured('the server counts none'),
        ...refused,
      }),
    ],
    'markdown',
  );
  expect(rowsOf(text)).toEqual([
    expect.stringMatching(
      /^\| 2\.101 \| 104 ms \| 0 \| 8\.19 kB \| 1 \| ok \| .*alter table orders add column tax_rate numeric/,
    ),
    expect.stringMatching(
      /^\| 2\.101 \| 104 ms \| 1,500 \| 8\.19 kB \| 1 \| ok \| .*3 times: update orders set tax_rate = 0/,
    ),
    expect.stringMatching(/^\| 2\.101 \| 1 ms – 3 ms \| – \| – \| 2 \| failed 42703 \| .*select nothing/),
  ]);
  expect(text).toContain('1 statement of them in no file of a migration: the tool’s own.');
  expect(text).toContain(
    '–: rows not measured (the server counts none); log not measured (the server counts none).',
  );
});

test('where the server times row-lock waits they have the column, warnings are told, and a cut text is marked', () => {
  const text = render(
    [
      told({
        lockMs: exactly(506.4, 'ring'),
        warnings: 2,
        textCut: true,
        logBytes: notMeasured('not counted'),
      }),
      told({
        lockMs: exactly(0, 'ring'),
        outcome: 'failed',
        warnings: 1,
        error: { code: '1054', message: 'no', statement: null, position: null },
      }),
    ],
    'markdown',
  );
  expect(text).toContain('| row locks |');
  expect(rowsOf(text)).toEqual([
    expect.stringMatching(
      /\| 506 ms \| 1 \| ok, 2 warnings \| .*tax_rate numeric… \(the server keeps no more of it\)/,
    ),
    expect.stringMatching(/\| 0 ms \| 1 \| failed 1054 \| /),
  ]);
  expect(text).toContain('log not measured (not counted)');
});

test('of thousands the longest and the failed ones are shown in their order, and the others counted', () => {
  const many = Array.from({ length: 1000 }, (_, index) =>
    told({ text: `select ${index}`, durationMs: exactly(index < 500 ? 1 : index, 'log') }),
  );
  const statements = many.with(
    2,
    told({ text: 'select failed', outcome: 'failed', durationMs: notMeasured('x') }),
  );
  const text = render(statements, 'markdown');
  const rows = rowsOf(text);
  expect(rows).toHaveLength(30);
  expect(rows[0]).toContain('select failed');
  expect(rows.at(-1)).toContain('select 999');
  expect(text).toContain('970 more are in the recording');
});

test('a recording without a journal has no such table', () => {
  const facts = recording({ journal: { notMeasured: 'the log cannot be read' } });
  const text = renderReport({ recording: facts, judgement: judge(facts), checks }, 'terminal');
  expect(text).not.toContain('as the server told them');
  expect(text).toContain('the log cannot be read');
});
