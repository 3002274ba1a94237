import { exactly } from '../recording/figure.ts';
import type { Check } from './check.ts';
import { statement } from './finding.ts';

const id = 'replica-stopped';

export const replicaStopped: Check = {
  id,
  title: 'The replica stopped',
  condition:
    'The replica gave up: it could not apply what the primary had logged, or not receive it. It needs no budget.',
  effect:
    'From then on it falls behind without end: reads from it give old answers, and a failover to it loses everything since. ' +
    'It has to be repaired by hand, or built anew.',
  workaround:
    'Correct the statement after which it stopped, or what differs on the replica, and rehearse again before the release.',

  check(recording) {
    const { replica } = recording;
    if (replica === undefined || 'notMeasured' in replica) return [];
    const { stoppedBy } = replica;
    if (stoppedBy === undefined || stoppedBy === null) return [];
    const { code, message } = stoppedBy;
    const replays = replica.replays === undefined || 'notMeasured' in replica.replays ? [] : replica.replays;
    return [
      statement({
        checkId: id,
        verdict: 'fail',
        subject: 'replica',
        what: `stopped: ${message.replace(/\.$/, '')} (${code})`,
        figure: exactly(1, replica.source),
        unit: 'count',
        statementId: replays.findLast(({ failed }) => failed)?.statementId ?? null,
      }),
    ];
  },
};
