import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LockReading, SeenSession, SeenWait } from '../engines/engine.ts';
import { findEngine } from '../engines/index.ts';
import type { LockWait, StatementRecord, Step } from '../recording/recording.ts';
import type { Describe } from './sessions.ts';
import { trackWaits, type WaitTracker } from './wait-tracker.ts';

const { dialect } = findEngine('postgres');

/** Session 1 is the migration's, 100 and above are drills, all others the load's. */
const describeSession: Describe = (sessionId) => ({
  sessionId,
  owner: sessionId === 1 ? 'migration' : sessionId >= 100 ? 'drill' : 'load',
  applicationName: `app ${sessionId}`,
  statement: null,
  state: 'active',
});

const tracker = (): WaitTracker => trackWaits('view', describeSession, dialect);

function wait(waiterId: number, blockerIds: readonly number[], waitedMs: number | null = null): SeenWait {
  return {
    key: `${waiterId}`,
    waiterId,
    blockerIds,
    target: 'relation',
    relation: 'orders',
    mode: 'AccessShareLock',
    waitedMs,
  };
}

function reading(waits: readonly SeenWait[], ended: LockReading['ended'] = []): LockReading {
  const ids = new Set(waits.flatMap(({ waiterId, blockerIds }) => [waiterId, ...blockerIds]));
  const sessions: SeenSession[] = [...ids].map((sessionId) => ({
    sessionId,
    user: 'someone',
    applicationName: '',
    statement: null,
    state: null,
  }));
  return { answeredAfterMs: 1, waits, ended, held: [], sessions };
}

const at = (atMs: number, waits: readonly SeenWait[], ended: LockReading['ended'] = []) => ({
  askedAtMs: atMs,
  answeredAtMs: atMs + 1,
  reading: reading(waits, ended),
});

function only(waits: readonly LockWait[]): LockWait {
  expect(waits).toHaveLength(1);
  const [first] = waits;
  if (first === undefined) throw new Error('no wait');
  return first;
}

function boundsOf({ waitedMs }: LockWait): { lower: number; upper: number } {
  if ('notMeasured' in waitedMs) throw new Error(waitedMs.notMeasured);
  return waitedMs;
}

test('a wait lies between what the last reading counted and the first reading without it', () => {
  const waits = tracker();
  waits.add(at(0, []));
  waits.add(at(20, [wait(1, [100], 8)]));
  waits.add(at(40, [wait(1, [100], 28)]));
  waits.add(at(60, [], [{ key: '1', became: 'granted' }]));
  const found = only(waits.finish(100, []).waits);
  expect(boundsOf(found).lower).toBe(28);
  expect(boundsOf(found).upper).toBe(61 - 12);
  expect(found.startedAtMs).toBeCloseTo(12.5);
  expect(found.ended).toBe('granted');
});

test('a second sighting of the same wait raises the least that it took, and nothing else', () => {
  const waits = tracker();
  waits.add(at(0, []));
  waits.add(at(20, [{ ...wait(1, [100], 8), atLeastMs: 14 }]));
  waits.add(at(40, [], [{ key: '1', became: 'granted' }]));
  const found = only(waits.finish(100, []).waits);
  expect(boundsOf(found).lower).toBe(14);
  expect(boundsOf(found).upper).toBe(41 - 12);
});

test('a wait that the server timed itself is known as well as its timer', () => {
  const waits = tracker();
  waits.add(at(0, []));
  waits.add(at(20, [wait(1, [100], 8)]));
  const timed = { lowerMs: 31.4, upperMs: 31.6, source: 'history' };
  waits.add(at(60, [], [{ key: '1', became: 'granted', timed }]));
  const found = only(waits.finish(100, []).waits);
  expect(found.waitedMs).toEqual({ lower: 31.4, upper: 31.6, source: 'history' });
  expect(found.seenMs).toMatchObject({ lower: 8, upper: 61 - 12 });
});

