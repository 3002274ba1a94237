import { exactly } from '../recording/figure.ts';
import type { Check } from './check.ts';
import { codeChanges } from './code-changes.ts';
import { statement } from './finding.ts';

const id = 'plan-regression';
const SOURCE = 'EXPLAIN for unknown values between the steps';

export const planRegression: Check = {
  id,
  title: 'Plan that went from an index to a full scan',
  condition:
    'After a step the plan of a statement, of either version of the code, reads a table of more than 10,000 rows from end ' +
    'to end that it read through an index before. It is told and is no breach: the load tells what it costs.',
  effect: 'The statement takes as long as the table is large, and keeps a processor busy meanwhile.',
  workaround:
    'Build the index that serves the statement before the old one is dropped, run ANALYZE after a column was rewritten ' +
    '(its statistics are gone until then), or move the readers first.',

  check({ code, steps }) {
    if (code === undefined || 'notMeasured' in code) return [];
    return codeChanges(code).flatMap((change) => {
      if (change.kind !== 'full scan') return [];
      const { statement: each, afterStep, scans } = change;
      const step = steps.find(({ version }) => version === afterStep);
      return scans.map(({ table, rows }) =>
        statement({
          checkId: id,
          verdict: 'pass',
          subject: each.operation,
          what: `rows of ${table} are read from end to end after ${step?.file ?? afterStep}, through an index before`,
          figure:
            rows === null
              ? { notMeasured: 'the table was not there when the others were filled' }
              : exactly(rows, SOURCE),
          unit: 'count',
          statementId: step?.statements.at(-1)?.id ?? null,
        }),
      );
    });
  },
};
