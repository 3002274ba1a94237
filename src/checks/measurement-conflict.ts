import { between, type Figure, isMeasured } from '../recording/figure.ts';
import type { CanaryOutage, CanaryRecord, LockWait, Recording } from '../recording/recording.ts';
import type { Check, Finding } from './check.ts';
import { statement } from './finding.ts';
import { slowestOperationMs } from './load-quality.ts';
import { statementsOf } from './span.ts';
import { judgedOutages } from './table-outage.ts';
import { endOf, judgedWaits, LOCK_OBSERVER } from './waits.ts';

const id = 'measurement-conflict';
/**
 * What two channels may differ by beyond their own bounds: readings of locks are 20 ms apart until the first one sees a
 * wait, and a busy machine delays either channel by some slices of the scheduler...
 */
const ALLOWED_MS = 100;
/** ...which adds up over a long wait. */
const ALLOWED_SHARE = 0.1;

export const measurementConflict: Check = {
  id,
  title: 'Two measurements that disagree',
  condition:
    'What the readings of the locks say of a wait, and what the server, a canary or the load measured of the same wait ' +
    'by its own clock, lie further apart than both may be wrong (their own bounds, and 100 ms or a tenth); or what the ' +
    'server and the sender say of one statement.',
  effect: 'One of the two figures is wrong, and the report does not know which: neither can be relied upon.',
  workaround:
    'Look for what held the observers up: a machine without spare processors, a server that was restarted or could ' +
    'not be reached. Rehearse again with a lower load.rate. When it stays, report it with the recording.',

  check(recording) {
    return [
      ...canaryConflicts(recording),
      ...loadConflicts(recording),
      ...waitConflicts(recording),
      ...statementConflicts(recording),
    ];
  },
};

/** A canary knows when it asked and was answered; the readings of the locks saw the same session wait. */
function canaryConflicts(recording: Recording): readonly Finding[] {
  if (!recording.observers.some(({ name, samples }) => name === LOCK_OBSERVER && samples > 0)) return [];
  return (recording.canaries ?? []).flatMap((canary) =>
    judgedOutages(recording, canary).flatMap((outage) => {
      const { lastedMs } = outage;
      const seenMs = waitedBy(recording, canary, outage);
      if (!isMeasured(lastedMs) || seenMs === null || agree(lastedMs, seenMs)) return [];
      const how = canary.kind === 'read' ? 'read' : 'written';
      return [
        conflict(canary.table, `in which a canary could not get it ${how}`, lastedMs, {
          what: 'for which its session was seen to wait for locks',
          figure: seenMs,
        }),
      ];
    }),
  );
}

/**
 * Together over the outage, which is several waits where the canary gave up and asked again; null where they do not
 * say how long. A stretch without any wait for a lock is no conflict by itself: a disk or a processor may have been
 * what the canary waited for; only where it gave up at its lock timeout there must have been one.
 */
function waitedBy(
  { lockWaits }: Recording,
  { sessionId }: CanaryRecord,
  { fromMs, toMs, lockTimeouts }: CanaryOutage,
): Measured | null {
  const own = lockWaits.filter(
    (wait) => wait.waiter.sessionId === sessionId && wait.startedAtMs < toMs && endOf(wait) > fromMs,
  );
  if (own.length === 0) return lockTimeouts === 0 ? null : NO_WAIT;
  return sumOf(own);
}

type Measured = Extract<Figure, { readonly lower: number }>;

const NO_WAIT: Measured = { lower: 0, upper: 0, source: 'no reading of locks showed a wait' };

function sumOf(waits: readonly LockWait[]): Measured | null {
  const measured = waits.map(({ waitedMs }) => waitedMs).filter(isMeasured);
  if (measured.length < waits.length) return null;
  const sum = (of: 'lower' | 'upper'): number => measured.reduce((total, each) => total + each[of], 0);
  return { lower: sum('lower'), upper: sum('upper'), source: measured[0]?.source ?? '' };
}

/** Two intervals of the same quantity, each as wide as its channel may be wrong. */
function agree(one: Measured, other: Measured): boolean {
  const allowedMs = Math.max(ALLOWED_MS, ALLOWED_SHARE * Math.max(one.upper, other.upper));
  return one.lower - other.upper <= allowedMs && other.lower - one.upper <= allowedMs;
}

/** No operation can have waited longer for a lock than its answer took. */
function loadConflicts(recording: Recording): readonly Finding[] {
  const { load } = recording;
  const slowestMs = 'notMeasured' in load ? null : slowestOperationMs(load);
  if (slowestMs === null) return [];
  const response = between(0, slowestMs, 'load: slowest response');
  const conflicting = judgedWaits(recording).find(
    ({ waiter, waitedMs }) =>
      waiter.owner === 'load' && isMeasured(waitedMs) && isMeasured(response) && !agree(waitedMs, response),
  );
  if (conflicting === undefined) return [];
  return [
    conflict(
      conflicting.relation ?? conflicting.target,
      'for which an operation was seen to wait',
      conflicting.waitedMs,
      {
        what: 'that the slowest operation took',
        figure: response,
      },
    ),
  ];
}

/** The server told a wait by itself, and the readings of the locks saw the same one. */
function waitConflicts(recording: Recording): readonly Finding[] {
  const conflicting = judgedWaits(recording).find(
    ({ waitedMs, seenMs }) =>
      seenMs !== undefined && isMeasured(seenMs) && isMeasured(waitedMs) && !agree(waitedMs, seenMs),
  );
  if (conflicting?.seenMs === undefined) return [];
  const { relation, target, waitedMs, seenMs } = conflicting;
  const other = { what: 'for which the readings of the locks saw it', figure: seenMs };
  return [conflict(relation ?? target, 'of one wait, as the server itself timed it', waitedMs, other)];
}

/** The server timed a statement, and so did who sent it. */
function statementConflicts(recording: Recording): readonly Finding[] {
  return statementsOf(recording).flatMap(({ step, statement: { line, durationMs, answeredAfterMs } }) => {
    if (answeredAfterMs === undefined || !isMeasured(answeredAfterMs) || !isMeasured(durationMs)) return [];
    if (agree(durationMs, answeredAfterMs)) return [];
    const other = { what: 'until it was answered, by the clock of the sender', figure: answeredAfterMs };
    return [
      conflict(`${step.file}:${line}`, 'that it took, as the server itself timed it', durationMs, other),
    ];
  });
}

function conflict(
  subject: string,
  what: string,
  figure: Figure,
  other: { readonly what: string; readonly figure: Figure },
): Finding {
  return statement({
    checkId: id,
    verdict: 'inconclusive',
    subject,
    what,
    figure,
    unit: 'ms',
    reason: 'another measurement of the same wait disagrees',
    details: [{ ...other, unit: 'ms' }],
  });
}
