/**
 * The ticker thread: sleeps until the next operation is due and wakes the load thread. `Atomics.wait` sleeps to
 * fractions of a millisecond, where a timer of the event loop has whole ones: the median schedule lag falls from
 * 0.6 ms to 0.15 ms for 2 to 4 % of a core, and nothing spins (load-and-filling.md, A2).
 */
import { parentPort, workerData } from 'node:worker_threads';
import { instanceOf } from '../application/share.ts';
import { createInstants } from '../arrivals/arrivals.ts';
import { createClock, threadCpuMicroseconds } from '../arrivals/clock.ts';
import { TICKER_CELLS, type TickerStart } from './messages.ts';
import { takePrecedence } from './precedence.ts';

/** The longest sleep; a stop interrupts any sleep, so this only bounds what a lost wake-up would cost. */
const MAX_SLEEP_MS = 1000;
/** How often the CPU time is told. */
const CPU_EVERY_MS = 1000;

function tick(start: TickerStart, wake: () => void): void {
  const now = createClock(start.clockZeroMs);
  const control = new Int32Array(start.control);
  const next = ownInstants(start);
  let dueMs = next();
  let cpuToldMs = 0;
  while (Atomics.load(control, TICKER_CELLS.stop) === 0) {
    const nowMs = now();
    if (nowMs - cpuToldMs > CPU_EVERY_MS) {
      cpuToldMs = nowMs;
      Atomics.store(control, TICKER_CELLS.cpuMicroseconds, threadCpuMicroseconds() ?? -1);
    }
    if (dueMs > nowMs) {
      Atomics.wait(control, TICKER_CELLS.stop, 0, Math.min(dueMs - nowMs, MAX_SLEEP_MS));
      continue;
    }
    while (dueMs <= nowMs) dueMs = next();
    if (Atomics.exchange(control, TICKER_CELLS.woken, 1) === 0) wake();
  }
}

/** Instants of the arrivals that this thread's share of the load has, on the recorder's clock. */
function ownInstants({ settings, randomSeed, share, startMs }: TickerStart): () => number {
  const instants = createInstants(settings, randomSeed);
  let number = 0;
  return () => {
    for (;;) {
      const atMs = startMs + instants();
      const isOwn = instanceOf(share, number) !== null;
      number += 1;
      if (isOwn) return atMs;
    }
  };
}

if (parentPort !== null) {
  takePrecedence();
  const port = parentPort;
  tick(workerData as TickerStart, () => port.postMessage(0));
}
