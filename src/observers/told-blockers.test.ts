import { expect, test } from 'vitest';
import type { ToldSession, ToldWait } from '../engines/engine.ts';
import { between, exactly } from '../recording/figure.ts';
import type { HeldLock, LockWait } from '../recording/recording.ts';
import type { Describe } from './sessions.ts';
import { type KnownLocks, toldBlockers } from './told-blockers.ts';
import { withToldWaits } from './told-waits.ts';

const describe: Describe = (sessionId, seen) => ({
  sessionId,
  owner: seen === undefined ? 'other' : seen.user === 'migrator' ? 'migration' : 'load',
  applicationName: '',
  statement: null,
  state: null,
});

const session = (sessionId: number, user: string | undefined = 'load'): ToldSession => ({
  sessionId,
  user,
  applicationName: '',
});

const at = (ms: number): ToldWait['started'] => ({ notBeforeMs: ms, notAfterMs: ms + 1 });
const EXCLUDES_ALL = ['AccessShareLock', 'RowExclusiveLock', 'ShareLock', 'AccessExclusiveLock'];

function told(sessionId: number, lock: ToldWait['lock'], changes: Partial<ToldWait> = {}): ToldWait {
  return {
    sessionId,
    user: 'load',
    applicationName: 'app',
    statement: null,
    mode: 'AccessShareLock',
    target: 'relation',
    relation: 'orders',
    started: at(1000),
    waitedMs: 100,
    ended: at(1100),
    ending: 'granted',
    ...(lock === undefined ? {} : { lock }),
    ...changes,
  };
}

const known = (changes: Partial<KnownLocks> = {}): KnownLocks => ({
  describe,
  seen: [],
  told: [],
  held: [],
  ...changes,
});

const idsOf = ({ chain, among }: ReturnType<typeof toldBlockers>): unknown => [
  chain.map(({ sessionId }) => sessionId),
  among.map(({ sessionId }) => sessionId),
];

test('the only holder of a lock blocks whoever waits for it first', () => {
  const wait = told(7, {
    holders: [session(1, 'migrator')],
    waiters: [],
    conflicting: ['AccessExclusiveLock'],
  });
  const { chain } = toldBlockers(wait, known());
  expect(chain).toMatchObject([{ sessionId: 1, owner: 'migration' }]);
});

test('a mode that excludes all is blocked by every holder', () => {
  const wait = told(7, { holders: [session(1), session(2)], waiters: [], conflicting: EXCLUDES_ALL });
  expect(idsOf(toldBlockers(wait, known()))).toEqual([[1, 2], []]);
});

test('behind a reader and an ALTER that waits for it, the chain goes to the reader', () => {
  const alter = told(
    2,
    { holders: [session(1)], waiters: [], conflicting: EXCLUDES_ALL },
    { user: 'migrator', mode: 'AccessExclusiveLock', started: at(900), ended: at(1090) },
  );
  const select = told(7, {
    holders: [session(1)],
    waiters: [session(2, 'migrator'), session(8)],
    conflicting: ['AccessExclusiveLock'],
  });
  expect(idsOf(toldBlockers(select, known({ told: [alter, select] })))).toEqual([[1, 2], []]);
  // The ALTER waited for less than its own line needs, but a reading saw it.
  const seen: LockWait = {
    server: 'rehearsal',
    waiter: describe(2, {
      sessionId: 2,
      user: 'migrator',
      applicationName: '',
      statement: null,
      state: null,
    }),
    blockers: [describe(1, undefined)],
    target: 'relation',
    relation: 'orders',
    mode: 'AccessExclusiveLock',
    startedAtMs: 900,
    waitedMs: between(180, 190, 'readings'),
    ended: 'granted',
    statementId: null,
  };
  expect(idsOf(toldBlockers(select, known({ seen: [seen], told: [select] })))).toEqual([[1, 2], []]);
});

test('who came later, and whose mode is not in the way, is no blocker', () => {
  const later = told(8, undefined, { mode: 'AccessExclusiveLock', started: at(1050) });
  const harmless = told(9, undefined, { mode: 'AccessShareLock', started: at(950) });
  const wait = told(7, {
    holders: [session(1)],
    waiters: [session(8), session(9)],
    conflicting: ['AccessExclusiveLock'],
  });
  expect(idsOf(toldBlockers(wait, known({ told: [later, harmless, wait] })))).toEqual([[1], []]);
});

test('of several holders the one whose mode is known and in the way is meant; else it is one of them', () => {
  const wait = told(
    7,
    {
      holders: [session(1), session(2, 'migrator')],
      waiters: [],
      conflicting: ['ShareLock', 'AccessExclusiveLock'],
    },
    { mode: 'RowExclusiveLock' },
  );
  expect(idsOf(toldBlockers(wait, known()))).toEqual([[], [1, 2]]);
  const held: HeldLock = {
    server: 'rehearsal',
    sessionId: 2,
    relation: 'orders',
    mode: 'ShareLock',
    heldMs: exactly(400, 'readings'),
    firstSeenAtMs: 800,
    statementId: null,
  };
  expect(idsOf(toldBlockers(wait, known({ held: [held] })))).toEqual([[2], []]);
  const elsewhere = { ...held, relation: 'customers' };
  expect(idsOf(toldBlockers(wait, known({ held: [elsewhere] })))).toEqual([[], [1, 2]]);
});

test('a circle ends, and a session that was gone is nobody in particular', () => {
  const lock = (holder: number) => ({
    holders: [session(holder, undefined)],
    waiters: [],
    conflicting: EXCLUDES_ALL,
  });
  const one = told(7, lock(8), { mode: 'AccessExclusiveLock' });
  const other = told(8, lock(7), { mode: 'AccessExclusiveLock' });
  expect(idsOf(toldBlockers(one, known({ told: [one, other] })))).toEqual([[8], []]);
  const gone = told(7, {
    holders: [{ sessionId: 8, user: undefined, applicationName: '' }],
    waiters: [],
    conflicting: [],
  });
  expect(toldBlockers(gone, known()).chain).toMatchObject([{ sessionId: 8, owner: 'other' }]);
});

test('a wait that no reading saw has its chain; what the readings saw of another one stays', () => {
  const lock = { holders: [session(1, 'migrator')], waiters: [], conflicting: ['AccessExclusiveLock'] };
  const context = { describe, statements: [] };
  const [unseen] = withToldWaits([], [told(7, lock)], context);
  expect(unseen?.blockers).toMatchObject([{ sessionId: 1, owner: 'migration' }]);
  expect(unseen).not.toHaveProperty('blockersAmong');
});

test('a wait without the line that lists the lock is behind the migration where that held it by its own wait', () => {
  const wait = told(7, { holders: [], waiters: [], conflicting: ['AccessExclusiveLock'] });
  const lock = (firstSeenAtMs: number, mode = 'AccessExclusiveLock'): KnownLocks['held'][number] => ({
    ...{ server: 'rehearsal', sessionId: 1, relation: 'orders', mode, firstSeenAtMs, statementId: null },
    heldMs: between(30, 30, 'its wait'),
  });
  const behind = (...held: KnownLocks['held']) =>
    toldBlockers(wait, known({ held, migrator: 'migrator' })).chain;
  expect(behind(lock(990))).toMatchObject([{ sessionId: 1, owner: 'migration' }]);
  expect(behind(lock(900))).toEqual([]);
  expect(behind(lock(1010))).toEqual([]);
  expect(behind(lock(990, 'ShareLock'))).toEqual([]);
});
