import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bareRecorder } from '../../tests/recorder.ts';
import {
  eventually,
  serverMissing,
  serversOf,
  startTestServer,
  type TestServer,
} from '../../tests/server.ts';
import { lockWaits } from './lock-waits.ts';
import { BUSY, migrationUnseen, type ObserveRequest } from './observer.ts';
import { startSampling } from './sampling.ts';

const HOUR_MS = 3_600_000;

for (const spec of [...serversOf('postgres'), ...serversOf('mysql')]) {
  const missing = await serverMissing(spec);
  describe.skipIf(missing !== null)(missing ?? spec.name, () => {
    let started: TestServer;
    let request: ObserveRequest;

    beforeAll(async () => {
      started = await startTestServer(spec);
      request = {
        ...started,
        recorder: bareRecorder('sampling'),
        toldWaits: [],
        migration: migrationUnseen(),
        told: { cancels: null, waits: null, deadlocks: null, transactions: [] },
      };
    });

    afterAll(() => started?.[Symbol.asyncDispose]());

    /** Reads counted; each pauses for as long as it is told. */
    async function counted(pauseMs: number, idleMs: number) {
      let reads = 0;
      const sampling = await startSampling({
        ...{ name: 'counted', intervalMs: HOUR_MS, idleMs, observe: request, finish: () => undefined },
        open: async () => ({
          sessions: [],
          read: async () => {
            reads += 1;
            return pauseMs;
          },
          [Symbol.asyncDispose]: async () => undefined,
        }),
      });
      return { reads: () => reads, [Symbol.asyncDispose]: () => sampling[Symbol.asyncDispose]() };
    }

    test('where the migration begins to lock something, a pause for idleness ends at once, and no other', async () => {
      await using migrator = await started.connect('migrator', 'any tool');
      await migrator.execute('create table t (id int primary key)');
      await using _locks = await lockWaits.start(request);
      await using idle = await counted(2 * HOUR_MS, 2 * HOUR_MS);
      await using working = await counted(HOUR_MS, 2 * HOUR_MS);
      await eventually('it is known to be idle', async () => request.migration.idleAtMs !== null);
      expect([idle.reads(), working.reads()]).toEqual([1, 1]);

      const busy = once(request.migration.changes, BUSY, { signal: AbortSignal.timeout(5_000) });
      await migrator.execute('begin');
      await migrator.query('select * from t');
      await busy;
      await eventually('it was read', async () => idle.reads() === 2);
      expect(request.migration.idleAtMs).toBeNull();
      await migrator.execute('rollback');
      await eventually('it is idle again', async () => request.migration.idleAtMs !== null);
      expect([idle.reads(), working.reads()]).toEqual([2, 1]);
    });
  });
}
