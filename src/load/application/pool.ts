/**
 * The connection pool of an application, as a model: the last connection given back is the first one taken (as in
 * node-postgres and HikariCP), operations that find none wait in turn, each with the same deadline, and a full queue
 * refuses. No clock and no timer of its own: the caller says what time it is, so both engines get the same pool.
 */
export interface PoolSettings<Waiter, Connection> {
  /** `null` waits for ever. */
  readonly checkoutTimeoutMs: number | null;
  readonly maxQueue: number;
  /** Called when a waiter gets its connection, at once or later. */
  readonly grant: (waiter: Waiter, connection: Connection) => void;
  /** Called when a waiter's deadline has passed. */
  readonly expire: (waiter: Waiter) => void;
}

export interface Pool<Waiter, Connection> {
  acquire(waiter: Waiter, nowMs: number): 'granted' | 'queued' | 'refused';
  /** Gives a connection back, or adds a new one: to the longest waiter, else to the idle ones. */
  release(connection: Connection): void;
  /** Takes an idle connection out because it broke; false when it was not idle. */
  discard(connection: Connection): boolean;
  /** Ends every wait whose deadline has passed. */
  expireUntil(nowMs: number): void;
  /** Empties the queue; those that waited, the longest first. */
  giveUpQueue(): readonly Waiter[];
  /** When the longest waiter gives up; null when none waits, or waits for ever. */
  nextDeadlineMs(): number | null;
  readonly queued: number;
  readonly idle: number;
}

export function createPool<Waiter, Connection>(
  settings: PoolSettings<Waiter, Connection>,
): Pool<Waiter, Connection> {
  const { checkoutTimeoutMs, maxQueue, grant, expire } = settings;
  const idle: Connection[] = [];
  const queue = createQueue<{ readonly waiter: Waiter; readonly deadlineMs: number }>();

  return {
    get queued() {
      return queue.length;
    },
    get idle() {
      return idle.length;
    },
    acquire(waiter, nowMs) {
      const connection = idle.pop();
      if (connection !== undefined) {
        grant(waiter, connection);
        return 'granted';
      }
      if (queue.length >= maxQueue) return 'refused';
      queue.push({ waiter, deadlineMs: nowMs + (checkoutTimeoutMs ?? Number.POSITIVE_INFINITY) });
      return 'queued';
    },
    release(connection) {
      const next = queue.shift();
      if (next === undefined) idle.push(connection);
      else grant(next.waiter, connection);
    },
    discard(connection) {
      const index = idle.indexOf(connection);
      if (index >= 0) idle.splice(index, 1);
      return index >= 0;
    },
    expireUntil(nowMs) {
      for (let head = queue.peek(); head !== undefined && head.deadlineMs <= nowMs; head = queue.peek()) {
        queue.shift();
        expire(head.waiter);
      }
    },
    giveUpQueue() {
      const waiters: Waiter[] = [];
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) waiters.push(next.waiter);
      return waiters;
    },
    nextDeadlineMs() {
      const head = queue.peek();
      return head === undefined || head.deadlineMs === Number.POSITIVE_INFINITY ? null : head.deadlineMs;
    },
  };
}

interface Queue<Item> {
  readonly length: number;
  push(item: Item): void;
  peek(): Item | undefined;
  shift(): Item | undefined;
}

/** Consumed items are cut off in batches, so that neither end costs more than a constant. */
const CUT_AFTER = 1024;

function createQueue<Item>(): Queue<Item> {
  let items: Item[] = [];
  let head = 0;
  return {
    get length() {
      return items.length - head;
    },
    push: (item) => void items.push(item),
    peek: () => items[head],
    shift() {
      const item = items[head];
      if (head < items.length) head += 1;
      if (head === items.length || head > CUT_AFTER) {
        items = items.slice(head);
        head = 0;
      }
      return item;
    },
  };
}
