import type { LockWait, Recording, WorkerRecord } from '../recording/recording.ts';
import type { Check } from './check.ts';
import { statement } from './finding.ts';

const id = 'upkeep-in-the-way';

export const upkeepInTheWay: Check = {
  id,
  title: "The server's own upkeep in the way",
  condition:
    'The migration waited for a lock that a worker of the server held (autovacuum). It is told and is no breach; how long ' +
    'counts in lock-wait.',
  effect:
    'Postgres cancels such a worker when the migration has waited for deadlock_timeout, and everybody who came after the ' +
    'migration waited as long; one that runs to prevent wraparound is never cancelled, and the migration waits to its end.',
  workaround:
    'Give the migration a lock timeout with retries. Where a worker runs to prevent wraparound, let it finish first, or ' +
    'vacuum the table before the release.',

  check(recording) {
    return recording.lockWaits.flatMap((wait) => {
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
  },
};

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
