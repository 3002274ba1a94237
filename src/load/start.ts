/** Starts the load threads and speaks with them as with one load. */
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { threadEnvironment } from '../compiled.ts';
import { EnvironmentError, UsageError } from '../errors.ts';
import type { Figure } from '../recording/figure.ts';
import type { LoadRecord } from '../recording/recording.ts';
import { type Clock, clockZeroOf, createClock, threadCpuMicroseconds } from './arrivals/clock.ts';
import type { LoadPlan, LoadPulse, RunningLoad } from './load.ts';
import { type Ceiling, ceilingOf, PROBE_LIMIT_MS, PROBE_MS } from './probe.ts';
import { selfCheckOf } from './self-check.ts';
import { mergeFacts } from './stamps/merge.ts';
import { createRecentSecond, type RecentSecond, recentP99Ms } from './stamps/recent.ts';
import { SLOT_MS } from './stamps/slots.ts';
import type { FromWorker, ThreadFacts, ThreadPulse, ToWorker, WorkerStart } from './threads/messages.ts';
import { createThread, type Thread } from './threads/thread.ts';
import { threadFile } from './threads/thread-file.ts';

/** Connections that take longer are refused by the engine's own limit (10 s each, eight at once). */
const READY_LIMIT_MS = 120_000;
const OPEN_LIMIT_MS = 10_000;
/** From "all connections are open" to the load's zero: time for the ticker threads to start. */
const HEAD_START_MS = 100;
/** Until all threads have heard of a window or a probe: far more than a message takes on a busy machine. */
const NOTICE_MS = 20;
/** How long the end waits for what is in flight: what takes longer is recorded with its age. */
const GRACE_MS = 5000;
/** The same after Ctrl-C, when somebody waits. */
const INTERRUPTED_GRACE_MS = 500;
/** After the grace: counting, the hash of the arrival list, closing connections within their own limit. */
const END_LIMIT_MS = 20_000;

/**
 * Opens the pools' connections on threads of their own and begins the warm-up at once. Rejects with an
 * EnvironmentError when a connection is refused. When the signal is aborted, arrivals stop; the record can still be
 * had from `finish`.
 */
export async function startLoad(plan: LoadPlan, signal: AbortSignal): Promise<RunningLoad> {
  signal.throwIfAborted();
  if (plan.operations.length === 0) throw new UsageError('the load has no operation: write load.operations');
  const clockZeroMs = clockZeroOf(plan.epochMs);
  const threads = Array.from({ length: plan.settings.threads }, (_, thread) => {
    const share = { thread, threads: plan.settings.threads, instances: plan.settings.pool.instances };
    const workerData: WorkerStart = { plan, share, clockZeroMs };
    const name = `rehearse-load-${thread}`;
    return createThread(new Worker(threadFile('worker'), { workerData, name, env: threadEnvironment() }));
  });
  try {
    const answers = await all(threads, (thread) => thread.wait(readyOrRefusal, READY_LIMIT_MS, signal));
    for (const answer of answers) {
      if (answer.type === 'ready') continue;
      throw new EnvironmentError(
        `the load cannot open its ${connectionsOf(plan)} connections: ${answer.message}`,
      );
    }
  } catch (error) {
    await all(threads, (thread) => thread.terminate());
    throw error;
  }
  return createRunningLoad({ plan, threads, now: createClock(clockZeroMs), signal });
}

interface Started {
  readonly plan: LoadPlan;
  readonly threads: readonly Thread[];
  readonly now: Clock;
  readonly signal: AbortSignal;
}

