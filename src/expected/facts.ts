/** Facts of a recording against those that expected.json names. Pure. */
import { between, type Figure, notMeasured } from '../recording/figure.ts';
import type { LockWait, Recording, Step } from '../recording/recording.ts';
import { boundsDifference, countDifference } from './bounds.ts';
import type { Facts } from './schema.ts';

type StepExpectation = NonNullable<Facts['steps']>[number];
type LockWaitExpectation = NonNullable<Facts['lockWaits']>[number];

/** The part of a recording that expected.json can name. */
export type NamedFacts = Pick<Recording, 'steps' | 'lockWaits' | 'load' | 'changes'>;

/** One sentence for each fact that is not as expected; facts that are not named are not looked at. */
export function factDifferences(recording: NamedFacts, wanted: Facts): readonly string[] {
  return [
    ...(wanted.steps === undefined ? [] : stepDifferences(recording.steps, wanted.steps)),
    ...(wanted.lockWaits ?? []).flatMap((one) => lockWaitDifferences(recording.lockWaits, one)),
    ...(wanted.failedOperations === undefined ? [] : failureDifferences(recording, wanted.failedOperations)),
    ...poolDifferences(recording, wanted),
    ...(wanted.changes ?? []).flatMap(({ relation, algorithm }) => {
      const seen = recording.changes.filter((change) => change.relation === relation);
      if (seen.some((change) => change.algorithm === algorithm)) return [];
      const instead = seen.map((change) => change.algorithm ?? 'not seen').join(', ') || 'nothing';
      return [`change of ${relation}: ${instead}, expected ${algorithm ?? 'not seen'}`];
    }),
  ];
}

function stepDifferences(steps: readonly Step[], wanted: readonly StepExpectation[]): readonly string[] {
  const versions = steps.map(({ version }) => version).join(', ') || 'none';
  const wantedVersions = wanted.map(({ version }) => version).join(', ') || 'none';
  if (versions !== wantedVersions) return [`the steps are ${versions}, expected ${wantedVersions}`];
  return steps.flatMap((step, index) => {
    const one = wanted[index];
    return one === undefined ? [] : stepDifference(step, one).map((text) => `step ${step.version}: ${text}`);
  });
}

function stepDifference(step: Step, wanted: StepExpectation): readonly string[] {
  const attempts = wanted.attempts === undefined ? null : countDifference(step.attempts, wanted.attempts);
  const code = step.error?.code ?? null;
  const effects = step.statements
    .filter(({ attempt }) => attempt === step.attempts)
    .map(({ effect }) => effect);
  return [
    ...(step.outcome === wanted.outcome ? [] : [`outcome ${step.outcome}, expected ${wanted.outcome}`]),
    ...(attempts === null ? [] : [`number of attempts ${attempts}`]),
    ...(wanted.errorCode === undefined || wanted.errorCode === code
      ? []
      : [`error ${code ?? 'none'}, expected ${wanted.errorCode ?? 'none'}`]),
    ...(wanted.effects === undefined || sameList(wanted.effects, effects)
      ? []
      : [`effects ${effects.join(', ') || 'none'}, expected ${wanted.effects.join(', ')}`]),
  ];
}

function sameList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((value, index) => value === other[index]);
}

function lockWaitDifferences(
  waits: readonly LockWait[],
  { count, longestMs, ...properties }: LockWaitExpectation,
): readonly string[] {
  const title = `lock waits with ${JSON.stringify(properties)}`;
  const fitting = waits.filter((wait) => hasProperties(wait, properties));
  const number = countDifference(fitting.length, count ?? { min: 1 });
  if (number !== null) return [`${title}: number ${number}`];
  if (longestMs === undefined) return [];
  const longest = longestOf(fitting.map(({ waitedMs }) => waitedMs));
  const difference = boundsDifference(longest, longestMs);
  return difference === null ? [] : [`${title}: the longest ${difference} ms`];
}

/** The longest of several waits lies within this; an unmeasured one may have been longer than all others. */
function longestOf(waits: readonly Figure[]): Figure {
  const measured = waits.flatMap((figure) => ('lower' in figure ? [figure] : []));
  const [unmeasured] = waits.flatMap((figure) => ('notMeasured' in figure ? [figure] : []));
  if (measured.length === 0) return unmeasured ?? notMeasured('there is no such wait');
  const upper =
    unmeasured === undefined ? Math.max(...measured.map((figure) => figure.upper)) : Number.POSITIVE_INFINITY;
  return between(Math.max(...measured.map((figure) => figure.lower)), upper, 'the longest wait');
}

function hasProperties(wait: LockWait, wanted: Omit<LockWaitExpectation, 'count' | 'longestMs'>): boolean {
  return (
    (wanted.waiter === undefined || wait.waiter.owner === wanted.waiter) &&
    (wanted.rootBlocker === undefined || wait.blockers[0]?.owner === wanted.rootBlocker) &&
    (wanted.relation === undefined || wait.relation === wanted.relation) &&
    (wanted.mode === undefined || wait.mode === wanted.mode) &&
    (wanted.ended === undefined || wait.ended === wanted.ended)
  );
}

function failureDifferences(
  { load }: NamedFacts,
  wanted: NonNullable<Facts['failedOperations']>,
): readonly string[] {
  if ('notMeasured' in load) return [`failed operations: not measured (${load.notMeasured})`];
  const counts = new Map<string, number>();
  for (const { code, outcome, count } of load.outcomes) {
    const name = code ?? outcome;
    counts.set(name, (counts.get(name) ?? 0) + count);
  }
  const listed = Object.entries(wanted).flatMap(([name, bounds]) => {
    const difference = countDifference(counts.get(name) ?? 0, bounds);
    return difference === null ? [] : [`operations failed with ${name}: number ${difference}`];
  });
  const unlisted = [...counts].flatMap(([name, count]) =>
    count > 0 && !Object.hasOwn(wanted, name)
      ? [`operations failed with ${name}: ${count}, expected none`]
      : [],
  );
  return [...listed, ...unlisted];
}

function poolDifferences({ load }: NamedFacts, wanted: Facts): readonly string[] {
  if (wanted.operationsWaitedInPool === undefined) return [];
  if ('notMeasured' in load)
    return [`operations that waited in the pool: not measured (${load.notMeasured})`];
  const waited = load.windows
    .filter(({ window }) => window !== 'baseline')
    .reduce((sum, { waitedInPool }) => sum + waitedInPool, 0);
  const difference = countDifference(waited, wanted.operationsWaitedInPool);
  return difference === null ? [] : [`operations that waited in the pool: number ${difference}`];
}
