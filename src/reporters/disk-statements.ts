/** What each statement took of the disk. Cells are not yet escaped. */
import { AREA_IN_WORDS, sumOf } from '../checks/disk-growth-peak.ts';
import { statementById } from '../checks/span.ts';
import { isMeasured } from '../recording/figure.ts';
import type { DiskArea, DiskRecord, Recording, StatementDisk } from '../recording/recording.ts';
import { bytes, count } from './format.ts';
import type { Table } from './tables.ts';

const ROWS_SHOWN = 12;
/** The load writes a little all the time. */
const LEAST_BYTES = 64 * 1024;
const AREAS_TOLD = 3;

export function diskStatementsTable(recording: Recording, { statements = [] }: DiskRecord): Table {
  const grown = statements
    .filter((each) => grownBy(each) >= LEAST_BYTES)
    .toSorted((one, other) => grownBy(other) - grownBy(one));
  return {
    title: 'Disk by statement',
    head: ['statement', 'before', 'at its peak', 'after', 'growth at its peak', 'most of it in'],
    rows: grown.slice(0, ROWS_SHOWN).map((each) => {
      const placed = statementById(recording, each.statementId);
      return [
        placed === null ? '–' : `${placed.step.file}:${placed.statement.line}`,
        bytes(sumOf(each.before)),
        bytes(sumOf(each.peak)),
        bytes(sumOf(each.after)),
        bytes(grownBy(each)),
        areasOf(each),
      ];
    }),
    numeric: [1, 2, 3, 4],
    note: `The largest reading while it ran, all areas together, the load’s writes included.${grown.length > ROWS_SHOWN ? ` ${count(grown.length - ROWS_SHOWN)} more in the recording.` : ''}`,
  };
}

/** A witness that looks at no single file. */
export function freeInWords({ freeTakenBytes }: DiskRecord): string {
  if (freeTakenBytes === undefined || !isMeasured(freeTakenBytes)) return '';
  return ` Its file system had at most ${bytes(freeTakenBytes.upper)} less free meanwhile, by whomever.`;
}

function grownBy({ before, peak }: StatementDisk): number {
  return sumOf(peak) - sumOf(before);
}

function areasOf({ before, peak }: StatementDisk): string {
  return (Object.keys(peak.areas) as DiskArea[])
    .map((area) => ({ area, grown: (peak.areas[area] ?? 0) - (before.areas[area] ?? 0) }))
    .filter(({ grown }) => grown >= LEAST_BYTES)
    .toSorted((one, other) => other.grown - one.grown)
    .slice(0, AREAS_TOLD)
    .map(({ area, grown }) => `${AREA_IN_WORDS[area]} ${bytes(grown)}`)
    .join(', ');
}
