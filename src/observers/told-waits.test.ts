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
