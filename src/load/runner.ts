/**
 * The load on its thread:
 *
 *  1. open the connections of the application's pools
 *  2. start the ticker; from then on each wake-up dispatches what is due
 *  3. windows are opened between two dispatches, so that each operation belongs to one window by its due instant
 *  4. stop: no more arrivals
 *  5. finish: wait for what is in flight up to a limit, count, close
 */
import { findEngine } from '../engines/index.ts';
import { createGenerators } from '../generators/index.ts';
import type { LoadRecord, WindowName } from '../recording/recording.ts';
import { type Application, createApplication } from './application.ts';
import { createArrivalList } from './arrival-list.ts';
import { createClock } from './clock.ts';
import type { LoadPlan, LoadPulse } from './load.ts';
import type { WorkerStart } from './messages.ts';
import { createSelfWatch } from './self-check.ts';
import { SLOT_MS } from './slots.ts';
import { createStampRecorder, type StampFacts, type StampRecorder } from './stamps.ts';
import { startTicker } from './ticker-thread.ts';

export interface Runner {
  open(window: WindowName): number;
  pulse(): LoadPulse;
  stop(): void;
  finish(graceMs: number): Promise<LoadRecord>;
  close(): Promise<void>;
}

/** Connections are named in the engine's own views. */
const APPLICATION_NAME = 'rehearse load';
/** From "all connections are open" to the load's zero: time for the ticker thread to start. */
const HEAD_START_MS = 100;
/** How often the end looks whether everything is answered. */
const LOOK_EVERY_MS = 10;

/** Opens the connections and begins with the arrivals; rejects when a connection is refused. */
export async function startRunner({ plan, clockZeroMs }: WorkerStart): Promise<Runner> {
  const now = createClock(clockZeroMs);
  const stamps = createStampRecorder();
  const application = createApplicationOf(plan, stamps, now);
  try {
    await application.open();
  } catch (error) {
    await application.close();
    throw error;
  }
  const arrivals = createArrivalList(plan, createGenerators(plan.generator));
  const startMs = now() + HEAD_START_MS;
  let stoppedMs: number | null = null;
  const { settings, randomSeed } = plan;
  const ticker = startTicker({ settings, randomSeed, clockZeroMs, startMs }, drain);
  const watch = createSelfWatch(ticker.cpuMicroseconds);

  /** What becomes due while this dispatches wakes again: the event loop is never held. */
  function drain(): void {
    if (stoppedMs !== null) return;
    const untilMs = now() - startMs;
    while (arrivals.nextAtMs <= untilMs) {
      const { number, atMs, operationIndex, operation, values } = arrivals.next();
      const dispatched = stamps.due(operationIndex, startMs + atMs, now());
      application.dispatch({ operation, values, stamps: dispatched }, number);
    }
  }

  function stop(): void {
    if (stoppedMs !== null) return;
    drain();
    stoppedMs = now();
    watch.stop(stoppedMs);
  }

  async function allAnswered(graceMs: number): Promise<void> {
    const limitMs = now() + graceMs;
    while (stamps.inFlight > 0 && now() < limitMs) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }

  return {
    open(window) {
      drain();
      const atMs = now();
      stamps.open(window, atMs);
      watch.start(atMs);
      return atMs;
    },
    pulse: () => stamps.pulse(now(), application.queued),
    stop,
    async finish(graceMs) {
      stop();
      await allAnswered(graceMs);
      const facts = stamps.finish(
        now(),
        plan.operations.map(({ record }) => record.name),
      );
      return recordOf(plan, arrivals.hash(), facts, watch.facts(facts.tallies));
    },
    async close() {
      stop();
      await Promise.all([ticker.stop(), application.close()]);
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

function recordOf(
  { settings, operations }: LoadPlan,
  arrivalsHash: string,
  { tallies, slots, stalls }: StampFacts,
  selfCheck: LoadRecord['selfCheck'],
): LoadRecord {
  return {
    ratePerSecond: settings.ratePerSecond,
    arrivals: settings.arrivals,
    arrivalsHash,
    pool: settings.pool,
    statementTimeoutMs: settings.statementTimeoutMs,
    operations: operations.map(({ record }) => record),
    windows: tallies.map(({ window }) => window),
    latencies: tallies.flatMap(({ latencies }) => latencies),
    outcomes: tallies.flatMap(({ outcomes }) => outcomes),
    slotMs: SLOT_MS,
    slots,
    stalls,
    selfCheck,
  };
}
