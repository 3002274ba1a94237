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

const folders = readdirSync(join(checkout, 'scenarios'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

/** A scenario is named after its engine; MariaDB is a flavor of MySQL, and meets the same stories. */
const servers = [
  { engine: 'postgres', wanted: 'postgres:18', provision: 'embedded' },
  { engine: 'postgres', wanted: 'postgres:17', provision: 'container' },
  { engine: 'mysql', wanted: 'mysql:9.7', provision: 'container' },
  { engine: 'mysql', wanted: 'mariadb:11.8', provision: 'container' },
  { engine: 'mysql', wanted: 'mariadb:10.11', provision: 'container' },
];
const scenariosOf = (engine: string): readonly string[] =>
  folders.filter((name) => name.startsWith(`${engine}-`));

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rehearse scenarios '));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

test('there are scenarios to rehearse', () => {
  expect(scenariosOf('postgres').length).toBeGreaterThanOrEqual(7);
  expect(scenariosOf('mysql').length).toBeGreaterThanOrEqual(5);
});

for (const { engine, wanted, provision } of servers) {
  for (const name of scenariosOf(engine)) {
    test(`${name} on ${provision} ${wanted} ends as its expected.json says`, async (context) => {
      if (provision === 'container') {
        const reason = await containersMissing(wanted);
        if (reason !== null) context.skip(reason);
      }
      const scenario = join(checkout, 'scenarios', name);
      const run = await rehearse(
        ['run', scenario, '--expected', '--engine', wanted, '--provision', provision],
        { cwd: directory },
      );
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
