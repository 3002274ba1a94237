/**
 * The application under load: its instances, each with a pool of connections. Operations are handed to the instances
 * in turn, wait there for a connection, run, and give it back.
 */
import type { LoadConnection } from '../../engines/engine.ts';
import type { LoadSettings } from '../../scenario/plan.ts';
import type { Clock } from '../arrivals/clock.ts';
import type { Operation } from '../load.ts';
import type { OperationValues } from '../operations/values.ts';
import type { StampRecorder, Stamps } from '../stamps/stamps.ts';
import { execute } from './execution.ts';
import { createPool, type Pool } from './pool.ts';
import { createSeats, type Seat, type Seats } from './seats.ts';

export interface ApplicationSettings {
  readonly pool: LoadSettings['pool'];
  readonly connect: (onLost: () => void) => Promise<LoadConnection>;
  readonly stamps: StampRecorder;
  readonly now: Clock;
  /** Takes values out of the server's messages. */
  readonly redact: (message: string) => string;
}

/** An operation that is due. */
export interface Work {
  readonly operation: Operation;
  readonly values: OperationValues;
  readonly stamps: Stamps;
  /** Called once, when the operation is over and its connection given back, or when it never got one. */
  readonly ended?: (completed: boolean) => void;
}

export interface Application {
  /** Opens all connections; rejects with the first refusal. */
  open(): Promise<void>;
  /** Hands an operation to an instance's pool. */
  dispatch(work: Work, instance: number): void;
  readonly queued: number;
  /** Drops what waits for a connection: after the warm-up, whose operations count nowhere. */
  giveUpQueue(): void;
  close(): Promise<void>;
}

interface Instance {
  readonly pool: Pool<Work, Seat>;
  readonly seats: Seats;
}

export function createApplication(settings: ApplicationSettings): Application {
  const { pool: limits, connect, stamps, now, redact } = settings;
  const instances = Array.from({ length: limits.instances }, createInstance);
  const deadlines = createDeadlineTimer(instances, now);

  function createInstance(): Instance {
    const pool: Pool<Work, Seat> = createPool({
      checkoutTimeoutMs: limits.checkoutTimeoutMs,
      maxQueue: limits.maxQueue,
      grant: (work, seat) => run(work, seat),
      expire: (work) => {
        const message = `no connection became free within ${limits.checkoutTimeoutMs} ms`;
        stamps.failed(work.stamps, { outcome: 'pool timeout', code: null, message }, now());
        stamps.levels(now(), queued());
        work.ended?.(false);
      },
    });
    const seats = createSeats({
      connect,
      opened: (seat) => pool.release(seat),
      lost: (seat) => {
        pool.discard(seat);
        seat.running?.lost();
      },
    });

    function run(work: Work, seat: Seat): void {
      stamps.acquired(work.stamps, now());
      work.stamps.sentMs = now();
      let isOver = false;
      let completed = false;
      const execution = execute(seat.connection, work, {
        answered(failure) {
          const atMs = now();
          completed = failure === null;
          if (failure === null) stamps.completed(work.stamps, atMs);
          else stamps.failed(work.stamps, { ...failure, message: redact(failure.message) }, atMs);
          stamps.levels(atMs, queued());
        },
        freed(usable) {
          isOver = true;
          seat.running = null;
          if (usable) pool.release(seat);
          else seats.replace(seat);
          work.ended?.(completed);
        },
      });
      // A connection that refuses at once has ended the operation, and perhaps begun another, by now.
      if (!isOver) seat.running = execution;
    }
    return { pool, seats };
  }

  function queued(): number {
    return instances.reduce((sum, { pool }) => sum + pool.queued, 0);
  }

  return {
    get queued() {
      return queued();
    },
    open: async () => {
      await Promise.all(instances.map(({ seats }) => seats.open(limits.size)));
    },
    dispatch(work, instance) {
      const pool = instances[instance % instances.length]?.pool;
      const atMs = now();
      const got = pool?.acquire(work, atMs);
      if (got === 'queued') {
        stamps.queued(work.stamps);
        deadlines.arm();
      } else if (got === 'refused') {
        const message = `the pool's queue of ${limits.maxQueue} was full`;
        stamps.dropped(work.stamps, { outcome: 'dropped', code: null, message }, atMs);
        work.ended?.(false);
      }
      stamps.levels(now(), queued());
    },
    giveUpQueue() {
      const failure = { outcome: 'dropped', code: null, message: 'the warm-up had ended' } as const;
      const atMs = now();
      for (const { pool } of instances)
        for (const work of pool.giveUpQueue()) stamps.dropped(work.stamps, failure, atMs);
      stamps.levels(atMs, queued());
    },
    async close() {
      deadlines.stop();
      await Promise.all(instances.map(({ seats }) => seats.close()));
    },
  };
}

interface DeadlineTimer {
  /** To be called when an operation begins to wait. */
  arm(): void;
  stop(): void;
}

/** One timer for the earliest deadline of all pools. */
function createDeadlineTimer(instances: readonly Instance[], now: Clock): DeadlineTimer {
  let timer: NodeJS.Timeout | null = null;
  let stopped = false;

  function arm(): void {
    if (timer !== null || stopped) return;
    const deadlines = instances.flatMap(({ pool }) => pool.nextDeadlineMs() ?? []);
    if (deadlines.length === 0) return;
    timer = setTimeout(expire, Math.max(0, Math.min(...deadlines) - now()));
  }

  function expire(): void {
    timer = null;
    for (const { pool } of instances) pool.expireUntil(now());
    arm();
  }

  return {
    arm,
    stop() {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
    },
  };
}