test('a wait that no reading showed is told as the server timed it, back from when it ended', () => {
  const waits = tracker();
  waits.add(at(0, []));
  const missed = {
    ...{ key: 'drained', waiterId: 2, target: 'metadata', relation: 'orders', source: 'history' },
    ...{ lowerMs: 7.9, upperMs: 8.1, became: 'granted' as const },
    endedAgoMs: { lower: 600, upper: 600 },
  };
  const { askedAtMs, answeredAtMs, reading: empty } = at(1000, []);
  waits.add({ askedAtMs, answeredAtMs, reading: { ...empty, missed: [missed] } });
  const found = only(waits.finish(2000, []).waits);
  expect(found).toMatchObject({ relation: 'orders', blockers: [], mode: 'mode not seen', ended: 'granted' });
  expect(found.waiter.owner).toBe('load');
  expect(found.waitedMs).toEqual({ lower: 7.9, upper: 8.1, source: 'history' });
  expect(found.startedAtMs).toBeCloseTo(1001 - 600 - 8);
});

test('a length that the server told exactly stays so, however the clock rounds', () => {
  for (let ms = 1; ms < 200; ms += 0.37) {
    const waits = tracker();
    const missed = {
      ...{ key: 'drained', waiterId: 2, target: 'metadata', relation: 'orders', source: 'history' },
      ...{
        lowerMs: ms,
        upperMs: ms,
        became: 'granted' as const,
        endedAgoMs: { lower: ms / 3, upper: ms / 3 },
      },
    };
    waits.add({ ...at(1000.1, []), reading: { ...reading([]), missed: [missed] } });
    expect(only(waits.finish(2000, []).waits).waitedMs).toEqual({ lower: ms, upper: ms, source: 'history' });
  }
});

test('a wait of which it is not told when it ended is put amid the time in which it must have been', () => {
  const waits = tracker();
  const missed = {
    ...{ key: 'drained', waiterId: 2, target: 'metadata', relation: 'orders', source: 'history' },
    ...{ lowerMs: 8, upperMs: 8, became: 'granted' as const, endedAgoMs: { lower: 0, upper: 1000 } },
  };
  const { askedAtMs, answeredAtMs, reading: empty } = at(1000, []);
  waits.add({ askedAtMs, answeredAtMs, reading: { ...empty, missed: [missed] } });
  const found = only(waits.finish(2000, []).waits);
  expect(found.startedAtMs).toBeCloseTo(1001 - 500 - 8);
  expect(boundsOf(found)).toMatchObject({ lower: 8, upper: 8 });
});

test('a wait of others ends as the server says that their statement did', () => {
  const waits = tracker();
  const failed = { code: '55P03', message: 'canceling statement due to lock timeout' };
  waits.add(at(0, [wait(1, [100])]));
  const { askedAtMs, answeredAtMs, reading: seen } = at(20, [], [{ key: '1', became: 'gave up', failed }]);
  waits.add({ askedAtMs, answeredAtMs, reading: seen });
  expect(only(waits.finish(100, []).waits)).toMatchObject({ ended: 'lock timeout', statementId: null });
});

test('a timer of the server that contradicts the readings does not count', () => {
  const waits = tracker();
  waits.add(at(0, []));
  waits.add(at(20, [wait(1, [100], 8)]));
  const timed = { lowerMs: 400, upperMs: 401, source: 'history' };
  waits.add(at(60, [], [{ key: '1', became: 'granted', timed }]));
  const found = only(waits.finish(100, []).waits);
  expect(boundsOf(found).upper).toBe(61 - 12);
  // What it told is kept beside it.
  expect(found.toldMs).toEqual({ lower: 400, upper: 401, source: 'history' });
});

test('a reading out of a snapshot may be older than it looks, and the figure says so', () => {
  const waits = tracker();
  const stale = { ...wait(1, [100]), staleMs: 100 };
  waits.add(at(0, []));
  waits.add(at(200, [stale]));
  waits.add(at(500, [stale]));
  waits.add(at(520, []));
  const found = only(waits.finish(600, []).waits);
  // Seen at 201 and, at the oldest, at 400; it may have begun in the 100 ms before the reading at 0.
  expect(boundsOf(found)).toMatchObject({ lower: 400 - 201, upper: 521 + 100 });
});

