/** A real replica beside a real MySQL and a real MariaDB, in containers. */

import { existsSync } from 'node:fs';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bareRecorder } from '../../tests/recorder.ts';
import { databasePlan, eventually, serverMissing, serverRequest, serversOf } from '../../tests/server.ts';
import { statementRecord, step } from '../checks/recording.fixture.ts';
import type { ConnectionTarget, Session } from '../engines/engine.ts';
import { startObservers } from '../observers/index.ts';
import { findProvisioner } from '../provisioners/index.ts';
import type { Server } from '../provisioners/provisioner.ts';
import { exactly } from '../recording/figure.ts';
import type { Recorder } from '../recording/recorder.ts';
import type { Recording, ReplicaRecord } from '../recording/recording.ts';
import type { Plan } from '../scenario/plan.ts';
import { awaitReplica } from './caught-up.ts';
import { type StartedReplica, startReplica } from './replica.ts';

const signal = AbortSignal.timeout(170_000);
const progress = { say: () => undefined, update: () => undefined };

function newRecorder(): Recorder {
  return bareRecorder();
}

describe.each(serversOf('mysql'))('$name', async (spec) => {
  const { engine, flavor } = spec;
  const missing = await serverMissing(spec);
  const settings: Readonly<Record<string, string>> =
    flavor === 'mariadb' ? { slave_parallel_threads: '3' } : {};
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
    const wanted = { replica: true, provision: 'container', settings };
    server = await findProvisioner('container').start(serverRequest(wanted, spec), signal);
    await server.useProfile('rehearsal');
    {
      await using administrator = await connect(server.administrator);
      roles = await engine.connections.createRoles(administrator, server.database);
      await using inside = await connect(roles.migrator);
      await inside.execute('create table t (id int auto_increment primary key, note varchar(1000))');
      await inside.execute("insert into t (note) values (repeat('x', 900))");
      for (let doubled = 0; doubled < 14; doubled += 1)
        await inside.execute('insert into t (note) select note from t');
      await inside.execute('create table quiet (id int primary key, note text)');
    }
    const plan = { database: databasePlan(spec, wanted) } as Plan;
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

  const quietRows = async (): Promise<number> => {
    const [row] = await onReplica.query<{ count: number }>('select count(*) as count from quiet');
    return Number(row?.count ?? -1);
  };

  /** What the observers recorded while `work` was done; instants of the recorder's clock. */
  async function observed(work: (recorder: Recorder) => Promise<void>): Promise<ReplicaRecord> {
    const recorder = newRecorder();
    const observers = await startObservers({ engine, server, roles, recorder, replica: replica.following });
    try {
      await observers.beforeSteps();
      await work(recorder);
    } finally {
      await observers[Symbol.asyncDispose]();
    }
    const recording: Recording = recorder.recording({ how: 'completed' });
    const trouble = recording.observers.find(({ name }) => name === 'replica')?.trouble;
    expect(trouble).toEqual([]);
    if (recording.replica === undefined || 'notMeasured' in recording.replica)
      throw new Error('not measured');
    return recording.replica;
  }

  test.skipIf(missing !== null)(
    'it has what was there, takes what is written, and can be read only',
    async () => {
      await migrator.execute("insert into quiet values (1, 'one')");
      await eventually('the row is there', async () => (await quietRows()) === 1);
      if (replica.following === null) throw new Error('no replica follows');
      await using load = await connect(replica.following.roles.load);
      await expect(load.execute("insert into quiet values (2, 'two')")).rejects.toThrow('read-only');
      const recorded = recorder.recording({ how: 'completed' });
      expect(recorded.servers).toMatchObject([{ role: 'replica', version: server.version }]);
      expect(recorded.notes.join(' ')).toContain('binary log');
      expect(JSON.stringify(recorded)).not.toContain('password');
    },
  );

  test.skipIf(missing !== null)(
    'what it applies nothing of for a while, it is behind for as long',
    async () => {
      const heldMs = 700;
      let least = 0;
      let most = 0;
      const record = await observed(async ({ now }) => {
        await onReplica.execute(flavor === 'mariadb' ? 'stop slave sql_thread' : 'stop replica sql_thread');
        const insertedAtMs = now();
        await migrator.execute('insert into quiet select id + 10, note from t limit 1000');
        const answeredAtMs = now();
        await eventually('the time comes', () => now() - answeredAtMs > heldMs);
        least = now() - answeredAtMs;
        await onReplica.execute(flavor === 'mariadb' ? 'start slave' : 'start replica');
        await eventually('the rows are there', async () => (await quietRows()) > 1000);
        most = now() - insertedAtMs;
      });
      if ('notMeasured' in record.lagMs || 'notMeasured' in record.lagBytes) throw new Error('not measured');
      expect(record.lagMs.upper).toBeGreaterThanOrEqual(least);
      expect(record.lagMs.lower).toBeLessThanOrEqual(most);
      expect(record.lagMs.lower).toBeGreaterThan(0);
      expect(record.lagBytes.lower).toBeGreaterThan(900_000);
      expect(record.stoppedBy).toBeNull();
    },
  );

  test.skipIf(missing !== null)(
    'a schema change is timed there, apart from the lag, and others wait behind it',
    async () => {
      const text = 'alter table t add index note_index (note(100)), force, algorithm=copy';
      const record = await observed(async (recorder) => {
        const startedAtMs = recorder.now();
        await migrator.execute(text);
        const tookMs = recorder.now() - startedAtMs;
        const durationMs = exactly(tookMs, 'test');
        const statement = statementRecord({ id: 's1', text: `-- why\n${text};`, startedAtMs, durationMs });
        recorder.setStep(step({ startedAtMs, endedAtMs: recorder.now(), statements: [statement] }));
        for (let id = 2000; id < 2005; id += 1)
          await migrator.execute('insert into quiet values (?, ?)', [id, 'after']);
        await eventually('all is there', async () => (await quietRows()) >= 1006);
      });
      expect(record.replays).toMatchObject([
        { statementId: 's1', kind: 'alter table', ended: true, failed: false },
      ]);
      expect(record.applier).toMatchObject({ workers: flavor === 'mariadb' ? 3 : 4 });
    },
  );

  test.skipIf(missing !== null)(
    'a schema change waits there for a reader of its table, and that is told apart',
    async () => {
      const heldMs = 700;
      if (replica.following === null) throw new Error('no replica follows');
      await using reader = await connect(replica.following.roles.load);
      const record = await observed(async ({ now }) => {
        await reader.execute('begin');
        await reader.query('select count(*) from quiet');
        await migrator.execute('alter table quiet add column late int');
        await eventually('it waits', async () => {
          const rows = await onReplica.query(
            "select 1 from information_schema.processlist where state like 'Waiting for table metadata lock'",
          );
          return rows.length > 0;
        });
        const waitsAtMs = now();
        await eventually('the time comes', () => now() - waitsAtMs > heldMs);
        await reader.execute('rollback');
        await eventually('it is there', async () => {
          const rows = await onReplica.query(
            "select 1 from information_schema.columns where table_name = 'quiet' and column_name = 'late'",
          );
          return rows.length > 0;
        });
      });
      const replays = record.replays === undefined || 'notMeasured' in record.replays ? [] : record.replays;
      // Those that it applied before the observers began are not among them.
      expect(replays).toHaveLength(1);
      const [replay] = replays;
      const { lockWaitedMs = null, durationMs = null } = replay ?? {};
      if (lockWaitedMs === null || durationMs === null) throw new Error('not told');
      if ('notMeasured' in lockWaitedMs || 'notMeasured' in durationMs) throw new Error('not measured');
      expect(lockWaitedMs.upper).toBeGreaterThanOrEqual(heldMs);
      expect(lockWaitedMs.lower).toBeGreaterThan(0);
      expect(lockWaitedMs.lower).toBeLessThanOrEqual(durationMs.upper);
    },
  );

  test.skipIf(missing !== null)('it says why it applies nothing more, and no value of a row', async () => {
    const record = await observed(async () => {
      await onReplica.execute('set session sql_log_bin = 0');
      if (flavor === 'mysql') await onReplica.execute('set global super_read_only = off');
      await onReplica.execute("insert into quiet (id, note) values (777777, 'its own')");
      await migrator.execute("insert into quiet (id, note) values (777777, 'of the primary')");
      const status = flavor === 'mariadb' ? 'show slave status' : 'show replica status';
      await eventually('it has stopped', async () => {
        const [row] = await onReplica.query<{ Last_SQL_Errno: number }>(status);
        return Number(row?.Last_SQL_Errno) !== 0;
      });
    });
    expect(record.stoppedBy).toMatchObject({ code: '1062' });
    expect(record.stoppedBy?.message).toContain('quiet');
    expect(JSON.stringify(record)).not.toContain('777777');
  });

  test.skipIf(missing !== null)(
    'of one that is gone nobody says that it has all, and it leaves nothing behind',
    async () => {
      const directory = replica.following?.server.dataDirectory ?? { missing: '' };
      const programs = replica.following?.server.programs;
      const place = programs && 'where' in programs ? programs.where : null;
      const name = String(place).replace('the container ', '');
      expect(name).toMatch(/^rehearse-replica-/);

      const recorder = newRecorder();
      const { following } = replica;
      const observers = await startObservers({ engine, server, roles, recorder, replica: following });
      await observers.beforeSteps();
      const startedAtMs = recorder.now();
      await eventually('it was read', () => recorder.now() - startedAtMs > 500);
      await execa('docker', ['kill', name]);
      const killedAtMs = recorder.now();
      await migrator.execute("insert into quiet (id, note) values (4000, 'after it')");
      await awaitReplica({ engine, roles, following, recorder, progress, signal });
      const goneMs = recorder.now() - killedAtMs;
      await observers[Symbol.asyncDispose]();
      const { replica: record } = recorder.recording({ how: 'completed' });
      if (record === undefined || 'notMeasured' in record || 'notMeasured' in record.lagMs)
        throw new Error('not measured');
      expect(record.lagMs.upper).toBeGreaterThanOrEqual(goneMs);
      expect(record.caughtUpMs).toMatchObject({ notMeasured: expect.stringContaining('did not catch up') });

      await onReplica[Symbol.asyncDispose]();
      await replica[Symbol.asyncDispose]();
      if ('path' in directory) expect(existsSync(directory.path)).toBe(false);
      expect((await execa('docker', ['ps', '-a', '--format', '{{.Names}}'])).stdout).not.toContain(name);
      expect((await execa('docker', ['volume', 'ls', '--format', '{{.Name}}'])).stdout).not.toContain(name);
      await migrator.execute("insert into quiet (id, note) values (5000, 'without it')");
    },
  );
});
