/**
 * `npm run bench:observe [-- --engine postgres:18 | mysql:9.7]`: what the observers cost the application, with all of them on
 * (canaries too) and off in turn, through the shipped observers and the shipped load.
 *
 * 1. closed loop at saturation: eight connections that ask as fast as they are answered. Load, server and observers have the
 *    same cores, and there what is lost is the CPU that somebody else takes: operations per second of CPU of all of them
 *    together. Pairs are added until the 95 % interval of the median is within 1 %, else exit 3. Operations per second of the
 *    clock are told beside it: a neighbour on the machine moves them by 20 % from one second to the next.
 * 2. open loop at half of the ceiling: p99 of the response time; pairs until that interval is on one side of the goal.
 *
 * A pair of the first is off, on, on, off within one running load, one of the second a load in which they are on and off ten
 * times: what drifts meanwhile hits both alike. `--json FILE --resume` goes on with the pairs that an earlier run has left in
 * the file.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Session } from '../src/engines/engine.ts';
import { EnvironmentError } from '../src/errors.ts';
import { startLoad } from '../src/load/index.ts';
import type { RunningLoad } from '../src/load/load.ts';
import { mergeHistograms, percentileMs } from '../src/recording/histogram.ts';
import type { LoadRecord, WindowName } from '../src/recording/recording.ts';
import { serverSpec, startTestServer, type TestServer } from '../tests/server.ts';
import { numberOf, planOf, pointSelect, WARM_UP_MS } from './load/runs.ts';
import { type CpuCount, countCpu } from './observe/cpu.ts';
import { type Observing, startObserving } from './observe/observing.ts';
import { type Benchmark, benchmark } from './pairs.ts';
import { isDecided, isWithin } from './precise.ts';
import { median } from './ratios.ts';

const ROWS = 2 ** 17;
const CONNECTIONS = 8;
const SLICE_MS = 500;
const MOST_PAIRS = 600;
const P99_SLICE_MS = 300;
const P99_TURNS = 10;
const MOST_PAIRS_OF_LOADS = 120;
const P99_GOAL = 1.05;
/** What was under way when they were switched on or off. */
const SETTLED_MS = 30;
/** What may be lost; MySQL's metadata locks are read through performance_schema, which costs more. */
const LEAST: Readonly<Record<string, number>> = { postgres: 0.98, mysql: 0.97 };

await benchmark('bench:observe', async (run: Benchmark) => {
  const spec = serverSpec(run.options.engine);
  const atLeast = LEAST[spec.engine.name];
  if (atLeast === undefined) throw new EnvironmentError(`bench:observe has no goal for ${spec.name}`);
  await using server = await startTestServer(spec);
  await using migrator = await server.connect('migrator');
  await fill(migrator);
  run.describe(`${spec.name} ${server.server.version}, ${server.server.description}, rehearsal profile`);
  await using observing = await startObserving(server, 'alter table point add column note int');
  observing.off();
  const bench: Bench = { ...run, server, observing };
  const ceilingPerSecond = await measureThroughput(bench, atLeast);
  await measureP99(bench, Math.round(ceilingPerSecond / 2));
});

interface Bench extends Benchmark {
  readonly server: TestServer;
  readonly observing: Observing;
}

/** Doubles its rows: one statement that every engine takes. */
async function fill(session: Session): Promise<void> {
  await session.execute('create table point (id int primary key, filler varchar(100) not null)');
  await session.execute(`insert into point values (0, '${'0123456789abcdef'.repeat(5)}')`);
  for (let rows = 1; rows < ROWS; rows *= 2)
    await session.execute(`insert into point select id + ${rows}, filler from point`);
}

function planWith({ server }: Bench, ratePerSecond: number) {
  const { engine, roles } = server;
  return planOf({
    engine,
    target: roles.load,
    operation: pointSelect('point', `select filler from point where id = ${engine.dialect.placeholder(1)}`, {
      from: 'integer',
      min: 0,
      max: ROWS - 1,
    }),
    settings: {
      ratePerSecond,
      pool: { size: CONNECTIONS, instances: 1, checkoutTimeoutMs: null, maxQueue: 100_000 },
    },
  });
}

interface OnAndOff {
  readonly on: number;
  readonly off: number;
}

/** Off, on, on, off; the mean of each two. */
async function inTurn(observing: Observing, slice: () => Promise<number>): Promise<OnAndOff> {
  const sliceOf = async (switched: () => void): Promise<number> => {
    switched();
    await delay(SETTLED_MS);
    return slice();
  };
  try {
    const first = await sliceOf(observing.off);
    const on = (await sliceOf(observing.on)) + (await slice());
    return { on: on / 2, off: (first + (await sliceOf(observing.off))) / 2 };
  } finally {
    observing.off();
  }
}

