/** Figures of the load that every engine has: what a lock costs, and how fast point selects are. */
import type { LoadPlan } from '../../src/load/load.ts';
import type { Ceiling } from '../../src/load/probe.ts';
import type { LoadSettings } from '../../src/scenario/plan.ts';
import type { Benchmark } from '../pairs.ts';
import { predictResponses } from './oracle.ts';
import {
  arrivalsOf,
  countAbove,
  type Lock,
  nowOf,
  numberOf,
  percentileOf,
  percentileOfValues,
  runLoad,
  STRETCH_MS,
  stallWith,
} from './runs.ts';

/** Point selects of one table, and what blocks them. */
export interface Subject {
  plan(settings?: Partial<LoadSettings>): LoadPlan;
  readonly lock: Lock;
}

/** Another generator with the same statement at 1,000/s over 20 connections, latencies from the scheduled start. */
export interface StallPeer {
  readonly name: string;
  /** p99 and p99.9 of a run, in milliseconds, and the share of its operations above {@link SLOW_MS}. */
  run(seconds: number): Promise<readonly [number, number, number]>;
}

/** Another client with the same statement on eight connections, as fast as it can. */
export interface ClosedPeer {
  readonly name: string;
  /** Of its operations that ours has to reach. */
  readonly share: number;
  /** Operations per second, and CPU of the client for each, in microseconds. */
  run(seconds: number): Promise<readonly [number, number]>;
}

export const SLOW_MS = 100;
const WITHIN = { within: 0.03 } as const;
/** Each generator draws its own arrivals: of some 2,000 slow ones of 10,000 the share differs by 3 % (1 sigma) a pair. */
const WITHIN_CHANCE = { within: 0.06 } as const;
const CLOSED_SECONDS = 4;

export function measureStallAsPredicted(run: Benchmark, { plan: planWith, lock }: Subject): Promise<void> {
  const { signal } = run;
  const name = (what: string) => `2 s lock at 1,000/s: ${what} / queue recursion over the run's arrivals`;
  let predicted: readonly number[] = [];
  return run.measureJointly({
    figures: [
      { name: name('response p90'), unit: 'ms', goal: WITHIN },
      { name: name('response p99'), unit: 'ms', goal: WITHIN },
      { name: name('operations above 100 ms'), unit: 'operations', goal: WITHIN },
    ],
    ours: async () => {
      const plan = planWith();
      const now = () => nowOf(plan);
      const { record, result } = await runLoad(
        plan,
        signal,
        async (_, openedMs) => ({
          ...(await stallWith(lock, { now, zeroMs: openedMs }, signal)),
          openedMs,
        }),
        (load) => load.probeCeiling(),
      );
      predicted = predictResponses({
        ...result,
        arrivalsMs: arrivalsOf(plan, record, result.openedMs),
        // 20 connections drain a backlog as they work in the probe: each takes the next when it is done.
        drainPerSecond: numberOf(record.selfCheck.ceilingPerSecond),
      });
      return [
        percentileOf(record, 'response', 0.9),
        percentileOf(record, 'response', 0.99),
        countAbove(record, 'response', SLOW_MS),
      ];
    },
    peer: async () => [
      percentileOfValues(predicted, 0.9),
      percentileOfValues(predicted, 0.99),
      predicted.filter((responseMs) => responseMs > SLOW_MS).length,
    ],
  });
}

export function measureStall(
  run: Benchmark,
  { plan: planWith, lock }: Subject,
  peer: StallPeer,
): Promise<void> {
  const { signal } = run;
  const name = (what: string) => `2 s lock at 1,000/s: response ${what} / ${peer.name}`;
  return run.measureJointly({
    figures: [
      { name: name('p99'), unit: 'ms', goal: WITHIN },
      { name: name('p99.9'), unit: 'ms', goal: WITHIN },
      { name: name('share above 100 ms'), unit: 'of all', goal: WITHIN_CHANCE },
    ],
    ours: async () => {
      const plan = planWith();
      const { record } = await runLoad(plan, signal, (_, zeroMs) =>
        stallWith(lock, { now: () => nowOf(plan), zeroMs }, signal),
      );
      return [
        percentileOf(record, 'response', 0.99),
        percentileOf(record, 'response', 0.999),
        countAbove(record, 'response', SLOW_MS) / countAbove(record, 'response', 0),
      ];
    },
    peer: async () => {
      const now = () => performance.now();
      const [percentiles] = await Promise.all([
        peer.run(STRETCH_MS / 1000),
        stallWith(lock, { now, zeroMs: now() }, signal),
      ]);
      return percentiles;
    },
  });
}

/** Eight connections, one thread: the closed loop of the load's own probe. */
export function measureThroughput(
  run: Benchmark,
  { plan: planWith }: Subject,
  peer: ClosedPeer,
): Promise<void> {
  return run.measureJointly({
    figures: [
      {
        name: `point selects, 8 connections, one thread / ${peer.name}`,
        unit: '1/s',
        goal: { atLeast: peer.share },
      },
      { name: `CPU of the client for each point select / ${peer.name}`, unit: 'us', goal: { atMost: 3.5 } },
    ],
    ours: async () => {
      const pool = { size: 8, instances: 1, checkoutTimeoutMs: null, maxQueue: 100_000 };
      const plan = planWith({ pool, ratePerSecond: 10 });
      const ceilings: Ceiling[] = [];
      const nothing = async () => undefined;
      await runLoad(plan, run.signal, nothing, async (load) => {
        ceilings.push(await load.probeCeiling(CLOSED_SECONDS * 1000));
      });
      const [ceiling] = ceilings;
      return [numberOf(ceiling?.perSecond), numberOf(ceiling?.cpuMicrosecondsPerOperation)];
    },
    peer: () => peer.run(CLOSED_SECONDS),
  });
}
