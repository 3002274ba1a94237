/** Production's statements: what the load repeats of them, how near it comes, and what it leaves out. */
import { isMeasured } from '../recording/figure.ts';
import type { MixRecord, MixStatement } from '../recording/recording.ts';
import { count, mean, percent, rate } from './format.ts';
import type { Table } from './tables.ts';

const SHOWN = 15;

export function mixTables({ statements }: MixRecord): readonly Table[] {
  const replayed = statements.filter((each) => 'operation' in each.replayed);
  const left = statements.filter((each) => 'reason' in each.replayed);
  return [
    {
      title: "Production's statements",
      head: ['operation', 'of calls', 'rows/call', 'here', 'statement'],
      rows: replayed.slice(0, SHOWN).map(rowOf),
      numeric: [1, 2, 3],
      note: `${more(replayed.length)}Rows that a call reads or changes: in production, and here ${sourceOf(replayed)}.`,
    },
    {
      title: "Production's statements that the load does not repeat",
      head: ['of calls', 'statement', 'because'],
      rows: left
        .slice(0, SHOWN)
        .map(({ share, text, replayed: why }) => [percent(share), text, 'reason' in why ? why.reason : '']),
      numeric: [0],
      note: more(left.length) === '' ? null : more(left.length),
    },
  ];
}

function rowOf({
  share,
  text,
  replayed,
  rowsPerCall: { production, ours },
}: MixStatement): readonly string[] {
  return [
    'operation' in replayed ? replayed.operation : '',
    percent(share),
    mean(production),
    isMeasured(ours) ? mean(ours.upper) : '–',
    text,
  ];
}

function more(length: number): string {
  return length > SHOWN ? `${count(length - SHOWN)} more in the recording. ` : '';
}

function sourceOf(replayed: readonly MixStatement[]): string {
  for (const { rowsPerCall } of replayed)
    if (isMeasured(rowsPerCall.ours)) return `(${rowsPerCall.ours.source})`;
  return '(not measured)';
}

/** What could not be called, each reason with its operation. */
export function mixGaps({ statements }: MixRecord): readonly string[] {
  return statements.flatMap(({ replayed, rowsPerCall: { ours } }) =>
    'operation' in replayed && !isMeasured(ours) ? [`${replayed.operation}: ${ours.notMeasured}`] : [],
  );
}

export function mixInWords({ capturedAt, callsPerSecond, rateFrom, statements }: MixRecord): string {
  const share = statements.reduce((sum, each) => sum + ('operation' in each.replayed ? each.share : 0), 0);
  const speed = callsPerSecond === null ? 'at a rate that is not known' : `at ${rate(callsPerSecond)}`;
  const taken = {
    profile: 'whose rate the load takes',
    scenario: 'the rate is that of load.rate',
    default: 'the rate is the default of load.rate',
  }[rateFrom];
  return `profile of ${capturedAt}, ${speed}; ${percent(share)} of its calls are repeated, ${taken}`;
}
