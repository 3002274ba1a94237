/** Every bundled scenario gives what its expected.json says, on each server of the list. */
import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isMeasured } from '../src/recording/figure.ts';
import { readRecording } from '../src/recording/store.ts';
import { checkout, rehearse } from './command.ts';
import { containersMissing } from './containers.ts';

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
      await expectTrueWaits(join(directory, 'reports', name));
    });
  }
}

/** Where a drill held the table, the longest wait is within 5 % of what the drill's own clock says it was. */
async function expectTrueWaits(reports: string): Promise<void> {
  const latest = readdirSync(reports).toSorted().at(-1) ?? '';
  const recording = await readRecording(join(reports, latest));
  const [drill] = recording.drills;
  const waits = recording.lockWaits.filter(
    ({ waiter, ended, blockers }) =>
      waiter.owner === 'migration' && ended === 'granted' && blockers[0]?.owner === 'drill',
  );
  for (const { statementId, waitedMs } of waits) {
    const waited = recording.steps
      .flatMap(({ statements }) => statements)
      .find(({ id }) => id === statementId);
    if (drill === undefined || waited === undefined) throw new Error('a wait without its drill or statement');
    const trueMs = drill.endedAtMs - waited.startedAtMs;
    expect(waitedMs).toMatchObject({ source: expect.any(String) });
    if (!isMeasured(waitedMs)) continue;
    expect(waitedMs.lower).toBeGreaterThan(trueMs * 0.95);
    expect(waitedMs.upper).toBeLessThan(trueMs * 1.05);
  }
}
