/** The load on Postgres, against pgbench and node-postgres's own pool on the same server, tables and statements. */
import { createHistogram } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Session } from '../../src/engines/engine.ts';
import type { LoadPlan } from '../../src/load/load.ts';
import { createTally } from '../../src/load/stamps/tally.ts';
import type { LoadSettings } from '../../src/scenario/plan.ts';
import type { BareServer } from '../../tests/server.ts';
import type { Benchmark } from '../pairs.ts';
import { initialisePgbench, runPgbench } from '../pgbench.ts';
import { poolTimeoutsOfDriver } from './driver-pool.ts';
import {
  type Lock,
  nowOf,
  numberOf,
  percentileOf,
  percentileOfValues,
  planOf,
  pointSelect,
  RANDOM_SEED,
  runLoad,
  STRETCH_MS,
  stallWith,
  WARM_UP_MS,
} from './runs.ts';
import {
  type ClosedPeer,
  measureStall,
  measureStallAsPredicted,
  measureThroughput,
  SLOW_MS,
  type StallPeer,
} from './stall.ts';

/** A million accounts, all in memory. */
const SCALE = 10;
const ACCOUNTS = 100_000 * SCALE;
/** The statement of `pgbench --select-only`. */
const OPERATION = pointSelect('pgbench_accounts', 'SELECT abalance FROM pgbench_accounts WHERE aid = $1', {
  from: 'integer',
  min: 1,
  max: ACCOUNTS,
});
/** As {@link planOf}: 1,000/s over 20 connections; pgbench runs as many seconds. */
const PGBENCH_AT_RATE = ['-S', '-n', '-M', 'prepared', '-c', '20', '-j', '1', '-R', '1000'];
const CALM_MS = 5000;

interface Bench extends Benchmark {
  readonly server: BareServer;
  readonly session: Session;
}

export async function measurePostgresLoad(run: Benchmark, server: BareServer): Promise<void> {
  await using session = await server.session();
  await initialisePgbench(session.target, ['-s', String(SCALE)], run.signal);
  await session.execute('checkpoint');
  const bench: Bench = { ...run, server, session };
  const subject = {
    plan: (settings?: Partial<LoadSettings>) => planWith(bench, settings),
    lock: lockOf(session),
  };
  await measureStallAsPredicted(run, subject);
  await measureStall(run, subject, stalledPgbench(bench));
  await measureSchedule(bench);
  await measureThroughput(run, subject, closedPgbench(bench));
  await measurePool(bench);
  await measureSameSeed(bench);
  await measureRecording(bench);
}

function planWith({ server, session }: Bench, settings: Partial<LoadSettings> = {}): LoadPlan {
  return planOf({ engine: server.engine, target: session.target, operation: OPERATION, settings });
}

function lockOf(session: Session): Lock {
  return {
    take: () => session.execute('begin; lock table pgbench_accounts in access exclusive mode'),
    release: () => session.execute('commit'),
  };
}

function stalledPgbench({ session, signal }: Bench): StallPeer {
  return {
    name: 'pgbench -R',
    async run(seconds) {
      const args = [...PGBENCH_AT_RATE, '-T', String(seconds), '--log'];
      const { logged } = await runPgbench(session.target, args, signal);
      const responsesMs = logged.map(({ responseMs }) => responseMs);
      return [
        percentileOfValues(responsesMs, 0.99),
        percentileOfValues(responsesMs, 0.999),
        responsesMs.filter((each) => each > SLOW_MS).length / responsesMs.length,
      ];
    },
  };
}

function closedPgbench({ session, signal }: Bench): ClosedPeer {
  return {
    name: 'pgbench -S -M prepared -c 8 -j 1',
    share: 0.6,
    async run(seconds) {
      const args = ['-S', '-n', '-M', 'prepared', '-c', '8', '-j', '1', '-T', String(seconds)];
      const { perSecond, transactions, cpuMs } = await runPgbench(session.target, args, signal);
      return [perSecond, cpuMs === null ? Number.NaN : (cpuMs * 1000) / transactions];
    },
  };
}

/** The bounds of p99 and CPU are fixed, and stand as the peer's figures. */
const LAG_P99_ALLOWED_MS = 2;
const CPU_ALLOWED = 0.25;

