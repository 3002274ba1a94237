/** Lock waits on real servers; each test makes the lock that it measures. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  eventually,
  serverMissing,
  serversOf,
  sqlCode,
  startTestServer,
  type TestServer,
} from '../../../../tests/server.ts';
import type { EndedWait, LockReader, LockReading, SeenWait, Session } from '../../engine.ts';
import { openJournal } from '../journal/journal.ts';
import { createLockedTables } from './locked-tables.ts';
import { openLockReader } from './locks.ts';
import { type LockRow, MARIADB, MYSQL, type PairRow } from './row-wait-queries.ts';
import { views } from './views.ts';

const MIGRATOR = 'rehearse_migrator';

for (const spec of serversOf('mysql')) {
  const missing = await serverMissing(spec);
  describe.skipIf(missing !== null)(missing ?? spec.name, () => {
    let server: TestServer;
    const sessions: Session[] = [];
    let migrator: Session;
    let drill: Session;
    let load: Session;
    let otherLoad: Session;
    let inside: Session;
    let reader: LockReader;

    beforeAll(async () => {
      server = await startTestServer(spec);
      const connect = async (role: Parameters<TestServer['connect']>[0], name?: string) => {
        const session = await server.connect(role, name);
        sessions.push(session);
        return session;
      };
      migrator = await connect('migrator');
      drill = await connect('drill', 'test long reader');
      load = await connect('load');
      otherLoad = await connect('load');
      inside = await connect('observerInside');
      await migrator.execute('create table orders (id bigint primary key, total int)');
      await migrator.execute('insert into orders values (1, 1), (2, 2), (3, 3)');
      reader = await openLockReader(await connect('observer'), inside);
    }, 180_000);

    afterAll(async () => {
      for (const session of sessions) await session[Symbol.asyncDispose]();
      await server?.[Symbol.asyncDispose]();
    });

    const read = (): Promise<LockReading> => reader.read(MIGRATOR);

    const waitOf = (reading: LockReading, session: Session): SeenWait | null =>
      reading.waits.find(({ waiterId }) => waiterId === session.id) ?? null;

    /** Reads until the session waits. */
    const waiting = (session: Session): Promise<LockReading> =>
      eventually(`session ${session.id} waits`, async () => {
        const reading = await read();
        return waitOf(reading, session) === null ? null : reading;
      });

    /** Reads until none of these waits go on; what became of each. */
    const ended = async (...waits: readonly (SeenWait | null)[]): Promise<readonly EndedWait[]> => {
      const found: EndedWait[] = [];
      const keys = waits.map((wait) => wait?.key);
      await eventually('the waits end', async () => {
        found.push(...(await read()).ended.filter(({ key }) => keys.includes(key)));
        return found.length === keys.length ? true : null;
      });
      return found;
    };

    /** Reads until it is known to be one on the record alone: MariaDB's monitor is asked every now and then. */
    const rowWait = (session: Session): Promise<SeenWait> =>
      eventually(`session ${session.id} waits for a record`, async () => {
        const wait = waitOf(await read(), session);
        return wait?.mode === 'X,REC_NOT_GAP on PRIMARY' ? wait : null;
      });

    /** The same of one, once its statement has ended for the server too. */
    const settledOf = (wait: SeenWait | null): Promise<EndedWait> =>
      eventually('the statement of the wait ends', async () => {
        const found = (await read()).ended.find(({ key }) => key === wait?.key);
        return found?.timed === undefined ? null : found;
      });

    test.each([20, 300, 1200])(
      'a reader that holds on for %i ms, an ALTER, a SELECT behind it',
      async (heldMs) => {
        await drill.execute('begin');
        await drill.query('select 1 from orders limit 1');
        const alterSentMs = performance.now();
        const alter = migrator.execute(`alter table orders add column held_${heldMs} int`);
        const alterWait = waitOf(await waiting(migrator), migrator);
        const alterWaitsMs = performance.now();
        const selectSentMs = performance.now();
        const select = load.query('select 4711 from orders limit 1');
        const reading = await waiting(load);
        const selectWaitsMs = performance.now();
        const selectWait = waitOf(reading, load);
        expect(waitOf(reading, migrator)).toMatchObject({
          key: alterWait?.key,
          blockerIds: [drill.id],
          target: 'metadata',
          relation: 'orders',
          mode: 'EXCLUSIVE',
        });
        expect(selectWait).toMatchObject({
          blockerIds: [migrator.id],
          relation: 'orders',
          mode: 'SHARED_READ',
        });
        await eventually('the time comes', () => (performance.now() - alterSentMs >= heldMs ? true : null));
        await read();
        const commitMs = performance.now();
        await drill.execute('commit');
        await Promise.all([alter, select]);
        const doneMs = performance.now();
        const waits = await ended(alterWait, selectWait);
        for (const [wait, sentMs, waitsMs] of [
          [alterWait, alterSentMs, alterWaitsMs],
          [selectWait, selectSentMs, selectWaitsMs],
        ] as const) {
          const found = waits.find(({ key }) => key === wait?.key);
          expect(found).toMatchObject({ became: 'granted', timed: { source: 'events_waits_history_long' } });
          expect(found?.timed?.upperMs).toBeGreaterThanOrEqual(commitMs - waitsMs);
          expect(found?.timed?.lowerMs).toBeLessThanOrEqual(doneMs - sentMs);
        }
        // The sessions of the chain are told: who idles in a transaction, and what it read.
        const sessionsSeen = new Map(reading.sessions.map((session) => [session.sessionId, session]));
        expect(sessionsSeen.get(drill.id)).toMatchObject({
          user: 'rehearse_drill',
          applicationName: 'test long reader',
          statement: 'select 1 from orders limit 1',
          state: 'idle in transaction',
        });
        expect(sessionsSeen.get(migrator.id)).toMatchObject({
          user: MIGRATOR,
          statement: `alter table orders add column held_${heldMs} int`,
        });
      },
    );

    test('an ALTER that gives up is told from one that is granted, with how long it waited', async () => {
      await migrator.execute('set session lock_wait_timeout = 1');
      await drill.execute('begin');
      await drill.query('select 1 from orders limit 1');
      const sentMs = performance.now();
      const alter = sqlCode(migrator.execute('alter table orders add column given_up int'));
      const wait = waitOf(await waiting(migrator), migrator);
      const code = alter.then((found) => ({ found, atMs: performance.now() }));
      const [found] = await ended(wait);
      expect((await code).found).toBe('1205');
      expect(found).toMatchObject({ became: 'gave up' });
      // A statement that had not quite failed when its wait was over is told of again.
      const settled = found?.failed === undefined ? (await ended(wait))[0] : found;
      expect(settled).toMatchObject({ became: 'gave up', failed: { code: '1205' } });
      expect(found?.timed?.upperMs).toBeGreaterThanOrEqual(1000);
      expect(found?.timed?.lowerMs).toBeLessThanOrEqual((await code).atMs - sentMs);
      await drill.execute('rollback');
      await migrator.execute('set session lock_wait_timeout = 86400');
    });

    test('a wait that began and ended between two readings is told, as the server timed it', async () => {
      await read();
      await drill.execute('lock tables orders write');
      const sentMs = performance.now();
      const select = load.execute('select total from orders limit 1');
      // Looked at through another view, so that no reading of ours shows it.
      await eventually('the load waits', async () => {
        const [row] = await inside.query<{ state: string | null }>(
          'select processlist_state as state from performance_schema.threads where processlist_id = ?',
          [load.id],
        );
        return row?.state?.includes('metadata lock') === true ? true : null;
      });
      const waitsMs = performance.now();
      const releasedMs = await drill.execute('do sleep(0.03)').then(() => performance.now());
      await drill.execute('unlock tables');
      await select;
      const doneMs = performance.now();
      const missed = await eventually('the wait is drained', async () => {
        const reading = await read();
        expect(waitOf(reading, load)).toBeNull();
        const found = reading.missed?.find(({ waiterId }) => waiterId === load.id) ?? null;
        return found === null ? null : { found, reading, readMs: performance.now() };
      });
      // The server forgets the name of an ended wait's object when the place of its lock is given to another one.
      expect([
        ['metadata', 'orders'],
        ['metadata of an object that the server does not name', null],
      ]).toContainEqual([missed.found.target, missed.found.relation]);
      expect(missed.found.source).toBe('events_waits_history_long');
      expect(missed.found.upperMs).toBeGreaterThanOrEqual(releasedMs - waitsMs);
      expect(missed.found.lowerMs).toBeLessThanOrEqual(doneMs - sentMs);
      expect(missed.found.endedAgoMs.upper).toBeLessThanOrEqual(missed.readMs - releasedMs);
      expect(missed.reading.missedOverran).toBe(false);
      expect(missed.reading.sessions.map(({ sessionId }) => sessionId)).toContain(load.id);
    });

    test('writers of one row wait for each other: the index is named, and the statement tells the end', async () => {
      await drill.execute('begin');
      await drill.query('select * from orders where id = 1 for update');
      const sentMs = performance.now();
      const update = load.execute('update orders set total = 7 where id = 1');
      const reading = await waiting(load);
      const seenMs = performance.now();
      const wait = waitOf(reading, load);
      expect(wait).toMatchObject({ blockerIds: [drill.id], target: 'row', relation: 'orders' });
      expect(wait?.mode).toBe('X,REC_NOT_GAP on PRIMARY');
      // The number of a lock tells the table of another one.
      const queries = spec.flavor === 'mariadb' ? MARIADB : MYSQL;
      const [pair] = await inside.query<PairRow>(queries.pairs);
      const [described] = await inside.query<LockRow>(queries.locks([pair?.wanted]), [pair?.wanted]);
      const tables = createLockedTables(spec.flavor === 'mariadb' ? 'mariadb' : 'mysql');
      if (described !== undefined) tables.learn(described);
      expect(pair?.in_the_way).not.toBe(pair?.wanted);
      expect(tables.get(pair?.in_the_way ?? '')).toEqual({
        schema: inside.target.database,
        table: 'orders',
      });
      await drill.execute('do sleep(0.03)');
      const releasedMs = performance.now();
      await drill.execute('commit');
      await update;
      const found = await settledOf(wait);
      expect(found).toMatchObject({ became: 'granted' });
      expect(found.timed?.upperMs).toBeGreaterThanOrEqual(releasedMs - seenMs);
      expect(found.timed?.upperMs).toBeLessThan(releasedMs - sentMs + 10_000);
    });

    test('a wait inside of a procedure, and one that gives up, end as they did', async () => {
      await migrator.execute('create procedure bump() update orders set total = 8 where id = 1');
      await load.execute('set session innodb_lock_wait_timeout = 1');
      await drill.execute('begin');
      await drill.query('select * from orders where id = 1 for update');
      const called = load.execute('call bump()');
      const inside = await rowWait(load);
      await drill.execute('commit');
      await called;
      const granted = await settledOf(inside);
      expect(granted).toMatchObject({ became: 'granted' });
      expect(granted.timed?.upperMs).toBeGreaterThan(1);
      await drill.execute('begin');
      await drill.query('select * from orders where id = 1 for update');
      const failing = sqlCode(load.execute('update orders set total = 9 where id = 1'));
      const wait = await rowWait(load);
      expect(await failing).toBe('1205');
      const failed = await settledOf(wait);
      expect(failed).toMatchObject({ became: 'gave up', failed: { code: '1205' } });
      expect(failed.timed?.upperMs).toBeGreaterThan(900);
      await drill.execute('rollback');
      await migrator.execute('drop procedure bump');
    });

    test('deadlocks are told, each with both statements, the gap that they fought for and the victim', async () => {
      await migrator.execute('create table slots (id int primary key, place int, key by_place (place))');
      await migrator.execute('insert into slots values (1, 1), (10, 10)');
      const before = await read();
      const deadlocked = async (place: number) => {
        const both = [drill, load] as const;
        for (const session of both) {
          await session.execute('begin');
          await session.query(`select * from slots where place = ${place} for update`);
        }
        const first = sqlCode(drill.execute(`insert into slots values (${place}, ${place})`));
        await waiting(drill);
        const codes = await Promise.all([
          first,
          sqlCode(load.execute(`insert into slots values (${place + 1}, ${place + 1})`)),
        ]);
        const reading = await eventually('the deadlock is told', async () => {
          const found = await read();
          return found.deadlocks?.latest.length === 0 ? null : found;
        });
        for (const session of both) await session.execute('rollback');
        return { codes, reading };
      };
      for (const place of [3, 6]) {
        const { codes, reading } = await deadlocked(place);
        expect(codes.toSorted()).toEqual(['1213', null].toSorted());
        const [deadlock, ...others] = reading.deadlocks?.latest ?? [];
        expect(others).toEqual([]);
        const gap = { relation: 'slots', index: 'by_place' };
        const of = (id: number) => deadlock?.parties.find(({ sessionId }) => sessionId === id);
        for (const [session, statement, code] of [
          [drill, `insert into slots values (${place}, ${place})`, codes[0]],
          [load, `insert into slots values (${place + 1}, ${place + 1})`, codes[1]],
        ] as const)
          expect(of(session.id)).toEqual({
            sessionId: session.id,
            user: session.target.user,
            statement,
            statementCut: false,
            waitedFor: { ...gap, mode: 'X,GAP,INSERT_INTENTION' },
            held: [{ ...gap, mode: 'X,GAP' }],
            victim: code === '1213',
          });
        expect(reading.sessions.map(({ sessionId }) => sessionId)).toEqual(
          expect.arrayContaining([drill.id, load.id]),
        );
      }
      expect((await read()).deadlocks).toEqual({ found: (before.deadlocks?.found ?? 0) + 2, latest: [] });
      await migrator.execute('drop table slots');
    });

    test.runIf(spec.flavor === 'mysql')(
      'who waits for a flush of the tables is told, though that is no lock',
      async () => {
        await using administrator = await server.connect('administrator');
        await drill.execute('lock tables orders read');
        const flush = administrator.execute('flush tables');
        expect(waitOf(await waiting(administrator), administrator)).toMatchObject({ target: 'table flush' });
        const select = load.query('select 1 from orders limit 1');
        const wait = waitOf(await waiting(load), load);
        expect(wait).toMatchObject({ target: 'table flush', relation: null, blockerIds: [] });
        await drill.execute('unlock tables');
        await Promise.all([flush, select]);
        const [found] = await ended(wait);
        expect(found?.became).not.toBe('gave up');
        expect((await read()).waits).toEqual([]);
      },
    );

    test('a lock that the migration owns is told, and that of the load is not', async () => {
      await migrator.execute('begin');
      await migrator.query('select 1 from orders limit 1');
      await load.execute('begin');
      await load.query('select 1 from orders limit 1');
      expect((await read()).held).toEqual([
        { sessionId: migrator.id, relation: 'orders', mode: 'SHARED_READ' },
      ]);
      await migrator.execute('commit');
      await load.execute('commit');
      expect((await read()).held).toEqual([]);
    });

    test('readers that wait behind a writer table lock do not count as blocked by readers', async () => {
      await drill.execute('begin');
      await drill.query('select 1 from orders limit 1');
      const alter = migrator.execute('alter table orders add column behind int');
      await waiting(migrator);
      const selects = [load, otherLoad].map((session) => session.query('select 1 from orders limit 1'));
      await waiting(load);
      const reading = await waiting(otherLoad);
      for (const session of [load, otherLoad])
        expect(waitOf(reading, session)?.blockerIds).toEqual([migrator.id]);
      await drill.execute('commit');
      await Promise.all([alter, ...selects]);
    });

    test('what others do takes no place in the memory of waits', async () => {
      await using administrator = await server.connect('administrator');
      await administrator.execute('truncate table performance_schema.events_waits_history_long');
      for (let time = 0; time < 20; time += 1) await load.query('select 1 from orders limit 1');
      expect(
        await inside.query('select event_name from performance_schema.events_waits_history_long'),
      ).toEqual([]);
    });

    test('nothing that observes waits for a lock, nor holds one, while a table is locked and an ALTER wants it', async () => {
      await drill.execute('lock tables orders write');
      const alter = migrator.execute('alter table orders add column guarded int');
      await waiting(migrator);
      await using cluster = await server.connect('observer', 'test guard cluster');
      await using within = await server.connect('observerInside', 'test guard inside');
      const opened = await views.openLockReader(cluster, within);
      const disk = await views.openDiskReader(cluster, within, null);
      await using administrator = await server.connect('administrator', 'test guard journal');
      const { database } = inside.target;
      const reads: readonly (() => Promise<unknown>)[] = [
        async () => {
          const user = MIGRATOR;
          const request = { administrator, inside: within, dataDirectory: null, user, database };
          const journal = await openJournal(request);
          if ('missing' in journal) throw new Error(journal.missing);
          await journal.read();
          await journal.settle();
          journal.unfinished();
          await journal[Symbol.asyncDispose]();
        },
        () => opened.read(MIGRATOR, true),
        () => disk.read(),
        () => disk.relations(),
        () => disk.logPosition(),
        () => views.readProgress(within),
        () => views.readSettings(within),
        () => views.readClock(within),
        () => views.readLockWaitLimit(within),
        () => views.missing(within),
      ];
      // Read between steps alone. MariaDB's information_schema opens the tables; it gives up by itself where that waits.
      const between = () => views.readRelationStates(within).catch(() => undefined);
      for (const observe of [...reads, between]) {
        let done = false;
        let pending: readonly string[] = [];
        const watched = observe().then(() => {
          done = true;
        });
        while (!done) {
          const ofOurs = await inside.query<Record<'object_name' | 'mode' | 'lock_status' | 'place', string>>(
            `select l.object_name, l.lock_type as mode, l.lock_status, l.object_instance_begin as place
            from performance_schema.metadata_locks l
            join performance_schema.threads t on t.thread_id = l.owner_thread_id
            where t.processlist_id in (?, ?, ?)
              and (l.lock_status = 'PENDING' or l.object_type = 'TABLE' and l.object_schema = ?)`,
            [cluster.id, within.id, administrator.id, database],
          );
          const wanted = ofOurs.filter(({ lock_status: status }) => status === 'PENDING');
          const held = ofOurs.filter((lock) => !wanted.includes(lock));
          expect(held.filter(({ mode }) => observe !== between || mode !== 'SHARED_HIGH_PRIO')).toEqual([]);
          // Each lock is pending for the instant in which it is made; one that waits is so at two looks.
          expect(wanted.filter(({ place }) => pending.includes(String(place)))).toEqual([]);
          pending = wanted.map(({ place }) => String(place));
        }
        await watched;
      }
      expect(waitOf(await read(), migrator)).toMatchObject({ blockerIds: [drill.id] });
      await drill.execute('unlock tables');
      await alter;
    });
  });
}
