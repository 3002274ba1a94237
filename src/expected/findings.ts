/** Findings of a judgement against those that expected.json lists. Pure. */
import type { Finding, Unit } from '../checks/check.ts';
import { boundsDifference } from './bounds.ts';
import type { Bounds, FindingExpectation } from './schema.ts';

/** What is missing or off among the listed findings, and every finding that is not `pass` and not listed. */
export function findingDifferences(
  findings: readonly Finding[],
  wanted: readonly FindingExpectation[],
): readonly string[] {
  const missing = wanted.flatMap((one) => {
    const candidates = findings.filter((finding) => isOf(finding, one));
    if (candidates.length === 0 && one.optional === true) return [];
    if (candidates.length === 0) return [`${titleOf(one)}: no such finding${insteadOf(findings, one)}`];
    const figure = figureOf(one);
    if (figure === null || candidates.some((finding) => figureDifference(finding, figure) === null))
      return [];
    return candidates.slice(0, 1).map((finding) => `${titleOf(one)}: ${figureDifference(finding, figure)}`);
  });
  const unlisted = findings
    .filter((finding) => finding.verdict !== 'pass' && !wanted.some((one) => isOf(finding, one)))
    .map(unexpected);
  return [...missing, ...unlisted];
}

function unexpected({ checkId, verdict, subject, what, reason }: Finding): string {
  const why = reason === null ? '' : ` (${reason})`;
  return `unexpected finding ${checkId} ${verdict}: ${subject} ${what}${why}`;
}

function isOf(finding: Finding, wanted: FindingExpectation): boolean {
  const sameSubject = wanted.subject === undefined || wanted.subject === finding.subject;
  return finding.checkId === wanted.check && finding.verdict === wanted.verdict && sameSubject;
}

function titleOf({ check, verdict, subject }: FindingExpectation): string {
  return `${check} ${verdict}${subject === undefined ? '' : ` of ${subject}`}`;
}

function insteadOf(findings: readonly Finding[], { check }: FindingExpectation): string {
  const same = findings.filter((finding) => finding.checkId === check);
  if (same.length === 0) return '';
  return `, but ${same.map((finding) => `${finding.verdict} of ${finding.subject}`).join(', ')}`;
}

interface WantedFigure {
  readonly unit: Unit;
  readonly bounds: Bounds;
}

function figureOf(wanted: FindingExpectation): WantedFigure | null {
  if (wanted.figureMs !== undefined) return { unit: 'ms', bounds: wanted.figureMs };
  if (wanted.figureBytes !== undefined) return { unit: 'bytes', bounds: wanted.figureBytes };
  if (wanted.figureCount !== undefined) return { unit: 'count', bounds: wanted.figureCount };
  if (wanted.figureRatio !== undefined) return { unit: 'ratio', bounds: wanted.figureRatio };
  return null;
}

function figureDifference(finding: Finding, wanted: WantedFigure): string | null {
  if (finding.unit !== wanted.unit) return `its figure is in ${finding.unit}, expected in ${wanted.unit}`;
  return boundsDifference(finding.figure, wanted.bounds);
}
