/** Starts the load thread and speaks with it. */
import { Worker } from 'node:worker_threads';
import { EnvironmentError, UsageError } from '../errors.ts';
import type { LoadRecord } from '../recording/recording.ts';
import { clockZeroOf } from './clock.ts';
import type { LoadPlan, LoadPulse, RunningLoad } from './load.ts';
import type { FromWorker, WorkerStart } from './messages.ts';
import { createThread, type Thread } from './thread.ts';
import { threadFile } from './thread-file.ts';

/** Connections that take longer are refused by the engine's own limit (10 s each, eight at once). */
const READY_LIMIT_MS = 120_000;
const OPEN_LIMIT_MS = 10_000;
/** How long the end waits for what is in flight: what takes longer is recorded with its age. */
const GRACE_MS = 5000;
/** The same after Ctrl-C, when somebody waits. */
const INTERRUPTED_GRACE_MS = 500;
/** After the grace: counting, the hash of the arrival list, closing connections within their own limit. */
const END_LIMIT_MS = 20_000;

const NO_PULSE: LoadPulse = {
  due: 0,
  completed: 0,
  failed: 0,
  dropped: 0,
  inFlight: 0,
  poolQueue: 0,
  recentP99Ms: null,
};

/**
 * Opens the pool's connections on a thread of their own and begins the warm-up at once. Rejects with an
 * EnvironmentError when a connection is refused. When the signal is aborted, arrivals stop; the record can still be
 * had from `finish`.
 */
export async function startLoad(plan: LoadPlan, signal: AbortSignal): Promise<RunningLoad> {
  signal.throwIfAborted();
  if (plan.operations.length === 0) throw new UsageError('the load has no operation: write load.operations');
  const connections = plan.settings.pool.size * plan.settings.pool.instances;
  const start: WorkerStart = { plan, clockZeroMs: clockZeroOf(plan.epochMs) };
  const thread = createThread(new Worker(threadFile('worker'), { workerData: start, name: 'rehearse-load' }));
  try {
    const answer = await thread.wait(readyOrRefusal, READY_LIMIT_MS, signal);
    if (answer.type === 'refused') {
      throw new EnvironmentError(`the load cannot open its ${connections} connections: ${answer.message}`);
    }
  } catch (error) {
    await thread.terminate();
    throw error;
  }
  return createRunningLoad(thread, signal);
}

function createRunningLoad(thread: Thread, signal: AbortSignal): RunningLoad {
  let latest = NO_PULSE;
  let opened = 0;
  let finished: Promise<LoadRecord> | null = null;
  thread.listen((message) => {
    if (message.type === 'pulse') latest = message.pulse;
  });
  const stopArrivals = (): void => thread.tell({ type: 'stop' });
  signal.addEventListener('abort', stopArrivals, { once: true });
  if (signal.aborted) stopArrivals();

  async function end(graceMs: number): Promise<LoadRecord> {
    signal.removeEventListener('abort', stopArrivals);
    thread.tell({ type: 'finish', graceMs });
    try {
      const record = await thread.wait(recordIn, graceMs + END_LIMIT_MS);
      await thread.ended(END_LIMIT_MS);
      return record;
    } finally {
      await thread.terminate();
    }
  }

  return {
    async open(window) {
      opened += 1;
      const id = opened;
      const answer = thread.wait(
        (message) => (message.type === 'opened' && message.id === id ? message.atMs : null),
        OPEN_LIMIT_MS,
        signal,
      );
      thread.tell({ type: 'open', id, window });
      return await answer;
    },
    pulse: () => latest,
    finish() {
      finished ??= end(signal.aborted ? INTERRUPTED_GRACE_MS : GRACE_MS);
      return finished;
    },
    async [Symbol.asyncDispose]() {
      if (finished === null) {
        finished = end(0);
        await finished;
      }
      // Whoever asked to finish has been told of its failure.
      await Promise.allSettled([finished]);
    },
  };
}

function readyOrRefusal(message: FromWorker): (FromWorker & { type: 'ready' | 'refused' }) | null {
  return message.type === 'ready' || message.type === 'refused' ? message : null;
}

function recordIn(message: FromWorker): LoadRecord | null {
  return message.type === 'record' ? message.record : null;
}
