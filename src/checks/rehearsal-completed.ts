import type { Check } from './check.ts';
import { statement } from './finding.ts';

const id = 'rehearsal-completed';

export const rehearsalCompleted: Check = {
  id,
  title: 'Rehearsal completed',
  condition:
    'The rehearsal was interrupted, or the harness could not go on. What it saw until then is in the report.',
  effect: 'What was not seen cannot be judged: the verdict is inconclusive whatever else was found.',
  workaround: 'Remove the cause that the report names and rehearse again.',

  check({ ended }) {
    if (ended.how === 'completed') return [];
    const why = ended.how === 'interrupted' ? `interrupted by ${ended.signal}` : ended.message;
    return [
      statement({
        checkId: id,
        verdict: 'inconclusive',
        subject: 'rehearsal',
        what: 'completed',
        figure: { notMeasured: `it ended in the phase "${ended.phase}": ${why}` },
        unit: 'count',
      }),
    ];
  },
};
