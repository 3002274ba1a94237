import { exactly } from '../recording/figure.ts';
import type { CodeRecord, CodeStatement, Recording, SqlFailure } from '../recording/recording.ts';
import type { Check, Detail, Finding } from './check.ts';
import { type CodeChange, codeChanges, takenMoments } from './code-changes.ts';
import { breachesFirst, grouped, statement, unproven } from './finding.ts';

const id = 'code-breaks';
const SOURCE = 'PREPARE and EXPLAIN between the steps';

export const codeBreaks: Check = {
  id,
  title: 'Code that no longer fits the schema',
  condition:
    'A statement of the running version (load.operations) worked and can no longer be prepared after a step, or one ' +
    'of the next version (load.nextOperations) cannot be prepared after the last step. It needs no budget.',
  effect:
    'Old and new code run side by side while a release is rolled out: each call of the statement is an error from that ' +
    'step on, until the other version is out everywhere.',
  workaround:
    'Release in two steps: first a schema that both versions understand (add the new column or table, write both), and ' +
    'take away the old names in a later release, when no old code runs any more.',

  check(recording) {
    const { code } = recording;
    if (code === undefined) return [];
    if ('notMeasured' in code)
      return [
        statement({
          ...AT_ALL,
          verdict: 'inconclusive',
          figure: { notMeasured: code.notMeasured },
        }),
      ];
    return breachesFirst([...runningFindings(recording, code), ...nextFindings(recording, code)]);
  },
};

const AT_ALL = {
  checkId: id,
  subject: 'running version',
  what: 'statements break',
  unit: 'count',
} as const;

/** One for each step that breaks statements of the running version; when none does, one that says so. */
function runningFindings(recording: Recording, code: CodeRecord): readonly Finding[] {
  if (!code.statements.some(({ codeVersion }) => codeVersion === 'running')) return [];
  const broken = codeChanges(code).filter(isBreach);
  if (broken.length === 0) {
    const none = statement({ ...AT_ALL, verdict: 'pass', figure: exactly(0, SOURCE) });
    return [unproven(none, gapOf(code, 'running'))];
  }
  return grouped(broken, ({ afterStep }) => afterStep).map((group) => {
    const step = recording.steps.find(({ version }) => version === group[0]?.afterStep);
    return statement({
      ...AT_ALL,
      verdict: 'fail',
      what: `${group.length === 1 ? 'statement breaks' : 'statements break'} after ${step?.file ?? group[0]?.afterStep}`,
      figure: exactly(group.length, SOURCE),
      statementId: step?.statements.at(-1)?.id ?? null,
      details: group.map(({ statement: broke, error }) => detailOf(broke, error)),
    });
  });
}

type Breach = Extract<CodeChange, { readonly kind: 'breaks' }>;

function isBreach(change: CodeChange): change is Breach {
  return change.kind === 'breaks' && change.statement.codeVersion === 'running';
}

/** What does not work when every step has been applied; before that it need not. */
function nextFindings(recording: Recording, code: CodeRecord): readonly Finding[] {
  const next = code.statements.flatMap((each, index) =>
    each.codeVersion === 'next' ? [{ each, index }] : [],
  );
  if (next.length === 0) return [];
  const facts = { checkId: id, subject: 'next version', unit: 'count' } as const;
  const last = takenMoments(code).at(-1);
  const applied = recording.steps.length > 0 && recording.steps.every(({ outcome }) => outcome === 'applied');
  if (last === undefined || !applied || last.afterStep !== recording.steps.at(-1)?.version)
    return [
      statement({
        ...facts,
        verdict: 'inconclusive',
        what: 'statements do not work after the last step',
        figure: { notMeasured: 'not every step was applied' },
      }),
    ];
  const broken = next.flatMap(({ each, index }) => {
    const reading = last.readings[index];
    return reading?.outcome === 'breaks' ? [{ each, error: reading.error }] : [];
  });
  const one = broken.length === 1;
  const found = statement({
    ...facts,
    verdict: broken.length === 0 ? 'pass' : 'fail',
    what: `${one ? 'statement does' : 'statements do'} not work after the last step`,
    figure: exactly(broken.length, SOURCE),
    details: broken.map(({ each, error }) => detailOf(each, error)),
  });
  return [unproven(found, gapOf({ ...code, moments: [last] }, 'next'))];
}

function detailOf({ operation }: CodeStatement, { code, message }: SqlFailure): Detail {
  return { what: `${operation} (${code ?? 'no code'}: ${message})`, figure: null, unit: 'count' };
}

/** Why a reading of this version is missing; null when none is. */
function gapOf(code: CodeRecord, version: CodeStatement['codeVersion']): string | null {
  for (const { readings } of takenMoments(code)) {
    for (const [index, reading] of readings.entries()) {
      const each = code.statements[index];
      if (each?.codeVersion === version && reading.outcome === 'not measured')
        return `${each.operation} could not be read: ${reading.reason}`;
    }
  }
  return null;
}