/** Operations per second with the observers off; the goal of the second figure needs it. */
async function measureThroughput(bench: Bench, atLeast: number): Promise<number> {
  const { signal, server, observing } = bench;
  const { dataDirectory } = server.server;
  if ('missing' in dataDirectory) throw new EnvironmentError(dataDirectory.missing);
  await using load = await startLoad(planWith(bench, 10), signal);
  await delay(WARM_UP_MS, undefined, { signal });
  // First plans, pages and compiled code.
  const ceilings = [await perSecond(load, WARM_UP_MS)];
  const cpu = countCpu({
    dataDirectory: dataDirectory.path,
    port: server.roles.load.port,
    pids: [process.pid, observing.pid],
  });
  const byClock: number[] = [];
  let off = Number.NaN;
  await bench.measureJointly({
    figures: [
      {
        name: 'operations of a closed loop per second of CPU, observers on / off',
        unit: '1/s',
        goal: { atLeast },
      },
    ],
    ours: async () => {
      const clock: number[] = [];
      const seen = await inTurn(observing, () => perCpuSecond(load, cpu, clock));
      const [before = 0, one = 0, other = 0, after = 0] = clock;
      ceilings.push(before, after);
      byClock.push((one + other) / (before + after));
      off = seen.off;
      return [seen.on];
    },
    peer: async () => [off],
    precision: {
      reached: (ratios) => isWithin(ratios, 0.01),
      mostPairs: MOST_PAIRS,
      inWords: 'the 95 % interval of the median is within 1 % of it',
    },
  });
  if (byClock.length > 0)
    bench.describe(
      `  by the clock: median ${median(byClock).toFixed(3)} of ${byClock.length} pairs, ` +
        `${Math.min(...byClock).toFixed(2)} to ${Math.max(...byClock).toFixed(2)}`,
    );
  return median(ceilings);
}

/** `clock` gets the operations per second of the clock. */
async function perCpuSecond(load: RunningLoad, cpu: CpuCount, clock: number[]): Promise<number> {
  const beforeMs = cpu.readMs();
  const throughput = await perSecond(load, SLICE_MS);
  const usedMs = cpu.readMs() - beforeMs;
  clock.push(throughput);
  return (throughput * SLICE_MS) / usedMs;
}

async function perSecond(load: RunningLoad, sliceMs: number): Promise<number> {
  const { perSecond: figure } = await load.probeCeiling(sliceMs);
  if ('notMeasured' in figure) throw new EnvironmentError(figure.notMeasured);
  return numberOf(figure);
}

/** Each pair is one load, within which they are on and off in turn: a slow second of the machine hits both alike. */
async function measureP99(bench: Bench, ratePerSecond: number): Promise<void> {
  bench.describe(`  open loop of ${ratePerSecond}/s`);
  let off = Number.NaN;
  await bench.measureJointly({
    figures: [
      {
        name: 'p99 of an open loop at half of the ceiling, observers on / off',
        unit: 'ms',
        goal: { atMost: P99_GOAL },
      },
    ],
    ours: async () => {
      const record = await alternate(bench, ratePerSecond);
      off = p99In(record, 'baseline');
      return [p99In(record, 'migration')];
    },
    peer: async () => [off],
    precision: {
      reached: (ratios) => isDecided(ratios, P99_GOAL),
      mostPairs: MOST_PAIRS_OF_LOADS,
      inWords: `the 95 % interval of the median is on one side of ${P99_GOAL}`,
    },
  });
}

/** What is due while they are on belongs to the window "migration", the rest to "baseline". */
async function alternate(bench: Bench, ratePerSecond: number): Promise<LoadRecord> {
  const { signal, observing } = bench;
  await using load = await startLoad(planWith(bench, ratePerSecond), signal);
  try {
    await delay(WARM_UP_MS, undefined, { signal });
    for (let turn = 0; turn < P99_TURNS; turn += 1) {
      await load.open('baseline');
      observing.off();
      await delay(P99_SLICE_MS, undefined, { signal });
      await load.open('migration');
      observing.on();
      await delay(P99_SLICE_MS, undefined, { signal });
    }
    return await load.finish();
  } finally {
    observing.off();
  }
}

/** Response time, of all that was due in a window; ms. */
function p99In({ latencies }: LoadRecord, window: WindowName): number {
  const responses = latencies.filter((each) => each.kind === 'response' && each.window === window);
  return percentileMs(mergeHistograms(responses.map(({ histogram }) => histogram)), 0.99) ?? Number.NaN;
}
