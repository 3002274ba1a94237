/** The journal on a real server: the statements of the migration's user, whoever sends them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { postgresServer, startTestServer, type TestServer } from '../../tests/server.ts';
import type { Session } from '../engines/engine.ts';
import { type Figure, isMeasured } from '../recording/figure.ts';
import { createRecorder } from '../recording/recorder.ts';
import type { JournalStatement } from '../recording/recording.ts';
import { startObservers } from './index.ts';

let started: TestServer;

beforeAll(async () => {
  started = await startTestServer(postgresServer());
});

afterAll(() => started[Symbol.asyncDispose]());

/** What the journal has of the work of a new session of the migration's user. */
async function journalOf(work: (migrator: Session) => Promise<void>): Promise<readonly JournalStatement[]> {
  const recorder = createRecorder({
    harnessVersion: '0',
    scenario: 'test',
    randomSeed: 1,
    budgets: {
      lockWaitMs: null,
      stallMs: null,
      durationMs: null,
      diskGrowthPeak: null,
      failedOperations: null,
      latencyP99: null,
      replicaLagMs: null,
    },
    migrations: { tool: 'plain', directory: '', lockTimeoutMs: null, applied: [], pending: [] },
  });
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
