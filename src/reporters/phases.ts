/** The phases of statements that were under way for a while. Cells are not yet escaped. */
import { isMeasured } from '../recording/figure.ts';
import type { ProgressRecord, Recording } from '../recording/recording.ts';
import { count, counted, duration, secondsAlone } from './format.ts';
import type { Table } from './tables.ts';

const ROWS_SHOWN = 20;

/** Readings of one phase of one statement, one after the other. */
interface Phase {
  readonly place: string;
  readonly first: ProgressRecord;
  readonly last: ProgressRecord;
}

export function phasesTable(recording: Recording): Table {
  const phases = phasesOf(recording);
  return {
    title: 'Progress of the statements',
    head: ['statement', 'phase', 'seen from (s)', 'for', 'done', 'of about'],
    rows: phases
      .slice(0, ROWS_SHOWN)
      .map(({ place, first, last }) => [
        place,
        first.phase,
        secondsAlone(first.atMs),
        duration(last.atMs - first.atMs),
        count(last.done),
        count(last.total),
      ]),
    numeric: [2, 3, 4, 5],
    note:
      'From the first to the last reading that showed a phase; what is shorter than the pause between two readings may be ' +
      `missing. Done and estimated are the server’s own units at the last reading.${phases.length > ROWS_SHOWN ? ` ${counted(phases.length - ROWS_SHOWN, 'more phase')} in the recording.` : ''}`,
  };
}

function phasesOf(recording: Recording): readonly Phase[] {
  const phases: Phase[] = [];
  for (const record of recording.progress) {
    const place = placeOf(recording, record);
    const index = phases.findLastIndex(({ first }) => first.sessionId === record.sessionId);
    const open = phases[index];
    const goesOn =
      open?.place === place && open.first.phase === record.phase && record.done >= open.last.done;
    if (open !== undefined && goesOn) phases[index] = { ...open, last: record };
    else phases.push({ place, first: record, last: record });
  }
  return phases;
}

/** "0001_index.sql:3", of the statement that ran in the session at that time. */
function placeOf({ steps }: Recording, { sessionId, atMs }: ProgressRecord): string {
  for (const { file, statements } of steps)
    for (const { line, startedAtMs, durationMs, sessionId: own } of statements) {
      if (own !== sessionId || startedAtMs > atMs) continue;
      if (!isMeasured(durationMs) || startedAtMs + durationMs.upper >= atMs) return `${file}:${line}`;
    }
  return '–';
}
