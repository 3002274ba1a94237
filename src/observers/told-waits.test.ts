import { expect, test } from 'vitest';
import type { ToldWait } from '../engines/engine.ts';
import { between, exactly } from '../recording/figure.ts';
import type { LockWait, StatementRecord } from '../recording/recording.ts';
import type { Describe } from './sessions.ts';
import { withToldWaits } from './told-waits.ts';

const describe: Describe = (sessionId, seen) => ({
  sessionId,
  owner: seen?.user === 'migrator' ? 'migration' : 'load',
  applicationName: seen?.applicationName ?? '',
  statement: null,
  state: null,
});

function seenWait(changes: Partial<LockWait> = {}): LockWait {
  return {
    server: 'rehearsal',
    waiter: describe(7, undefined),
    blockers: [],
    target: 'relation',
    relation: 'orders',
    mode: 'AccessShareLock',
    startedAtMs: 1000,
    waitedMs: between(180, 205, 'pg_locks'),
    ended: 'unknown',
    statementId: null,
    ...changes,
  };
}

const at = (ms: number): ToldWait['started'] => ({ notBeforeMs: ms, notAfterMs: ms + 1 });

function toldWait(changes: Partial<ToldWait> = {}): ToldWait {
  return {
    sessionId: 7,
    user: 'load',
    applicationName: 'app',
    statement: null,
    mode: 'AccessShareLock',
    target: 'relation',
    relation: 'orders',
    started: at(999.5),
    waitedMs: 199.7,
    ended: at(1199),
    ending: 'granted',
    ...changes,
  };
}

const SESSION = { sessionId: 7, applicationName: '', statement: null, state: null };
const nothing = { describe, statements: [] };

test('a wait that was seen gets the length of the log, and keeps what was seen beside it', () => {
  const [wait, ...rest] = withToldWaits([seenWait()], [toldWait()], nothing);
  expect(rest).toEqual([]);
  expect(wait).toMatchObject({
    waitedMs: { lower: 199.7, upper: 199.7 },
    seenMs: { lower: 180, upper: 205 },
    ended: 'granted',
  });
});

test('a wait that no reading saw is one all the same', () => {
  const waits = withToldWaits([], [toldWait({ waitedMs: 12.5, ended: at(1012) })], nothing);
  expect(waits).toMatchObject([{ relation: 'orders', waitedMs: { lower: 12.5 }, blockers: [] }]);
});

test('another session, mode or time is another wait', () => {
  for (const other of [
    toldWait({ sessionId: 8 }),
    toldWait({ mode: 'RowExclusiveLock' }),
    toldWait({ started: at(5000), ended: at(5200) }),
  ])
    expect(withToldWaits([seenWait()], [other], nothing)).toHaveLength(2);
});

test('an error ends the wait that its session was in, and is none by itself', () => {
  const error = toldWait({
    mode: '',
    target: '',
    relation: null,
    started: { notBeforeMs: Number.NEGATIVE_INFINITY, notAfterMs: 1201 },
    waitedMs: null,
    ended: at(1200),
    ending: 'lock timeout',
  });
  expect(withToldWaits([seenWait()], [error], nothing)).toMatchObject([
    { ended: 'lock timeout', waitedMs: { lower: 180, upper: 205 } },
  ]);
  expect(withToldWaits([], [error], nothing)).toEqual([]);
});

test('with the start that the readings know, a wait that an error ended is as long as until the error', () => {
  const error = toldWait({
    ...{ mode: '', target: '', relation: null, waitedMs: null, ended: at(1300), ending: 'lock timeout' },
    started: { notBeforeMs: Number.NEGATIVE_INFINITY, notAfterMs: 1301 },
  });
  const seen = seenWait({ waitedMs: between(180, 330, 'pg_locks: as counted') });
  const told = (notBeforeMs: number, notAfterMs: number) =>
    withToldWaits([seen], [error], {
      ...nothing,
      starts: new Map([[seen, { notBeforeMs, notAfterMs }]]),
    })[0]?.waitedMs;
  expect(told(999.75, 1000.25)).toMatchObject({ lower: 299.75, upper: 301.25 });
  // Should the two disagree, it is as it was seen.
  expect(told(1200, 1201)).toEqual(seen.waitedMs);
});

test('one that only the log tells was shorter than the longest pause between readings, if they are right', () => {
  const wait = (longestPauseMs: number | null) =>
    withToldWaits([], [toldWait()], { ...nothing, longestPauseMs })[0];
  expect(wait(45)).toMatchObject({ waitedMs: { lower: 199.7 }, seenMs: { lower: 0, upper: 45 } });
  expect(wait(null)?.seenMs).toBeUndefined();
});

test('one of the load that the log should tell and does not is marked; others are not', () => {
  const wait = (changes: Partial<LockWait>, tellsAll = { fromLengthMs: 10, untilMs: 5000 }) =>
    withToldWaits([seenWait({ ended: 'granted', ...changes })], [], { ...nothing, tellsAll })[0]?.untoldMs;
  expect(wait({})).toMatchObject({ lower: 0, upper: 10 });
  expect(wait({ ended: 'lock timeout' })).toBeUndefined();
  expect(wait({ waiter: describe(7, { ...SESSION, user: 'migrator' }) })).toBeUndefined();
  expect(wait({}, { fromLengthMs: 200, untilMs: 5000 })).toBeUndefined();
  expect(wait({}, { fromLengthMs: 10, untilMs: 1100 })).toBeUndefined();
});

test('a wait that gave up after its first line is as long as from its beginning to the error', () => {
  const told = toldWait({ waitedMs: null, ended: at(1300), ending: 'lock timeout' });
  const [wait] = withToldWaits([seenWait()], [told], nothing);
  expect(wait).toMatchObject({ ended: 'lock timeout', waitedMs: { lower: 299.5, upper: 301.5 } });
});

test('no wait of the migration is longer than its statement', () => {
  const record = { id: '1#1.0', durationMs: exactly(190, 'server log') } as StatementRecord;
  const statements = [{ record, fromMs: 1000, toMs: 1190 }];
  const [wait] = withToldWaits([seenWait({ statementId: '1#1.0' })], [], { describe, statements });
  expect(wait?.waitedMs).toMatchObject({ lower: 180, upper: 190 });
});

test('what the migration waited for and got it holds to the end of its transaction, and who waits meanwhile is behind it', () => {
  const migration = describe(1, { ...SESSION, user: 'migrator' });
  const alter = seenWait({
    waiter: migration,
    mode: 'AccessExclusiveLock',
    startedAtMs: 800,
    ended: 'granted',
  });
  const lock = { holders: [], waiters: [], conflicting: ['AccessExclusiveLock'] };
  const select = toldWait({ started: at(1020), waitedMs: 12, ended: at(1032), lock });
  const blockers = (toMs: number) =>
    withToldWaits([alter], [select], {
      ...nothing,
      transactions: [{ sessionId: 1, fromMs: 790, toMs }],
      migrator: 'migrator',
    }).find(({ waiter }) => waiter.sessionId === 7)?.blockers;
  expect(blockers(1040)).toMatchObject([{ sessionId: 1, owner: 'migration' }]);
  expect(blockers(1010)).toEqual([]);
});
