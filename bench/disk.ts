/**
 * `npm run bench:disk [-- --engine postgres:18 | mysql:9.7 --pairs 1]`: the peak of the disk over tables, indexes, temporary
 * files and log at one time, as the observer tells it, against a loop of `du` over the same data directory. Where some of it
 * is hidden from `du`, its part in the data directory is, and the growth of all together is held against the free space of
 * the file system, on which nobody else may write meanwhile. The table has 1 GiB; each pair runs all statements on it, one
 * after the other.
 */
import { serverSpec, startTestServer } from '../tests/server.ts';
import { peaksOf } from './disk/peaks.ts';
import { suiteOf } from './disk/statements.ts';
import { type Benchmark, benchmark } from './pairs.ts';

/** Of about a kilobyte each. */
const ROWS = 2 ** 20;

await benchmark('bench:disk', async (run: Benchmark) => {
  const spec = serverSpec(run.options.engine);
  await using server = await startTestServer(spec);
  run.describe(`${spec.name} ${server.server.version}, ${server.server.description}, ${ROWS} rows of 1 KB`);
  await using migrator = await server.connect('migrator');
  const { STATEMENTS, fillProbe } = suiteOf(spec.flavor);
  let peers: number[] = [];
  await run.measureJointly({
    figures: STATEMENTS.flatMap(({ name, hidden }) => [
      { name: `${name}: peak in the data directory / du`, unit: 'bytes', goal: { within: 0.05 } },
      ...(hidden
        ? [{ name: `${name}: growth to the peak / free space taken`, unit: 'bytes', goal: { within: 0.1 } }]
        : []),
    ]),
    ours: async (signal) => {
      await migrator.execute('drop table if exists probe');
      await fillProbe(migrator, ROWS);
      const observed: number[] = [];
      peers = [];
      for (const { name, text, hidden } of STATEMENTS) {
        signal.throwIfAborted();
        const startedAt = performance.now();
        const peaks = await peaksOf(server, migrator, text);
        const { record, duBytes, duReadings, observedBytes } = peaks;
        observed.push(peaks.walkedBytes, ...(hidden ? [peaks.grownBytes] : []));
        peers.push(duBytes, ...(hidden ? [peaks.freeTakenBytes] : []));
        const areas = Object.entries(record.peak.areas).map(([area, bytes]) => `${area} ${mebibytes(bytes)}`);
        run.describe(
          `  ${name}: ${((performance.now() - startedAt) / 1000).toFixed(1)} s, MiB at the peak: ${areas.join(', ')}; ` +
            `sum ${mebibytes(observedBytes)}, du ${mebibytes(duBytes)} (${duReadings} readings), ` +
            `grown by ${mebibytes(peaks.grownBytes)}, free space ${mebibytes(peaks.freeTakenBytes)} less`,
        );
      }
      return observed;
    },
    peer: async () => peers,
  });
});

function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
