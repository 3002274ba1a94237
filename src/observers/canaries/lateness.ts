/** How late our own thread is, so that what it kept waiting is not put on the database. */

export interface Lateness extends Disposable {
  /** The most that a timer was late in a stretch of time. */
  within(fromMs: number, toMs: number): number;
}

const TICK_MS = 20;
/** Shorter ones are within the error of any timer. */
const NOTED_FROM_MS = 5;

export function watchLateness(now: () => number): Lateness {
  const noted: { readonly fromMs: number; readonly toMs: number }[] = [];
  let lastMs = now();
  const timer = setInterval(() => {
    const atMs = now();
    if (atMs - lastMs - TICK_MS >= NOTED_FROM_MS) noted.push({ fromMs: lastMs + TICK_MS, toMs: atMs });
    lastMs = atMs;
  }, TICK_MS);
  timer.unref();
  return {
    within(fromMs, toMs) {
      let mostMs = 0;
      for (let index = noted.length - 1; index >= 0; index -= 1) {
        const each = noted[index];
        if (each === undefined || each.toMs < fromMs) break;
        if (each.fromMs < toMs) mostMs = Math.max(mostMs, each.toMs - each.fromMs);
      }
      return mostMs;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