test('without the help of the server the readings around a wait bound it', () => {
  const waits = tracker();
  waits.add(at(0, []));
  waits.add(at(20, [wait(1, [100])]));
  waits.add(at(40, [wait(1, [100])]));
  waits.add(at(60, []));
  expect(boundsOf(only(waits.finish(100, []).waits))).toMatchObject({ lower: 40 - 21, upper: 61 });
});

test('a gap in the readings makes the interval wider, not the wait longer', () => {
  const waits = tracker();
  waits.add(at(0, []));
  waits.add(at(20, [wait(1, [100], 5)]));
  waits.add(at(5000, []));
  expect(boundsOf(only(waits.finish(6000, []).waits))).toMatchObject({ lower: 5, upper: 5001 - 15 });
});

test('a wait that goes on to the end is still waiting', () => {
  const waits = tracker();
  waits.add(at(0, [wait(1, [100], 3)]));
  const found = only(waits.finish(50, []).waits);
  expect(found.ended).toBe('still waiting');
  expect(boundsOf(found)).toMatchObject({ lower: 3, upper: 53 });
});

test('the chain goes to its root, the root first', () => {
  const waits = tracker();
  waits.add(at(0, [wait(7, [1], 1), wait(1, [100], 2)]));
  waits.add(at(20, []));
  const found = waits.finish(30, []).waits.find(({ waiter }) => waiter.sessionId === 7);
  expect(found?.blockers.map(({ sessionId, owner }) => [sessionId, owner])).toEqual([
    [100, 'drill'],
    [1, 'migration'],
  ]);
});

test('a cycle of waits is cut', () => {
  const waits = tracker();
  waits.add(at(0, [wait(7, [8], 1), wait(8, [7], 1)]));
  const chains = waits.finish(30, []).waits.map(({ blockers }) => blockers.map(({ sessionId }) => sessionId));
  expect(chains).toEqual([[8], [7]]);
});

test('the blockers that were there for most of the wait are the ones recorded', () => {
  const waits = tracker();
  waits.add(at(0, [wait(1, [100, 5], 1)]));
  waits.add(at(20, [wait(1, [100], 21)]));
  for (let ms = 40; ms < 400; ms += 20) waits.add(at(ms, [wait(1, [100], ms + 1)]));
  waits.add(at(400, [wait(1, [6], 401)]));
  waits.add(at(420, []));
  expect(only(waits.finish(430, []).waits).blockers.map(({ sessionId }) => sessionId)).toEqual([100]);
});

test('a migration that gave up says why by the error of its statement', () => {
  const endings = [
    ['55P03', 'lock timeout'],
    ['57014', 'statement timeout'],
    ['40P01', 'deadlock'],
  ] as const;
  for (const [code, ending] of endings) {
    const waits = tracker();
    waits.add(at(1000, []));
    waits.add(at(1020, [wait(1, [100], 10)]));
    waits.add(at(1310, [wait(1, [100], 299)]));
    waits.add(at(1314, [], [{ key: '1', became: 'gave up' }]));
    const error = { code, message: 'canceling statement due to timeout', statement: null, position: null };
    const found = only(waits.finish(2000, [stepOf(statement({ outcome: 'failed', error }))]).waits);
    expect([found.ended, found.statementId]).toEqual([ending, '1#1.0']);
  }
});

test('a statement that failed later got the locks it waited for before', () => {
  const waits = tracker();
  waits.add(at(1020, [wait(1, [100], 10)]));
  waits.add(at(1100, [], [{ key: '1', became: 'unknown' }]));
  const error = {
    code: '57014',
    message: 'canceling statement due to timeout',
    statement: null,
    position: null,
  };
  const found = only(waits.finish(2000, [stepOf(statement({ outcome: 'failed', error }))]).waits);
  expect(found.ended).toBe('granted');
});

