/** Lock timeouts, interruptions, lost connections and transactions of a file's own, on a real server. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { directoryWith, type MigrateOptions, migrate, summary } from '../../tests/migrating.ts';
import { type BareServer, eventually, startBareServer } from '../../tests/server.ts';
import type { Session } from '../engines/engine.ts';
import { findEngine } from '../engines/index.ts';
import { InterruptedError } from '../errors.ts';
import { isMeasured } from '../recording/figure.ts';
import { findTool } from './index.ts';

const engine = findEngine('postgres');
let server: BareServer;

beforeAll(async () => {
  server = await startBareServer();
});
afterAll(() => server[Symbol.asyncDispose]());

async function run(
  session: Session,
  files: Readonly<Record<string, string>>,
  options: MigrateOptions & { readonly tool?: string } = {},
) {
  await using directory = await directoryWith(files);
  const tool = findTool(options.tool ?? 'sql');
  return await migrate({ engine, tool, target: session.target }, directory.path, options);
}

/** Another session of the same database that holds a lock until it is told to let go, or is disposed of. */
async function holding(session: Session, statement: string): Promise<Session> {
  const holder = await engine.connections.connect(session.target, { applicationName: 'test holder' });
  await holder.execute('begin');
  await holder.execute(statement);
  return holder;
}

const LOCK_TIMEOUT = { lockTimeoutMs: 50, retries: 5, backoffMs: 5 };

test('a lock timeout rolls the transaction back, and the whole of it is tried again until the lock is free', async () => {
  await using session = await server.session();
  await session.execute('create table held (id int)');
  await using holder = await holding(session, 'select * from held');
  let alters = 0;
  const { steps } = await run(
    session,
    { '1.sql': 'create table fresh (id int);\nalter table held add c int;' },
    {
      settings: LOCK_TIMEOUT,
      onStatement: (text) => {
        if (text.startsWith('alter') && ++alters === 3) void holder.execute('rollback');
      },
    },
  );
  const [step] = steps;
  expect(step).toMatchObject({ outcome: 'applied', attempts: 3, transaction: 'one', error: null });
  expect(step?.statements.map(({ id, outcome, effect }) => `${id} ${outcome} ${effect}`)).toEqual([
    '1#1.0 ok rolled back',
    '1#1.1 failed rolled back',
    '1#2.0 ok rolled back',
    '1#2.1 failed rolled back',
    '1#3.0 ok took effect',
    '1#3.1 ok took effect',
  ]);
  const gaveUp = step?.statements[1];
  expect(gaveUp?.error?.code).toBe('55P03');
  const duration = gaveUp?.durationMs;
  expect(duration && isMeasured(duration) ? duration.lower : 0).toBeGreaterThanOrEqual(50);
  expect(gaveUp?.sessionId).toEqual(expect.any(Number));
});

test('without a transaction only the statement that gave up is tried again', async () => {
  await using session = await server.session();
  await session.execute('create table held (id int)');
  await using holder = await holding(session, 'select * from held');
  let alters = 0;
  const { steps } = await run(
    session,
    {
      '1.sql':
        '-- rehearse: no-transaction\ncreate table fresh (id int);\nalter table held add c int;\nselect 1;',
    },
    {
      settings: LOCK_TIMEOUT,
      onStatement: (text) => {
        if (text.startsWith('alter') && ++alters === 2) void holder.execute('rollback');
      },
    },
  );
  expect(steps.map(summary)).toEqual([
    '1 applied: ok took effect, failed none, ok took effect, ok took effect',
  ]);
  expect(steps[0]?.statements.map(({ id }) => id)).toEqual(['1#1.0', '1#1.1', '1#2.1', '1#2.2']);
});

test('when the retries are used up the step has failed, what follows is not run, and nothing is thrown', async () => {
  await using session = await server.session();
  await session.execute('create table held (id int)');
  await using _holder = await holding(session, 'select * from held');
  const { steps, thrown } = await run(
    session,
    { '1.sql': 'alter table held add c int', '2.sql': 'select 1' },
    { settings: { ...LOCK_TIMEOUT, retries: 1 } },
  );
  expect(thrown).toBeNull();
  expect(steps.map(({ outcome, attempts }) => ({ outcome, attempts }))).toEqual([
    { outcome: 'failed', attempts: 2 },
    { outcome: 'not run', attempts: 0 },
  ]);
  expect(steps[0]?.error).toMatchObject({ code: '55P03', statement: 'alter table held add c int' });
});

test('an index that a failed CREATE INDEX CONCURRENTLY leaves is noted once, and stands in the way of the retry', async () => {
  await using session = await server.session();
  await session.execute('create table held (id int)');
  await using _holder = await holding(session, 'insert into held values (1)');
  const { steps, notes } = await run(
    session,
    { '1.sql': 'create index concurrently held_id on held (id);' },
    { settings: LOCK_TIMEOUT },
  );
  expect(steps[0]?.statements.map(({ effect, error }) => ({ effect, code: error?.code }))).toEqual([
    { effect: 'unknown', code: '55P03' },
    { effect: 'unknown', code: '42P07' },
  ]);
  expect(notes).toEqual([expect.stringMatching(/^1\.sql:1: .*invalid index may be left/)]);
});

