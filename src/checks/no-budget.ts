import type { Check } from './check.ts';
import { statement } from './finding.ts';

const id = 'no-budget';

export const noBudget: Check = {
  id,
  title: 'No budget is set',
  condition: 'No budget at all is set, so that nothing was held against a limit.',
  effect: 'A rehearsal in which nothing was checked is not a pass.',
  workaround:
    'Set budgets in the scenario (budgets: { lockWait: 500ms, stall: 1s, failedOperations: 0 }), or judge the ' +
    'recording again: rehearse judge RECORDING --budget lockWait=500ms',

  check(_recording, budgets) {
    if (Object.values(budgets).some((budget) => budget !== null)) return [];
    return [
      statement({
        checkId: id,
        verdict: 'inconclusive',
        subject: 'rehearsal',
        what: 'budgets',
        figure: { notMeasured: 'no budget is set, so nothing was held against a limit' },
        unit: 'count',
      }),
    ];
  },
};
