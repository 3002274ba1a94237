import { exactly } from '../recording/figure.ts';
import type { Check } from './check.ts';
import { statement } from './finding.ts';

const id = 'lock-timeout-given-up';

export const lockTimeoutGivenUp: Check = {
  id,
  title: 'Lock timeout and retry',
  condition:
    'An attempt of a migration gave up its place in the queue for a lock and a later one was applied. This is no ' +
    'breach: it is the lock timeout at work, told so that the retries are known.',
  effect:
    'The application waits no longer than the lock timeout for each attempt; the migration takes longer.',
  workaround:
    'None is needed. When the attempts come near to the number that the release allows, find out what holds the ' +
    'lock for so long, or run the migration at a quieter hour.',

  check(recording) {
    return recording.steps
      .filter(({ outcome, attempts }) => outcome === 'applied' && attempts > 1)
      .map((step) =>
        statement({
          checkId: id,
          verdict: 'pass',
          subject: step.file,
          what: `attempts gave up at the lock timeout before attempt ${step.attempts} was applied`,
          figure: exactly(step.attempts - 1, 'steps of the migration tool'),
          unit: 'count',
          statementId: step.statements.at(-1)?.id ?? null,
        }),
      );
  },
};
