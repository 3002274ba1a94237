import { exactly } from '../recording/figure.ts';
import type { Check } from './check.ts';
import { statement } from './finding.ts';

const id = 'statistics-lost';

export const statisticsLost: Check = {
  id,
  title: 'Statistics of columns lost',
  condition:
    'After a step columns have no statistics that had them before it: their type was changed, or the table made anew. It is ' +
    'told and is no breach; plan-regression tells which plans it changed.',
  effect:
    'Until the columns are analysed the planner guesses how many rows match, and may read a whole table for a few.',
  workaround: 'Run ANALYZE on the table in the same release, right after the step.',

  check({ upkeep }) {
    if (upkeep === undefined || 'notMeasured' in upkeep.lostStatistics) return [];
    return upkeep.lostStatistics
      .filter(({ lost }) => lost.length > 0)
      .map(({ table, lost, statementId }) =>
        statement({
          checkId: id,
          verdict: 'pass',
          subject: table,
          what: `columns without statistics that had them before: ${lost.join(', ')}`,
          figure: exactly(lost.length, upkeep.source),
          unit: 'count',
          statementId,
        }),
      );
  },
};
