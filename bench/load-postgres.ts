/** The load on Postgres, against pgbench and node-postgres's own pool on the same server, tables and statements. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Session } from '../src/engines/engine.ts';
import type { LoadRecord } from '../src/recording/recording.ts';
import type { LoadSettings } from '../src/scenario/plan.ts';
import type { BareServer } from '../tests/server.ts';
import {
  type Lock,
  percentileOf,
  percentileOfValues,
  planOf,
  pointSelect,
  RANDOM_SEED,
  runLoad,
  STRETCH_MS,
  stallWith,
} from './load-runs.ts';
import type { Benchmark } from './pairs.ts';
import { initialisePgbench, runPgbench } from './pgbench.ts';

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
  await measureStall(bench);
  await measureSchedule(bench);
  await measureSameSeed(bench);
}

function load(
  { server, session, signal }: Bench,
  during: () => Promise<unknown>,
  settings: Partial<LoadSettings> = {},
): Promise<LoadRecord> {
  const { engine } = server;
  const plan = planOf({ engine, target: session.target, operation: OPERATION, settings });
  return runLoad(plan, signal, async () => void (await during()));
}

function lockOf(session: Session): Lock {
  return {
    take: () =>
      session.execute('begin; lock table pgbench_accounts in access exclusive mode').then(() => undefined),
    release: () => session.execute('commit').then(() => undefined),
  };
}

function measureStall(bench: Bench): Promise<void> {
  const { session, signal } = bench;
  return bench.measureJointly({
    figures: [
      { name: '2 s lock at 1,000/s: response p99 / pgbench -R', unit: 'ms', goal: { within: 0.03 } },
      { name: '2 s lock at 1,000/s: response p99.9 / pgbench -R', unit: 'ms', goal: { within: 0.03 } },
    ],
    ours: async () => {
      const record = await load(bench, () => stallWith(lockOf(session), signal));
      return [percentileOf(record, 'response', 0.99), percentileOf(record, 'response', 0.999)];
    },
    peer: async () => {
      const args = [...PGBENCH_AT_RATE, '-T', String(STRETCH_MS / 1000), '--log'];
      const [{ logged }] = await Promise.all([
        runPgbench(session.target, args, signal),
        stallWith(lockOf(session), signal),
      ]);
      const responsesMs = logged.map(({ responseMs }) => responseMs);
      return [percentileOfValues(responsesMs, 0.99), percentileOfValues(responsesMs, 0.999)];
    },
  });
}

/** The bounds of p99 and CPU are fixed, and stand as the peer's figures. */
const LAG_P99_ALLOWED_MS = 2;
const CPU_ALLOWED = 0.25;

function measureSchedule(bench: Bench): Promise<void> {
  const { session, signal } = bench;
  return bench.measureJointly({
    figures: [
      { name: 'schedule lag at 1,000/s: median / average of pgbench', unit: 'ms', goal: { atMost: 2 } },
      { name: 'schedule lag at 1,000/s: p99 / 2 ms', unit: 'ms', goal: { atMost: 1 } },
      {
        name: 'CPU at 1,000/s: load and ticker threads / a quarter of a core',
        unit: 'cores',
        goal: { atMost: 1 },
      },
    ],
    ours: async () => {
      const record = await load(bench, () => delay(CALM_MS, undefined, { signal }));
      const { cpuCores } = record.selfCheck;
      return [
        percentileOf(record, 'schedule lag', 0.5),
        percentileOf(record, 'schedule lag', 0.99),
        'notMeasured' in cpuCores ? Number.NaN : cpuCores.upper,
      ];
    },
    peer: async () => {
      const { scheduleLagMs } = await runPgbench(
        session.target,
        [...PGBENCH_AT_RATE, '-T', String(CALM_MS / 1000)],
        signal,
      );
      return [scheduleLagMs?.average ?? Number.NaN, LAG_P99_ALLOWED_MS, CPU_ALLOWED];
    },
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
        const { arrivalsHash } = await load(bench, () => delay(stretchMs, undefined, { signal }));
        hashes.add(arrivalsHash ?? '');
        bench.describe(`arrivals of seed ${RANDOM_SEED}: ${arrivalsHash}`);
      }
      return hashes.size;
    },
    peer: async () => 1,
  });
}
