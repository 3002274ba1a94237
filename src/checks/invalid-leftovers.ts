import { exactly } from '../recording/figure.ts';
import type { ObservedChange, Recording } from '../recording/recording.ts';
import type { Check, Finding } from './check.ts';
import { breachesFirst, statement } from './finding.ts';

const id = 'invalid-leftovers';

export const invalidLeftovers: Check = {
  id,
  title: 'Invalid index or constraint left behind',
  condition:
    'After the last step an index is invalid, which is a failure, or a constraint is not validated, which is told ' +
    'but allowed: some releases validate in the next one. It needs no budget.',
  effect:
    'An invalid index answers no query and still costs every write. A constraint that is not validated holds for new ' +
    'rows only, so neither the planner nor a later SET NOT NULL can rely on it.',
  workaround:
    'Drop the invalid index and build it again, both CONCURRENTLY; a unique one is invalid because of duplicates, ' +
    'which must go first. Run VALIDATE CONSTRAINT in a step of its own.',

  check(recording) {
    const last = new Map<string, ObservedChange>();
    for (const change of recording.changes)
      if (change.validity !== undefined) last.set(change.relation, change);
    return breachesFirst([...last.values()].flatMap((change) => findingsOf(recording, change)));
  },
};

function findingsOf(
  recording: Recording,
  { relation, validity, statementId, source }: ObservedChange,
): readonly Finding[] {
  if (validity !== 'invalid index' && validity !== 'constraint not validated') return [];
  const invalid = validity === 'invalid index';
  const ended = recording.ended.how === 'completed';
  return [
    statement({
      checkId: id,
      verdict: !ended ? 'inconclusive' : invalid ? 'fail' : 'pass',
      subject: relation,
      what: invalid ? 'index left invalid' : 'constraint left not validated',
      figure: exactly(1, source),
      unit: 'count',
      statementId,
      ...(ended ? {} : { reason: 'the rehearsal ended before the last step' }),
    }),
  ];
}
