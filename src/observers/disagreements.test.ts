/** Channels that really disagree, since one of them looks at another server: the report says so in place of either figure. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Observed, startObserved } from '../../tests/observed.ts';
import { startTestServer, type TestServer } from '../../tests/server.ts';
import type { Finding } from '../checks/check.ts';
import { measurementConflict } from '../checks/measurement-conflict.ts';
import type { Recording } from '../recording/recording.ts';

let observed: Observed;
let other: TestServer;
const HELD_S = 0.4;
const ENDED_S = 0.3;

beforeAll(async () => {
  observed = await startObserved();
  other = await startTestServer();
});

afterAll(async () => {
  await observed[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
});

function conflictsIn(recording: Recording): readonly Finding[] {
  const windows = [{ name: 'migration', startedAtMs: 0, endedAtMs: recording.endedAtMs }] as const;
  const budgets = { ...recording.budgets, diskFreeBytes: null };
  return measurementConflict.check({ ...recording, windows }, budgets);
}

/** A read of the load behind a lock. */
async function makeWait(): Promise<void> {
  const { drill, load, waiting, secondsPassed } = observed;
  await drill.execute('begin');
  await drill.execute('lock table orders in access exclusive mode');
  const read = load.query('select 1 from orders limit 1');
  await waiting(load);
  await secondsPassed(HELD_S);
  await drill.execute('commit');
  await read;
  // Until a reading has shown its end, the wait may be one that goes on behind the last line of the log.
  await secondsPassed(ENDED_S);
}

test('readings of the same server as the log agree with it', async () => {
  const recording = await observed.observe(async ({ observers }) => {
    await observers.beforeSteps();
    await makeWait();
  });
  expect(recording.lockWaits).toHaveLength(1);
  expect(conflictsIn(recording)).toEqual([]);
});

test('a wait that the log tells and no reading of the locks shows', async () => {
  const roles = { ...observed.started.roles, observer: other.roles.observer };
  const recording = await observed.observe(
    async ({ observers }) => {
      await observers.beforeSteps();
      await makeWait();
    },
    { roles },
  );
  const found = conflictsIn(recording).filter(({ subject }) => subject === 'orders');
  expect(found).toMatchObject([
    {
      verdict: 'inconclusive',
      details: [{ figure: { lower: 0, source: expect.stringContaining('no reading') } }],
    },
  ]);
});

test('a wait that the readings show and the log does not tell', async () => {
  const roles = { ...observed.started.roles, administrator: other.roles.administrator };
  const recording = await observed.observe(makeWait, { roles, server: other.server });
  const found = conflictsIn(recording).filter(({ subject }) => subject === 'orders');
  expect(found).toMatchObject([{ verdict: 'inconclusive', details: [{ figure: { lower: 0, upper: 10 } }] }]);
});

test('files of another data directory than the server counts', async () => {
  const recording = await observed.observe(({ observers }) => observers.beforeSteps(), {
    server: other.server,
  });
  expect(conflictsIn(recording)).toMatchObject([{ verdict: 'inconclusive', subject: 'disk', unit: 'bytes' }]);
});
