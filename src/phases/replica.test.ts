/** A real replica beside a real server, from binaries and in containers. */

import { existsSync } from 'node:fs';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { containersMissing } from '../../tests/containers.ts';
import { bareRecorder } from '../../tests/recorder.ts';
import { databasePlan, eventually, postgresServer, serverRequest } from '../../tests/server.ts';
import type { ConnectionTarget, Session } from '../engines/engine.ts';
import { startLoad } from '../load/index.ts';
import type { Operation } from '../load/load.ts';
import { startObservers } from '../observers/index.ts';
import { findProvisioner } from '../provisioners/index.ts';
import type { Server } from '../provisioners/provisioner.ts';
import type { Recording } from '../recording/recording.ts';
import type { Plan } from '../scenario/plan.ts';
import { type StartedReplica, startReplica } from './replica.ts';

const spec = postgresServer();
const { engine } = spec;
const signal = AbortSignal.timeout(170_000);
const progress = { say: () => undefined, update: () => undefined };

function newRecorder() {
  return bareRecorder();
}

describe.each(['embedded', 'container'])('%s', async (provision) => {
  const missing = provision === 'container' ? await containersMissing(spec.name) : null;
  let server: Server;
  let replica: StartedReplica;
  let roles: Awaited<ReturnType<typeof engine.connections.createRoles>>;
  let migrator: Session;
  let onReplica: Session;
  const recorder = newRecorder();

  const connect = (target: ConnectionTarget) =>
    engine.connections.connect(target, { applicationName: 'test replica' }, signal);

  beforeAll(async () => {
    if (missing !== null) return;
    const request = serverRequest({ replica: true, provision });
    server = await findProvisioner(provision).start(request, signal);
    await server.useProfile('rehearsal');
    {
      await using administrator = await connect(server.administrator);
      roles = await engine.connections.createRoles(administrator, server.database);
      await using inside = await connect(roles.migrator);
      await inside.execute('create table t (id int primary key, note text)');
    }
    const plan = { database: databasePlan(spec, { replica: true, provision }) } as Plan;
    const started = {
      server,
      roles,
      snapshot: null,
      rehearsalProfile: async () => undefined,
      [Symbol.asyncDispose]: async () => undefined,
    };
    replica = await startReplica({ plan, engine, started, recorder, progress, signal });
    migrator = await connect(roles.migrator);
    if (replica.following === null) throw new Error('no replica follows');
    onReplica = await connect(replica.following.roles.administrator);
  });

  afterAll(async () => {
    if (missing !== null) return;
    await migrator?.[Symbol.asyncDispose]();
    await onReplica?.[Symbol.asyncDispose]();
    await replica?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  const rowsOnReplica = async (): Promise<number> => {
    const [row] = await onReplica.query<{ count: number }>('select count(*)::int as count from t');
    return row?.count ?? -1;
  };

  /** What the observers recorded while `work` was done; instants of the recorder's clock. */
  async function observed(work: (now: () => number) => Promise<void>): Promise<Recording> {
    const recorder = newRecorder();
    const observers = await startObservers({ engine, server, roles, recorder, replica: replica.following });
    try {
      await observers.beforeSteps();
      await work(() => recorder.now());
    } finally {
      await observers[Symbol.asyncDispose]();
    }
    return recorder.recording({ how: 'completed' });
  }

  test.skipIf(missing !== null)(
    'it has what was there, takes what is written, and can be read only',
    async () => {
      await migrator.execute("insert into t values (1, 'one')");
      await eventually('the row is there', async () => (await rowsOnReplica()) === 1);
      await expect(onReplica.execute('insert into t values (2)')).rejects.toThrow('read-only');
      const [record] = recorder.recording({ how: 'completed' }).servers;
      expect(record).toMatchObject({ role: 'replica', version: server.version });
      expect(JSON.stringify(record)).not.toContain('password');
    },
  );

  test.skipIf(missing !== null)(
    'a replica that applies nothing for a while is behind for as long',
    async () => {
      const heldMs = 700;
      let least = 0;
      let most = 0;
      const { replica: record } = await observed(async (now) => {
        await onReplica.query('select pg_wal_replay_pause()');
        const insertedAtMs = now();
        await migrator.execute("insert into t select i, repeat('x', 1000) from generate_series(10, 1000) i");
        const answeredAtMs = now();
        await eventually('the time comes', () => now() - answeredAtMs > heldMs);
        least = now() - answeredAtMs;
        await onReplica.query('select pg_wal_replay_resume()');
        await eventually('the rows are there', async () => (await rowsOnReplica()) > 900);
        most = now() - insertedAtMs;
      });
      if (record === undefined || 'notMeasured' in record || 'notMeasured' in record.lagMs)
        throw new Error('the lag was not measured');
      // The reading that sees the most comes up to an interval before the end, and what it is late by is in its bounds.
      expect(record.lagMs.upper).toBeGreaterThanOrEqual(least);
      expect(record.lagMs.lower).toBeLessThanOrEqual(most);
      expect(record.lagMs.lower).toBeGreaterThan(0);
      expect(record.lagBytes).toMatchObject({ lower: expect.any(Number) });
      if ('lower' in record.lagBytes) expect(record.lagBytes.lower).toBeGreaterThan(900_000);
      expect(record.samples.length).toBeGreaterThan(3);
      expect(record.conflicts).toEqual([]);
    },
  );

  test.skipIf(missing !== null)(
    'a reader of the replica that is in the way of a migration is cancelled, and counted',
    async () => {
      await onReplica.execute('alter system set max_standby_streaming_delay = 0');
      await onReplica.query('select pg_reload_conf()');
      await eventually('the setting holds', async () => {
        const [row] = await onReplica.query<{ delay: string }>(
          "select current_setting('max_standby_streaming_delay') as delay",
        );
        return row?.delay === '0';
      });
      if (replica.following === null) throw new Error('no replica follows');
      await using reader = await connect(replica.following.roles.load);
      const { replica: record } = await observed(async () => {
        await reader.execute('begin');
        await reader.query('select count(*) from t');
        const sleeping = reader.query('select pg_sleep(60)').then(
          () => 'slept',
          () => 'cancelled',
        );
        await migrator.execute('alter table t add column late int');
        expect(await sleeping).toBe('cancelled');
        // A session tells its statistics when its transaction has ended.
        await reader.execute('rollback').catch(() => undefined);
        await eventually('it is counted', async () => {
          const [row] = await onReplica.query<{ locks: number }>(
            'select confl_lock::int as locks from pg_stat_database_conflicts where datname = current_database()',
          );
          return (row?.locks ?? 0) > 0;
        });
      });
      expect(record).toMatchObject({ conflicts: [{ kind: 'lock', count: 1 }] });
    },
  );

  test.skipIf(missing !== null)(
    'operations of the replica run there, and one that it cancels has a class of its own',
    async () => {
      if (replica.following === null) throw new Error('no replica follows');
      // Each divides by zero where it does not belong.
      const only = (name: string, condition: string, server?: 'replica'): Operation => {
        const text = `select count(pg_sleep(0.02)) / (${condition})::int as rows from t where id = 1`;
        return {
          record: {
            ...{ name, statements: [text], weight: 1, kind: 'read', tables: ['t'], codeVersion: 'running' },
            ...(server && { server }),
          },
          transaction: false,
          statements: [{ name, text, written: text, references: [], parameters: [] }],
        };
      };
      const load = await startLoad(
        {
          engine: engine.name,
          target: roles.load,
          replicaTarget: replica.following.roles.load,
          settings: {
            ...{ ratePerSecond: 60, arrivals: 'uniform', statementTimeoutMs: null, protocol: 'prepared' },
            ...{ operationsFile: null, nextOperationsFile: null, profileFile: null, rateIsWritten: true },
            ...{ program: null, warmUpMs: 0, baselineMs: 0, recoveryMs: 0, threads: 1 },
            pool: { size: 4, instances: 1, checkoutTimeoutMs: null, maxQueue: 1000 },
          },
          operations: [
            only('on_primary', 'not pg_is_in_recovery()'),
            only('on_replica', 'pg_is_in_recovery()', 'replica'),
          ],
          keyPools: [],
          generator: { randomSeed: 1, tables: [] },
          randomSeed: 1,
          epochMs: performance.timeOrigin + performance.now(),
        },
        signal,
      );
      await load.open('migration');
      const until = performance.now() + 2_000;
      while (performance.now() < until) {
        await migrator.execute('alter table t alter column note set default null');
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      const record = await load.finish();
      await load[Symbol.asyncDispose]();
      expect(record.windows[0]?.completed).toBeGreaterThan(30);
      expect(new Set(record.outcomes.map((each) => `${each.operation}: ${each.outcome}`))).toEqual(
        new Set(['on_replica: recovery conflict']),
      );
    },
  );

  test.skipIf(missing !== null)(
    'it leaves nothing behind, and of one that is gone nobody says that it cancelled none',
    async () => {
      const directory = replica.following?.server.dataDirectory ?? { missing: '' };
      const programs = replica.following?.server.programs;
      const place = programs && 'where' in programs ? programs.where : null;
      const { replica: record } = await observed(async (now) => {
        const startedAtMs = now();
        await eventually('it was read', () => now() - startedAtMs > 300);
        await onReplica[Symbol.asyncDispose]();
        await replica[Symbol.asyncDispose]();
      });
      expect(record).toMatchObject({ conflicts: { notMeasured: expect.stringContaining('at the end') } });
      if ('path' in directory) expect(existsSync(directory.path)).toBe(false);
      if (provision === 'container') {
        const name = String(place).replace('the container ', '');
        expect(name).toMatch(/^rehearse-replica-/);
        expect((await execa('docker', ['ps', '-a', '--format', '{{.Names}}'])).stdout).not.toContain(name);
        expect((await execa('docker', ['volume', 'ls', '--format', '{{.Name}}'])).stdout).not.toContain(name);
      }
      await migrator.execute('insert into t values (5000)');
    },
  );
});
