/**
 * The load on one thread:
 *
 *  1. open the connections of this thread's pools
 *  2. begin: start the ticker; from then on each wake-up dispatches what is due
 *  3. windows are opened at an instant to come, so that each operation belongs to one window by its due instant
 *  4. between warm-up and baseline: hold the arrivals, probe the ceiling, go on
 *  5. stop: no more arrivals
 *  6. finish: wait for what is in flight up to a limit, count, close
 */
import { findEngine } from '../../engines/index.ts';
import { createGenerators } from '../../generators/index.ts';
import type { WindowName } from '../../recording/recording.ts';
import { type Application, createApplication } from '../application/application.ts';
import { instanceOf, instancesOf } from '../application/share.ts';
import { createArrivalList, createReads } from '../arrivals/arrival-list.ts';
import { createClock, threadCpuMicroseconds } from '../arrivals/clock.ts';
import { createSchedule } from '../arrivals/schedule.ts';
import type { LoadPlan } from '../load.ts';
import { type Probe, probe } from '../probe.ts';
import { createHealthWatch } from '../self-check.ts';
import { createStampRecorder, type StampRecorder } from '../stamps/stamps.ts';
import type { ThreadFacts, ThreadPulse, WorkerStart } from './messages.ts';

/** `health` is told without what the system granted the thread. */
export type RunnerFacts = Omit<ThreadFacts, 'health'> & {
  readonly health: Omit<ThreadFacts['health'], 'priority'>;
};

export interface Runner {
  begin(startMs: number): void;
  /** Operations due from this instant on belong to the window. */
  open(window: WindowName, atMs: number): void;
  /** Holds the arrivals from this instant on, until they are resumed. */
  probe(atMs: number, durationMs: number): Promise<Probe>;
  resume(shiftMs: number): void;
  pulse(): ThreadPulse;
  stop(): void;
  finish(graceMs: number): Promise<RunnerFacts>;
  close(): Promise<void>;
}

/** Connections are named in the engine's own views. */
const APPLICATION_NAME = 'rehearse load';
/** How often the end looks whether everything is answered. */
const LOOK_EVERY_MS = 10;

/** Opens the connections; rejects when one is refused. */
export async function startRunner({ plan, share, clockZeroMs }: WorkerStart): Promise<Runner> {
  const now = createClock(clockZeroMs);
  const stamps = createStampRecorder();
  const pool = { ...plan.settings.pool, instances: instancesOf(share) };
  const own = { ...plan, settings: { ...plan.settings, pool } };
  const application = createApplicationOf(own, stamps, now);
  const { replicaTarget } = plan;
  const onReplica =
    replicaTarget === undefined ? null : createApplicationOf({ ...own, target: replicaTarget }, stamps, now);
  const closeAll = () => Promise.all([application.close(), onReplica?.close()]);
  try {
    await Promise.all([application.open(), onReplica?.open()]);
  } catch (error) {
    await closeAll();
    throw error;
  }
  const generators = createGenerators(plan.generator);
  const arrivals = createArrivalList(plan, generators);
  const opening: { readonly window: WindowName; readonly atMs: number }[] = [];
  const stopped = new AbortController();
  const { settings, randomSeed } = plan;
  const schedule = createSchedule({
    arrivals,
    now,
    ticker: { settings, randomSeed, share, clockZeroMs },
    hand({ number, operationIndex, operation, values }, dueMs) {
      const instance = instanceOf(share, number);
      if (instance === null) return;
      openUntil(dueMs);
      const to = operation.record.server === 'replica' ? (onReplica ?? application) : application;
      to.dispatch({ operation, values, stamps: stamps.due(operationIndex, dueMs, now()) }, instance);
    },
  });
  const watch = createHealthWatch(schedule.cpuMicroseconds);

  function openUntil(dueMs: number): void {
    for (let next = opening[0]; next !== undefined && next.atMs <= dueMs; next = opening[0]) {
      stamps.open(next.window, next.atMs);
      opening.shift();
    }
  }

  function stop(): void {
    if (stopped.signal.aborted) return;
    schedule.end();
    openUntil(Number.POSITIVE_INFINITY);
    stopped.abort();
    watch.stop(now());
  }

  async function allAnswered(graceMs: number): Promise<void> {
    const limitMs = now() + graceMs;
    while (stamps.inFlight > 0 && now() < limitMs) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }

  return {
    begin: schedule.begin,
    open(window, atMs) {
      opening.push({ window, atMs });
      watch.start(atMs);
    },
    async probe(atMs, durationMs) {
      schedule.hold(atMs);
      while (now() < atMs) await new Promise((resolve) => setTimeout(resolve, 1));
      schedule.drain();
      schedule.pause();
      // A rate beyond the ceiling leaves a queue that would be worked off for longer than the probe waits.
      application.giveUpQueue();
      onReplica?.giveUpQueue();
      const loop = {
        application,
        stamps,
        now,
        instances: pool.instances,
        size: pool.size,
        read: createReads(plan, generators),
        cpuMicroseconds: threadCpuMicroseconds,
        signal: stopped.signal,
      };
      return await probe(loop, durationMs);
    },
    resume: schedule.resume,
    pulse: () => stamps.pulse(now(), application.queued + (onReplica?.queued ?? 0)),
    stop,
    async finish(graceMs) {
      stop();
      await allAnswered(graceMs);
      const names = plan.operations.map(({ record }) => record.name);
      const facts = stamps.finish(now(), names);
      return { ...facts, arrivalsHash: arrivals.hash(), health: watch.health() };
    },
    async close() {
      stop();
      await Promise.all([schedule.stopTicker(), closeAll()]);
    },
  };
}

function createApplicationOf(plan: LoadPlan, stamps: StampRecorder, now: () => number): Application {
  const engine = findEngine(plan.engine);
  return createApplication({
    pool: plan.settings.pool,
    stamps,
    now,
    redact: engine.dialect.redactValues,
    connect: (onLost) =>
      engine.connections.connectLoad(plan.target, {
        applicationName: APPLICATION_NAME,
        statementTimeoutMs: plan.settings.statementTimeoutMs,
        protocol: plan.settings.protocol,
        onLost,
      }),
  });
}
