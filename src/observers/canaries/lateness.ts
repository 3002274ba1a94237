/** How late our own thread is while probes are under way, so that what it kept waiting is not put on the database. */
import { MIN_OUTAGE_MS } from './outages.ts';

export interface Lateness extends Disposable {
  /** A probe is under way until what this gives is called. */
  during(): () => void;
  /** The most that the thread was late in a stretch of time, as far as probes were under way for {@link MIN_OUTAGE_MS}. */
  within(fromMs: number, toMs: number): number;
}

const TICK_MS = 20;
/** Shorter ones are within the error of any timer. */
const NOTED_FROM_MS = 5;

/** Nothing ticks as long as every probe is answered at once: that would wake the thread fifty times a second for nothing. */
export function watchLateness(now: () => number): Lateness {
  const noted: { readonly fromMs: number; readonly toMs: number }[] = [];
  const running = new Set<NodeJS.Timeout>();

  function stop(timer: NodeJS.Timeout): void {
    clearTimeout(timer);
    running.delete(timer);
  }

  function start(timer: NodeJS.Timeout): NodeJS.Timeout {
    timer.unref();
    running.add(timer);
    return timer;
  }

  function note(lateMs: number, busyMs = 0): void {
    const toMs = now();
    if (lateMs >= NOTED_FROM_MS) noted.push({ fromMs: toMs - Math.max(lateMs, busyMs), toMs });
  }

  function tick(): NodeJS.Timeout {
    let lastMs = now();
    return setInterval(() => {
      note(now() - lastMs - TICK_MS);
      lastMs = now();
    }, TICK_MS);
  }

  return {
    during() {
      const sentMs = now();
      const before = performance.eventLoopUtilization();
      let timer = start(
        setTimeout(() => {
          stop(timer);
          // It may have been at work from long before the timer was due.
          note(now() - sentMs - MIN_OUTAGE_MS, performance.eventLoopUtilization(before).active);
          timer = start(tick());
        }, MIN_OUTAGE_MS),
      );
      return () => stop(timer);
    },
    within: (fromMs, toMs) =>
      noted
        .filter((each) => each.fromMs < toMs && each.toMs >= fromMs)
        .reduce((most, each) => Math.max(most, each.toMs - each.fromMs), 0),
    [Symbol.dispose]: () => {
      for (const timer of running) clearTimeout(timer);
    },
  };
}
