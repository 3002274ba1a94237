/** How long a statement will take yet, from the work that the server says is done and estimated. Pure. */
import type { ProgressRecord } from '../recording/recording.ts';

/** A statement under way, as a person wants to be told. */
export interface UnderWay {
  readonly phase: string;
  /** 0..1; of the phase alone where `of` says so. */
  readonly fraction: number;
  readonly of: 'statement' | 'phase';
  /** Null: nothing moves, or the estimate was too low and more was done than there should be. */
  readonly leftMs: number | null;
  /** Since the count last moved. */
  readonly quietMs: number;
}

export interface TimeLeft {
  add(seen: ProgressRecord): UnderWay;
}

/** The pace is that of the last stretch of this length: a sort is no faster for the scan before it. */
const PACE_OF_MS = 10_000;
/**
 * Of what it writes at the end InnoDB counts nothing: the count of an in-place rebuild of 300 MB stood at 89 % for 6 of its 8
 * seconds (9.7). As long as it stands, no time is promised.
 */
const QUIET_MS = 1_000;

interface Point {
  readonly atMs: number;
  readonly done: number;
}

export function createTimeLeft(): TimeLeft {
  let key = '';
  let points: readonly Point[] = [];
  let movedAtMs = 0;
  return {
    add(seen) {
      const { sessionId, phase, done, total, atMs } = seen;
      const of: UnderWay['of'] = seen.of ?? 'phase';
      const now = `${sessionId} ${of === 'statement' ? '' : phase}`;
      const last = points.at(-1);
      if (now !== key || (last !== undefined && done < last.done)) points = [];
      if (points.length === 0 || done !== last?.done) movedAtMs = atMs;
      key = now;
      points = [...points.filter((point) => atMs - point.atMs <= PACE_OF_MS), { atMs, done }];
      const first = points[0] ?? { atMs, done };
      const fraction = total > 0 ? Math.min(1, done / total) : 0;
      const quietMs = atMs - movedAtMs;
      return {
        phase,
        fraction,
        of,
        leftMs: quietMs >= QUIET_MS ? null : left(first, { atMs, done }, total),
        quietMs,
      };
    },
  };
}

function left(first: Point, { atMs, done }: Point, total: number): number | null {
  const worked = done - first.done;
  if (worked <= 0 || done > total) return null;
  return ((total - done) / worked) * (atMs - first.atMs);
}
