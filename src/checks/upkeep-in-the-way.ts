import { exactly, isMeasured } from '../recording/figure.ts';
import type { LockWait, Recording, WorkerRecord } from '../recording/recording.ts';
import type { Check, Finding } from './check.ts';
import { statement } from './finding.ts';

const id = 'upkeep-in-the-way';

export const upkeepInTheWay: Check = {
  id,
  title: "The server's own upkeep in the way",
  condition:
    'The migration waited for a lock that a worker of the server held (autovacuum), or the server log shows that the worker ' +
    'was cancelled for it. It is told and is no breach; how long counts in lock-wait.',
  effect:
    'Postgres cancels such a worker when the migration has waited for deadlock_timeout, and everybody who came after the ' +
    'migration waited as long; one that runs to prevent wraparound is never cancelled, and the migration waits to its end.',
  workaround:
    'Give the migration a lock timeout with retries. Where a worker runs to prevent wraparound, let it finish first, or ' +
    'vacuum the table before the release.',

  check(recording) {
    const waited = recording.lockWaits.flatMap((wait) => {
      if (wait.waiter.owner !== 'migration') return [];
      const worker = wait.blockers.find(({ owner }) => owner === 'server');
      if (worker === undefined) return [];
      const seen = workerOf(recording, wait, worker.sessionId);
      const doing = seen?.statement ?? worker.statement ?? 'a worker of the server';
      return [
        statement({
          checkId: id,
          verdict: 'pass',
          subject: wait.relation ?? wait.target,
          what: `waited for ${wait.mode} behind ${doing}${seen?.unyielding ? ', which does not give way' : ''}, ${ENDED[wait.ended]}`,
          figure: wait.waitedMs,
          unit: 'ms',
          statementId: wait.statementId,
        }),
      ];
    });
    return [...waited, ...cancelledFor(recording)];
  },
};

/** The server tells which table a worker left undone; that somebody of the migration stood behind it says for whom. */
function cancelledFor({ upkeep, lockWaits }: Recording): readonly Finding[] {
  return (upkeep?.cancelled ?? []).flatMap(({ sessionId, work, table, atMs }) => {
    const wait = lockWaits.find(
      ({ waiter, relation, blockers, startedAtMs, waitedMs }) =>
        waiter.owner === 'migration' &&
        (relation === table || blockers.some((blocker) => blocker.sessionId === sessionId)) &&
        startedAtMs <= atMs + SLACK_MS &&
        startedAtMs + (isMeasured(waitedMs) ? waitedMs.upper : 0) >= atMs - SLACK_MS,
    );
    if (wait === undefined) return [];
    return [
      statement({
        checkId: id,
        verdict: 'pass',
        subject: table,
        what: `autovacuum cancelled by the migration: its ${work} begins anew later, and dead rows or old statistics stay until then`,
        figure: exactly(1, 'server log'),
        unit: 'count',
        statementId: wait.statementId,
      }),
    ];
  });
}

/** The server's clock against ours, and an error that is told once its transaction is undone. */
const SLACK_MS = 50;

const ENDED: Readonly<Record<LockWait['ended'], string>> = {
  granted: 'then got it',
  'lock timeout': 'then gave up at the lock timeout',
  'statement timeout': 'then gave up at the statement timeout',
  cancelled: 'then was cancelled',
  deadlock: 'then was the victim of a deadlock',
  'still waiting': 'and still waits',
  unknown: 'and it is not known how that ended',
};

/** What that session of the server was seen to do at the time, or the last time before. */
function workerOf(
  { upkeep }: Recording,
  { startedAtMs }: LockWait,
  sessionId: number,
): WorkerRecord | undefined {
  const own = (upkeep?.workers ?? []).filter((worker) => worker.sessionId === sessionId);
  const around = own.filter(({ firstSeenAtMs }) => firstSeenAtMs <= startedAtMs);
  return around.at(-1) ?? own[0];
}
