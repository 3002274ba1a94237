/** A rehearsal says of each pending statement what it does, learned on a small copy, from the command line to the report. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRecording } from '../src/recording/store.ts';
import { createSandbox, SMALL_PROJECT } from './sandbox.ts';

const MIGRATION = `alter table orders alter column total type bigint;
create index concurrently orders_total_idx on orders (total);
do $$
begin
  if (select count(*) from orders) < 3000 then raise 'too few orders here'; end if;
end $$;
update orders set total = total + 1 where id = 1;
`;

test('locks, rewrites and what is blocked, in order; what fails on the small copy alone is not measured', async () => {
  await using sandbox = await createSandbox({
    ...SMALL_PROJECT,
    'migrations/1_note.sql': MIGRATION,
    'rehearsal.yaml': (SMALL_PROJECT['rehearsal.yaml'] ?? '').replace('rows: 500', 'rows: 3000'),
  });
  const { exitCode, stdout, stderr } = await sandbox.start(['run', '--report', 'terminal=-'], {
    REHEARSE_PROBE: 'on',
  });
  expect([0, 1], stderr).toContain(exitCode);

  const reports = join(sandbox.project, 'reports', 'small');
  const recording = await readRecording(join(reports, (await readdir(reports)).toSorted().at(-1) ?? ''));
  expect(recording.steps.map(({ outcome }) => outcome)).toEqual(['applied']);
  expect(recording.servers.map(({ role }) => role).toSorted()).toEqual(['probe', 'rehearsal']);
  const { probe } = recording;
  if (probe === undefined || 'notMeasured' in probe) throw new Error(JSON.stringify(probe));
  expect(probe.statements.map(({ line, index }) => [line, index])).toEqual([
    [1, 0],
    [2, 1],
    [3, 2],
    [7, 3],
  ]);
  const [alter, create, check, update] = probe.statements.map(({ effects }) => effects);
  expect(alter).toMatchObject({
    transactional: true,
    rewrites: ['orders'],
    blocks: { reads: ['orders'], selectsForUpdate: ['orders'], writes: ['orders'] },
    details: { newFiles: ['orders', 'orders_pkey'], scans: ['orders'] },
  });
  expect(create).toMatchObject({
    transactional: false,
    rewrites: [],
    blocks: { reads: [], selectsForUpdate: [], writes: [] },
    waitsFor: { idleReader: false, snapshotElsewhere: true, idleWriter: true },
    details: { locks: [{ relation: 'orders', modes: ['ShareUpdateExclusiveLock'] }], scans: ['orders'] },
  });
  expect(check).toEqual({ notMeasured: 'on the small copy: too few orders here' });
  // The index of the statement before is there: each statement meets what the others left.
  expect(update).toMatchObject({
    blocks: { reads: [], writes: [] },
    details: {
      locks: expect.arrayContaining([{ relation: 'orders_total_idx', modes: ['RowExclusiveLock'] }]),
    },
  });

  expect(stdout).toMatch(/takes ACCESS EXCLUSIVE on orders/);
  expect(stdout.replace(/\s+/g, ' ')).toMatch(
    /what 1_note\.sql:3 does: on the small copy: too few orders here/,
  );
});
