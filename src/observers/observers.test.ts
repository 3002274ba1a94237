/** The observers together on a real server: none waits, none is in the way, and what each tells of a migration. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  failedStatement,
  type Observed,
  startObserved,
  stepOf,
  until,
  waitOf,
} from '../../tests/observed.ts';
import { eventually } from '../../tests/server.ts';
import { upkeepInTheWay } from '../checks/upkeep-in-the-way.ts';
import type { Session } from '../engines/engine.ts';
import { isMeasured } from '../recording/figure.ts';

let observed: Observed;
let migrator: Session;
let drill: Session;
let administrator: Session;
let observe: Observed['observe'];
let waiting: Observed['waiting'];
let locksRead: Observed['locksRead'];

beforeAll(async () => {
  observed = await startObserved();
  ({ migrator, drill, administrator, observe, waiting, locksRead } = observed);
  // The launcher notices after a while, during the first tests.
  await administrator.execute("alter system set autovacuum_naptime = '1s'");
  await administrator.query('select pg_reload_conf()');
});

afterAll(() => observed[Symbol.asyncDispose]());

test('while an ACCESS EXCLUSIVE lock is held no observer waits for a lock, and all go on reading', async () => {
  const recording = await observe(async ({ recorder, observers }) => {
    await observers.beforeSteps();
    await migrator.execute('begin');
    await migrator.execute('alter table orders alter column total type bigint');
    await migrator.execute('drop index if exists nothing');
    const heldFromMs = recorder.now();
    while (recorder.now() - heldFromMs < 1500) {
      const rows = await administrator.query(`
        select l.pid
        from pg_locks l
        join pg_stat_activity a using (pid)
        where not l.granted and a.application_name like 'rehearse observer%'`);
      expect(rows).toEqual([]);
    }
    // The catalogs are read between the steps of a migration; another one may hold a lock then.
    await observers.afterStep(stepOf());
    await migrator.execute('rollback');
  });
  expect(recording.lockWaits.filter(({ waiter }) => waiter.owner === 'observer')).toEqual([]);
  expect(recording.notMeasured).toEqual([]);
  expect(recording.observers.map(({ name, trouble }) => [name, trouble])).toEqual([
    ['journal', []],
    ['progress', []],
    ['disk', []],
    ['locks', []],
    ['upkeep', []],
  ]);
  const held = recording.heldLocks.find(
    ({ mode, relation }) => mode === 'AccessExclusiveLock' && relation === 'orders',
  );
  expect(held?.sessionId).toBe(migrator.id);
  expect(held !== undefined && isMeasured(held.heldMs) && held.heldMs.upper).toBeGreaterThanOrEqual(1500);
  expect(held !== undefined && isMeasured(held.heldMs) && held.heldMs.lower).toBeGreaterThan(0);
});

test('CREATE INDEX CONCURRENTLY is never made to wait by the observers', async () => {
  const recording = await observe(async ({ observers }) => {
    await observers.beforeSteps();
    await migrator.execute('create index concurrently orders_note on orders (note, id)');
    await observers.afterStep(stepOf());
  });
  expect(
    recording.lockWaits.filter(({ blockers }) => blockers.some(({ owner }) => owner === 'observer')),
  ).toEqual([]);
  expect(recording.changes).toEqual([
    {
      statementId: null,
      version: stepOf().version,
      relation: 'orders_note',
      algorithm: 'index built',
      detail: 'on orders',
      source: 'pg_index, pg_class.relfilenode',
      validity: 'valid',
    },
  ]);
  expect(recording.heldLocks.some(({ mode }) => mode === 'ShareUpdateExclusiveLock')).toBe(true);
});

test('what a tool does to its ledger is no change of the statement beside it', async () => {
  await migrator.execute('create table schema_migrations (version bigint primary key)');
  await migrator.execute('insert into schema_migrations values (1)');
  const recording = await observe(
    async ({ recorder, observers }) => {
      await observers.beforeSteps();
      await migrator.execute('begin');
      await migrator.execute('truncate schema_migrations');
      await migrator.execute('insert into schema_migrations values (2)');
      await locksRead();
      await migrator.execute('commit');
      const startedAtMs = recorder.now();
      const text = 'alter table orders rename column note to remark';
      await migrator.execute(text);
      const failed = failedStatement(migrator, {
        startedAtMs: startedAtMs,
        endedAtMs: recorder.now(),
        code: '',
      });
      await observers.afterStep(
        stepOf({ ...failed, text, outcome: 'ok', effect: 'took effect', error: null }),
      );
    },
    { ledgerTables: new Set(['schema_migrations']) },
  );
  await migrator.execute('alter table orders rename column remark to note');
  await migrator.execute('drop table schema_migrations');
  expect(
    recording.changes.map(({ statementId, relation, algorithm }) => [statementId, relation, algorithm]),
  ).toEqual([
    [failedStatement(migrator, { startedAtMs: 0, endedAtMs: 0, code: '' }).id, 'orders', 'catalog only'],
  ]);
  // Neither the table nor its index.
  expect(recording.heldLocks.filter(({ relation }) => relation.startsWith('schema_migrations'))).toEqual([]);
});

test('sessions that are killed are opened again, and the gap is told', async () => {
  const recording = await observe(async ({ recorder }) => {
    await administrator.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'rehearse observer locks'`,
    );
    const startedAtMs = recorder.now();
    await until(recorder, startedAtMs + 100);
    await eventually('the observer is back', async () => {
      const rows = await administrator.query(
        "select 1 from pg_stat_activity where application_name = 'rehearse observer locks' and state = 'idle'",
      );
      return rows.length === 2 ? true : null;
    });
    await drill.execute('begin');
    await drill.query('select 1 from orders limit 1');
    const alter = migrator.execute('alter table orders add column after_gap int');
    await waiting(migrator);
    await until(recorder, recorder.now() + 100);
    await drill.execute('commit');
    await alter;
  });
  expect(waitOf(recording, migrator).relation).toBe('orders');
  const locks = recording.observers.find(({ name }) => name === 'locks');
  expect(locks?.trouble).toHaveLength(1);
  expect(locks?.trouble[0]).toMatch(/^no reading from \d+ ms to \d+ ms: /);
});

test('a vacuum that the server cancels for the migration is told, with its table', async () => {
  await migrator.execute(`
    create table visits (id int, note text) with (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0,
      autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1);
    insert into visits select i, repeat('x', 200) from generate_series(1, 20000) i`);
  await migrator.execute('delete from visits where id % 2 = 0');
  const recording = await observe(async ({ observers }) => {
    await observers.beforeSteps();
    await eventually('a worker vacuums', async () => {
      const rows = await administrator.query(
        "select 1 from pg_stat_activity where backend_type = 'autovacuum worker' and query like '%visits%'",
      );
      return rows.length > 0;
    });
    await migrator.execute('alter table visits add column seen int');
  });
  expect(recording.upkeep?.cancelled).toMatchObject([{ table: 'visits', work: 'vacuum' }]);
  const findings = upkeepInTheWay.check(recording, { ...recording.budgets });
  expect(findings.map(({ what }) => what)).toEqual([
    expect.stringMatching(/^waited for AccessExclusiveLock behind autovacuum: VACUUM.* public\.visits/),
    expect.stringContaining('autovacuum cancelled by the migration: its vacuum'),
  ]);
});
