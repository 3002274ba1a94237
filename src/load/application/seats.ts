/**
 * The places of an application's pool: each holds one connection, opens it again with growing pauses when it is lost,
 * and is closed at the end.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { LoadConnection } from '../../engines/engine.ts';

export interface Seat {
  readonly connection: LoadConnection;
  /** What runs on it, to be told when the connection is gone. */
  running: { lost(): void } | null;
}

export interface SeatsSettings {
  readonly connect: (onLost: () => void) => Promise<LoadConnection>;
  /** A connection is open, at the start or again. */
  readonly opened: (seat: Seat) => void;
  /** A connection is gone for good; another one is being opened. */
  readonly lost: (seat: Seat) => void;
}

export interface Seats {
  /** Opens this many; rejects with the first refusal. */
  open(count: number): Promise<void>;
  /** Gives a connection up that the caller found broken. */
  replace(seat: Seat): void;
  /** Closes everything within a limit; no connection is opened any more. */
  close(): Promise<void>;
}

/** As many at once: an application's start, and far from a server's limit of half-open connections. */
const OPEN_AT_ONCE = 8;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1000;
const CLOSE_LIMIT_MS = 3000;

export function createSeats({ connect, opened, lost }: SeatsSettings): Seats {
  const seats = new Set<Seat>();
  const reopening = new Set<Promise<void>>();
  const closing = new AbortController();

  async function openOne(): Promise<void> {
    let isLost = false;
    let seat: Seat | null = null;
    const connection = await connect(() => {
      isLost = true;
      if (seat !== null) replace(seat);
    });
    if (closing.signal.aborted) return await connection.close();
    seat = { connection, running: null };
    seats.add(seat);
    if (isLost) replace(seat);
    else opened(seat);
  }

  function replace(seat: Seat): void {
    if (!seats.delete(seat) || closing.signal.aborted) return;
    lost(seat);
    const again = Promise.all([seat.connection.close(), reopen()]).then(() => undefined);
    const tracked = again.finally(() => reopening.delete(tracked));
    reopening.add(tracked);
  }

  /** Tries until it works or the load ends; why it failed is in the operations' own outcomes. */
  async function reopen(): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      await delay(pauseMs, undefined, { signal: closing.signal }).catch(() => undefined);
      if (closing.signal.aborted) return;
      const refusal = await openOne().then(
        () => null,
        (error: unknown) => ({ error }),
      );
      if (refusal === null) return;
    }
  }

  return {
    async open(count) {
      let left = count;
      async function openInTurn(): Promise<void> {
        while (left > 0) {
          left -= 1;
          await openOne();
        }
      }
      await Promise.all(Array.from({ length: OPEN_AT_ONCE }, openInTurn));
    },
    replace,
    async close() {
      closing.abort();
      const open = [...seats];
      seats.clear();
      const all = Promise.allSettled([...open.map(({ connection }) => connection.close()), ...reopening]);
      const limit = new AbortController();
      const late = delay(CLOSE_LIMIT_MS, undefined, { signal: limit.signal }).catch(() => undefined);
      await Promise.race([all, late]);
      limit.abort();
    },
  };
}
