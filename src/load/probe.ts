/**
 * The ceiling of a load: how many reads a second its own connections carry when each sends the next as soon as the last
 * is answered. Queueing makes the latencies of a load near its ceiling the generator's as much as the database's.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { EnvironmentError } from '../errors.ts';
import { exactly, type Figure, notMeasured } from '../recording/figure.ts';
import type { Application } from './application/application.ts';
import type { Arrival } from './arrivals/arrival-list.ts';
import type { Clock } from './arrivals/clock.ts';
import type { StampRecorder } from './stamps/stamps.ts';

/** What one thread saw of the ceiling. */
export interface Probe {
  readonly completed: number;
  readonly durationMs: number;
  /** Of the load thread meanwhile; null where this Node does not tell. */
  readonly cpuMicroseconds: number | null;
  /** Why there is no figure. */
  readonly notMeasured: string | null;
}

export interface Ceiling {
  readonly perSecond: Figure;
  /** CPU time of the load threads for each operation. */
  readonly cpuMicrosecondsPerOperation: Figure;
}

/** The share of the ceiling that a load may ask for. */
export const CEILING_SHARE = 0.6;
export const PROBE_MS = 2000;
/** For what is in flight before and after the probe. */
const PROBE_CALM_LIMIT_MS = 5000;
/** Longest that a probe takes beyond its own length: twice the calm, and some more for a busy machine. */
export const PROBE_LIMIT_MS = 2 * PROBE_CALM_LIMIT_MS + 5000;
const LOOK_EVERY_MS = 5;

export interface ClosedLoop {
  readonly application: Application;
  readonly stamps: StampRecorder;
  readonly now: Clock;
  /** Of the thread's own instances; each has `size` connections. */
  readonly instances: number;
  readonly size: number;
  /** The next read, or null when the load has none. */
  readonly read: () => Pick<Arrival, 'operationIndex' | 'operation' | 'values'> | null;
  readonly cpuMicroseconds: () => number | null;
  readonly signal: AbortSignal;
}

/** Waits until the load is calm, then keeps every connection busy with reads. */
export async function probe(loop: ClosedLoop, durationMs: number): Promise<Probe> {
  const { stamps, now, signal } = loop;
  const none = { completed: 0, durationMs: 0, cpuMicroseconds: null };
  if (loop.read() === null) return { ...none, notMeasured: 'no operation of the load only reads' };
  if (!(await calm(loop)))
    return {
      ...none,
      notMeasured: `${stamps.inFlight} operations of the warm-up were still without an answer`,
    };

  const before = stamps.counts;
  const cpuBefore = loop.cpuMicroseconds();
  const startedMs = now();
  stamps.beginProbe();
  keepBusy(loop, startedMs + durationMs);
  await delay(durationMs, undefined, { signal }).catch(() => undefined);
  const endedMs = now();
  const after = stamps.counts;
  const cpuAfter = loop.cpuMicroseconds();
  const isCalm = await calm(loop);
  stamps.endProbe();
  const completed = after.completed - before.completed;
  return {
    completed,
    durationMs: endedMs - startedMs,
    cpuMicroseconds: cpuBefore === null || cpuAfter === null ? null : cpuAfter - cpuBefore,
    notMeasured: troubleOf(after.failed - before.failed, isCalm ? 0 : stamps.inFlight),
  };
}

function troubleOf(failed: number, unanswered: number): string | null {
  if (failed > 0) return `${failed} reads of the probe failed`;
  return unanswered > 0 ? `${unanswered} reads of the probe were still without an answer` : null;
}

async function calm({ stamps, now, signal }: ClosedLoop): Promise<boolean> {
  const limitMs = now() + PROBE_CALM_LIMIT_MS;
  while (stamps.inFlight > 0 && now() < limitMs && !signal.aborted) await delay(LOOK_EVERY_MS);
  return stamps.inFlight === 0;
}

/** One client for each connection; a client whose read fails sends no further one. */
function keepBusy(loop: ClosedLoop, untilMs: number): void {
  const { application, stamps, now, instances, size, read, signal } = loop;
  function send(instance: number): void {
    const next = read();
    if (next === null || signal.aborted) return;
    const atMs = now();
    const ended = (completed: boolean): void => {
      if (completed && now() < untilMs) send(instance);
    };
    application.dispatch({ ...next, stamps: stamps.due(next.operationIndex, atMs, atMs), ended }, instance);
  }
  for (let instance = 0; instance < instances; instance += 1) {
    for (let client = 0; client < size; client += 1) send(instance);
  }
}

/** The ceiling of all threads together. */
export function ceilingOf(probes: readonly Probe[], connections: number): Ceiling {
  const missing = probes.find((each) => each.notMeasured !== null)?.notMeasured;
  if (missing !== undefined && missing !== null) {
    return { perSecond: notMeasured(missing), cpuMicrosecondsPerOperation: notMeasured(missing) };
  }
  const perSecond = probes.reduce((sum, each) => sum + (each.completed * 1000) / each.durationMs, 0);
  const completed = probes.reduce((sum, each) => sum + each.completed, 0);
  const cpu = probes.reduce<number | null>(
    (sum, each) => (sum === null || each.cpuMicroseconds === null ? null : sum + each.cpuMicroseconds),
    0,
  );
  return {
    perSecond: exactly(perSecond, `reads one after the other on each of ${connections} connections`),
    cpuMicrosecondsPerOperation:
      cpu === null
        ? notMeasured('this version of Node does not tell the CPU time of a thread: use Node 24')
        : exactly(cpu / completed, 'process.threadCpuUsage of the load threads'),
  };
}

/** EnvironmentError for a rate so close to the ceiling that its latencies would tell of the queue in front of it. */
export function refuseAboveCeiling({ perSecond }: Pick<Ceiling, 'perSecond'>, ratePerSecond: number): void {
  if ('notMeasured' in perSecond) return;
  const most = perSecond.upper * CEILING_SHARE;
  if (ratePerSecond <= most) return;
  throw new EnvironmentError(
    `load.rate ${ratePerSecond}/s is above ${CEILING_SHARE * 100} % of what this load can do here: its connections ` +
      `carry ${Math.floor(perSecond.upper)} reads/s at most, so that latencies would be those of the queue before them. ` +
      `Lower load.rate to ${Math.floor(most)}/s or less, raise load.pool.size, or rehearse on a larger machine.`,
  );
}
