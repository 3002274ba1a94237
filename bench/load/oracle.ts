/**
 * What a lock must cost, without any peer: the queue recursion over the run's own arrivals (load-and-filling.md, L6). Two
 * identical generators differ by 4 % in p90, since their arrivals do; a prediction from the same arrivals does not.
 */

export interface Blockage {
  /** Ascending. */
  readonly arrivalsMs: readonly number[];
  /** Nothing is served between these two instants. */
  readonly takenMs: number;
  readonly releasedMs: number;
  /** Operations served per second while any wait. */
  readonly drainPerSecond: number;
}

/** Response time of each arrival, in their order: one queue in front of a server of the drain rate. */
export function predictResponses({
  arrivalsMs,
  takenMs,
  releasedMs,
  drainPerSecond,
}: Blockage): readonly number[] {
  const eachMs = 1000 / drainPerSecond;
  let freeMs = Number.NEGATIVE_INFINITY;
  return arrivalsMs.map((dueMs) => {
    const readyMs = Math.max(dueMs, freeMs);
    const startMs = readyMs >= takenMs && readyMs < releasedMs ? releasedMs : readyMs;
    freeMs = startMs + eachMs;
    return freeMs - dueMs;
  });
}
