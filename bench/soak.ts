/**
 * `npm run bench:soak [-- --engine mysql:9.7] [--pairs 1]`: ten minutes of the shipped load at 1,000/s, with reads, writes
 * and failures, against its own memory of six minutes earlier. One pair takes ten minutes.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Engine } from '../src/engines/engine.ts';
import { startLoad } from '../src/load/index.ts';
import type { LoadPlan, Operation, ParameterSource } from '../src/load/load.ts';
import { type BareServer, serverSpec, startBareServer } from '../tests/server.ts';
import { planOf } from './load/runs.ts';
import { type Benchmark, benchmark } from './pairs.ts';
import { median } from './ratios.ts';

const ROWS = 10_000;
const LASTS_MS = 600_000;
const SAMPLE_EVERY_MS = 1000;
const MINUTE_MS = 60_000;
/** The heaps of the threads have found their size by then: on MySQL 314 343 382 383 MB, then 381 MB to the end. */
const SETTLED_MINUTE = 4;

/** In MB. What the resident memory has beyond these parts is the heaps of the load and ticker threads, and the program. */
type Memory = Pick<NodeJS.MemoryUsage, (typeof PARTS)[number]>;
const PARTS = ['rss', 'heapTotal', 'heapUsed', 'external', 'arrayBuffers'] as const;
const NAMES: Readonly<Record<(typeof PARTS)[number], string>> = {
  rss: 'resident memory of the whole process',
  heapTotal: 'heap of the main thread',
  heapUsed: 'of it used',
  external: 'outside of the heaps',
  arrayBuffers: 'of it array buffers',
};

await benchmark('bench:soak', async (run: Benchmark) => {
  const spec = serverSpec(run.options.engine);
  await using server = await startBareServer(spec);
  await server.server.useProfile('rehearsal');
  run.describe(`${spec.name} ${server.server.version}, ${server.server.description}, rehearsal profile`);
  let minutes: readonly Memory[] = [];
  await run.measure({
    name: 'memory in the tenth minute at 1,000/s / in the fourth',
    unit: 'MB',
    goal: { atMost: 1.1 },
    ours: async () => {
      minutes = await soak(run, server);
      for (const part of PARTS) {
        const figures = minutes.map((each) => each[part].toFixed(0)).join(' ');
        run.describe(`${NAMES[part]}, MB by minute: ${figures}`);
      }
      return minutes.at(-1)?.rss ?? Number.NaN;
    },
    peer: async () => minutes[SETTLED_MINUTE - 1]?.rss ?? Number.NaN,
  });
});

function medianOf(samples: readonly NodeJS.MemoryUsage[]): Memory {
  const of = (part: (typeof PARTS)[number]) => median(samples.map((sample) => sample[part] / 2 ** 20));
  return {
    rss: of('rss'),
    heapTotal: of('heapTotal'),
    heapUsed: of('heapUsed'),
    external: of('external'),
    arrayBuffers: of('arrayBuffers'),
  };
}

/** Medians of each minute. */
async function soak({ describe, signal }: Benchmark, server: BareServer): Promise<readonly Memory[]> {
  const { engine } = server;
  await using session = await server.session();
  await session.execute('create table soak (id int primary key, n int not null)');
  for (let from = 1; from <= ROWS; from += 1000) {
    const rows = Array.from({ length: 1000 }, (_, index) => `(${from + index}, 0)`);
    await session.execute(`insert into soak (id, n) values ${rows.join(', ')}`);
  }
  await using load = await startLoad(planFor(engine, session.target), signal);
  await load.open('migration');
  const startMs = performance.now();
  const samples: NodeJS.MemoryUsage[][] = [];
  for (;;) {
    await delay(SAMPLE_EVERY_MS, undefined, { signal });
    const minute = Math.floor((performance.now() - startMs) / MINUTE_MS);
    if (minute >= LASTS_MS / MINUTE_MS) break;
    const of = samples[minute] ?? [];
    if (of.length === 0) process.stderr.write(`  minute ${minute + 1}: ${load.pulse().due} operations due\n`);
    of.push(process.memoryUsage());
    samples[minute] = of;
  }
  const { windows, outcomes } = await load.finish();
  for (const { due, completed, failed, dropped, inFlight } of windows) {
    describe(
      `due ${due} = completed ${completed} + failed ${failed} + dropped ${dropped} + in flight ${inFlight}`,
    );
    if (due !== completed + failed + dropped + inFlight) throw new Error('operations were lost');
  }
  describe(outcomes.map(({ outcome, code, count }) => `${outcome} (${code}): ${count}`).join(', '));
  return samples.map(medianOf);
}

function planFor(engine: Engine, target: LoadPlan['target']): LoadPlan {
  const key: ParameterSource = { from: 'integer', min: 1, max: ROWS };
  const one = engine.dialect.placeholder(1);
  const operation = (name: string, weight: number, text: string): Operation => ({
    record: {
      name,
      statements: [text],
      weight,
      kind: name === 'read' ? 'read' : 'write',
      tables: ['soak'],
      codeVersion: 'running',
    },
    transaction: name === 'write',
    statements: [{ name, text, written: text, references: ['$1'], parameters: [key] }],
  });
  const read = operation('read', 85, `select n from soak where id = ${one}`);
  const plan = planOf({ engine, target, operation: read });
  return {
    ...plan,
    settings: { ...plan.settings, statementTimeoutMs: 30_000 },
    operations: [
      read,
      operation('write', 10, `update soak set n = n + 1 where id = ${one}`),
      operation('twice', 5, `insert into soak (id, n) values (${one}, 0)`),
    ],
  };
}