function measureSchedule(bench: Bench): Promise<void> {
  const { session, signal } = bench;
  const name = (what: string) => `schedule at 1,000/s: ${what}`;
  return bench.measureJointly({
    figures: [
      { name: name('median lag / average lag of pgbench'), unit: 'ms', goal: { atMost: 2 } },
      { name: name('lag p99 / 2 ms'), unit: 'ms', goal: { atMost: 1 } },
      {
        name: name('CPU of load and ticker threads / a quarter of a core'),
        unit: 'cores',
        goal: { atMost: 1 },
      },
    ],
    ours: async () => {
      const { record } = await runLoad(planWith(bench), signal, () => delay(CALM_MS, undefined, { signal }));
      return [
        percentileOf(record, 'schedule lag', 0.5),
        percentileOf(record, 'schedule lag', 0.99),
        numberOf(record.selfCheck.cpuCores),
      ];
    },
    peer: async () => {
      const args = [...PGBENCH_AT_RATE, '-T', String(CALM_MS / 1000)];
      const { scheduleLagMs } = await runPgbench(session.target, args, signal);
      return [scheduleLagMs?.average ?? Number.NaN, LAG_P99_ALLOWED_MS, CPU_ALLOWED];
    },
  });
}

/** The same list of arrivals meets the same lock at the same place of the list. */
function measurePool(bench: Bench): Promise<void> {
  const { session, signal } = bench;
  const pool = { size: 20, instances: 1, checkoutTimeoutMs: 1000, maxQueue: 100_000 };
  return bench.measure({
    name: '2 s lock at 1,000/s: pool timeouts / pg.Pool on the same arrivals',
    unit: 'operations',
    goal: { within: 0.02 },
    ours: async () => {
      const plan = planWith(bench, { pool });
      const { record } = await runLoad(plan, signal, ({ startedAtMs }) =>
        stallWith(lockOf(session), { now: () => nowOf(plan), zeroMs: startedAtMs + WARM_UP_MS }, signal),
      );
      const timeouts = record.outcomes.filter(({ outcome }) => outcome === 'pool timeout');
      return timeouts.reduce((sum, { count }) => sum + count, 0);
    },
    peer: () =>
      poolTimeoutsOfDriver(planWith(bench, { pool }), WARM_UP_MS + STRETCH_MS, (zeroMs) =>
        stallWith(lockOf(session), { now: () => performance.now(), zeroMs: zeroMs + WARM_UP_MS }, signal),
      ),
  });
}

/** Both sides count distinct hashes: 1 is one and the same list of instants, operations and parameters. */
function measureSameSeed(bench: Bench): Promise<void> {
  const hashes = new Set<string>();
  return bench.measure({
    name: 'lists of arrivals in two runs with the same seed / 1',
    unit: 'lists',
    goal: { atMost: 1 },
    ours: async (signal) => {
      for (const stretchMs of [500, 1500]) {
        const { record } = await runLoad(planWith(bench), signal, () =>
          delay(stretchMs, undefined, { signal }),
        );
        hashes.add(record.arrivalsHash ?? '');
        bench.describe(`arrivals of seed ${RANDOM_SEED}: ${record.arrivalsHash}`);
      }
      return hashes.size;
    },
    peer: async () => 1,
  });
}

const RECORDED = 5_000_000;
const RECORDING_ALLOWED_NS = 50;

/** Of latencies from a microsecond to some seconds; the peer is what Node has built in, and cannot be read back. */
function measureRecording(bench: Bench): Promise<void> {
  const latenciesMs = Float64Array.from(
    { length: 4096 },
    (_, index) => 10 ** (((index * 7919) % 4096) / 600 - 3),
  );
  const timed = (recordOne: (milliseconds: number) => void): number => {
    const startedAt = performance.now();
    for (let count = 0; count < RECORDED; count += 1) recordOne(latenciesMs[count & 4095] ?? 0);
    return ((performance.now() - startedAt) * 1e6) / RECORDED;
  };
  return bench.measureJointly({
    figures: [
      { name: 'recording one latency / 50 ns', unit: 'ns', goal: { atMost: 1 } },
      { name: 'recording one latency / createHistogram of node:perf_hooks', unit: 'ns', goal: { atMost: 1 } },
    ],
    ours: async () => {
      const tally = createTally('baseline');
      const nanoseconds = timed((milliseconds) => tally.latency(3, 'response', milliseconds));
      return [nanoseconds, nanoseconds];
    },
    peer: async () => {
      const histogram = createHistogram({ lowest: 1, highest: 6e8, figures: 3 });
      const nanoseconds = timed((milliseconds) =>
        histogram.record(Math.max(1, Math.floor(milliseconds * 1000))),
      );
      return [RECORDING_ALLOWED_NS, nanoseconds];
    },
  });
}

/** NaN, which is no pair, for what was not measured. */
