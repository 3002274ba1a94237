/**
 * `npm run bench:disk [-- --engine postgres:18 --pairs 1]`: the peak of the disk over tables, indexes, temporary files and
 * write-ahead log at one time, as the observer tells it, against a loop of `du` over the same data directory. The table has
 * 1 GiB; each pair runs all statements on it, one after the other.
 */
import { serverSpec, startTestServer } from '../tests/server.ts';
import { fillProbe, peaksOf, STATEMENTS } from './disk/peaks.ts';
import { type Benchmark, benchmark } from './pairs.ts';

/** Of about a kilobyte each. */
const ROWS = 2 ** 20;

await benchmark('bench:disk', async (run: Benchmark) => {
  const spec = serverSpec(run.options.engine);
  await using server = await startTestServer(spec);
  run.describe(`${spec.name} ${server.server.version}, ${server.server.description}, ${ROWS} rows of 1 KB`);
  await using migrator = await server.connect('migrator');
  const peaks = { du: [] as number[] };
  await run.measureJointly({
    figures: STATEMENTS.map(({ name }) => ({
      name: `${name}: peak of the sum / du`,
      unit: 'bytes',
      goal: { within: 0.05 },
    })),
    ours: async (signal) => {
      await migrator.execute('drop table if exists probe');
      await fillProbe(migrator, ROWS);
      const observed: number[] = [];
      peaks.du = [];
      for (const { name, text } of STATEMENTS) {
        signal.throwIfAborted();
        const startedAt = performance.now();
        const { record, duBytes, duReadings, observedBytes } = await peaksOf(server, migrator, text);
        observed.push(observedBytes);
        peaks.du.push(duBytes);
        const areas = Object.entries(record.peak.areas).map(([area, bytes]) => `${area} ${mebibytes(bytes)}`);
        run.describe(
          `  ${name}: ${((performance.now() - startedAt) / 1000).toFixed(1)} s, MiB at the peak: ${areas.join(', ')}; ` +
            `sum ${mebibytes(observedBytes)}, du ${mebibytes(duBytes)} (${duReadings} readings)`,
        );
      }
      return observed;
    },
    peer: async () => peaks.du,
  });
});

function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
