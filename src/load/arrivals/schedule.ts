/**
 * The arrivals of a thread are handed over as its ticker wakes. The list can be held and goes on later from where it was,
 * so that a probe in between takes nothing out of it.
 */

import type { TickerStart } from '../threads/messages.ts';
import { startTicker, type Ticker } from '../threads/ticker-thread.ts';
import { createHandOver, type HandOverSettings } from './hand-over.ts';

export interface ScheduleSettings extends HandOverSettings {
  readonly ticker: Omit<TickerStart, 'control' | 'startMs'>;
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

export function createSchedule({ ticker: tickerStart, ...settings }: ScheduleSettings): Schedule {
  const list = createHandOver(settings);
  let ticker: Ticker | null = null;
  let ended = false;
  let spentMicroseconds: number | null = 0;
  const stopping: Promise<void>[] = [];
  const drain = () => list.drain(HAND_OVER_MS);

  function begin(startMs: number): void {
    list.startMs = startMs;
    ticker = startTicker({ ...tickerStart, startMs }, drain);
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
    drain,
    hold: list.hold,
    pause: list.pause,
    resume(shiftMs) {
      // What was due before the hold goes first, by the old zero.
      list.unpause();
      drain();
      stopTicker();
      list.release();
      if (!ended) begin(list.startMs + shiftMs);
    },
    cpuMicroseconds() {
      const running = ticker === null ? 0 : ticker.cpuMicroseconds();
      return running === null || spentMicroseconds === null ? null : spentMicroseconds + running;
    },
    end() {
      list.drain(Number.POSITIVE_INFINITY);
      list.end();
      ended = true;
    },
    async stopTicker() {
      stopTicker();
      await Promise.all(stopping);
    },
  };
}
