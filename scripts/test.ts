/**
 * `npm test`: types, formatting and lint, then every test. Arguments go to vitest: `npm test -- src/checks`.
 * The last line is `N passed, N failed, N skipped`, each skip with its reason above it.
 */
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

const root = fileURLToPath(new URL('..', import.meta.url));
const wanted = process.argv.slice(2);
const steps: readonly (readonly [string, readonly string[]])[] = [
  ['tsc', ['--noEmit']],
  ['biome', ['check', '.']],
  ['vitest', ['run', ...wanted]],
];

for (const [program, args] of steps) {
  const { exitCode } = await execa(program, args, {
    cwd: root,
    preferLocal: true,
    stdio: 'inherit',
    reject: false,
  });
  if (exitCode !== 0) {
    process.exitCode = 1;
    if (program !== 'vitest')
      process.stdout.write(`no test ran: ${program} failed\n0 passed, 1 failed, 0 skipped\n`);
    break;
  }
}
