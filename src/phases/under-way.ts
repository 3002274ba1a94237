/** A statement of the migration that is under way, as one line of progress. Pure. */
import type { UnderWay } from '../observers/index.ts';

/** "alter table (insert), about 12 s left", "copy to tmp table, about 3 min left of this phase" */
export function underWayInWords({ phase, of, leftMs, quietMs }: UnderWay): string {
  if (leftMs === null)
    return quietMs < QUIET_TOLD_MS ? phase : `${phase}, no work counted for ${roughly(quietMs)}`;
  return `${phase}, about ${roughly(leftMs)} left${of === 'phase' ? ' of this phase' : ''}`;
}

const QUIET_TOLD_MS = 2_000;

function roughly(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}
