/** What a report says of the replica. Texts are not yet escaped. */
import type { LagSample, Recording, ReplicaRecord } from '../recording/recording.ts';
import { bytes, count, duration, figureInCell } from './format.ts';
import type { Table } from './tables.ts';

/** One row for each window, and one for the time from the migrations on. */
export function replicaTable(recording: Recording, replica: ReplicaRecord): Table {
  const rows = recording.windows.flatMap(({ name, startedAtMs, endedAtMs }) => {
    const samples = replica.samples.filter(({ atMs }) => atMs >= startedAtMs && atMs < endedAtMs);
    const last = samples.at(-1);
    if (last === undefined) return [];
    const worst = samples.reduce((one, other) => (other.lagMs[1] > one.lagMs[1] ? other : one));
    return [
      [
        name,
        lagInWords(worst),
        bytes(Math.max(...samples.map(({ lagBytes }) => lagBytes))),
        notReceived(samples),
        lagInWords(last),
      ],
    ];
  });
  return {
    title: 'Replica',
    head: ['window', 'lag at most', 'log not applied', 'of it not received', 'lag at its end'],
    rows,
    numeric: [1, 2, 3, 4],
    note: `${conflictsInWords(replica)} From the migrations on the lag was at most ${figureInCell(replica.lagMs, 'ms')}; it is read every ${duration(replica.intervalMs)}.`,
  };
}

/** The bounds of one reading. */
function lagInWords({ lagMs: [least, most] }: LagSample): string {
  return figureInCell({ lower: least, upper: most, source: '' }, 'ms');
}

function notReceived(samples: readonly LagSample[]): string {
  const told = samples.flatMap(({ notReceivedBytes }) =>
    notReceivedBytes === null ? [] : [notReceivedBytes],
  );
  return told.length === 0 ? '–' : bytes(Math.max(...told));
}

function conflictsInWords({ conflicts }: ReplicaRecord): string {
  if ('notMeasured' in conflicts) return `Conflicts: not measured (${conflicts.notMeasured}).`;
  if (conflicts.length === 0) return 'It cancelled no session for what it had to apply.';
  const kinds = conflicts.map(({ kind, count: cancelled }) => `${count(cancelled)} (${kind})`);
  return `Sessions that it cancelled for what it had to apply: ${kinds.join(', ')}.`;
}
