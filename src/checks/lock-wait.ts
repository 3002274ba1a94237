import { between, type Figure, isMeasured, notMeasured } from '../recording/figure.ts';
import type { Budgets, LockWait, Recording } from '../recording/recording.ts';
import type { Check, Finding } from './check.ts';
import { breachesFirst, finding, grouped, unproven } from './finding.ts';
import { loadTrouble, percentileOf } from './load-quality.ts';
import { JUDGED_WINDOWS, judgedSpan, statementsOf, unfinished } from './span.ts';
import {
  blockedOperations,
  judgedWaits,
  LOCK_OBSERVER,
  longest,
  sessionInWords,
  statementBehind,
  unseenWaits,
} from './waits.ts';

const id = 'lock-wait';

export const lockWait: Check = {
  id,
  title: 'Waiting for a lock',
  condition:
    'The migration, or any operation of the load, queued longer for a lock than budgets.lockWait allows.',
  effect:
    'A statement that waits for a strong lock makes everything that comes after it wait as well, plain reads ' +
    'included: the table is out of service although the migration has not even begun. Requests hang, connections ' +
    'pile up, and the pool of the application runs empty.',
  workaround:
    'Set a lock timeout of a few hundred milliseconds on the session of the migration and try again on failure, so ' +
    'that it steps out of the queue (migrations.lockTimeout rehearses just that). Keep transactions short that hold ' +
    'the table, and run long reports elsewhere. Where the migration itself holds the lock, use the form that works ' +
    'online (CONCURRENTLY, NOT VALID then VALIDATE), and split one long transaction into several.',

  check(recording, budgets) {
    const { lockWaitMs: bound } = budgets;
    if (bound === null) return [];
    const doubt = lockDoubt(recording, budgets, bound);
    const groups = groupsOf(recording);
    if (groups.length === 0) return [unproven(finding({ ...noWait(recording), bound }), doubt)];
    const judge = (waits: Group): Finding => findingOf(recording, waits, bound);
    const breaches = causesFirst(groups)
      .map(judge)
      .filter(({ verdict }) => verdict !== 'pass');
    if (breaches.length > 0) return breachesFirst(breaches);
    return groups.slice(0, 1).map((waits) => unproven(judge(waits), doubt));
  },
};

/** Why "nobody waited longer" is not proven, or null. */
function lockDoubt(recording: Recording, budgets: Budgets, bound: number): string | null {
  const unseen = unseenWaits(recording);
  if (unseen !== null) return unseen;
  const observer = recording.observers.find(({ name }) => name === LOCK_OBSERVER);
  const load = loadTrouble(recording, budgets);
  const trouble = observer?.trouble[0];
  if (trouble !== undefined && !provenByDurations(recording, bound))
    return `the observer of locks missed readings: ${trouble}`;
  if (load !== null && !load.generatorLimited) return load.reason;
  return unfinished(recording);
}

/** Nobody can have waited longer than its operation or its statement took, whatever was seen of the locks. */
function provenByDurations(recording: Recording, bound: number): boolean {
  const longestMs = Math.max(longestOperationMs(recording), longestStatementMs(recording));
  return !('notMeasured' in recording.load) && longestMs <= bound;
}

/** Infinite where one was not timed. */
function longestOperationMs({ load }: Recording): number {
  if ('notMeasured' in load) return 0;
  return percentileOf(load, 'response', JUDGED_WINDOWS, 1) ?? Number.POSITIVE_INFINITY;
}

/** Of the migration; infinite where one was not timed. */
function longestStatementMs(recording: Recording): number {
  const durationsMs = statementsOf(recording)
    .filter(({ statement }) => statement.outcome !== 'not run')
    .map(({ statement: { durationMs } }) =>
      isMeasured(durationMs) ? durationMs.upper : Number.POSITIVE_INFINITY,
    );
  return Math.max(0, ...durationsMs);
}

function noWait(recording: Recording): Omit<Parameters<typeof finding>[0], 'bound'> {
  return {
    checkId: id,
    subject: 'locks',
    what: 'waited for by the load or the migration',
    figure: noWaitFigure(recording),
    unit: 'ms',
  };
}

function noWaitFigure(recording: Recording): Figure {
  if (judgedSpan(recording) === null) return notMeasured('the migrations were not reached');
  const unseen = unseenWaits(recording);
  if (unseen !== null) return notMeasured(unseen);
  const observer = recording.observers.find(({ name }) => name === LOCK_OBSERVER);
  if (observer === undefined || observer.samples === 0) {
    const said = recording.notMeasured.find(({ what }) => /lock/i.test(what));
    return notMeasured(said?.reason ?? 'lock waits were not observed');
  }
  const { intervalMs, longestPauseMs = 0, longestPauseInStatementMs = longestPauseMs } = observer;
  const unseenMs = (pauseMs: number, durationMs: number) =>
    Math.min(Math.max(intervalMs ?? 0, pauseMs), durationMs);
  const loadMs = unseenMs(longestPauseMs, longestOperationMs(recording));
  const migrationMs = unseenMs(longestPauseInStatementMs, longestStatementMs(recording));
  return between(0, Math.max(loadMs, migrationMs), 'no wait in any reading of locks');
}

type Group = readonly LockWait[];

/** The migration's own wait is the cause of what queues behind it. */
function causesFirst(groups: readonly Group[]): readonly Group[] {
  const isMigration = ([first]: Group): boolean => first?.waiter.owner === 'migration';
  return [...groups.filter(isMigration), ...groups.filter((group) => !isMigration(group))];
}

/** Waits of one kind of waiter on one relation at one statement of the migration, all its attempts, longest first. */
function groupsOf(recording: Recording): readonly Group[] {
  return grouped(judgedWaits(recording), (wait) => {
    const placed = statementBehind(recording, wait);
    const which = placed === null ? null : [placed.step.version, placed.statement.index];
    return JSON.stringify([wait.waiter.owner, subjectOf(wait), which]);
  });
}

function findingOf(recording: Recording, waits: Group, bound: number): Finding {
  const worst =
    waits.find(({ waitedMs }) => !isMeasured(waitedMs) || waitedMs.upper === longestOf(waits)) ?? waits[0];
  if (worst === undefined) throw new Error('a group of lock waits is never empty');
  const byMigration = worst.waiter.owner === 'migration';
  return finding({
    checkId: id,
    subject: subjectOf(worst),
    what: `${byMigration ? 'wait of the migration' : 'longest wait of the load'} for ${worst.mode} ${behind(recording, worst)}`,
    figure: worst.waitedMs,
    unit: 'ms',
    bound,
    statementId: statementBehind(recording, worst)?.statement.id ?? null,
    details: byMigration ? [] : blockedOperations(recording, waits),
  });
}

function longestOf(waits: Group): number {
  return Math.max(...waits.map(longest));
}

function subjectOf({ relation, target }: LockWait): string {
  return relation ?? target;
}

function behind(recording: Recording, { blockers }: LockWait): string {
  const root = blockers[0];
  const queue = blockers.slice(1).some(({ owner }) => owner === 'migration')
    ? ', in the queue of the migration'
    : '';
  return `behind ${sessionInWords(recording, root)}${queue}`;
}
