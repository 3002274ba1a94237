/** The journal on real MySQL and MariaDB servers: the statements of the migration's user, whoever sends them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bareRecorder } from '../../tests/recorder.ts';
import { serverMissing, serversOf, startTestServer, type TestServer } from '../../tests/server.ts';
import { type Figure, isMeasured } from '../recording/figure.ts';
import type { NotMeasured, StatementJournal } from '../recording/recording.ts';
import { journal } from './journal.ts';
import { migrationUnseen } from './observer.ts';

function boundsOf(figure: Figure | undefined): { readonly lower: number; readonly upper: number } {
  if (figure === undefined || !isMeasured(figure)) throw new Error(JSON.stringify(figure));
  return figure;
}

for (const spec of serversOf('mysql')) {
  const missing = await serverMissing(spec);
  describe.skipIf(missing !== null)(missing ?? spec.name, () => {
    let started: TestServer;

    beforeAll(async () => {
      started = await startTestServer(spec);
    });

    afterAll(() => started?.[Symbol.asyncDispose]());

    interface Told extends StatementJournal {
      readonly gaps: readonly NotMeasured[];
      readonly atMs: readonly [before: number, after: number];
    }

    async function journalOf(work: () => Promise<void>): Promise<Told> {
      const recorder = bareRecorder('journal');
      const observer = await journal.start({
        ...started,
        recorder,
        toldWaits: [],
        migration: migrationUnseen(),
        told: { cancels: null, waits: null, deadlocks: null, transactions: [] },
      });
      const before = recorder.now();
      await work();
      const after = recorder.now();
      await observer[Symbol.asyncDispose]();
      const { journal: told, notMeasured } = recorder.recording({ how: 'completed' });
      if (told === undefined || 'notMeasured' in told) throw new Error(JSON.stringify(told));
      return { ...told, gaps: notMeasured, atMs: [before, after] };
    }

    test('statements with rows, warnings, errors and row-lock waits, nested and in one packet', async () => {
      let sessionId = 0;
      const { statements, gaps, source, atMs } = await journalOf(async () => {
        await using migrator = await started.connect('migrator', 'any tool');
        sessionId = migrator.id;
        await migrator.execute('create table t (id int primary key, a int)');
        await migrator.execute(
          '-- first\ninsert into t values (1, 1), (2, 2), (3, 3); -- then\nupdate t set a = a + 1 where id < 3',
        );
        await migrator.execute(
          'create procedure p() begin insert into t values (9, 9); select sleep(0.05); end',
        );
        await migrator.execute('call p()');
        await migrator.execute('drop table if exists nothing');
        await migrator.execute('select wrong from t').catch(() => undefined);
        await using holder = await started.connect('drill');
        await holder.execute('begin');
        await holder.execute('update t set a = 0 where id = 1');
        const waiting = migrator.execute('update t set a = 7 where id = 1');
        await holder.execute('do sleep(0.15)');
        await holder.execute('commit');
        await waiting;
        await migrator.execute('begin');
        await migrator.execute('insert into t values (10, 10)');
        await migrator.execute('delete from t where id = 10');
        await migrator.execute('commit');
        await migrator.execute(`select '${'x'.repeat(5_000)}'`);
      });
      expect(gaps).toEqual([]);
      expect(source).toBe('events_statements_history_long');
      const own = statements.filter((each) => each.sessionId === sessionId).slice(2);
      expect(own.length).toBe(statements.length - 2);
      const short = own.map(({ text, outcome, rows }) => [
        text.slice(0, 40),
        outcome,
        isMeasured(rows) ? rows.upper : null,
      ]);
      expect(short).toEqual([
        ['create table t (id int primary key, a in', 'ok', 0],
        ['-- first\ninsert into t values (1, 1), (2', 'ok', 3],
        ['-- then\nupdate t set a = a + 1 where id ', 'ok', 2],
        ['create procedure p() begin insert into t', 'ok', 0],
        ['call p()', 'ok', expect.any(Number)],
        ['insert into t values (9, 9)', 'ok', spec.flavor === 'mysql' ? 1 : null],
        ['select sleep(0.05)', 'ok', 1],
        ['drop table if exists nothing', 'ok', 0],
        ['select wrong from t', 'failed', 0],
        ['update t set a = 7 where id = 1', 'ok', 1],
        ['begin', 'ok', 0],
        ['insert into t values (10, 10)', 'ok', 1],
        ['delete from t where id = 10', 'ok', 1],
        ['commit', 'ok', 0],
        [`select '${'x'.repeat(32)}`, 'ok', 1],
      ]);
      const at = (text: string) => own.find((each) => each.text.startsWith(text));
      const call = statements.findIndex(({ text }) => text === 'call p()');
      expect([at('insert into t values (9')?.within, at('select sleep')?.within]).toEqual([call, call]);
      expect(at('call p()')?.within).toBeNull();
      expect(boundsOf(at('call p()')?.durationMs).lower).toBeGreaterThanOrEqual(50);
      expect(at('drop table')?.warnings).toBe(1);
      expect(at('select wrong')?.error).toMatchObject({ code: '1054' });
      const locked = at('update t set a = 7')?.lockMs;
      if (spec.flavor === 'mysql') expect(boundsOf(locked).lower).toBeGreaterThanOrEqual(100);
      else expect(locked).toHaveProperty('notMeasured');
      expect(new Set(own.slice(11, 14).map(({ transaction }) => transaction)).size).toBe(1);
      expect(own[11]?.transaction).not.toBeNull();
      expect(own.map(({ textCut = false }) => textCut)).toEqual(own.map((_, index) => index === 14));
      expect(own[14]?.text.length).toBe(4096);
      expect(new Set(own.map(({ applicationName }) => applicationName))).toEqual(new Set(['any tool']));
      for (const [index, { startedAtMs }] of own.entries()) {
        const { lower, upper } = boundsOf(startedAtMs);
        expect(upper).toBeGreaterThanOrEqual(atMs[0]);
        expect(lower).toBeLessThanOrEqual(atMs[1]);
        const next = own[index + 1];
        if (next !== undefined) expect(lower).toBeLessThanOrEqual(boundsOf(next.startedAtMs).upper);
      }
    }, 60_000);

    test('our own look-out beside the migration is no statement of it, and fills no memory', async () => {
      const { statements, gaps } = await journalOf(async () => {
        await using migrator = await started.engine.connections.connect(started.roles.migrator, {
          applicationName: 'rehearse migration',
          lockTimeoutMs: 100,
        });
        await using clock = await started.connect('drill');
        await clock.execute('do sleep(0.4)');
        await migrator.execute('do sleep(1)');
        await using observer = await started.connect('observerInside');
        const [ring] = await observer.query<{ looks: number }>(
          "select count(*) as looks from performance_schema.events_statements_history_long where sql_text like '%processlist_state as state%' or sql_text like 'select state, 0 as row_wait%'",
        );
        expect(Number(ring?.looks)).toBeLessThan(20);
      });
      expect(gaps).toEqual([]);
      expect(statements.filter(({ text }) => text.startsWith('do'))).toHaveLength(1);
      expect(new Set(statements.map(({ applicationName }) => applicationName))).toEqual(
        new Set(['rehearse migration']),
      );
    }, 60_000);

    test('sessions too short to be seen, and what the ring has lost before it was read', async () => {
      await using load = await started.connect('load', 'busy');
      const short = async (text: string) => {
        await using migrator = await started.connect('migrator', 'short');
        await migrator.execute(text);
      };
      const wanted = Array.from({ length: 12 }, (_, index) => `do ${index}`);
      const { statements, gaps } = await journalOf(async () => {
        for (const text of wanted) {
          await short(text);
          await load.execute(text);
        }
      });
      expect(gaps).toEqual([]);
      expect(statements.map(({ text }) => text).filter((text) => text.startsWith('do '))).toEqual(wanted);

      const { statements: kept, gaps: lost } = await journalOf(async () => {
        await short('do 1');
        for (let packet = 0; packet < 6; packet += 1)
          await load.execute(Array.from({ length: 2_000 }, () => 'do 0').join(';'));
      });
      const told = kept.filter(({ text }) => text === 'do 1').length;
      const missing = lost.map(({ reason }) => /^the server counted \d+ more; the ring/.test(reason));
      // Whoever reads within the moment that the ring takes to go round has lost nothing.
      expect(missing).toEqual(told === 1 ? [] : [true]);
    }, 60_000);
  });
}
