import type { Check } from './check.ts';
import { finding } from './finding.ts';

const id = 'replica-lag';

export const replicaLag: Check = {
  id,
  title: 'Lag of the replica',
  condition: 'The replica fell behind by more than budgets.replicaLag.',
  effect: 'Reads from the replica give old answers, and a failover loses what it has not received.',
  workaround: 'Work in smaller batches with pauses, and watch the lag between them.',

  check(recording, { replicaLagMs: bound }) {
    if (bound === null) return [];
    const replica = recording.servers.some(({ role }) => role === 'replica');
    const reason = replica
      ? 'this recording holds no lag of the replica'
      : 'no replica ran (database.replica)';
    return [
      finding({
        checkId: id,
        subject: 'replica',
        what: 'lag',
        figure: { notMeasured: reason },
        unit: 'ms',
        bound,
      }),
    ];
  },
};
