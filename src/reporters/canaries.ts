/** Canaries of a report: whether each table could be read and written. Cells are not yet escaped. */
import { type Figure, isMeasured } from '../recording/figure.ts';
import { percentileMs } from '../recording/histogram.ts';
import type { Recording } from '../recording/recording.ts';
import { count, duration, figureInCell } from './format.ts';
import type { Table } from './tables.ts';

/** Histograms are exact to 0.8 %. */
const LATENCY_DIGITS = 2;

export function canariesTable({ canaries = [] }: Recording): Table {
  const rows = canaries.map(({ table, kind, due, answered, responses, outages }) => {
    const longest = outages.toSorted((one, other) => upperOf(other.lastedMs) - upperOf(one.lastedMs))[0];
    const p99Ms = percentileMs(responses, 0.99);
    return [
      table,
      kind,
      `${count(answered)} of ${count(due)}`,
      p99Ms === null ? '–' : duration(p99Ms, LATENCY_DIGITS),
      count(outages.length),
      longest === undefined ? '–' : figureInCell(longest.lastedMs, 'ms'),
    ];
  });
  return {
    title: 'Canaries',
    head: ['table', 'probe', 'answered', 'p99', 'outages', 'longest'],
    rows,
    numeric: [2, 3, 4, 5],
    note:
      'Each asks on its own connection and by the clock whether the table can be read or written; an outage is no answer for ' +
      '100 ms or more. They count in no figure of the load.',
  };
}

function upperOf(figure: Figure): number {
  return isMeasured(figure) ? figure.upper : 0;
}
