/** The journal on a real server: the statements of the migration's user, whoever sends them. */

import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bareRecorder } from '../../tests/recorder.ts';
import { eventually, postgresServer, startTestServer, type TestServer } from '../../tests/server.ts';
import type { Journal, Session } from '../engines/engine.ts';
import { type Figure, isMeasured } from '../recording/figure.ts';
import type { JournalStatement } from '../recording/recording.ts';
import { startObservers } from './index.ts';
import { describeSessions } from './sessions.ts';
import { withToldWaits } from './told-waits.ts';

let started: TestServer;

beforeAll(async () => {
  started = await startTestServer(postgresServer());
});

afterAll(() => started[Symbol.asyncDispose]());

/** What the journal has of the work of a new session of the migration's user. */
async function journalOf(work: (migrator: Session) => Promise<void>): Promise<readonly JournalStatement[]> {
  const recorder = bareRecorder();
  {
    await using _observers = await startObservers({ ...started, recorder });
    await using migrator = await started.connect('migrator', 'any tool');
    await work(migrator);
  }
  const { journal, notMeasured } = recorder.recording({ how: 'completed' });
  expect(notMeasured.filter(({ what }) => /journal/.test(what))).toEqual([]);
  if (journal === undefined || 'notMeasured' in journal) throw new Error(JSON.stringify(journal));
  expect(journal.source).toMatch(/^server log \((?:jsonlog|csvlog)\)$/);
  // The first one is the session's own question for its number.
  return journal.statements
    .slice(1)
    .map((each) => ({ ...each, within: each.within === null ? null : each.within - 1 }));
}

const texts = (statements: readonly JournalStatement[]): readonly string[] =>
  statements.map(({ text }) => text);

function boundsOf(figure: Figure | undefined): { readonly lower: number; readonly upper: number } {
  if (figure === undefined || !isMeasured(figure)) throw new Error(JSON.stringify(figure));
  return figure;
}

test('statements, their transactions and the prepared ones, each with the time of the server', async () => {
  const statements = await journalOf(async (migrator) => {
    await migrator.execute('create table single (id int primary key, note text)');
    await migrator.execute('begin');
    await migrator.execute('insert into single select i from generate_series(1, 100) i');
    await migrator.execute('select pg_sleep(0.05)');
    await migrator.execute('commit');
    await migrator.query('update single set note = $1 where id = $2', ["it's; one", 1]);
  });
  expect(texts(statements)).toEqual([
    'create table single (id int primary key, note text)',
    'begin',
    'insert into single select i from generate_series(1, 100) i',
    'select pg_sleep(0.05)',
    'commit',
    'update single set note = $1 where id = $2',
  ]);
  expect(new Set(statements.map(({ outcome }) => outcome))).toEqual(new Set(['ok']));
  expect(new Set(statements.map(({ message }) => message)).size).toBe(6);
  const transactions = statements.map(({ transaction }) => transaction);
  expect(new Set(transactions.slice(1, 5)).size).toBe(1);
  expect(new Set(transactions).size).toBe(3);
  expect(statements[3]?.transactionId).toMatch(/^\d+$/);
  expect(boundsOf(statements[3]?.durationMs).lower).toBeGreaterThanOrEqual(50);
  for (const [index, { startedAtMs }] of statements.entries()) {
    const next = statements[index + 1];
    if (next !== undefined)
      expect(boundsOf(startedAtMs).lower).toBeLessThanOrEqual(boundsOf(next.startedAtMs).upper);
  }
});

test('the statements of one message are told apart, and so is the one that failed', async () => {
  const statements = await journalOf(async (migrator) => {
    await migrator.execute(
      'create table several (id int); -- a comment; with a semicolon\nselect pg_sleep(0.03); do $$ begin perform pg_sleep(0.06); alter table several add column a int; end $$; insert into several values (1)',
    );
    await migrator.execute('select 1; select 1 / 0; select 2').catch(() => undefined);
    await migrator.execute('select 1; select nothing; select 2').catch(() => undefined);
    await migrator.execute('selec 1').catch(() => undefined);
  });
  expect(
    statements
      .filter(({ within }) => within === null)
      .map(({ outcome, error }) => [outcome, error?.code ?? null]),
  ).toEqual([
    ['ok', null],
    ['ok', null],
    ['ok', null],
    ['ok', null],
    ['ok', null],
    ['failed', '22012'],
    ['not run', null],
    ['ok', null],
    ['failed', '42703'],
    ['not run', null],
    ['failed', '42601'],
  ]);
  const [create, sleep, block] = statements;
  expect(texts([create, sleep].filter((each) => each !== undefined))).toEqual([
    'create table several (id int)',
    'select pg_sleep(0.03)',
  ]);
  expect(new Set(statements.slice(0, 4).map(({ message }) => message)).size).toBe(1);
  expect(boundsOf(sleep?.durationMs).upper).toBeGreaterThanOrEqual(30);
  expect(boundsOf(block?.durationMs).upper).toBeGreaterThanOrEqual(60);
  expect(boundsOf(block?.durationMs).upper - boundsOf(block?.durationMs).lower).toBeLessThanOrEqual(2.01);
  const inside = statements.filter(({ within }) => within !== null);
  expect(inside.map(({ text, within }) => [text, statements[within ?? -1] === block])).toEqual([
    [expect.stringMatching(/^select pg_sleep\(0\.06\)$/i), true],
    ['alter table several add column a int', true],
  ]);
});

