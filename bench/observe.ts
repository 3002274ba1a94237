/**
 * `npm run bench:observe [-- --engine postgres:18 | mysql:9.7]`: what the observers cost the application, with all of them on
 * (canaries too) and off in turn, through the shipped observers and the shipped load.
 *
 * 1. closed loop at saturation: eight connections that ask as fast as they are answered; pairs are added until the 95 %
 *    interval of the median is within 1 %, else exit 3.
 * 2. open loop at half of what that gave: p99 of the response time; pairs until that interval is on one side of the goal.
 *
 * A pair is off, on, on, off: what drifts steadily meanwhile hits both alike.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Session } from '../src/engines/engine.ts';
import { EnvironmentError } from '../src/errors.ts';
import { startLoad } from '../src/load/index.ts';
import type { RunningLoad } from '../src/load/load.ts';
import { startCanaries, startObservers } from '../src/observers/index.ts';
import { mergeHistograms, percentileMs } from '../src/recording/histogram.ts';
import type { LoadRecord, WindowName } from '../src/recording/recording.ts';
import { serverSpec, startTestServer, type TestServer } from '../tests/server.ts';
import { numberOf, planOf, pointSelect, WARM_UP_MS } from './load/runs.ts';
import { type Benchmark, benchmark } from './pairs.ts';
import { isDecided, isWithin } from './precise.ts';
import { benchRecorder } from './recorder.ts';

const ROWS = 2 ** 17;
const CONNECTIONS = 8;
const SLICE_MS = 700;
const MOST_PAIRS = 150;
const P99_SLICE_MS = 1000;
const P99_ROUNDS = 3;
const P99_GOAL = 1.05;
/** From the start of the observers to what is measured: their sessions are open and their first readings done. */
const SETTLED_MS = 250;
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
  const bench: Bench = { ...run, server, migrator };
  const ceiling = await measureThroughput(bench, atLeast);
  await measureP99(bench, ceiling);
});

interface Bench extends Benchmark {
  readonly server: TestServer;
  readonly migrator: Session;
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

/** Everything that reads while a migration runs. */
async function observersOn({ server, migrator }: Bench): Promise<AsyncDisposable> {
  const recorder = benchRecorder('observe');
  const { engine, server: started, roles } = server;
  const tables = await engine.schema.describe(migrator);
  const observers = await startObservers({ engine, server: started, roles, recorder });
  const canaries = await startCanaries({
    engine,
    server: started,
    roles,
    recorder,
    tables,
    migrationTexts: ['alter table point add column note int'],
  });
  await observers.beforeSteps();
  await delay(SETTLED_MS);
  return {
    async [Symbol.asyncDispose]() {
      await canaries[Symbol.asyncDispose]();
      await observers[Symbol.asyncDispose]();
    },
  };
}

/** Operations per second with the observers off, as far as it was measured; the goal of the second figure needs it. */
async function measureThroughput(bench: Bench, atLeast: number): Promise<number> {
  const { signal } = bench;
  await using load = await startLoad(planWith(bench, 10), signal);
  await delay(WARM_UP_MS, undefined, { signal });
  const slice = () => perSecond(load);
  // First plans, pages and compiled code.
  let off = await slice();
  let latest = [off, off] as const;
  await bench.measureJointly({
    figures: [
      {
        name: 'throughput of a closed loop, observers on / off',
        unit: '1/s',
        goal: { atLeast },
      },
    ],
    ours: async () => {
      const first = await slice();
      const on = await whileObserved(bench, async () => (await slice()) + (await slice()));
      latest = [on, first + (await slice())];
      off = latest[1] / 2;
      return [on];
    },
    peer: async () => [latest[1]],
    precision: {
      reached: (ratios) => isWithin(ratios, 0.01),
      mostPairs: MOST_PAIRS,
      inWords: 'the 95 % interval of the median is within 1 % of it',
    },
  });
  return off;
}

async function perSecond(load: RunningLoad): Promise<number> {
  const { perSecond: figure } = await load.probeCeiling(SLICE_MS);
  if ('notMeasured' in figure) throw new EnvironmentError(figure.notMeasured);
  return numberOf(figure);
}

async function whileObserved<Result>(bench: Bench, work: () => Promise<Result>): Promise<Result> {
  await using _observers = await observersOn(bench);
  return await work();
}

function measureP99(bench: Bench, ceilingPerSecond: number): Promise<void> {
  const ratePerSecond = Math.round(ceilingPerSecond / 2);
  let off = Number.NaN;
  return bench.measureJointly({
    figures: [
      {
        name: `p99 of an open loop at half of that (${ratePerSecond}/s), observers on / off`,
        unit: 'ms',
        goal: { atMost: P99_GOAL },
      },
    ],
    ours: async () => {
      const record = await openLoop(bench, ratePerSecond);
      off = p99In(record, 'baseline');
      return [p99In(record, 'migration')];
    },
    peer: async () => [off],
    precision: {
      reached: (ratios) => isDecided(ratios, P99_GOAL),
      mostPairs: MOST_PAIRS,
      inWords: `the 95 % interval of the median is on one side of ${P99_GOAL}`,
    },
  });
}

/** Off in the window `baseline`, on in `migration`; what comes in between is in `recovery`, which nobody reads. */
async function openLoop(bench: Bench, ratePerSecond: number): Promise<LoadRecord> {
  const { signal } = bench;
  await using load = await startLoad(planWith(bench, ratePerSecond), signal);
  await delay(WARM_UP_MS, undefined, { signal });
  const slice = async (window: WindowName): Promise<void> => {
    await load.open(window);
    await delay(P99_SLICE_MS, undefined, { signal });
    await load.open('recovery');
  };
  await load.open('recovery');
  for (let round = 0; round < P99_ROUNDS; round += 1) {
    await slice('baseline');
    await whileObserved(bench, async () => {
      await slice('migration');
      await slice('migration');
    });
    await slice('baseline');
  }
  return load.finish();
}

function p99In({ latencies }: LoadRecord, wanted: WindowName): number {
  const histograms = latencies
    .filter(({ kind, window }) => kind === 'response' && window === wanted)
    .map(({ histogram }) => histogram);
  return percentileMs(mergeHistograms(histograms), 0.99) ?? Number.NaN;
}
