/**
 * The part of a load that one of several load threads has: whole instances of the application, so that a pool is never
 * torn apart. Every thread makes the whole list of arrivals and leaves out those of others' instances: instants,
 * operations and parameters are the same whatever the number of threads.
 */
export interface Share {
  /** 0-based. */
  readonly thread: number;
  /** At most as many as there are instances. */
  readonly threads: number;
  /** Instances of the application, over all threads; the n-th arrival goes to instance n modulo this. */
  readonly instances: number;
}

/** Number of an arrival's instance among those of this thread; null when the instance is another thread's. */
export function instanceOf({ thread, threads, instances }: Share, arrival: number): number | null {
  const instance = arrival % instances;
  return instance % threads === thread ? (instance - thread) / threads : null;
}

/** How many instances the thread has. */
export function instancesOf({ thread, threads, instances }: Share): number {
  return Math.ceil((instances - thread) / threads);
}
