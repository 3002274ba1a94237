import { exactly } from '../recording/figure.ts';
import type { Recording, ReplicaRecord } from '../recording/recording.ts';
import type { Check, Detail } from './check.ts';
import { finding, unproven } from './finding.ts';
import { statementAt, unfinished } from './span.ts';

const id = 'replica-lag';

export const replicaLag: Check = {
  id,
  title: 'Lag of the replica',
  condition: 'The replica fell behind by more than budgets.replicaLag, from the start of the migrations on.',
  effect:
    'Reads from the replica give old answers, and a failover loses what it has not received. A statement that is applied ' +
    'there keeps its locks from readers of the replica too.',
  workaround: 'Work in smaller batches with pauses, and watch the lag between them.',

  check(recording, { replicaLagMs: bound }) {
    if (bound === null) return [];
    const facts = { checkId: id, subject: 'replica', what: 'lag', unit: 'ms', bound } as const;
    const { replica } = recording;
    if (replica === undefined || 'notMeasured' in replica) {
      const reason = replica?.notMeasured ?? 'no replica ran (database.replica)';
      return [finding({ ...facts, figure: { notMeasured: reason } })];
    }
    const found = finding({
      ...facts,
      figure: replica.lagMs,
      statementId: statementOf(recording, replica),
      details: detailsOf(replica),
    });
    return [unproven(unproven(found, unfinished(recording)), stillBehind(replica))];
  },
};

/** A lag that has not come to its end has no most. */
function stillBehind({ stoppedBy, caughtUpMs }: ReplicaRecord): string | null {
  if (stoppedBy !== undefined && stoppedBy !== null) return 'the replica stopped, and falls behind since';
  return caughtUpMs !== undefined && 'notMeasured' in caughtUpMs ? caughtUpMs.notMeasured : null;
}

/** What was being applied when it was farthest behind is what the primary had run that long before. */
function statementOf(recording: Recording, { samples }: ReplicaRecord): string | null {
  const from = recording.windows.find(({ name }) => name === 'migration')?.startedAtMs ?? 0;
  const [worst] = samples
    .filter(({ atMs }) => atMs >= from)
    .toSorted((one, other) => other.lagMs[0] - one.lagMs[0]);
  if (worst === undefined) return null;
  return statementAt(recording, worst.atMs - worst.lagMs[0])?.statement.id ?? null;
}

function detailsOf({ lagBytes, conflicts, source }: ReplicaRecord): readonly Detail[] {
  const counted = 'notMeasured' in conflicts ? [] : conflicts;
  return [
    { what: 'of log not applied at most', figure: lagBytes, unit: 'bytes' },
    ...counted.map(({ kind, count }) => ({
      what: `sessions cancelled on the replica (${kind})`,
      figure: exactly(count, source),
      unit: 'count' as const,
    })),
  ];
}
