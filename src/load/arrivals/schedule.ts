/**
 * The list of arrivals against the clock: each is handed over when it is due, as the ticker wakes. The list can be held
 * and goes on later from where it was, so that a probe in between takes nothing out of it.
 */

import type { TickerStart } from '../threads/messages.ts';
import { startTicker, type Ticker } from '../threads/ticker-thread.ts';
import type { Arrival, ArrivalList } from './arrival-list.ts';
import type { Clock } from './clock.ts';

export interface ScheduleSettings {
  readonly arrivals: ArrivalList;
  readonly now: Clock;
  readonly ticker: Omit<TickerStart, 'control' | 'startMs'>;
  /** Called for each arrival soon after it is due; `dueMs` is on the recorder's clock. */
  readonly hand: (arrival: Arrival, dueMs: number) => void;
}

export interface Schedule {
  begin(startMs: number): void;
  /** Hands over what is due. */
  drain(): void;
  /** Arrivals from this instant on wait for {@link resume}. */
  hold(atMs: number): void;
  /** Nothing is handed over until {@link resume}, not even what is overdue. */
  pause(): void;
  /** The rest of the list, later by this much. */
  resume(shiftMs: number): void;
  /** CPU time of the ticker so far, of all that were started; null when it is not known. */
  cpuMicroseconds(): number | null;
  /** No more arrivals. */
  end(): void;
  stopTicker(): Promise<void>;
}

/** A thousand arrivals take some 5 ms; only a rate beyond what a thread can make needs longer. */
const HAND_OVER_MS = 50;

export function createSchedule({ arrivals, now, ticker: tickerStart, hand }: ScheduleSettings): Schedule {
  let startMs = Number.POSITIVE_INFINITY;
  let heldFromMs = Number.POSITIVE_INFINITY;
  let ticker: Ticker | null = null;
  let ended = false;
  let paused = false;
  let spentMicroseconds: number | null = 0;
  const stopping: Promise<void>[] = [];

  /** Ends early where handing over takes longer than this: the ticker then wakes again, other messages in between. */
  function drain(limitMs: number): void {
    if (ended || paused) return;
    const untilMs = now();
    for (let dueMs = startMs + arrivals.nextAtMs; dueMs <= untilMs && dueMs < heldFromMs; ) {
      hand(arrivals.next(), dueMs);
      dueMs = startMs + arrivals.nextAtMs;
      if (now() - untilMs > limitMs) return;
    }
  }

  function begin(atMs: number): void {
    startMs = atMs;
    ticker = startTicker({ ...tickerStart, startMs }, () => drain(HAND_OVER_MS));
  }

  function stopTicker(): void {
    if (ticker === null) return;
    const spent = ticker.cpuMicroseconds();
    spentMicroseconds = spent === null || spentMicroseconds === null ? null : spentMicroseconds + spent;
    stopping.push(ticker.stop());
    ticker = null;
  }

  return {
    begin,
    drain: () => drain(HAND_OVER_MS),
    hold(atMs) {
      heldFromMs = atMs;
    },
    pause() {
      paused = true;
    },
    resume(shiftMs) {
      paused = false;
      drain(HAND_OVER_MS);
      stopTicker();
      heldFromMs = Number.POSITIVE_INFINITY;
      if (!ended) begin(startMs + shiftMs);
    },
    cpuMicroseconds() {
      const running = ticker === null ? 0 : ticker.cpuMicroseconds();
      return running === null || spentMicroseconds === null ? null : spentMicroseconds + running;
    },
    end() {
      drain(Number.POSITIVE_INFINITY);
      ended = true;
    },
    async stopTicker() {
      stopTicker();
      await Promise.all(stopping);
    },
  };
}
