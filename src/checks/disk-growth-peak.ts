import { exactly } from '../recording/figure.ts';
import type { DiskArea, DiskReading, DiskRecord } from '../recording/recording.ts';
import type { Check, Detail } from './check.ts';
import { finding, unproven } from './finding.ts';
import { statementAt, unfinished } from './span.ts';

const id = 'disk-growth-peak';

export const diskGrowthPeak: Check = {
  id,
  title: 'Disk growth at its peak',
  condition:
    'All areas together (tables, indexes, temporary files, log) grew by more than budgets.diskGrowthPeak at one time: ' +
    'bytes, or a ratio of what all areas held before (1x: as much again).',
  effect:
    'A full disk stops the database, not only the migration; a rewrite needs the old and the new table side by side, ' +
    'its indexes, and the log of both.',
  workaround:
    'Provide the space before the release, or avoid the rewrite: add a new column and fill it in batches, drop what ' +
    'is unused first, build one index at a time. Log that piles up is kept by a slow replica, a slot or the archiver.',

  check(recording, { diskGrowthPeak: budget }) {
    if (budget === null) return [];
    const { disk } = recording;
    const bound = 'bytes' in budget ? budget.bytes : budget.ratio;
    const facts = {
      checkId: id,
      subject: 'disk',
      what: 'bytes' in budget ? 'growth at its peak' : 'growth at its peak, of the size before',
      unit: 'bytes' in budget ? 'bytes' : 'ratio',
      bound,
    } as const;
    if ('notMeasured' in disk) return [finding({ ...facts, figure: { notMeasured: disk.notMeasured } })];
    const before = sumOf(disk.before);
    const growth = Math.max(0, sumOf(disk.peak) - before);
    if ('ratio' in budget && before === 0) {
      return [
        finding({ ...facts, figure: { notMeasured: 'nothing was on disk before, so there is no ratio' } }),
      ];
    }
    const found = finding({
      ...facts,
      figure: exactly('bytes' in budget ? growth : growth / before, disk.source),
      statementId: statementAt(recording, disk.peak.atMs)?.statement.id ?? null,
      details: [
        { what: 'more at the peak', figure: exactly(growth, disk.source), unit: 'bytes' },
        ...detailsOf(disk),
      ],
    });
    return [unproven(found, unfinished(recording) ?? unseenOf(disk))];
  },
};

/** What no reading shows keeps a growth within its budget from being a proof. */
export function unseenOf({ unseen }: DiskRecord): string | null {
  return unseen === undefined ? null : `temporary files could not be seen: ${unseen}`;
}

/** Bytes of all areas of one reading. */
export function sumOf({ areas }: DiskReading): number {
  return Object.values(areas).reduce((sum, bytes) => sum + bytes, 0);
}

/** What grew until the peak, area by area, and the free space taken where the areas are not all. */
export function detailsOf(disk: DiskRecord): readonly Detail[] {
  const areas = Object.keys(disk.peak.areas) as DiskArea[];
  const grown = areas
    .map((area) => ({ area, bytes: (disk.peak.areas[area] ?? 0) - (disk.before.areas[area] ?? 0) }))
    .filter(({ bytes }) => bytes > 0)
    .toSorted((one, other) => other.bytes - one.bytes);
  const free =
    disk.unseen === undefined || disk.freeTakenBytes === undefined
      ? []
      : [
          {
            what: 'less free on the file system of the data directory at one time, by whomever',
            figure: disk.freeTakenBytes,
            unit: 'bytes' as const,
          },
        ];
  const inAreas = grown.map(({ area, bytes }) => ({
    what: `of it in ${AREA_IN_WORDS[area]}`,
    figure: exactly(bytes, disk.source),
    unit: 'bytes' as const,
  }));
  return [...free, ...inAreas];
}

export const AREA_IN_WORDS: Readonly<Record<DiskArea, string>> = {
  tables: 'tables',
  indexes: 'indexes',
  temporary: 'temporary files',
  tmpdir: 'files in tmpdir',
  innodbTmpdir: 'files in innodb_tmpdir',
  log: 'write-ahead or redo log',
  undo: 'undo',
  binlog: 'binary log',
  other: 'other files',
};
