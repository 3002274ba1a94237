import { exactly } from '../recording/figure.ts';
import type { ObservedChange } from '../recording/recording.ts';
import type { Check, Finding, Verdict } from './check.ts';
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
    'already, so that this change of its columns rebuilt it, which is a failure. It needs no budget.',
  effect:
    'At the limit (64 row versions, 255 from MySQL 9.1 on) an ADD COLUMN that was instant up to then silently rebuilds ' +
    'the table: seconds become the time of a copy.',
  workaround:
    'Rebuild the table at a quiet hour (OPTIMIZE TABLE, ALTER TABLE ... FORCE): the count starts at zero again. Write ' +
    'ALGORITHM=INSTANT, so that the server refuses instead of rebuilding.',

  check(recording) {
    const last = new Map<string, ObservedChange>();
    const rebuilt: ObservedChange[] = [];
    const perhaps: ObservedChange[] = [];
    for (const change of recording.changes) {
      if (change.rowVersions === undefined) continue;
      if (wasRebuiltAtLimit(change)) rebuilt.push(change);
      else if (mayHaveBeen(change)) perhaps.push(change);
      last.set(change.relation, change);
    }
    return breachesFirst([
      ...rebuilt.flatMap((change) => findingOf(change, 'fail')),
      ...perhaps.flatMap((change) => findingOf(change, 'inconclusive')),
      ...[...last.values()].filter(isNear).flatMap((change) => findingOf(change, 'pass')),
    ]);
  },
};

/** A rebuild that changed no column was wanted for its own sake: OPTIMIZE TABLE, ALTER TABLE ... FORCE. */
function wasRebuiltAtLimit({ algorithm, rowVersions }: ObservedChange): boolean {
  if (rowVersions === undefined || algorithm === 'instant' || rowVersions.columns === 0) return false;
  return rowVersions.before >= rowVersions.limit && rowVersions.after < rowVersions.before;
}

/** Several statements between two readings, of which one may have come to the limit. */
function mayHaveBeen({ algorithm, rowVersions, statementId }: ObservedChange): boolean {
  if (rowVersions === undefined || algorithm === 'instant' || statementId !== null) return false;
  const { before, after, limit, columns = 0 } = rowVersions;
  return before < limit && before + columns > limit && after < before;
}

const WORDS: Readonly<Record<Verdict, (limit: number, left: number) => string>> = {
  fail: (limit) => `row versions, the limit of ${limit}, were reached before: the change rebuilt the table`,
  inconclusive: (limit) =>
    `row versions of at most ${limit} before: the limit may have been reached within the step, which rebuilt the table`,
  pass: (limit, left) =>
    left <= 0
      ? `row versions, the limit of ${limit}: the next ADD or DROP COLUMN rebuilds the table`
      : `row versions of at most ${limit}: after ${left} more instant ${left === 1 ? 'change' : 'changes'} the next one rebuilds the table`,
};

function isNear({ rowVersions }: ObservedChange): boolean {
  return rowVersions !== undefined && rowVersions.after >= rowVersions.limit * NEAR;
}

function findingOf(
  { relation, rowVersions, statementId }: ObservedChange,
  verdict: Verdict,
): readonly Finding[] {
  if (rowVersions === undefined) return [];
  const { before, after, limit } = rowVersions;
  return [
    statement({
      checkId: id,
      verdict,
      subject: relation,
      what: WORDS[verdict](limit, limit - after),
      figure: exactly(verdict === 'pass' ? after : before, SOURCE),
      ...(verdict === 'inconclusive' && {
        reason: 'several statements of the step changed columns between the two readings of the count',
      }),
      unit: 'count',
      statementId,
    }),
  ];
}
