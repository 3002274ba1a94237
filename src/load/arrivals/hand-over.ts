/** The list of arrivals against the clock: each is handed over when it is due. No thread, no timer. */
import type { Arrival, ArrivalList } from './arrival-list.ts';
import type { Clock } from './clock.ts';

export interface HandOverSettings {
  readonly arrivals: Pick<ArrivalList, 'nextAtMs' | 'next'>;
  readonly now: Clock;
  /** Called for each arrival soon after it is due; `dueMs` is on the recorder's clock. */
  readonly hand: (arrival: Arrival, dueMs: number) => void;
}

export interface HandOver {
  /** Zero of the list on the recorder's clock; nothing is due before it is set. */
  startMs: number;
  /** Hands over what is due. Ends early where that takes longer than the limit: the rest stays due. */
  drain(limitMs: number): void;
  /** Arrivals from this instant on wait for {@link release}. */
  hold(atMs: number): void;
  /** Nothing is handed over until {@link unpause}, not even what is overdue. */
  pause(): void;
  unpause(): void;
  /** Ends a hold. */
  release(): void;
  /** No more arrivals. */
  end(): void;
}

export function createHandOver({ arrivals, now, hand }: HandOverSettings): HandOver {
  let heldFromMs = Number.POSITIVE_INFINITY;
  let paused = false;
  let ended = false;
  const handOver: HandOver = {
    startMs: Number.POSITIVE_INFINITY,
    drain(limitMs) {
      if (ended || paused) return;
      const untilMs = now();
      const { startMs } = handOver;
      for (let dueMs = startMs + arrivals.nextAtMs; dueMs <= untilMs && dueMs < heldFromMs; ) {
        hand(arrivals.next(), dueMs);
        dueMs = startMs + arrivals.nextAtMs;
        if (now() - untilMs > limitMs) return;
      }
    },
    hold(atMs) {
      heldFromMs = atMs;
    },
    pause() {
      paused = true;
    },
    unpause() {
      paused = false;
    },
    release() {
      heldFromMs = Number.POSITIVE_INFINITY;
    },
    end() {
      ended = true;
    },
  };
  return handOver;
}