test('a statement that succeeded got every lock it waited for', () => {
  const waits = tracker();
  waits.add(at(1020, [wait(1, [100], 10)]));
  waits.add(at(1314, [], [{ key: '1', became: 'gave up' }]));
  expect(only(waits.finish(2000, [stepOf(statement({}))]).waits).ended).toBe('granted');
});

test('what the server knows no wait of is none', () => {
  const waits = tracker();
  waits.add(at(0, [wait(7, []), wait(8, [1])]));
  waits.add(at(20, [], [{ key: '7', became: 'no wait' }]));
  expect(waits.finish(30, []).waits.map(({ waiter }) => waiter.sessionId)).toEqual([8]);
});

test('a load session that gave up is not guessed about', () => {
  const waits = tracker();
  waits.add(at(0, [wait(7, [1], 10)]));
  waits.add(at(20, [], [{ key: '7', became: 'gave up' }]));
  expect(only(waits.finish(30, []).waits)).toMatchObject({ ended: 'unknown', statementId: null });
});

test('the true length lies in the interval, whenever it is read, with and without the clock of the server', () => {
  const property = fc.property(
    fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 3, maxLength: 80 }),
    fc.integer({ min: 0, max: 500 }),
    fc.integer({ min: 30, max: 900 }),
    fc.boolean(),
    (pauses, startMs, lengthMs, serverCounts) => {
      const waits = tracker();
      let clockMs = 0;
      for (const pause of pauses) {
        const readAtMs = clockMs + pause / 3;
        const waiting = readAtMs >= startMs && readAtMs < startMs + lengthMs;
        const seen = waiting ? [wait(1, [100], serverCounts ? readAtMs - startMs : null)] : [];
        waits.add({ askedAtMs: clockMs, answeredAtMs: clockMs + pause / 2, reading: reading(seen) });
        clockMs += pause;
      }
      for (const found of waits.finish(clockMs, []).waits) {
        if (found.ended === 'still waiting') continue;
        const { lower, upper } = boundsOf(found);
        expect(lower).toBeLessThanOrEqual(lengthMs + 1e-6);
        // A wait that was there at the first reading began before it: nothing tells when but the server.
        if (serverCounts || startMs > 0) expect(upper).toBeGreaterThanOrEqual(lengthMs - 1e-6);
      }
    },
  );
  fc.assert(property);
});

test('beyond the limit the shortest waits of others go, and those of the migration stay', () => {
  const waits = tracker();
  let clockMs = 0;
  const one = (waiterId: number, lengthMs: number, key: string): void => {
    waits.add(at(clockMs, [{ ...wait(waiterId, [waiterId + 1], lengthMs), key }]));
    waits.add(at(clockMs + 2, []));
    clockMs += 4;
  };
  one(1, 1, 'of the migration');
  for (let index = 0; index < 10_001; index += 1) one(7, 10 + index, `${index}`);
  const facts = waits.finish(clockMs, []);
  expect(facts.waits.length + facts.leftOut.count).toBe(10_002);
  expect(facts.leftOut.count).toBeGreaterThan(0);
  expect(facts.waits.some(({ waiter }) => waiter.owner === 'migration')).toBe(true);
  expect(Math.max(...facts.waits.map((found) => boundsOf(found).upper))).toBeGreaterThan(
    facts.leftOut.longestMs,
  );
});

function statement(facts: Partial<StatementRecord>): StatementRecord {
  return {
    id: '1#1.0',
    index: 0,
    attempt: 1,
    text: 'alter table orders add column a int',
    line: 1,
    startedAtMs: 1005,
    durationMs: { lower: 307, upper: 307, source: 'clock' },
    sessionId: 1,
    outcome: 'ok',
    effect: 'took effect',
    rows: null,
    error: null,
    ...facts,
  };
}

function stepOf(...statements: readonly StatementRecord[]): Step {
  return {
    version: '1',
    name: 'add column',
    file: '1.sql',
    outcome: 'applied',
    transaction: 'one',
    startedAtMs: 1000,
    endedAtMs: 1400,
    attempts: 1,
    statements,
    error: null,
  };
}