const measured = (statement: JournalStatement | undefined): readonly (number | null)[] =>
  [statement?.rows, statement?.logBytes].map((figure) =>
    figure !== undefined && isMeasured(figure) && figure.lower === figure.upper ? figure.lower : null,
  );

const named = (statements: readonly JournalStatement[], pattern: RegExp): readonly JournalStatement[] =>
  statements.filter(({ text }) => pattern.test(text));

test('rows and log are those of each statement, in one message or alone, and of what runs inside it', async () => {
  const statements = await journalOf(async (migrator) => {
    await migrator.execute('create table counted (id int, note text)');
    await migrator.execute(
      "insert into counted select i, 'a' from generate_series(1, 1000) i; update counted set note = 'b' where id <= 10; delete from counted where id > 990",
    );
    await migrator.execute(`do $body$ begin
      for i in 1..5 loop
        insert into counted values (i, 'loop');
        execute format('update counted set note = %L where id = %s', 'c' || i, i);
      end loop;
      alter table counted add column more int;
    end $body$`);
    await migrator.execute(
      "create function fill() returns bigint language sql as 'insert into counted values (7); update counted set more = 1; select 1::bigint'",
    );
    await migrator.execute('select fill()');
    await migrator.execute('select 1 / 0').catch(() => undefined);
    for (const id of [1, 2, 3]) await migrator.execute(`select ${id}`);
  });
  const [insert, update, remove] = statements.slice(1, 4);
  expect([insert, update, remove].map((each) => measured(each)[0])).toEqual([1000, 10, 10]);
  const [insertLog = 0, updateLog = 0] = [insert, update].map((each) => measured(each)[1] ?? 0);
  expect(insertLog).toBeGreaterThan(50_000);
  expect(updateLog).toBeGreaterThan(0);
  expect(updateLog).toBeLessThan(insertLog);
  const block = statements.findIndex(({ text }) => text.startsWith('do $body$'));
  const inside = statements.filter(({ within }) => within === block);
  const runs = (pattern: RegExp): readonly unknown[] =>
    named(inside, pattern).map((each) => [
      each.runs !== undefined && isMeasured(each.runs) ? each.runs.lower : null,
      measured(each)[0],
    ]);
  expect(runs(/^insert into counted/)).toEqual([[5, 5]]);
  // Rows with that id: of the first insert, and of the loop.
  expect(runs(/^update counted/)).toEqual([[5, 10]]);
  expect(runs(/^alter table counted/)).toEqual([[1, 0]]);
  const [alter] = named(inside, /^alter/);
  expect(boundsOf(alter?.durationMs).upper).toBeGreaterThan(0);
  expect(boundsOf(alter?.durationMs).upper).toBeLessThanOrEqual(
    boundsOf(statements[block]?.durationMs).upper,
  );
  // A function in SQL has lines, but no texts in them: they are counted, and the bounds contain what ran.
  const called = statements.findIndex(({ text }) => text === 'select fill()');
  const [filled, set] = ['insert into counted', 'update counted set more'].map((start) =>
    statements.find(({ within, text }) => within === called && text.startsWith(start)),
  );
  for (const [each, rows] of [
    [filled, 1],
    [set, 996],
  ] as const) {
    expect(boundsOf(each?.rows).lower).toBeLessThanOrEqual(rows);
    expect(boundsOf(each?.rows).upper).toBeGreaterThanOrEqual(rows);
  }
  const failed = statements.find(({ outcome }) => outcome === 'failed');
  expect(failed?.rows).toEqual({ notMeasured: 'the server counts nothing of a statement that failed' });
  // Three equal ones but for their values: each returned one row, and none wrote anything.
  expect(named(statements, /^select \d$/).map((each) => boundsOf(each.rows).upper)).toEqual([3, 3, 3]);
  expect(named(statements, /^select \d$/).map((each) => measured(each)[1])).toEqual([0, 0, 0]);
});

