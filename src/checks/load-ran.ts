import { exactly } from '../recording/figure.ts';
import type { Budgets } from '../recording/recording.ts';
import type { Check } from './check.ts';
import { statement } from './finding.ts';
import { loadTrouble } from './load-quality.ts';
import { JUDGED_WINDOWS } from './span.ts';

const id = 'load-ran';

export const loadRan: Check = {
  id,
  title: 'Load can be believed',
  condition:
    'The load did not run all through the migrations, its counts do not add up, or the generator itself was late ' +
    '(schedule lag p99 above 5 ms, above 5 % of the response p99 and above a tenth of the smallest time budget, or a ' +
    'load thread more than 80 % busy).',
  effect:
    'Figures of the application would be those of an idle database, or of a machine that is too small to ask.',
  workaround:
    'Lower load.rate, give the rehearsal more processors, or run the server on another machine. When operations fail ' +
    'even in the baseline, correct the statements of the workload.',

  check(recording, budgets) {
    const { load } = recording;
    const trouble = loadTrouble(recording, budgets);
    if ('notMeasured' in load && !wantsLoad(budgets)) return [];
    const windows = 'notMeasured' in load ? [] : load.windows;
    const due = windows
      .filter(({ window }) => JUDGED_WINDOWS.includes(window))
      .reduce((sum, window) => sum + window.due, 0);
    return [
      statement({
        checkId: id,
        verdict: trouble === null ? 'pass' : 'inconclusive',
        subject: 'load',
        what: 'operations due during and after the migrations',
        figure: 'notMeasured' in load ? { notMeasured: load.notMeasured } : exactly(due, 'load: arrivals'),
        unit: 'count',
        details: trouble?.details ?? [],
        ...(trouble === null || 'notMeasured' in load ? {} : { reason: trouble.reason }),
      }),
    ];
  },
};

/** True when a budget is set that only a load can tell. */
function wantsLoad({ lockWaitMs, stallMs, failedOperations, latencyP99 }: Budgets): boolean {
  return [lockWaitMs, stallMs, failedOperations, latencyP99].some((budget) => budget !== null);
}
