/** What the threads of the load say to each other; plain data. */
import type { LoadRecord, WindowName } from '../recording/recording.ts';
import type { ArrivalSettings } from './arrivals.ts';
import type { LoadPlan, LoadPulse } from './load.ts';

/** What the load thread is started with. */
export interface WorkerStart {
  readonly plan: LoadPlan;
  /** The recorder's zero on the process-wide monotonic clock. */
  readonly clockZeroMs: number;
}

export type ToWorker =
  | { readonly type: 'open'; readonly id: number; readonly window: WindowName }
  /** No more arrivals; what is in flight goes on. */
  | { readonly type: 'stop' }
  /** Stop, wait for what is in flight, send the record, close everything and end. */
  | { readonly type: 'finish'; readonly graceMs: number };

export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'refused'; readonly message: string }
  | { readonly type: 'opened'; readonly id: number; readonly atMs: number }
  | { readonly type: 'pulse'; readonly pulse: LoadPulse }
  | { readonly type: 'record'; readonly record: LoadRecord };

/** What the ticker thread is started with. */
export interface TickerStart {
  readonly settings: ArrivalSettings;
  readonly randomSeed: number;
  readonly clockZeroMs: number;
  /** Instant of the load's start on the recorder's clock. */
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