test('hostile texts come as they were sent, values bound apart never', async () => {
  const long = `insert into hostile values ('${'x"; ,'.repeat(400_000)}')`;
  const texts = [
    `create table hostile (note text, "odd ""name; --" int)`,
    `insert into hostile values ('it''s; "quoted"'), (E'\\\\\\n'), ($q$a;b -- c$q$), ('é😀\u2028')`,
    'select 1\r\n  -- a comment\r\n  as crlf',
    "select 'line\nend', '{\"query_id\":7}'",
    long,
  ];
  const statements = await journalOf(async (migrator) => {
    for (const text of texts) await migrator.execute(text);
    await migrator.query('insert into hostile (note) values ($1)', ['s3cret-value']);
    await migrator.execute(
      'prepare put(text) as insert into hostile values ($1); execute put($$other$$); select 2',
    );
  });
  expect(statements.slice(0, texts.length).map(({ text }) => text)).toEqual(texts);
  expect(statements.map(({ outcome }) => outcome)).toEqual(statements.map(() => 'ok'));
  expect(JSON.stringify(statements)).not.toContain('s3cret');
  expect(measured(statements[4])[0]).toBe(1);
  const [prepare, execute, select] = statements.slice(-3);
  expect(prepare?.text).toMatch(/^prepare put/);
  expect([execute?.text, select?.text]).toEqual(['execute put($$other$$)', 'select 2']);
  for (const each of [prepare, execute, select]) boundsOf(each?.durationMs);
});

/** Whatever an observer might leave in the user's database, or on the migration's role. */
const LEFT_BEHIND = `
  select 'event trigger ' || evtname as what from pg_catalog.pg_event_trigger
  union all select 'extension ' || extname from pg_catalog.pg_extension
  union all select 'schema ' || nspname from pg_catalog.pg_namespace where nspname !~ '^pg_(toast_)?temp'
  union all select 'function ' || proname from pg_catalog.pg_proc where oid >= 16384
  union all select 'setting ' || setconfig::text from pg_catalog.pg_db_role_setting
  order by 1`;

test('nothing of ours is in the database of the user, neither while the journal is written nor afterwards', async () => {
  await using before = await started.connect('migrator');
  const asBefore = await before.query<{ what: string }>(LEFT_BEHIND);
  const statements = await journalOf(async (migrator) => {
    const meanwhile = await migrator.query<{ what: string }>(LEFT_BEHIND);
    expect(meanwhile.filter(({ what }) => !what.startsWith('setting'))).toEqual(
      asBefore.filter(({ what }) => !what.startsWith('setting')),
    );
    await migrator.execute(
      'create function fire() returns event_trigger language plpgsql as $$ begin raise notice $n$fired$n$; end $$',
    );
    await migrator.execute('create event trigger ours on ddl_command_end execute function fire()');
    await migrator.execute('create table fired (id int)');
    await migrator.execute('drop event trigger ours; drop function fire()');
    await migrator.execute('create extension pg_stat_statements');
    await migrator.execute('select count(*) from pg_stat_statements');
    await migrator.execute('drop extension pg_stat_statements');
    await migrator.execute(
      'create role somebody; drop owned by somebody; drop role somebody; drop table fired',
    );
  });
  expect(statements.map(({ outcome }) => outcome)).toEqual(statements.map(() => 'ok'));
  expect(measured(named(statements, /^create table fired/)[0])[0]).toBe(0);
  expect(await before.query(LEFT_BEHIND)).toEqual(asBefore);
});

/** The journal of the server by itself, without an observer. */
async function openLog(): Promise<
  AsyncDisposable & { readonly log: Journal; readonly administrator: Session }
> {
  const { engine, roles, server } = started;
  const outside = { ...roles.administrator, database: roles.observer.database };
  const administrator = await engine.connections.connect(outside, { applicationName: 'test journal' });
  const inside = await started.connect('observerInside');
  const { path: dataDirectory = null } = 'path' in server.dataDirectory ? server.dataDirectory : {};
  const { user, database } = roles.migrator;
  const log = await engine.views.openJournal?.({ administrator, inside, dataDirectory, user, database });
  if (log === undefined || 'missing' in log) throw new Error(JSON.stringify(log));
  return {
    log,
    administrator,
    async [Symbol.asyncDispose]() {
      await log[Symbol.asyncDispose]();
      await inside[Symbol.asyncDispose]();
      await administrator[Symbol.asyncDispose]();
    },
  };
}

