import { expect, test } from 'vitest';
import { recording, statementRecord, step } from '../checks/recording.fixture.ts';
import { exactly } from '../recording/figure.ts';
import { phasesTable } from './phases.ts';

const seen = (atMs: number, phase: string, done: number, sessionId = 7) => ({
  atMs,
  sessionId,
  phase,
  done,
  total: 100,
});

test('readings of one phase are one row, with the statement that ran then', () => {
  const statements = [
    statementRecord({
      id: '1#1.0',
      line: 2,
      sessionId: 7,
      startedAtMs: 900,
      durationMs: exactly(1_600, 'x'),
    }),
    statementRecord({
      id: '1#1.1',
      line: 5,
      sessionId: 7,
      startedAtMs: 2_600,
      durationMs: exactly(900, 'x'),
    }),
  ];
  const { rows } = phasesTable(
    recording({
      steps: [step({ file: '1.sql', statements })],
      progress: [
        seen(1_000, 'sort', 10),
        seen(1_250, 'sort', 40),
        seen(1_500, 'insert', 60),
        seen(2_000, 'insert', 99),
        seen(3_000, 'insert', 99),
        seen(4_000, 'insert', 30, 8),
      ],
    }),
  );
  expect(rows).toEqual([
    ['1.sql:2', 'sort', '1.000', '250 ms', '40', '100'],
    ['1.sql:2', 'insert', '1.500', '500 ms', '99', '100'],
    // The next statement, though it has done as much of the same.
    ['1.sql:5', 'insert', '3.000', '0 ms', '99', '100'],
    ['–', 'insert', '4.000', '0 ms', '30', '100'],
  ]);
});
