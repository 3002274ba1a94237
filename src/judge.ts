/**
 * Recording and budgets in, findings and verdict out. Pure: the same input always gives the same judgement.
 *
 *  - `fail` when any finding fails, else `inconclusive` when any is, else `pass`;
 *  - a rehearsal that was interrupted or could not go on is `inconclusive` as a whole, whatever was found until then;
 *  - a rehearsal in which nothing was held against a limit is `inconclusive`: nothing checked is no pass;
 *  - a check that throws is `inconclusive` with the message, and the others are still heard.
 */
import type { Check, Finding, Judgement } from './checks/check.ts';
import { breachesFirst, merged, statement } from './checks/finding.ts';
import { checks as allChecks } from './checks/index.ts';
import type { Budgets, Recording } from './recording/recording.ts';

export function judge(
  recording: Recording,
  budgets: Budgets = recording.budgets,
  checks: readonly Check[] = allChecks,
): Judgement {
  const findings = breachesFirst(checks.flatMap((check) => findingsOf(check, recording, budgets)));
  const completed = recording.ended.how === 'completed';
  return {
    verdict: completed ? merged(findings.map(({ verdict }) => verdict)) : 'inconclusive',
    findings,
    budgets,
  };
}

function findingsOf(check: Check, recording: Recording, budgets: Budgets): readonly Finding[] {
  try {
    return check.check(recording, budgets);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return [
      statement({
        checkId: check.id,
        verdict: 'inconclusive',
        subject: 'rehearsal',
        what: check.title.toLowerCase(),
        figure: { notMeasured: `the check itself failed, which is a defect of rehearse: ${message}` },
        unit: 'count',
      }),
    ];
  }
}
