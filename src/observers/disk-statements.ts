/** What the disk held before, during and after each statement. Pure. */
import type { DiskReading, StatementDisk } from '../recording/recording.ts';
import { keepSamples } from './bounded-samples.ts';
import { larger } from './disk-samples.ts';
import type { RunStatement } from './statements.ts';

/** An hour at 50 ms, about 10 MB; of longer migrations the larger one of neighbours stays. */
const MOST_READINGS = 72_000;

export interface StatementDisks {
  add(reading: DiskReading): void;
  /** Statements without a reading before or after them are left out. */
  of(statements: readonly RunStatement[]): readonly StatementDisk[];
}

export function trackStatementDisks(): StatementDisks {
  const readings = keepSamples(larger, MOST_READINGS);
  return {
    add: readings.add,
    of(statements) {
      const list = readings.list();
      return statements.flatMap(({ record, fromMs, toMs }) => {
        const start = firstAfter(list, fromMs);
        const end = firstAfter(list, toMs);
        const before = list[start - 1];
        const after = list[end] ?? list.at(-1);
        if (before === undefined || after === undefined) return [];
        const during = list.slice(start, end);
        const peak = (during.length === 0 ? [before, after] : during).reduce(larger);
        return [{ statementId: record.id, before, peak, after }];
      });
    },
  };
}

/** Index of the first reading after an instant; the length where there is none. */
function firstAfter(list: readonly DiskReading[], atMs: number): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle]?.atMs ?? 0) <= atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
