/** Every check, in the order in which reports show them. A new check is one file and one line here. */
import { algorithmCopied } from './algorithm-copied.ts';
import type { Check } from './check.ts';
import { codeBreaks } from './code-breaks.ts';
import { diskFree } from './disk-free.ts';
import { diskGrowthPeak } from './disk-growth-peak.ts';
import { duration } from './duration.ts';
import { failedOperations } from './failed-operations.ts';
import { invalidLeftovers } from './invalid-leftovers.ts';
import { latencyP99 } from './latency-p99.ts';
import { loadRan } from './load-ran.ts';
import { lockTimeoutGivenUp } from './lock-timeout-given-up.ts';
import { lockWait } from './lock-wait.ts';
import { measurementConflict } from './measurement-conflict.ts';
import { migrationFailed } from './migration-failed.ts';
import { noBudget } from './no-budget.ts';
import { planRegression } from './plan-regression.ts';
import { rehearsalCompleted } from './rehearsal-completed.ts';
import { replicaLag } from './replica-lag.ts';
import { replicaStopped } from './replica-stopped.ts';
import { rowVersionLimit } from './row-version-limit.ts';
import { stall } from './stall.ts';
import { statisticsLost } from './statistics-lost.ts';
import { tableOutage } from './table-outage.ts';
import { upkeepInTheWay } from './upkeep-in-the-way.ts';

export const checks: readonly Check[] = [
  rehearsalCompleted,
  migrationFailed,
  lockWait,
  upkeepInTheWay,
  stall,
  tableOutage,
  failedOperations,
  codeBreaks,
  planRegression,
  statisticsLost,
  latencyP99,
  duration,
  diskGrowthPeak,
  diskFree,
  replicaLag,
  replicaStopped,
  invalidLeftovers,
  algorithmCopied,
  rowVersionLimit,
  lockTimeoutGivenUp,
  loadRan,
  measurementConflict,
  noBudget,
];

export function findCheck(id: string): Check | null {
  return checks.find((check) => check.id === id) ?? null;
}
