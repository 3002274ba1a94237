/** Every bundled scenario gives what its expected.json says, on each server of the list. */
import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { containersMissing } from './containers.ts';
import { checkout, rehearse } from './command.ts';

const names = readdirSync(join(checkout, 'scenarios'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name.startsWith('postgres-'))
  .map((entry) => entry.name);

const servers = [
  { title: 'embedded 18', args: ['--provision', 'embedded', '--server-version', '18'], container: false },
  { title: 'container 17', args: ['--provision', 'container', '--server-version', '17'], container: true },
];

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rehearse scenarios '));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

test('there are scenarios to rehearse', () => {
  expect(names.length).toBeGreaterThanOrEqual(7);
});

for (const server of servers) {
  for (const name of names) {
    test(`${name} on ${server.title} ends as its expected.json says`, async (context) => {
      if (server.container) {
        const reason = await containersMissing('postgres:17');
        if (reason !== null) context.skip(reason);
      }
      const scenario = join(checkout, 'scenarios', name);
      const run = await rehearse(['run', scenario, '--expected', ...server.args], { cwd: directory });
      expect(run.exitCode, `${run.stdout}\n${run.stderr}`).toBe(0);
    });
  }
}
