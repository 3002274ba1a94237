import { expect, test } from 'vitest';
import { between, exactly } from '../recording/figure.ts';
import type { LockWait, Recording, SessionRecord } from '../recording/recording.ts';
import { type BlockedApplication, blockedApplication } from './blocked.ts';
import {
  loadRecord,
  loadSession,
  lockWaitRecord,
  MIGRATION,
  READER,
  recording,
  service,
  statementRecord,
  step,
} from './recording.fixture.ts';

/** A wait of the load that began at 2.11 s, while the statement ran, with the migration in its chain. */
function queued(sessionId: number, ms: number, changes: Partial<LockWait> = {}): LockWait {
  return lockWaitRecord(between(ms - 5, ms + 5, 'pg_locks'), {
    waiter: loadSession(sessionId),
    blockers: [READER, MIGRATION],
    mode: 'AccessShareLock',
    startedAtMs: 2110,
    statementId: null,
    ...changes,
  });
}

/** No operation took longer than `slowestMs`. */
function blocked(
  lockWaits: readonly LockWait[],
  changes: Partial<Recording> = {},
  slowestMs = 1000,
): BlockedApplication {
  const load = loadRecord({ latencies: [service('baseline', 2), service('migration', slowestMs)] });
  const found = blockedApplication(recording({ load, lockWaits, ...changes }));
  if (found === null) throw new Error('the fixture has a load and migrations');
  return found;
}

test('operations behind a statement that waits itself count once, behind the statement, and the root is named', () => {
  const { statements, doubt } = blocked([
    lockWaitRecord(900),
    queued(30, 800),
    queued(31, 700, { blockers: [READER, MIGRATION, loadSession(30)] }),
  ]);
  expect(doubt).toBeNull();
  expect(statements).toMatchObject([
    {
      behind: { statement: { id: '1#1.1' } },
      operations: { lower: 2, upper: 2 },
      lostMs: { lower: 1490, upper: 1510 },
      longestMs: { lower: 795, upper: 805 },
      tables: [{ table: 'orders' }],
      roots: [READER],
    },
  ]);
});

test('a statement that holds the lock is the root itself', () => {
  const { statements } = blocked([queued(30, 800, { blockers: [MIGRATION] })]);
  expect(statements).toMatchObject([{ roots: [MIGRATION], operations: { lower: 1, upper: 1 } }]);
});

test('the longest wait is told for each table, that of the most lost time first', () => {
  const { statements } = blocked([
    queued(30, 100, { relation: 'customers' }),
    queued(31, 300),
    queued(32, 250),
    queued(33, 200, { relation: null, target: 'transaction' }),
  ]);
  expect(statements[0]?.tables.map(({ table, longestMs }) => [table, longestMs])).toMatchObject([
    ['orders', { lower: 295, upper: 305 }],
    ['transaction', { upper: 205 }],
    ['customers', { upper: 105 }],
  ]);
  expect(statements[0]?.lostMs).toMatchObject({ lower: 830, upper: 870 });
});

test('waits of canaries, of the migration, before it, and behind others alone do not count', () => {
  const canary: SessionRecord = { ...loadSession(40), owner: 'canary' };
  const { statements } = blocked([
    lockWaitRecord(900),
    queued(40, 800, { waiter: canary }),
    queued(30, 800, { blockers: [READER] }),
    queued(31, 80, { startedAtMs: 500 }),
    queued(32, 800, { server: 'replica' }),
  ]);
  expect(statements).toEqual([]);
});

