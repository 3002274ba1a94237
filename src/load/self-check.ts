/** What the generator of the load knows of itself, from the first window's start to the end of the arrivals. */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { between, exactly, type Figure, notMeasured } from '../recording/figure.ts';
import { mergeHistograms, percentileMs } from '../recording/histogram.ts';
import type { SelfCheck } from '../recording/recording.ts';
import { threadCpuMicroseconds } from './clock.ts';
import type { TallyFacts } from './tally.ts';

/** The delay is what a timer of this length takes longer; a shorter one would cost more than it tells. */
const DELAY_RESOLUTION_MS = 10;
/** Width of a histogram's bucket: 1/128 of its value. */
const BUCKET_WIDTH = 1 / 128;

export interface SelfWatch {
  /** Begins; what was before is forgotten. */
  start(atMs: number): void;
  /** Ends; later calls change nothing. */
  stop(atMs: number): void;
  facts(tallies: readonly TallyFacts[]): SelfCheck;
}

/** `tickerCpuMicroseconds` tells the ticker's CPU time so far; null when it is not known. */
export function createSelfWatch(tickerCpuMicroseconds: () => number | null): SelfWatch {
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
    facts(tallies) {
      if (begun === null || ended === null) return nothingMeasured();
      const seconds = (ended.atMs - begun.atMs) / 1000;
      const sum = (of: 'due' | 'completed') => tallies.reduce((total, { window }) => total + window[of], 0);
      return {
        offeredPerSecond: sum('due') / seconds,
        achievedPerSecond: sum('completed') / seconds,
        scheduleLagMsP99: scheduleLag(tallies),
        eventLoopDelayMsP99: eventLoopDelay(delay),
        utilization: exactly(
          performance.eventLoopUtilization(ended.utilization, begun.utilization).utilization,
          'performance.eventLoopUtilization of the load thread',
        ),
        cpuCores: cpuCores(begun, ended),
      };
    },
  };
}

interface Reading {
  readonly atMs: number;
  readonly cpuMicroseconds: number | null;
  readonly utilization: ReturnType<typeof performance.eventLoopUtilization>;
}

function scheduleLag(tallies: readonly TallyFacts[]): Figure {
  const lags = tallies.flatMap(({ latencies }) => latencies.filter(({ kind }) => kind === 'schedule lag'));
  const p99Ms = percentileMs(mergeHistograms(lags.map(({ histogram }) => histogram)), 0.99);
  if (p99Ms === null) return notMeasured('no operation was due');
  return between(p99Ms * (1 - BUCKET_WIDTH), p99Ms * (1 + BUCKET_WIDTH), 'stamps of the load thread');
}

/** Each value is the whole length of a timer, in nanoseconds. */
function eventLoopDelay(delay: ReturnType<typeof monitorEventLoopDelay>): Figure {
  if (delay.count === 0) return notMeasured('the load was over before the first reading');
  const delayMs = Math.max(0, delay.percentile(99) / 1e6 - DELAY_RESOLUTION_MS);
  return exactly(delayMs, `monitorEventLoopDelay of the load thread, every ${DELAY_RESOLUTION_MS} ms`);
}

function cpuCores(begun: Reading, ended: Reading): Figure {
  if (begun.cpuMicroseconds === null || ended.cpuMicroseconds === null) {
    return notMeasured('this version of Node does not tell the CPU time of a thread: use Node 24');
  }
  const cores = (ended.cpuMicroseconds - begun.cpuMicroseconds) / ((ended.atMs - begun.atMs) * 1000);
  return exactly(cores, 'process.threadCpuUsage of the load and ticker threads');
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