function createRunningLoad({ plan, threads, now, signal }: Started): RunningLoad {
  const latest = new Map<Thread, ThreadPulse>();
  const recent = new Map(threads.map((thread) => [thread, createRecentSecond()]));
  let startedAtMs = now() + HEAD_START_MS;
  let opened = 0;
  let ceiling: Ceiling | null = null;
  let cpuBefore: number | null = null;
  let finished: Promise<LoadRecord> | null = null;
  const tell = (message: ToWorker): void => {
    for (const thread of threads) thread.tell(message);
  };
  for (const thread of threads)
    thread.listen((message) => {
      if (message.type !== 'pulse') return;
      latest.set(thread, message.pulse);
      recent.get(thread)?.add(message.pulse.recent);
    });
  tell({ type: 'begin', startMs: startedAtMs });
  const stopArrivals = (): void => tell({ type: 'stop' });
  signal.addEventListener('abort', stopArrivals, { once: true });
  if (signal.aborted) stopArrivals();

  async function end(graceMs: number): Promise<LoadRecord> {
    signal.removeEventListener('abort', stopArrivals);
    tell({ type: 'finish', graceMs });
    try {
      const cpuAfter = threadCpuMicroseconds();
      const facts = await all(threads, (thread) => thread.wait(factsIn, graceMs + END_LIMIT_MS));
      await all(threads, (thread) => thread.ended(END_LIMIT_MS));
      const observersCpuMicroseconds = cpuBefore === null || cpuAfter === null ? null : cpuAfter - cpuBefore;
      const ceilingPerSecond = ceiling?.perSecond ?? null;
      return recordOf(plan, facts, { startedAtMs, observersCpuMicroseconds, ceilingPerSecond });
    } finally {
      await all(threads, (thread) => thread.terminate());
    }
  }

  return {
    get startedAtMs() {
      return startedAtMs;
    },
    async open(window) {
      opened += 1;
      const id = opened;
      const atMs = now() + NOTICE_MS;
      const answers = all(threads, (thread) =>
        thread.wait(
          (message) => (message.type === 'opened' && message.id === id ? id : null),
          OPEN_LIMIT_MS,
          signal,
        ),
      );
      tell({ type: 'open', id, window, atMs });
      await answers;
      await delay(Math.max(0, Math.ceil(atMs - now())));
      cpuBefore ??= threadCpuMicroseconds();
      return atMs;
    },
    async probeCeiling(durationMs = PROBE_MS) {
      const heldMs = now() + NOTICE_MS;
      const probes = all(threads, (thread) => thread.wait(probeIn, durationMs + PROBE_LIMIT_MS, signal));
      tell({ type: 'probe', atMs: heldMs, durationMs });
      ceiling = ceilingOf(await probes, connectionsOf(plan));
      for (const second of recent.values()) second.clear();
      const shiftMs = now() + HEAD_START_MS - heldMs;
      startedAtMs += shiftMs;
      tell({ type: 'resume', shiftMs });
      return ceiling;
    },
    pulse: () => pulseOf([...latest.values()], [...recent.values()]),
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

function all<Result>(
  threads: readonly Thread[],
  ask: (thread: Thread) => Promise<Result>,
): Promise<readonly Result[]> {
  return Promise.all(threads.map(ask));
}

function connectionsOf({ settings }: LoadPlan): number {
  return settings.pool.size * settings.pool.instances;
}

function pulseOf(pulses: readonly ThreadPulse[], recent: readonly RecentSecond[]): LoadPulse {
  const sum = (of: Exclude<keyof ThreadPulse, 'recent'>) =>
    pulses.reduce((total, pulse) => total + pulse[of], 0);
  return {
    due: sum('due'),
    completed: sum('completed'),
    failed: sum('failed'),
    dropped: sum('dropped'),
    inFlight: sum('inFlight'),
    poolQueue: sum('poolQueue'),
    recentP99Ms: recentP99Ms(recent),
  };
}

interface OwnFacts {
  readonly startedAtMs: number;
  readonly observersCpuMicroseconds: number | null;
  readonly ceilingPerSecond: Figure | null;
}

function recordOf(
  { settings, operations }: LoadPlan,
  threads: readonly ThreadFacts[],
  { startedAtMs, observersCpuMicroseconds, ceilingPerSecond }: OwnFacts,
): LoadRecord {
  const { windows, latencies, outcomes, slots, stalls } = mergeFacts(threads);
  const [first, ...others] = threads.map(({ arrivalsHash }) => arrivalsHash);
  if (first === undefined || others.some((hash) => hash !== first))
    throw new Error(`the load threads made different lists of arrivals: ${[first, ...others].join(', ')}`);
  const health = threads.map((thread) => thread.health);
  return {
    ratePerSecond: settings.ratePerSecond,
    arrivals: settings.arrivals,
    arrivalsHash: first,
    startedAtMs,
    pool: settings.pool,
    statementTimeoutMs: settings.statementTimeoutMs,
    operations: operations.map(({ record }) => record),
    windows,
    latencies,
    outcomes,
    slotMs: SLOT_MS,
    slots,
    stalls,
    selfCheck: selfCheckOf({
      threads: health,
      windows,
      latencies,
      observersCpuMicroseconds,
      ceilingPerSecond,
    }),
  };
}

function readyOrRefusal(message: FromWorker): (FromWorker & { type: 'ready' | 'refused' }) | null {
  return message.type === 'ready' || message.type === 'refused' ? message : null;
}

function probeIn(message: FromWorker) {
  return message.type === 'probed' ? message.probe : null;
}

function factsIn(message: FromWorker): ThreadFacts | null {
  return message.type === 'facts' ? message.facts : null;
}
