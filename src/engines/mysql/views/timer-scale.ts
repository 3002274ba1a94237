/**
 * The timer of wait events counts processor cycles, and the server learns their length once, from the first ten
 * microseconds that it measures at its start: 0.1 to 0.4 % off were seen on MySQL 9.7, and a MariaDB 10.11 once told 294 ms
 * of a wait of 1214 ms; that it had lost the processor just then is likely, and was not shown. The factor stays the same while the server runs, and the
 * statement in which a wait lies is timed in nanoseconds from the same zero, so that each wait narrows the factor down.
 * https://dev.mysql.com/doc/refman/8.4/en/performance-schema-timing.html, my_timer_init_frequency in my_rdtsc.cc. Pure.
 */

/** Milliseconds since the server's zero, on the timer of the event itself. */
export interface Timed {
  readonly startedMs: number;
  readonly endedMs: number;
}

export interface TimerScale {
  /** A wait that has ended, and the statement that it was in, which has ended too. */
  learn(wait: Timed, statement: Timed): void;
  /** What the timer says, in true milliseconds. */
  true(timerMs: number): { readonly lowerMs: number; readonly upperMs: number };
}

/** Assumed of a timer of cycles until a wait shows more. */
export const CYCLES_ERROR = 0.005;

/** `error`: share of what the timer says, assumed until a wait shows more. */
export function createTimerScale(error: number): TimerScale {
  /** Timer / truth. */
  let least = 1 - error;
  let most = 1 + error;

  return {
    learn(wait, statement) {
      if (!(statement.startedMs > 0) || !(wait.endedMs > 0)) return;
      // The wait began no earlier than its statement, and ended no later.
      const [low, high] = [wait.endedMs / statement.endedMs, wait.startedMs / statement.startedMs];
      if (!(low <= high)) return;
      const agree = low <= most && high >= least;
      least = agree ? Math.max(least, low) : low;
      most = agree ? Math.min(most, high) : high;
    },
    true: (timerMs) => ({ lowerMs: timerMs / most, upperMs: timerMs / least }),
  };
}