test('an interruption cancels the running statement and keeps what was seen', async () => {
  await using session = await server.session();
  const controller = new AbortController();
  const { steps, thrown } = await run(
    session,
    { '1.sql': 'create table fresh (id int);\nselect pg_sleep(60);', '2.sql': 'select 1' },
    {
      signal: controller.signal,
      onStatement: (text) => {
        if (!text.includes('pg_sleep')) return;
        void eventually(
          'the migration sleeping',
          async () =>
            (await session.query("select 1 from pg_stat_activity where wait_event = 'PgSleep'")).length > 0,
        ).then(() => controller.abort(new InterruptedError('SIGINT')));
      },
    },
  );
  expect(thrown).toBeInstanceOf(InterruptedError);
  expect(steps.map(summary)).toEqual([
    '1 failed: ok rolled back, failed rolled back',
    '2 not run: not run none',
  ]);
  expect(steps[0]?.error?.message).toMatch(/^interrupted: canceling statement/);
  expect(await session.query("select to_regclass('fresh') as fresh")).toEqual([{ fresh: null }]);
});

test('a lost connection fails the step with an unknown effect', async () => {
  await using session = await server.session();
  const { steps, thrown } = await run(
    session,
    { '1_a.up.sql': 'create table fresh (id int);\nselect pg_sleep(60);', '2_b.up.sql': 'select 1' },
    {
      tool: 'golang-migrate',
      onStatement: () =>
        void eventually(
          'the migration sleeping',
          async () =>
            (
              await session.query(
                "select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'",
              )
            ).length > 0,
        ),
    },
  );
  expect(thrown).toBeNull();
  expect(steps.map(({ outcome }) => outcome)).toEqual(['failed', 'not run']);
  expect(steps[0]?.error).toMatchObject({
    code: '57P01',
    message: expect.stringMatching(/^connection lost: /),
  });
  expect(steps[0]?.statements.map(({ effect }) => effect)).toEqual(['unknown']);
  expect(await session.query('select * from schema_migrations')).toEqual([{ version: '1', dirty: true }]);
});

test('the position of an error names the failing statement of a message', async () => {
  await using session = await server.session();
  const files = { '1_a.up.sql': "create table t (a text default 'ä𝒳');\n\nselect nope from t;\nselect 1;\n" };
  const { steps } = await run(session, files, { tool: 'golang-migrate' });
  expect(steps.map(summary)).toEqual(['1 failed: ok rolled back, failed rolled back, not run none']);
  expect(steps[0]?.statements[1]).toMatchObject({ text: 'select nope from t', line: 3 });
  expect(steps[0]?.error).toMatchObject({ code: '42703', statement: 'select nope from t', position: 8 });
});

test('the statements of one message have no duration of their own; a message of one statement has', async () => {
  await using session = await server.session();
  const files = { '1_a.up.sql': 'select 1; select pg_sleep(0.05);', '2_b.up.sql': 'select pg_sleep(0.05);' };
  const { steps } = await run(session, files, { tool: 'golang-migrate' });
  expect(steps[0]?.statements.map(({ durationMs }) => isMeasured(durationMs))).toEqual([false, false]);
  expect((steps[0]?.endedAtMs ?? 0) - (steps[0]?.startedAtMs ?? 0)).toBeGreaterThanOrEqual(50);
  const [alone] = steps[1]?.statements ?? [];
  expect(alone && isMeasured(alone.durationMs) ? alone.durationMs.lower : 0).toBeGreaterThanOrEqual(50);
});

test('a file that commits half of itself keeps that half', async () => {
  await using session = await server.session();
  const { steps } = await run(session, {
    '1.sql':
      'begin; create table kept (id int); commit; begin; create table lost (id int); select 1 / 0; commit;',
  });
  expect(steps.map(summary)).toEqual([
    '1 failed: ok took effect, ok took effect, ok took effect, ok rolled back, ok rolled back, failed rolled back, ' +
      'not run none',
  ]);
  expect(
    await session.query("select to_regclass('kept')::text as kept, to_regclass('lost') as lost"),
  ).toEqual([{ kept: 'kept', lost: null }]);
});

test('a file that never ends its transaction has failed', async () => {
  await using session = await server.session();
  const { steps } = await run(session, { '1.sql': 'begin; create table t (id int);' });
  expect(steps[0]).toMatchObject({
    outcome: 'failed',
    error: { message: expect.stringMatching(/never ends it/) },
  });
});

test('what a deferred constraint refuses at COMMIT is a failure of the step, and nothing is left', async () => {
  await using session = await server.session();
  const { steps } = await run(session, {
    '1.sql':
      'create table p (id int primary key); create table c (id int references p deferrable initially deferred); ' +
      'insert into c values (1);',
  });
  expect(steps.map(summary)).toEqual(['1 failed: ok rolled back, ok rolled back, ok rolled back']);
  expect(steps[0]?.error).toMatchObject({ code: '23503', statement: 'commit' });
});

test('the statement timeout of the settings holds on the session of the migration', async () => {
  await using session = await server.session();
  const files = { '1.sql': 'select pg_sleep(60)' };
  const { steps } = await run(session, files, { settings: { statementTimeoutMs: 30 } });
  expect(steps[0]?.error?.code).toBe('57014');
});

test('after an interruption the migrations that were not begun are not run', async () => {
  await using session = await server.session();
  const controller = new AbortController();
  const { steps, thrown } = await run(
    session,
    { '1.sql': 'create table kept (id int)', '2.sql': 'select 1' },
    { signal: controller.signal, afterStep: () => controller.abort(new InterruptedError('SIGTERM')) },
  );
  expect(thrown).toBeInstanceOf(InterruptedError);
  expect(steps.map(({ outcome }) => outcome)).toEqual(['applied', 'not run']);
});
