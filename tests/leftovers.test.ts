/**
 * kill -9 of the harness cannot be answered by it. What it leaves (server, folder, container, volume) is found by its
 * note, named and removed: by the next "rehearse doctor", and by the next "rehearse run".
 */
import { expect, test } from 'vitest';
import { containersMissing } from './containers.ts';
import { startedUntil } from './running.ts';
import { createSandbox, SMALL_PROJECT, SMALL_SCHEMA, scenarioWith } from './sandbox.ts';

const inTheFill = {
  phase: 'fill',
  files: { 'schema.sql': `${SMALL_SCHEMA}select pg_sleep(600);\n` },
  after: /^ {2}fill +applying/m,
};
const inTheMigration = {
  phase: 'migration',
  files: {
    'rehearsal.yaml': scenarioWith({ drills: [{ longReader: { table: 'orders', at: '-1s', for: '600s' } }] }),
  },
  after: /^ {2}migration +alter table orders/m,
};

const doctor = { args: ['doctor'], exitCode: 0, says: /^!! +leftovers +removed: (.*)$/gm };
/** A rehearsal that ends soon: what it does first is what matters here. */
const nextRun = {
  args: ['run', '--url', 'postgres://someone@127.0.0.1:1/orders', '--expendable'],
  exitCode: 3,
  says: /removed what a killed rehearsal left behind: (.*)$/gm,
};

const embedded = {
  name: 'embedded',
  args: ['--provision', 'embedded'],
  leaves: ['folder', 'note', 'process'],
};
const container = {
  name: 'container',
  args: ['--provision', 'container', '--server-version', '17'],
  leaves: ['container', 'note', 'volume'],
};

const killings = [
  { ...inTheFill, provision: embedded, next: doctor },
  { ...inTheMigration, provision: embedded, next: nextRun },
  { ...inTheFill, provision: container, next: nextRun },
  { ...inTheMigration, provision: container, next: doctor },
];

for (const { phase, files, after, provision, next } of killings) {
  test(`killed in the phase ${phase} (${provision.name}): rehearse ${next.args[0]} removes what was left and names it`, async (context) => {
    const reason = provision === container ? await containersMissing('postgres:17') : null;
    if (reason !== null) context.skip(reason);
    await using sandbox = await createSandbox({ ...SMALL_PROJECT, ...files });
    const command = await startedUntil(sandbox, ['run', ...provision.args], after);
    command.kill('SIGKILL');
    await command.ended;

    const left = await sandbox.leftBehind(command.pid);
    expect([...new Set(left.map((line) => line.split(' ')[0]))].sort()).toEqual(provision.leaves);

    const { exitCode, stdout, stderr } = await sandbox.start(next.args);
    expect(exitCode, stderr).toBe(next.exitCode);
    // A line for each server: that of the rehearsal, and the one of the small copy while there is one.
    const named = [...`${stdout}\n${stderr}`.matchAll(next.says)].map(([, line]) => line).join('\n');
    // Each folder, container and volume by its name.
    for (const line of left.filter((each) => !/^(process|note)/.test(each)))
      expect(named).toContain(line.split(' ')[1]);
    if (provision === embedded) expect(named).toMatch(/server process \d+/);
    expect(named).not.toContain('not removed');
    expect(await sandbox.leftBehind(command.pid)).toEqual([]);
  });
}

test('an interrupted rehearsal in a container leaves no container and no volume', async (context) => {
  const reason = await containersMissing('postgres:17');
  if (reason !== null) context.skip(reason);
  await using sandbox = await createSandbox({ ...SMALL_PROJECT, ...inTheMigration.files });
  const command = await startedUntil(sandbox, ['run', ...container.args], inTheMigration.after);
  command.kill('SIGINT');
  const { exitCode, stderr } = await command.ended;
  expect(exitCode, stderr).toBe(130);
  expect(await sandbox.leftBehind(command.pid)).toEqual([]);
});
