import { exactly } from '../recording/figure.ts';
import type { Check } from './check.ts';
import { detailsOf, sumOf, unseenOf } from './disk-growth-peak.ts';
import { finding, unproven } from './finding.ts';
import { statementAt, unfinished } from './span.ts';

const id = 'disk-free';

export const diskFree: Check = {
  id,
  title: 'Fits in the free space of the disk',
  condition:
    'At one time all areas together (tables, indexes, temporary files, log) took more than budgets.diskFree on top of what ' +
    'they held before: the space that is free on the disk of production.',
  effect: 'The disk is full before the migration ends: the database stops, not only the migration.',
  workaround:
    'Make room before the release, or let the migration need less: see disk-growth-peak. What the load of production writes ' +
    'meanwhile, and log that a replica or the archiver keeps, comes on top where the rehearsal had none. Where tmpdir or ' +
    'innodb_tmpdir is on a disk of its own, its part of the details counts there.',

  check(recording, budgets) {
    const bound = budgets.diskFreeBytes ?? null;
    if (bound === null) return [];
    const { disk } = recording;
    const facts = {
      checkId: id,
      subject: 'disk',
      what: 'needed on top of what was there before',
      unit: 'bytes',
      bound,
    } as const;
    if ('notMeasured' in disk) return [finding({ ...facts, figure: { notMeasured: disk.notMeasured } })];
    const needed = Math.max(0, sumOf(disk.peak) - sumOf(disk.before));
    const found = finding({
      ...facts,
      figure: exactly(needed, disk.source),
      statementId: statementAt(recording, disk.peak.atMs)?.statement.id ?? null,
      details: detailsOf(disk),
    });
    return [unproven(found, unfinished(recording) ?? unseenOf(disk))];
  },
};
