/** How a figure is held against a bound, and how a finding is made of it: the same rule for every check. */
import type { Figure } from '../recording/figure.ts';
import { isMeasured } from '../recording/figure.ts';
import type { Detail, Finding, Unit, Verdict } from './check.ts';

export interface FindingFacts {
  readonly checkId: string;
  readonly subject: string;
  readonly what: string;
  readonly figure: Figure;
  readonly unit: Unit;
  readonly bound: number;
  readonly statementId?: string | null;
  readonly details?: readonly Detail[];
}

/**
 * `fail` when even the least possible value is past the bound, `pass` when even the largest is not, and `inconclusive`
 * when the bound lies between the two or nothing was measured.
 */
export function hold(figure: Figure, bound: number): Verdict {
  if (!isMeasured(figure)) return 'inconclusive';
  if (figure.lower > bound) return 'fail';
  return figure.upper <= bound ? 'pass' : 'inconclusive';
}

export function finding(facts: FindingFacts): Finding {
  const verdict = hold(facts.figure, facts.bound);
  const straddles = verdict === 'inconclusive' && isMeasured(facts.figure);
  return {
    statementId: null,
    details: [],
    ...facts,
    verdict,
    reason: straddles ? 'the bound lies within what the figure may be' : null,
  };
}

/** A finding of a fact that needs no budget: something is so, and that is good or bad in itself. */
export function statement(
  facts: Omit<FindingFacts, 'bound'> & { readonly verdict: Verdict; readonly reason?: string },
): Finding {
  return { statementId: null, details: [], ...facts, bound: null, reason: facts.reason ?? null };
}

/** The same finding, no longer trusted; a finding that is inconclusive already keeps its own reason. */
export function doubted(original: Finding, reason: string, details: readonly Detail[] = []): Finding {
  if (original.verdict === 'inconclusive') return original;
  return { ...original, verdict: 'inconclusive', reason, details: [...original.details, ...details] };
}

/** The same finding where it says `pass`, inconclusive for `reason`; a breach that was seen stays a breach. */
export function unproven(original: Finding, reason: string | null): Finding {
  return original.verdict === 'pass' && reason !== null ? doubted(original, reason) : original;
}

const RANK: Readonly<Record<Verdict, number>> = { fail: 0, inconclusive: 1, pass: 2 };

/** Breaches first, then what could not be judged; the order is otherwise kept. */
export function breachesFirst(findings: readonly Finding[]): readonly Finding[] {
  return findings.toSorted((one, other) => RANK[one.verdict] - RANK[other.verdict]);
}

/** `fail` before `inconclusive` before `pass`; nothing at all is inconclusive. */
export function merged(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes('fail')) return 'fail';
  return verdicts.length === 0 || verdicts.includes('inconclusive') ? 'inconclusive' : 'pass';
}

/** Items with the same key, in the order in which they came; groups in the order of their first item. */
export function grouped<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
): readonly (readonly Item[])[] {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups.values()];
}
