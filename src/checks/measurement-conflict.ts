import { between, exactly, type Figure, isMeasured } from '../recording/figure.ts';
import type { CanaryOutage, CanaryRecord, LockWait, Recording } from '../recording/recording.ts';
import type { Check, Finding } from './check.ts';
import { statement } from './finding.ts';
import { slowestOperationMs, timedFromMs } from './load-quality.ts';
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
    'by its own clock, lie further apart than both may be wrong (their own bounds, and 100 ms or a tenth), which it does too ' +
    'when one of them shows nothing of it; or what the server and the sender say of one statement; or a statement ' +
    'waited for locks longer than it ran; or the files of the ' +
    'database as they were found and as the server counts them (8 MiB or a hundredth); or the log that statements are ' +
    'said to have written and the log as a whole.',
  effect: 'One of the two figures is wrong, and the report does not know which: neither can be relied upon.',
  workaround:
    'Look for what held the observers up: a machine without spare processors, a server that was restarted or could ' +
    'not be reached. Rehearse again with a lower load.rate. When it stays, report it with the recording.',

  check(recording) {
    return [
      ...canaryConflicts(recording),
      ...loadConflicts(recording),
      ...waitConflicts(recording),
      ...lockTimeConflicts(recording),
      ...statementConflicts(recording),
      ...diskConflicts(recording),
      ...logConflicts(recording),
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

/** No operation can have waited longer for a lock than the server took for it. */
function loadConflicts(recording: Recording): readonly Finding[] {
  const { load } = recording;
  const slowestMs = 'notMeasured' in load ? null : slowestOperationMs(load);
  if (slowestMs === null) return [];
  const response = between(0, slowestMs, 'load: longest service');
  // Operations of the warm-up were not timed.
  const fromMs = timedFromMs(recording);
  const conflicting = judgedWaits(recording).find(
    ({ waiter, waitedMs, startedAtMs }) =>
      waiter.owner === 'load' &&
      startedAtMs >= fromMs &&
      isMeasured(waitedMs) &&
      isMeasured(response) &&
      !agree(waitedMs, response),
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

/** The server told a wait by itself, and the readings of the locks saw the same one, or should have. */
function waitConflicts(recording: Recording): readonly Finding[] {
  const waits = judgedWaits(recording);
  const differs = (figure: Figure, other: Figure | undefined): other is Measured =>
    other !== undefined && isMeasured(other) && isMeasured(figure) && !agree(figure, other);
  const told = waits.find(({ waitedMs, seenMs }) => differs(waitedMs, seenMs));
  const contradicted = waits.find(({ waitedMs, toldMs }) => differs(waitedMs, toldMs));
  const seen = waits.find(({ waitedMs, untoldMs }) => differs(waitedMs, untoldMs));
  return [
    ...(told?.seenMs === undefined
      ? []
      : [
          conflict(
            told.relation ?? told.target,
            'of one wait, as the server itself timed it',
            told.waitedMs,
            {
              what: 'for which the readings of the locks saw it',
              figure: told.seenMs,
            },
          ),
        ]),
    ...(contradicted?.toldMs === undefined
      ? []
      : [
          conflict(
            contradicted.relation ?? contradicted.target,
            'of one wait, as the server itself timed it',
            contradicted.toldMs,
            { what: 'for which the readings of the locks saw it', figure: contradicted.waitedMs },
          ),
        ]),
    ...(seen?.untoldMs === undefined
      ? []
      : [
          conflict(
            seen.relation ?? seen.target,
            'of one wait, as the readings of the locks saw it',
            seen.waitedMs,
            {
              what: 'at most, since the server did not tell it',
              figure: seen.untoldMs,
            },
          ),
        ]),
  ];
}

/** A session waits for one lock at a time: all waits of a statement together are no longer than it ran. */
function lockTimeConflicts(recording: Recording): readonly Finding[] {
  return statementsOf(recording).flatMap(({ step, statement: { id: statementId, line, durationMs } }) => {
    const own = recording.lockWaits.filter(
      (wait) => wait.waiter.owner === 'migration' && wait.statementId === statementId,
    );
    const waitedMs = own.length === 0 ? null : sumOf(own);
    if (waitedMs === null || !isMeasured(durationMs)) return [];
    const ran = { ...durationMs, lower: 0 };
    if (agree({ ...waitedMs, upper: waitedMs.lower }, ran)) return [];
    const what = 'for which it was seen to wait for locks';
    return [conflict(`${step.file}:${line}`, what, waitedMs, { what: 'that it took', figure: durationMs })];
  });
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

/** Extending a relation by some segments, and what the catalogs keep beside them, may fall between the two. */
const ALLOWED_BYTES = 8 * 1024 ** 2;
const ALLOWED_BYTES_SHARE = 0.01;

/** The files as the observer found them, and as the server adds them up. */
function diskConflicts({ disk }: Recording): readonly Finding[] {
  const compared = 'notMeasured' in disk ? [] : (disk.compared ?? []);
  const differing = compared.find(({ seenBytes, toldBytes }) => {
    if (!isMeasured(toldBytes)) return false;
    const allowed = Math.max(ALLOWED_BYTES, ALLOWED_BYTES_SHARE * toldBytes.upper);
    return seenBytes > toldBytes.upper + allowed || seenBytes < toldBytes.lower - allowed;
  });
  if (differing === undefined || 'notMeasured' in disk) return [];
  return [
    statement({
      checkId: id,
      verdict: 'inconclusive',
      subject: 'disk',
      what: 'in files of the database, as the observer of the disk found them',
      figure: exactly(differing.seenBytes, disk.source),
      unit: 'bytes',
      reason:
        'the server counts other files: what is said of the disk is not of this database, or not of all of it',
      details: [{ what: 'by the functions of the server', figure: differing.toldBytes, unit: 'bytes' }],
    }),
  ];
}

/** What statements are said to have written is a part of what was written. */
function logConflicts({ disk, journal }: Recording): readonly Finding[] {
  if ('notMeasured' in disk || journal === undefined || 'notMeasured' in journal) return [];
  const { logWrittenBytes } = disk;
  const sum = journal.statements
    .filter(({ within }) => within === null)
    .reduce((total, { logBytes }) => total + (isMeasured(logBytes) ? logBytes.lower : 0), 0);
  if (!isMeasured(logWrittenBytes)) return [];
  if (sum <= logWrittenBytes.upper * (1 + ALLOWED_BYTES_SHARE) + ALLOWED_BYTES) return [];
  return [
    statement({
      checkId: id,
      verdict: 'inconclusive',
      subject: 'disk',
      what: 'of log that the statements of the migration wrote, as the server counted them one by one',
      figure: exactly(sum, journal.source),
      unit: 'bytes',
      reason: 'the log as a whole grew by less',
      details: [{ what: 'from the first statement to the last', figure: logWrittenBytes, unit: 'bytes' }],
    }),
  ];
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
