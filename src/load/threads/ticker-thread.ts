/** Starts and stops the ticker thread; belongs to the load thread. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { threadEnvironment } from '../../compiled.ts';
import { TICKER_CELLS, type TickerStart } from './messages.ts';
import { threadFile } from './thread-file.ts';
import { createTurns } from './turns.ts';

export interface Ticker {
  /** CPU time of the thread so far, at most a second old; null when it is not known. */
  cpuMicroseconds(): number | null;
  stop(): Promise<void>;
}

/** `wake` is called on this thread soon after an operation became due; several may be due by then. */
export function startTicker(start: Omit<TickerStart, 'control'>, wake: () => void): Ticker {
  const shared = new SharedArrayBuffer(TICKER_CELLS.count * Int32Array.BYTES_PER_ELEMENT);
  const control = new Int32Array(shared);
  const data: TickerStart = { ...start, control: shared };
  const thread = new Worker(threadFile('ticker'), {
    workerData: data,
    name: 'rehearse-ticker',
    env: threadEnvironment(),
  });
  const exited = once(thread, 'exit');
  // An error of the thread is thrown by this thread's own event loop: the load cannot go on without it.
  thread.on('error', (error) => {
    throw error;
  });
  const turns = createTurns({
    wake() {
      // Cleared before the clock is read: what becomes due later wakes again.
      Atomics.store(control, TICKER_CELLS.woken, 0);
      wake();
    },
    now: () => performance.now(),
    later: setImmediate,
  });
  thread.on('message', turns);
  return {
    cpuMicroseconds() {
      const cpu = Atomics.load(control, TICKER_CELLS.cpuMicroseconds);
      return cpu < 0 ? null : cpu;
    },
    async stop() {
      Atomics.store(control, TICKER_CELLS.stop, 1);
      Atomics.notify(control, TICKER_CELLS.stop);
      await exited;
    },
  };
}
