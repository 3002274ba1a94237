/** What a report says of the server's own upkeep, as labelled lines. Texts are not yet escaped. */
import type { UpkeepRecord } from '../recording/recording.ts';
import type { Fact } from './facts.ts';
import { count, counted, duration, figureInCell } from './format.ts';

/** Tables with more dead rows than this are named. */
const DEAD_ROWS_TOLD = 1_000;
const TABLES_TOLD = 5;

export function upkeepFacts({
  horizon,
  oldestRow,
  deadRows,
  lostStatistics,
  workers,
  cancelled = [],
  checkpoints,
}: UpkeepRecord): readonly Fact[] {
  const worn = deadRows
    .filter(({ before, after }) => after - before >= DEAD_ROWS_TOLD)
    .toSorted((one, other) => other.after - other.before - (one.after - one.before))
    .slice(0, TABLES_TOLD);
  const unanalysed = 'notMeasured' in lostStatistics ? [] : lostStatistics;
  return [
    {
      label: 'dead rows',
      text: worn
        .map(({ table, before, after }) => `${table} ${count(before)}, then ${count(after)}`)
        .join('; '),
    },
    {
      label: 'held horizon',
      text:
        'notMeasured' in horizon
          ? ''
          : `rows dead for up to ${counted(horizon.transactions, 'transaction')} could not be vacuumed, because of ${horizon.holder}`,
    },
    {
      label: 'oldest row',
      text:
        oldestRow === null
          ? ''
          : `${figureInCell(oldestRow.after, 'count')} transactions old; forced vacuum at ${count(oldestRow.limit)}`,
    },
    {
      label: 'no statistics',
      text: unanalysed
        .map(({ table, lost, never }) =>
          [
            ...(lost.length > 0 ? [`${table}: lost those of ${lost.join(', ')}`] : []),
            ...(never.length > 0 ? [`${table}: none yet of ${never.join(', ')}`] : []),
          ].join('; '),
        )
        .join('; '),
    },
    {
      label: 'upkeep',
      text: workers
        .map(({ statement, unyielding }) => `${statement}${unyielding ? ', which gives way to nobody' : ''}`)
        .join('; '),
    },
    {
      label: 'upkeep cancelled',
      text: cancelled
        .map(({ work, table, atMs }) => `${work} of ${table}, ${duration(atMs)} after the start`)
        .join('; '),
    },
    {
      label: 'checkpoints',
      text:
        checkpoints === null
          ? ''
          : `${figureInCell(checkpoints.requested, 'count')} asked for by statements or a full log, ${figureInCell(checkpoints.timed, 'count')} by the clock`,
    },
  ];
}
