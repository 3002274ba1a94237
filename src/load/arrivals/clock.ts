/**
 * The recorder's clock on any thread. `performance.timeOrigin` differs between threads by what the wall clock was set
 * meanwhile, the process-wide monotonic clock does not; `performance.now()` is the cheaper one to read (70 ns).
 */

/** Gives milliseconds on the recorder's clock. */
export type Clock = () => number;

/** The recorder's zero on the monotonic clock; call it on the thread that made the recorder. */
export function clockZeroOf(epochMs: number): number {
  return monotonicMinusPerformance() - performance.timeOrigin + epochMs;
}

export function createClock(clockZeroMs: number): Clock {
  const offset = monotonicMinusPerformance() - clockZeroMs;
  return () => performance.now() + offset;
}

/** The first reading loads the clocks, which takes up to a millisecond; the quickest one is within microseconds. */
const READINGS = 20;

/** The monotonic clock is read between two readings of the other one; the closest pair counts. */
function monotonicMinusPerformance(): number {
  let difference = 0;
  let closestMs = Number.POSITIVE_INFINITY;
  for (let reading = 0; reading < READINGS; reading += 1) {
    const before = performance.now();
    const monotonic = monotonicMs();
    const after = performance.now();
    if (after - before >= closestMs) continue;
    closestMs = after - before;
    difference = monotonic - (before + after) / 2;
  }
  return difference;
}

function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

/** CPU time of the calling thread in microseconds; null where this Node does not tell it (added in 23.9). */
export function threadCpuMicroseconds(): number | null {
  if (typeof process.threadCpuUsage !== 'function') return null;
  const { user, system } = process.threadCpuUsage();
  return user + system;
}