test('waits that the log alone tells have their chain of blockers: reader, ALTER, and the select behind both', async () => {
  const { engine, roles } = started;
  await using opened = await openLog();
  const { log, administrator } = opened;
  await using migrator = await started.connect('migrator');
  await migrator.execute('create table queued (id int)');
  await using reader = await started.connect('load');
  await using select = await started.connect('load');
  await reader.execute('begin');
  await reader.execute('select 1 from queued');
  await migrator.execute("set deadlock_timeout = '10ms'");
  const waiting = (count: number) =>
    eventually('locks that are not granted', async () => {
      const [row] = await administrator.query<{ waits: number }>(
        'select count(*)::int as waits from pg_locks where not granted',
      );
      return row?.waits === count;
    });
  const alter = migrator.execute('alter table queued add column note text');
  await waiting(1);
  const behind = select.execute('select 1 from queued');
  await waiting(2);
  // Both have waited for more than the 10 ms from which on the server tells it.
  await administrator.execute('select pg_sleep(0.1)');
  await reader.execute('commit');
  await Promise.all([alter, behind]);
  const { waits } = await log.settle();
  const chains = withToldWaits([], waits, {
    describe: describeSessions(roles, engine.dialect),
    statements: [],
  });
  const [first, second] = chains.filter(({ relation }) => relation === 'queued');
  expect([first?.waiter, ...(first?.blockers ?? [])]).toMatchObject([
    { sessionId: migrator.id, owner: 'migration' },
    { sessionId: reader.id, owner: 'load' },
  ]);
  expect([second?.waiter, ...(second?.blockers ?? [])]).toMatchObject([
    { sessionId: select.id, owner: 'load', statement: 'select ? from queued' },
    { sessionId: reader.id, owner: 'load' },
    { sessionId: migrator.id, owner: 'migration' },
  ]);
});

test('a log that goes on in other files is read on', async () => {
  await using administrator = await started.connect('administrator');
  const to = async (file: string): Promise<void> => {
    await administrator.execute(`alter system set log_filename = '${file}'`);
    await administrator.execute('select pg_reload_conf()');
    const limitAtMs = performance.now() + 20_000;
    for (;;) {
      const [current] = await administrator.query<{ file: string }>(
        "select concat(pg_current_logfile('csvlog'), ' ', case when current_setting('server_version_num')::int >= 150000 then pg_current_logfile('jsonlog') end) as file",
      );
      if (current?.file.includes(file.replace('.log', '')) === true) return;
      if (performance.now() > limitAtMs) throw new Error(`the log is still ${current?.file}`);
      await administrator.execute('select pg_rotate_logfile()');
    }
  };
  const marks = ['before', 'between', 'behind', 'back'];
  const statements = await journalOf(async (migrator) => {
    await migrator.execute(`select '${marks[0]}'`);
    await to('second.log');
    await migrator.execute(`select '${marks[1]}'`);
    await to('third.log');
    await migrator.execute(`select '${marks[2]}'`);
    await to('rehearsal.log');
    await migrator.execute(`select '${marks[3]}'`);
  });
  expect(texts(statements)).toEqual(marks.map((mark) => `select '${mark}'`));
});

test('a log that is cut off while it is read is told, and read on', async (context) => {
  const { dataDirectory } = started.server;
  if (!('path' in dataDirectory)) return context.skip('the files of this server are not seen');
  await using opened = await openLog();
  const { log, administrator } = opened;
  const [current] = await administrator.query<{ file: string }>(
    "select coalesce(case when current_setting('server_version_num')::int >= 150000 then pg_current_logfile('jsonlog') end, pg_current_logfile('csvlog')) as file",
  );
  await using migrator = await started.connect('migrator');
  await migrator.execute("select 'before'");
  await log.settle();
  await truncate(join(dataDirectory.path, current?.file ?? ''));
  await migrator.execute("select 'behind'");
  const { messages } = await log.settle();
  expect(messages.flatMap(({ statements }) => statements.map(({ text }) => text))).toEqual([
    "select 'behind'",
  ]);
  expect(log.gaps?.()).toMatchObject([
    { what: 'a part of the server log', reason: expect.stringContaining('cut off') },
  ]);
});
