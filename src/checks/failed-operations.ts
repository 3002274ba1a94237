import { exactly } from '../recording/figure.ts';
import type { LoadRecord, OutcomeClass, OutcomeRecord } from '../recording/recording.ts';
import type { Check, Detail, Finding } from './check.ts';
import { doubted, finding, grouped, unproven } from './finding.ts';
import { loadTrouble } from './load-quality.ts';
import { JUDGED_WINDOWS } from './span.ts';

const id = 'failed-operations';
const SOURCE = 'load: outcomes by due instant';
/** Outcomes that a slow generator could cause by itself; every other one is an answer of the server. */
const NEVER_REACHED_THE_SERVER: readonly OutcomeClass[] = ['pool timeout', 'dropped'];

export const failedOperations: Check = {
  id,
  title: 'Failed operations',
  condition:
    'More operations of the load than budgets.failedOperations failed or were dropped during and after the migrations.',
  effect: 'Each one is an error that a user, a job or another service gets.',
  workaround:
    'Errors of undefined columns and tables: release in two steps, first a schema that the old and the new code ' +
    'both understand (add, write both), and take away the old names in a later release. Time-outs: see lock-wait ' +
    'and stall. A constraint that only the new code obeys: make it valid after the old code is gone.',

  check(recording, budgets) {
    const { failedOperations: bound } = budgets;
    if (bound === null) return [];
    const { load } = recording;
    const facts = {
      checkId: id,
      subject: 'load',
      what: 'operations failed or dropped',
      unit: 'count',
      bound,
    } as const;
    if ('notMeasured' in load) return [finding({ ...facts, figure: { notMeasured: load.notMeasured } })];
    const groups = groupsOf(load);
    const windows = load.windows.filter(({ window }) => JUDGED_WINDOWS.includes(window));
    const count = windows.reduce((sum, { failed, dropped }) => sum + failed + dropped, 0);
    const total = finding({ ...facts, figure: exactly(count, SOURCE), details: groups.map(detailOf) });
    const findings = [total, ...(total.verdict === 'fail' ? brokenCode(load, groups, bound) : [])];
    const trouble = loadTrouble(recording, budgets);
    if (trouble === null) return findings;
    if (trouble.generatorLimited && answeredByServer(groups) <= bound) {
      return findings.map((each) => doubted(each, trouble.reason, trouble.details));
    }
    return findings.map((each) => unproven(each, trouble.reason));
  },
};

/** Failures of one statement of an operation with one cause and code, over the judged windows. */
interface Failures extends OutcomeRecord {
  readonly inBaseline: number;
}

function groupsOf(load: LoadRecord): readonly Failures[] {
  const keyOf = ({ operation, outcome, code, statement }: OutcomeRecord): string =>
    JSON.stringify([operation, outcome, code, statement]);
  const judged = load.outcomes.filter(({ window }) => JUDGED_WINDOWS.includes(window));
  return grouped(judged, keyOf)
    .flatMap((records) => {
      const first = records.toSorted((one, other) => one.firstAtMs - other.firstAtMs)[0];
      if (first === undefined) return [];
      const before = load.outcomes.filter(
        (each) => each.window === 'baseline' && keyOf(each) === keyOf(first),
      );
      return [{ ...first, count: countOf(records), inBaseline: countOf(before) }];
    })
    .toSorted((one, other) => other.count - one.count);
}

function countOf(records: readonly OutcomeRecord[]): number {
  return records.reduce((sum, { count }) => sum + count, 0);
}

function answeredByServer(groups: readonly Failures[]): number {
  return countOf(groups.filter(({ outcome }) => !NEVER_REACHED_THE_SERVER.includes(outcome)));
}

/** Of a statement; a transaction is known by the one that failed. */
const STATEMENT_LENGTH = 100;

function excerptOf(statement: string | null | undefined): string | null {
  if (statement === null || statement === undefined) return null;
  const line = statement.replace(/\s+/g, ' ').trim();
  return line.length <= STATEMENT_LENGTH ? line : `${line.slice(0, STATEMENT_LENGTH)}…`;
}

function detailOf({ operation, outcome, code, statement, count }: Failures): Detail {
  const excerpt = excerptOf(statement);
  const cause = `${operation} (${outcome}${code === null ? '' : `, ${code}`})`;
  return {
    what: excerpt === null ? cause : `${cause}: ${excerpt}`,
    figure: exactly(count, SOURCE),
    unit: 'count',
  };
}

/** One sentence for each operation whose code and schema no longer fit; failures that the baseline had too do not count. */
function brokenCode(load: LoadRecord, groups: readonly Failures[], bound: number): readonly Finding[] {
  return groups
    .filter(({ inBaseline, count }) => inBaseline === 0 && count > bound)
    .flatMap((failures) => {
      const code = load.operations.find(({ name }) => name === failures.operation)?.codeVersion ?? 'running';
      const why = whyBroken(failures.outcome);
      if (why === null) return [];
      const excerpt = excerptOf(failures.statement);
      const said = `${failures.code ?? 'no code'}: ${failures.message}`;
      const whose = code === 'running' ? 'the running application' : 'the next release';
      return [
        finding({
          checkId: id,
          subject: failures.operation,
          what: `operations of ${whose} failed: ${why} (${said}${excerpt === null ? '' : `; in "${excerpt}"`})`,
          figure: exactly(failures.count, SOURCE),
          unit: 'count',
          bound,
        }),
      ];
    });
}

function whyBroken(outcome: OutcomeClass): string | null {
  switch (outcome) {
    case 'undefined object':
      return 'the migrated schema no longer has what they use';
    case 'constraint violation':
      return 'they break a constraint of the migrated schema';
    case 'cached plan changed':
      return 'their prepared statements no longer fit the migrated schema';
    default:
      return null;
  }
}
