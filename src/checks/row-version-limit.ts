import { exactly } from '../recording/figure.ts';
import type { ObservedChange } from '../recording/recording.ts';
import type { Check, Finding } from './check.ts';
import { breachesFirst, statement } from './finding.ts';

const id = 'row-version-limit';

/** From this share of the limit on it is told: six columns before 64, 25 before 255. */
const NEAR = 0.9;
const SOURCE = 'INNODB_TABLES.TOTAL_ROW_VERSIONS';

export const rowVersionLimit: Check = {
  id,
  title: 'Instant changes near their limit',
  condition:
    'A table counts nearly as many instant ADD or DROP COLUMNs as it may, which is told; or it was at the limit ' +
    'already, so that this change rebuilt it, which is a failure. It needs no budget.',
  effect:
    'At the limit (64 row versions, 255 from MySQL 9.1 on) an ADD COLUMN that was instant up to then silently rebuilds ' +
    'the table: seconds become the time of a copy.',
  workaround:
    'Rebuild the table at a quiet hour (OPTIMIZE TABLE, ALTER TABLE ... FORCE): the count starts at zero again. Write ' +
    'ALGORITHM=INSTANT, so that the server refuses instead of rebuilding.',

  check(recording) {
    const last = new Map<string, ObservedChange>();
    const rebuilt: ObservedChange[] = [];
    for (const change of recording.changes) {
      if (change.rowVersions === undefined) continue;
      if (wasRebuiltAtLimit(change)) rebuilt.push(change);
      last.set(change.relation, change);
    }
    return breachesFirst([
      ...rebuilt.flatMap((change) => findingOf(change, 'fail')),
      ...[...last.values()].filter(isNear).flatMap((change) => findingOf(change, 'pass')),
    ]);
  },
};

function wasRebuiltAtLimit({ algorithm, rowVersions }: ObservedChange): boolean {
  if (rowVersions === undefined || algorithm === 'instant') return false;
  return rowVersions.before >= rowVersions.limit && rowVersions.after < rowVersions.before;
}

function isNear({ rowVersions }: ObservedChange): boolean {
  return rowVersions !== undefined && rowVersions.after >= rowVersions.limit * NEAR;
}

function findingOf(
  { relation, rowVersions, statementId }: ObservedChange,
  verdict: 'pass' | 'fail',
): readonly Finding[] {
  if (rowVersions === undefined) return [];
  const { before, after, limit } = rowVersions;
  return [
    statement({
      checkId: id,
      verdict,
      subject: relation,
      what:
        verdict === 'fail'
          ? `row versions, the limit of ${limit}, were reached before: the change rebuilt the table`
          : `row versions of at most ${limit}: past it an instant change rebuilds the table`,
      figure: exactly(verdict === 'fail' ? before : after, SOURCE),
      unit: 'count',
      statementId,
    }),
  ];
}
