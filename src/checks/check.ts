/** A check compares recorded facts with a budget. Pure: the same recording and budgets give the same findings. */
import type { Figure } from '../recording/figure.ts';
import type { Budgets, Recording } from '../recording/recording.ts';

export type Verdict = 'pass' | 'inconclusive' | 'fail';
export type Unit = 'ms' | 'bytes' | 'count' | 'ratio';

/** A further figure of a finding that no bound belongs to; text alone when `figure` is null. */
export interface Detail {
  /** Follows the figure: "operations queued in the database". */
  readonly what: string;
  readonly figure: Figure | null;
  readonly unit: Unit;
}

/**
 * One thing that was held against a bound. A sentence is made of it by the reporters' format.ts:
 * "<subject>: <figure> <what>, budget <bound>".
 */
export interface Finding {
  readonly checkId: string;
  readonly verdict: Verdict;
  /** Table, operation, statement or "rehearsal". */
  readonly subject: string;
  /** Follows the figure in the sentence: "waited for AccessExclusiveLock behind session 4711 (long reader)". */
  readonly what: string;
  readonly figure: Figure;
  readonly unit: Unit;
  /** In the same unit; null when the finding needs no budget (a failed migration). */
  readonly bound: number | null;
  /** `StatementRecord.id` it belongs to. */
  readonly statementId: string | null;
  /** Why it is inconclusive although the figure was measured ("generator-limited: ..."); null otherwise. */
  readonly reason: string | null;
  readonly details: readonly Detail[];
}

/** What explains a finding whatever it says: the same words for every recording. */
export interface Check {
  /** Stable, in kebab case; machine formats name it. */
  readonly id: string;
  readonly title: string;
  /** When it trips. */
  readonly condition: string;
  /** What a user of the application would notice. */
  readonly effect: string;
  /** What to do about it. */
  readonly workaround: string;
  /**
   * Findings, breaches first; one with verdict `pass` when the budget was held, `inconclusive` when a figure that the
   * budget needs was not measured. Empty when no budget asks for the check.
   */
  check(recording: Recording, budgets: Budgets): readonly Finding[];
}

/** What a report is made of: a recording and its judgement. */
export interface Judgement {
  readonly verdict: Verdict;
  readonly findings: readonly Finding[];
  /** The budgets held against it; they may differ from the recording's own. */
  readonly budgets: Budgets;
}