test('attempts of one statement are one, another statement is another, in their order', () => {
  const statements = [
    statementRecord({ outcome: 'failed' }),
    statementRecord({ id: '1#2.1', attempt: 2, startedAtMs: 2400 }),
    statementRecord({ id: '1#2.2', index: 2, line: 5, startedAtMs: 2600 }),
  ];
  const found = blocked(
    [
      queued(32, 500, { startedAtMs: 2650 }),
      queued(30, 90),
      queued(31, 80, { startedAtMs: 2410 }),
      queued(33, 60, { startedAtMs: 2550 }),
    ],
    { steps: [step({ statements, endedAtMs: 2700 })] },
  );
  expect(found.statements.map(({ behind, operations }) => [behind, operations])).toMatchObject([
    [{ statement: { index: 1 } }, { lower: 2, upper: 2 }],
    [{ statement: { index: 2 } }, { lower: 2, upper: 2 }],
  ]);
});

test('a wait behind the transaction while no statement ran is not given to one', () => {
  expect(blocked([queued(30, 50, { startedAtMs: 2300 })]).statements).toMatchObject([
    { behind: 'between statements' },
  ]);
});

test('a wait behind a session of the migration that ran none of its statements is given to none of them', () => {
  const worker = { ...MIGRATION, sessionId: 11, applicationName: 'worker of the tool' };
  expect(blocked([queued(30, 50, { blockers: [READER, worker] })]).statements).toMatchObject([
    { behind: 'another session', operations: { upper: 1 } },
  ]);
});

test('a wait whose blocker was not seen is not given to a statement, nor left out while a migration ran', () => {
  const unseen = { blockers: [] };
  expect(blocked([queued(30, 50, unseen)]).statements).toMatchObject([{ behind: 'blocker not seen' }]);
  expect(blocked([queued(30, 50, { ...unseen, startedAtMs: 3000 })]).statements).toEqual([]);
});

test('waits of one session are one operation or several, unless they lie too far apart or the first one failed', () => {
  const one = queued(30, 50);
  const next = queued(30, 20, { startedAtMs: 2170 });
  const operations = (waits: readonly LockWait[], slowestMs?: number) =>
    blocked(waits, {}, slowestMs).statements[0]?.operations;
  expect(operations([one, next])).toMatchObject({ lower: 1, upper: 2 });
  expect(operations([one, next], 40)).toMatchObject({ lower: 2, upper: 2 });
  expect(operations([{ ...one, ended: 'statement timeout' }, next])).toMatchObject({ lower: 2, upper: 2 });
});

test('waits are told apart by their distance only where every operation was timed to its end', () => {
  const { windows } = loadRecord();
  const load = loadRecord({
    latencies: [service('migration', 40)],
    windows: windows.map((window) => ({ ...window, inFlight: 1 })),
  });
  const waits = [queued(30, 50), queued(30, 20, { startedAtMs: 2170 })];
  expect(blocked(waits, { load }).statements).toMatchObject([{ operations: { lower: 1, upper: 2 } }]);
});

test('one wait without a length leaves the time lost not measured, and the count stands', () => {
  const { statements } = blocked([queued(30, 50), queued(31, 50, { waitedMs: { notMeasured: 'cut off' } })]);
  expect(statements).toMatchObject([
    { operations: { lower: 2 }, lostMs: { notMeasured: 'cut off' }, longestMs: { notMeasured: 'cut off' } },
  ]);
});

test('missed readings, or waits that cannot be seen, leave a doubt with its reason', () => {
  const observer = { name: 'locks', samples: 9, intervalMs: 20, cpuMs: exactly(5, 'cpu'), trouble: ['gone'] };
  expect(blocked([], { observers: [observer] }).doubt).toBe('the observer of locks missed readings: gone');
  expect(blocked([], { observers: [] }).doubt).toBe('lock waits were not observed');
  const lacks = [{ what: 'waits', reason: 'switched off', unseen: 'lock waits' as const }];
  expect(blocked([], { notMeasured: lacks }).doubt).toBe('switched off');
});

test('without a load, or before the migrations, nothing can queue', () => {
  expect(blockedApplication(recording({ load: { notMeasured: 'none' } }))).toBeNull();
  expect(blockedApplication(recording({ windows: [] }))).toBeNull();
});
