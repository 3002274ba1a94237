/** What a report says of the replica. Texts are not yet escaped. */
import { statementById } from '../checks/span.ts';
import { type Figure, isMeasured } from '../recording/figure.ts';
import type { ApplierRecord, LagSample, Recording, ReplicaRecord } from '../recording/recording.ts';
import { bytes, count, duration, figureInCell } from './format.ts';
import type { Table } from './tables.ts';

/** One row for each window, and one for the time after them, in which the replica catches up. */
export function replicaTable(recording: Recording, replica: ReplicaRecord): Table {
  const endMs = Math.max(0, ...recording.windows.map(({ endedAtMs }) => endedAtMs));
  const stretches = [
    ...recording.windows,
    { name: 'afterwards', startedAtMs: endMs, endedAtMs: Number.POSITIVE_INFINITY },
  ];
  const rows = stretches.flatMap(({ name, startedAtMs, endedAtMs }) => {
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
    note: [
      ...stopInWords(replica),
      conflictsInWords(replica),
      `From the migrations on its largest lag was ${figureInCell(replica.lagMs, 'ms')}; it is read every ${duration(replica.intervalMs)}.`,
      ...caughtUpInWords(replica),
    ].join(' '),
  };
}

/** How long each schema change took there, beside what it took on the primary; those that took longest. */
export function replayTable(
  recording: Recording,
  { replays = [], replaysNotKept = 0, applier }: ReplicaRecord,
): Table {
  const told = 'notMeasured' in replays ? [] : replays;
  const longest = told.toSorted((one, other) => mostOf(other.durationMs) - mostOf(one.durationMs));
  const shown = new Set(longest.slice(0, REPLAYS_SHOWN));
  const hidden = told.length - shown.size + replaysNotKept;
  return {
    title: 'Schema changes on the replica',
    head: ['statement', 'on the primary', 'on the replica', 'of it for locks', 'waited behind it', 'outcome'],
    rows: told
      .filter((replay) => shown.has(replay))
      .map((replay) => {
        const placed = statementById(recording, replay.statementId);
        const name =
          placed === null ? replay.kind : `${placed.step.file}:${placed.statement.line} (${replay.kind})`;
        const outcome = replay.failed ? 'failed' : replay.ended ? 'applied' : 'still runs';
        return [
          name,
          placed === null ? '–' : figureInCell(placed.statement.durationMs, 'ms'),
          figureInCell(replay.durationMs, 'ms'),
          replay.lockWaitedMs === undefined ? '–' : figureInCell(replay.lockWaitedMs, 'ms'),
          figureInCell(replay.othersWaitedMs, 'ms'),
          outcome,
        ];
      }),
    numeric: [1, 2, 3, 4],
    note: [
      'For locks: it waited for readers of the replica. Waited behind it: what the threads that apply waited for each other meanwhile, summed over them.',
      ...(applier === undefined || 'notMeasured' in applier ? [] : [applierInWords(applier)]),
      ...(hidden > 0 ? [`${count(hidden)} more.`] : []),
    ].join(' '),
  };
}

const REPLAYS_SHOWN = 10;

function mostOf(figure: Figure): number {
  return isMeasured(figure) ? figure.upper : 0;
}

function applierInWords({ workers, waitedMs }: ApplierRecord): string {
  if (workers < 2)
    return 'One thread applies all there, so that everything behind a statement waits as long as it takes.';
  const waits = Object.entries(waitedMs).map(([name, ms]) => `${duration(ms)} ${name.replace(/^W/, 'w')}`);
  const told =
    waits.length === 0 ? 'they did not wait for each other' : `together they spent ${waits.join(', ')}`;
  return `${count(workers)} threads apply in parallel there; from the migrations on ${told}.`;
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

function stopInWords({ stoppedBy }: ReplicaRecord): readonly string[] {
  if (stoppedBy === undefined || stoppedBy === null) return [];
  return [`It stopped at ${duration(stoppedBy.atMs)}: ${stoppedBy.message} (${stoppedBy.code}).`];
}

function caughtUpInWords({ caughtUpMs }: ReplicaRecord): readonly string[] {
  if (caughtUpMs === undefined) return [];
  if ('notMeasured' in caughtUpMs)
    return [`How long it took to catch up is not measured: ${caughtUpMs.notMeasured}.`];
  return [`It had applied all ${figureInCell(caughtUpMs, 'ms')} after the end of the load.`];
}

function conflictsInWords({ conflicts }: ReplicaRecord): string {
  if ('notMeasured' in conflicts) return `Conflicts: not measured (${conflicts.notMeasured}).`;
  if (conflicts.length === 0) return 'It cancelled no session for what it had to apply.';
  const kinds = conflicts.map(({ kind, count: cancelled }) => `${count(cancelled)} (${kind})`);
  return `Sessions that it cancelled for what it had to apply: ${kinds.join(', ')}.`;
}
