/** What the generator of the load knows of itself, from the first window's start to the end of the arrivals. */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { between, exactly, type Figure, notMeasured } from '../recording/figure.ts';
import { mergeHistograms, percentileMs, RELATIVE_ERROR } from '../recording/histogram.ts';
import type { LatencyRecord, LoadWindow, SelfCheck } from '../recording/recording.ts';
import { threadCpuMicroseconds } from './arrivals/clock.ts';

/** The delay is what a timer of this length takes longer; a shorter one would cost more than it tells. */
const DELAY_RESOLUTION_MS = 10;
const NO_CPU_TIME = 'this version of Node does not tell the CPU time of a thread: use Node 24';

/** Of one load thread with its ticker; plain data. */
export interface ThreadHealth {
  /** Between the first window's start and the end of the arrivals; 0 when no window was opened. */
  readonly seconds: number;
  /** Null when there was no reading. */
  readonly eventLoopDelayMsP99: number | null;
  /** 0..1 */
  readonly utilization: number;
  /** Null where this Node does not tell. */
  readonly cpuMicroseconds: number | null;
  readonly priority: Priority;
}

export type Priority = NonNullable<SelfCheck['priority']>;
/** The least first. */
const PRIORITIES: readonly Priority[] = ['ordinary', 'raised', 'real-time'];

export interface HealthWatch {
  /** Begins; later calls change nothing. */
  start(atMs: number): void;
  /** Ends; later calls change nothing. */
  stop(atMs: number): void;
  health(): Omit<ThreadHealth, 'priority'>;
}

/** Watches the calling thread. `tickerCpuMicroseconds` tells its ticker's CPU time so far; null when it is not known. */
export function createHealthWatch(tickerCpuMicroseconds: () => number | null): HealthWatch {
  const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  let begun: Reading | null = null;
  let ended: Reading | null = null;

  function read(atMs: number): Reading {
    const own = threadCpuMicroseconds();
    const ticker = tickerCpuMicroseconds();
    const cpuMicroseconds = own === null || ticker === null ? null : own + ticker;
    return { atMs, cpuMicroseconds, utilization: performance.eventLoopUtilization() };
  }

  return {
    start(atMs) {
      if (begun !== null) return;
      delay.enable();
      begun = read(atMs);
    },
    stop(atMs) {
      if (begun === null || ended !== null) return;
      delay.disable();
      ended = read(atMs);
    },
    health() {
      if (begun === null || ended === null) {
        return { seconds: 0, eventLoopDelayMsP99: null, utilization: 0, cpuMicroseconds: null };
      }
      const { utilization } = performance.eventLoopUtilization(ended.utilization, begun.utilization);
      return {
        seconds: (ended.atMs - begun.atMs) / 1000,
        // Each value is the whole length of a timer, in nanoseconds.
        eventLoopDelayMsP99:
          delay.count === 0 ? null : Math.max(0, delay.percentile(99) / 1e6 - DELAY_RESOLUTION_MS),
        utilization,
        cpuMicroseconds:
          begun.cpuMicroseconds === null || ended.cpuMicroseconds === null
            ? null
            : ended.cpuMicroseconds - begun.cpuMicroseconds,
      };
    },
  };
}

interface Reading {
  readonly atMs: number;
  readonly cpuMicroseconds: number | null;
  readonly utilization: ReturnType<typeof performance.eventLoopUtilization>;
}

export interface SelfCheckFacts {
  readonly threads: readonly ThreadHealth[];
  readonly windows: readonly LoadWindow[];
  readonly latencies: readonly LatencyRecord[];
  /** Of the thread that holds orchestrator and observers, over the same time; null where this Node does not tell. */
  readonly observersCpuMicroseconds: number | null;
  /** Null when it was not probed. */
  readonly ceilingPerSecond: Figure | null;
}

/** Of all threads together: the slowest one tells of delay and utilisation, since its operations are the late ones. */
export function selfCheckOf(facts: SelfCheckFacts): SelfCheck {
  const { threads, windows, latencies, observersCpuMicroseconds, ceilingPerSecond } = facts;
  const ceiling = ceilingPerSecond === null ? {} : { ceilingPerSecond };
  const seconds = Math.max(...threads.map((thread) => thread.seconds));
  if (seconds === 0) return { ...nothingMeasured(), ...ceiling };
  const sum = (of: 'due' | 'completed') => windows.reduce((total, window) => total + window[of], 0);
  const cpuMicroseconds = threads.reduce<number | null>(
    (total, thread) =>
      total === null || thread.cpuMicroseconds === null ? null : total + thread.cpuMicroseconds,
    0,
  );
  const cores = (microseconds: number | null, source: string): Figure =>
    microseconds === null ? notMeasured(NO_CPU_TIME) : exactly(microseconds / seconds / 1e6, source);
  const slowest = threads.length === 1 ? 'the load thread' : `the slowest of ${threads.length} load threads`;
  return {
    threads: threads.length,
    ...lowestPriority(threads),
    offeredPerSecond: sum('due') / seconds,
    achievedPerSecond: sum('completed') / seconds,
    scheduleLagMsP99: scheduleLag(latencies),
    eventLoopDelayMsP99: eventLoopDelay(threads, slowest),
    utilization: exactly(
      Math.max(...threads.map(({ utilization }) => utilization)),
      `performance.eventLoopUtilization of ${slowest}`,
    ),
    cpuCores: cores(cpuMicroseconds, 'process.threadCpuUsage of the load and ticker threads'),
    observersCpuCores: cores(
      observersCpuMicroseconds,
      'process.threadCpuUsage of the thread that runs migrations and observers',
    ),
    ...ceiling,
  };
}

function lowestPriority(threads: readonly ThreadHealth[]): Pick<SelfCheck, 'priority'> {
  const priority = PRIORITIES.find((each) => threads.some((thread) => thread.priority === each));
  return priority === undefined ? {} : { priority };
}

/** p99 over all windows. */
export function scheduleLag(latencies: readonly LatencyRecord[]): Figure {
  const lags = latencies.filter(({ kind }) => kind === 'schedule lag');
  const p99Ms = percentileMs(mergeHistograms(lags.map(({ histogram }) => histogram)), 0.99);
  if (p99Ms === null) return notMeasured('no operation was due');
  return between(p99Ms * (1 - RELATIVE_ERROR), p99Ms * (1 + RELATIVE_ERROR), 'stamps of the load threads');
}

function eventLoopDelay(threads: readonly ThreadHealth[], slowest: string): Figure {
  const delays = threads.flatMap(({ eventLoopDelayMsP99 }) => eventLoopDelayMsP99 ?? []);
  if (delays.length === 0) return notMeasured('the load was over before the first reading');
  return exactly(Math.max(...delays), `monitorEventLoopDelay of ${slowest}, every ${DELAY_RESOLUTION_MS} ms`);
}

function nothingMeasured(): SelfCheck {
  const nothing = notMeasured('no window was opened');
  return {
    offeredPerSecond: 0,
    achievedPerSecond: 0,
    scheduleLagMsP99: nothing,
    eventLoopDelayMsP99: nothing,
    utilization: nothing,
    cpuCores: nothing,
  };
}
