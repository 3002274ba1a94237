/** The contract of the engine's own views: lock waits, disk, progress, what a statement did, facts of the server. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DiskReader, LockReader, LockReading, Session } from '../../src/engines/engine.ts';
import { startObservers } from '../../src/observers/index.ts';
import type { LockWait, Recording } from '../../src/recording/recording.ts';
import { bareRecorder } from '../recorder.ts';
import { eventually, type TestServer } from '../server.ts';
import type { Fixture } from './fixtures.ts';

/** An index of them is larger than what InnoDB keeps free at the end of a file. */
const ROWS = 20_000;
const HELD_MS = 700;
/** Half a reading beside the true wait, or a tenth of it. */
const NEAR_MS = 50;
const NEAR_SHARE = 0.1;

export function viewsContract(given: () => TestServer, fixture: Fixture): void {
  const sessions: Session[] = [];
  let migrator: Session;
  let drill: Session;
  let load: Session;
  let inside: Session;
  let cluster: Session;

  beforeAll(async () => {
    const connect = async (...args: Parameters<TestServer['connect']>) => {
      const session = await given().connect(...args);
      sessions.push(session);
      return session;
    };
    migrator = await connect('migrator');
    drill = await connect('drill', 'test long reader');
    load = await connect('load');
    inside = await connect('observerInside');
    cluster = await connect('observer');
    await migrator.execute(
      'create table states (id int primary key, quantity int not null, note varchar(300), filler varchar(300))',
    );
    await migrator.execute(
      `insert into states select i, i, concat('note ', i, repeat(' x', 60)), repeat('y', 200) from (${fixture.numbers(ROWS)}) as n order by i`,
    );
  });
  afterAll(async () => {
    for (const session of sessions) await session[Symbol.asyncDispose]();
  });

  const waiting = (reader: LockReader, session: Session): Promise<LockReading> =>
    eventually(`session ${session.id} waits`, async () => {
      const reading = await reader.read(given().roles.migrator.user);
      return reading.waits.some(({ waiterId }) => waiterId === session.id) ? reading : null;
    });

  /** An idle reader, a DDL behind it, a reader behind that; `atBlock` once all of them stand. */
  async function convoy(
    column: string,
    atBlock: (sentMs: { alter: number; select: number }) => Promise<void>,
  ) {
    await drill.execute('begin');
    await drill.query('select id from states where id = 1');
    const reader = await given().engine.views.openLockReader(cluster, inside);
    const alterSentMs = performance.now();
    const alter = migrator.execute(`alter table states add column ${column} int`);
    await waiting(reader, migrator);
    const selectSentMs = performance.now();
    const select = load.query('select id from states where id = 2');
    await waiting(reader, load);
    await atBlock({ alter: alterSentMs, select: selectSentMs });
    await drill.execute('commit');
    await Promise.all([alter, select]);
  }

  test('a reader blocks a DDL, and the DDL the readers behind it', async () => {
    const reader = await given().engine.views.openLockReader(cluster, inside);
    await convoy('blocked', async () => {
      const reading = await reader.read(given().roles.migrator.user);
      const waitOf = (session: Session) => reading.waits.find(({ waiterId }) => waiterId === session.id);
      expect(waitOf(migrator)).toMatchObject({ blockerIds: [drill.id], relation: 'states' });
      expect(waitOf(load)).toMatchObject({ blockerIds: [migrator.id], relation: 'states' });
      const seen = new Map(reading.sessions.map((session) => [session.sessionId, session]));
      expect(seen.get(drill.id)).toMatchObject({
        user: given().roles.drill.user,
        applicationName: 'test long reader',
        statement: expect.stringContaining('select id from states'),
        state: 'idle in transaction',
      });
      expect(seen.get(migrator.id)).toMatchObject({
        user: given().roles.migrator.user,
        statement: 'alter table states add column blocked int',
      });
      expect(seen.get(load.id)).toMatchObject({ user: given().roles.load.user });
    });
    const after = await reader.read(given().roles.migrator.user);
    expect(after.waits).toEqual([]);
  });

  // Again where the machine was too busy to read the views often.
  const attempts = { retry: 2 };
  let attempt = 0;
  test(
    'the recorded waits are as long as the lock was in the way, with the chain to its root',
    attempts,
    async () => {
      attempt += 1;
      const recorder = bareRecorder('contract');
      const observers = await startObservers({ ...given(), recorder });
      const trueMs = { alter: 0, select: 0 };
      const heldMs = { alter: 0, select: 0 };
      try {
        let sent = { alter: 0, select: 0 };
        await convoy(`recorded_${attempt}`, async (sentMs) => {
          sent = sentMs;
          const stoodMs = performance.now();
          await eventually('the lock is held long enough', () => performance.now() - stoodMs >= HELD_MS);
          for (const who of ['alter', 'select'] as const) heldMs[who] = performance.now() - stoodMs;
        });
        const doneMs = performance.now();
        for (const who of ['alter', 'select'] as const) trueMs[who] = doneMs - sent[who];
      } finally {
        await observers[Symbol.asyncDispose]();
      }
      const recording = recorder.recording({ how: 'completed' });
      const alter = waitOf(recording, migrator);
      const select = waitOf(recording, load);
      expect(alter).toMatchObject({
        ended: 'granted',
        relation: 'states',
        blockers: [{ sessionId: drill.id }],
      });
      expect(select.blockers.map(({ sessionId }) => sessionId)).toEqual([drill.id, migrator.id]);
      for (const [who, { waitedMs }] of [
        ['alter', alter],
        ['select', select],
      ] as const) {
        if ('notMeasured' in waitedMs) throw new Error(waitedMs.notMeasured);
        const near = Math.max(NEAR_MS, NEAR_SHARE * trueMs[who]);
        expect(waitedMs.upper).toBeGreaterThanOrEqual(heldMs[who]);
        expect(waitedMs.lower).toBeGreaterThanOrEqual(trueMs[who] - near);
        expect(waitedMs.upper).toBeLessThanOrEqual(trueMs[who] + near);
      }
    },
  );

  test('a built index shows on the disk and in the log', async () => {
    const { dataDirectory } = given().server;
    const path = 'missing' in dataDirectory ? null : dataDirectory.path;
    const readers: readonly DiskReader[] = [
      await given().engine.views.openDiskReader(cluster, inside, path),
      await given().engine.views.openDiskReader(cluster, inside, null),
    ];
    const positions = await Promise.all(readers.map((reader) => reader.logPosition()));
    const before = await Promise.all(readers.map((reader) => reader.read()));
    const bytesOf = async (reader: DiskReader) =>
      (await reader.relations()).reduce((sum, { bytes }) => sum + bytes, 0);
    const relationsBefore = await Promise.all(readers.map(bytesOf));
    expect(Math.max(...relationsBefore)).toBeGreaterThan(ROWS * 300);
    await migrator.execute('create index states_note on states (note, filler)');
    for (const [index, reader] of readers.entries()) {
      expect(reader.source).not.toBe('');
      const larger = await eventually('the index is on disk', async () => {
        const after = await reader.read();
        return sum(after) > sum(before[index] ?? {}) + 1_000_000 && after;
      });
      expect(larger.tables).toBeGreaterThan(0);
      // Without the data directory some servers tell no sizes of single relations.
      const known = relationsBefore[index] ?? 0;
      if (known > 0)
        await eventually(
          'the index is among the relations',
          async () => (await bytesOf(reader)) > known + 1_000_000,
        );
      const position = await reader.logPosition();
      expect(position).toBeGreaterThan(positions[index] ?? Number.POSITIVE_INFINITY);
    }
    await migrator
      .execute('drop index states_note on states')
      .catch(() => migrator.execute('drop index states_note'));
  });

  test('what a statement did to a table is told apart', async () => {
    const { readRelationStates, compareRelationStates } = given().engine.views;
    const algorithmsOf = async (statement: string) => {
      const before = await readRelationStates(inside);
      await migrator.execute(statement);
      const changes = compareRelationStates(before, await readRelationStates(inside));
      return changes.map(({ algorithm }) => algorithm);
    };
    expect(await algorithmsOf('select 1')).toEqual([]);
    expect(await algorithmsOf('alter table states add column added int')).toEqual([
      fixture.algorithms.addColumn,
    ]);
    expect(await algorithmsOf('create index states_quantity on states (quantity)')).toEqual([
      fixture.algorithms.createIndex,
    ]);
    expect((await algorithmsOf(fixture.rewrite))[0]).toBe(fixture.algorithms.rewrite);
  });

  test('what happens to a table that is left out is not told', async () => {
    const { readRelationStates, compareRelationStates } = given().engine.views;
    await migrator.execute('create table states_ledger (version int primary key)');
    await migrator.execute('insert into states_ledger values (1)');
    const changesWithout = async (...names: readonly string[]) => {
      const before = await readRelationStates(inside, new Set(names));
      await migrator.execute('truncate table states_ledger');
      return compareRelationStates(before, await readRelationStates(inside, new Set(names)));
    };
    expect(await changesWithout('states_ledger')).toEqual([]);
    expect((await changesWithout('states')).length).toBeGreaterThan(0);
    await migrator.execute('drop table states_ledger');
  });

  test('progress can be read while a statement runs, and is empty when none does', async () => {
    const { readProgress } = given().engine.views;
    expect(await readProgress(inside)).toEqual([]);
    let done = false;
    const build = migrator.execute('create index states_filler on states (filler, note, id)').then(() => {
      done = true;
    });
    while (!done)
      for (const { sessionId, phase, total } of await readProgress(inside)) {
        expect(sessionId).toBe(migrator.id);
        expect(phase).not.toBe('');
        expect(total).toBeGreaterThanOrEqual(0);
      }
    await build;
  });

  test('a session tells how long it waits for a lock', async () => {
    const { setting, limitMs } = await given().engine.views.readLockWaitLimit(migrator);
    expect(setting).toMatch(/^lock_(wait_)?timeout$/);
    expect(limitMs ?? Number.POSITIVE_INFINITY).toBeGreaterThan(60_000);
    await using limited = await given().engine.connections.connect(given().roles.migrator, {
      applicationName: 'test lock timeout',
      lockTimeoutMs: 7_000,
    });
    expect(await given().engine.views.readLockWaitLimit(limited)).toEqual({ setting, limitMs: 7_000 });
  });

  test('the clock, the settings and what cannot be seen are told', async () => {
    const { readClock, readSettings, missing } = given().engine.views;
    const askedMs = Date.now();
    const clockMs = await readClock(inside);
    expect(clockMs).toBeGreaterThanOrEqual(askedMs - 1_000);
    expect(clockMs).toBeLessThanOrEqual(Date.now() + 1_000);
    const settings = await readSettings(inside);
    expect(settings.length).toBeGreaterThan(3);
    expect(settings.filter(({ name }) => /password|_dir$|socket/.test(name))).toEqual([]);
    for (const { what, reason } of await missing(inside)) expect([what, reason]).not.toContain('');
    const ofDrill = await missing(drill);
    expect(ofDrill.length).toBeGreaterThanOrEqual((await missing(inside)).length);
  });
}

function waitOf(recording: Recording, session: Session): LockWait {
  const found = recording.lockWaits.filter(({ waiter }) => waiter.sessionId === session.id);
  expect(found).toHaveLength(1);
  const [only] = found;
  if (only === undefined) throw new Error('no wait');
  return only;
}

function sum(areas: Readonly<Record<string, number>>): number {
  return Object.values(areas).reduce((total, bytes) => total + bytes, 0);
}
