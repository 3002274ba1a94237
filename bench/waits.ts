/**
 * `npm run bench:waits [-- --engine mysql:9.7 --pairs 1]`: lock waits of a known length, made by scripts, against what the
 * observers record of them. The length is that of the client's own clock: at least from when another session saw the wait
 * to before the lock was let go, at most from when the statement that waits was sent to its answer. A pair is ten waits of
 * one kind; each counts that is recorded once, within max(5 ms, 2 %) at both of its bounds, with the blocker, and as it
 * ended. On a Postgres below 14, which does not tell when a wait began, wider bounds count too that contain the length.
 */
import { serverSpec, startTestServer } from '../tests/server.ts';
import { type Benchmark, benchmark } from './pairs.ts';
import { type Script, script, waitsFor } from './waits/scripts.ts';

const TIMES = 10;

await benchmark('bench:waits', async (run: Benchmark) => {
  const spec = serverSpec(run.options.engine);
  await using server = await startTestServer(spec);
  run.describe(`${spec.name} ${server.server.version}, ${server.server.description}, rehearsal profile`);
  await using scripts = await script(server);
  for (const [name, make] of Object.entries(waitsFor(scripts))) {
    await run.measure({
      name: `${name}: told within max(5 ms, 2 %) / made`,
      unit: 'waits',
      goal: { atLeast: 1 },
      ours: () => told(scripts, make, run),
      peer: async () => TIMES,
    });
  }
});

/** How many of ten waits were told truly; what was wrong with the others is described. */
async function told(
  scripts: Script,
  make: ReturnType<typeof waitsFor>[string],
  { describe }: Benchmark,
): Promise<number> {
  let right = 0;
  for (let time = 0; time < TIMES; time += 1) {
    const faults = await make(scripts);
    if (faults.length === 0) right += 1;
    else describe(`  ${faults.join('; ')}`);
  }
  // A ratio of nothing cannot be had.
  return Math.max(right, 0.001);
}
