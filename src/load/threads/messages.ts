/** What the threads of the load say to each other; plain data. */
import type { WindowName } from '../../recording/recording.ts';
import type { Share } from '../application/share.ts';
import type { ArrivalSettings } from '../arrivals/arrivals.ts';
import type { LoadPlan, LoadPulse } from '../load.ts';
import type { Probe } from '../probe.ts';
import type { ThreadHealth } from '../self-check.ts';
import type { RecentStep } from '../stamps/recent.ts';
import type { StampFacts } from '../stamps/stamps.ts';

/** What a load thread is started with. */
export interface WorkerStart {
  readonly plan: LoadPlan;
  readonly share: Share;
  /** The recorder's zero on the process-wide monotonic clock. */
  readonly clockZeroMs: number;
}

export type ToWorker =
  /** The list of arrivals begins at this instant. */
  | { readonly type: 'begin'; readonly startMs: number }
  /** Operations due from this instant on belong to the window. */
  | { readonly type: 'open'; readonly id: number; readonly window: WindowName; readonly atMs: number }
  /** No arrivals from this instant on: the ceiling is probed for a while. */
  | { readonly type: 'probe'; readonly atMs: number; readonly durationMs: number }
  /** The list of arrivals goes on, this much later. */
  | { readonly type: 'resume'; readonly shiftMs: number }
  /** No more arrivals; what is in flight goes on. */
  | { readonly type: 'stop' }
  /** Stop, wait for what is in flight, send the facts, close everything and end. */
  | { readonly type: 'finish'; readonly graceMs: number };

export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'refused'; readonly message: string }
  | { readonly type: 'opened'; readonly id: number }
  | { readonly type: 'probed'; readonly probe: Probe }
  | { readonly type: 'pulse'; readonly pulse: ThreadPulse }
  | { readonly type: 'facts'; readonly facts: ThreadFacts };

/** A {@link LoadPulse} of one thread; percentiles are those of all threads together. */
export interface ThreadPulse extends Omit<LoadPulse, 'recentP99Ms'> {
  readonly recent: RecentStep;
}

/** All that one thread recorded. */
export interface ThreadFacts extends StampFacts {
  readonly arrivalsHash: string;
  readonly health: ThreadHealth;
}

/** What the ticker thread is started with. */
export interface TickerStart {
  readonly settings: ArrivalSettings;
  readonly randomSeed: number;
  readonly clockZeroMs: number;
  readonly share: Share;
  /** Instant of the list's zero on the recorder's clock. */
  readonly startMs: number;
  /** Int32Array of {@link TICKER_CELLS}. */
  readonly control: SharedArrayBuffer;
}

/** Cells of the memory that the ticker and the load thread share. */
export const TICKER_CELLS = {
  /** 1: the ticker ends. The ticker sleeps on this cell. */
  stop: 0,
  /** 1: a wake-up is on its way to the load thread, and another one would tell it nothing. */
  woken: 1,
  /** CPU time of the ticker thread so far in microseconds; -1 where Node does not tell. */
  cpuMicroseconds: 2,
  count: 3,
} as const;
