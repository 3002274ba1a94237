/** Wake-ups that take turns with whatever else the event loop has to do. No thread, no timer of its own. */

/** A wake-up that takes this long has left more that is due; the event loop has its turn first. */
const LONG_WAKE_MS = 10;

export interface TurnsSettings {
  readonly wake: () => void;
  readonly now: () => number;
  /** Calls back when the event loop has had its turn: setImmediate. */
  readonly later: (turn: () => void) => unknown;
}

/**
 * What is to be called at each message of the ticker. While one turn is put off, further messages do nothing: a port hands
 * over up to a thousand of them before any other port has its turn, and `wake` is not called in between, so that the
 * ticker, whose flag only `wake` clears, posts no more.
 */
export function createTurns({ wake, now, later }: TurnsSettings): () => void {
  let deferred = false;
  function run(): void {
    const beganMs = now();
    wake();
    if (now() - beganMs < LONG_WAKE_MS) return;
    deferred = true;
    later(() => {
      deferred = false;
      run();
    });
  }
  return () => {
    if (!deferred) run();
  };
}
