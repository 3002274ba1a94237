import { expect, test } from 'vitest';
import { statementRecord, step } from '../checks/recording.fixture.ts';
import type { DeadlockReading, LockReading, SeenDeadlockParty, SeenSession } from '../engines/engine.ts';
import { findEngine } from '../engines/index.ts';
import { trackDeadlocks } from './deadlock-tracker.ts';
import { describeSessions } from './sessions.ts';
import type { Timed } from './wait-tracker.ts';

const target = (user: string) => ({ user, database: 'app' }) as never;
const roles = {
  ...{ migrator: target('migrator'), load: target('load'), drill: target('drill') },
  ...{ observer: target('observer'), observerInside: target('observer'), administrator: target('root') },
};
const tracker = () => trackDeadlocks(describeSessions(roles, findEngine('mysql').dialect));

const LOCK = { relation: 'orders', index: 'PRIMARY', mode: 'X,REC_NOT_GAP' };

const AGO = { lower: 0, upper: 20 };

const party = (
  sessionId: number,
  user: string,
  more: Partial<SeenDeadlockParty> = {},
): SeenDeadlockParty => ({
  ...{ sessionId, user, statement: `update orders set name = 'Ada' where id = ${sessionId}` },
  ...{ statementCut: false, waitedFor: LOCK, held: [LOCK], victim: false, ...more },
});

const at = (
  atMs: number,
  deadlocks: DeadlockReading,
  sessions: readonly SeenSession[] = [],
): Timed<LockReading> => ({
  askedAtMs: atMs,
  answeredAtMs: atMs + 1,
  reading: { answeredAfterMs: 1, waits: [], ended: [], held: [], sessions, deadlocks },
});

test('who they are, what they ran and when it was; values of the load are redacted, the victim is named', () => {
  const deadlocks = tracker();
  deadlocks.add(at(0, { found: 3, latest: [] }));
  deadlocks.add(at(20, { found: 3, latest: [] }));
  const gone = party(8, 'migrator', { victim: true, statement: "update orders set name = 'Bob'" });
  const idle: SeenSession = {
    ...{ sessionId: 7, user: 'load', applicationName: 'app', statement: 'select 1', state: 'idle' },
  };
  deadlocks.add(
    at(
      40,
      { found: 4, latest: [{ foundAgoMs: { lower: 0, upper: 21 }, parties: [party(7, 'load'), gone] }] },
      [idle],
    ),
  );
  const durationMs = { lower: 30, upper: 40, source: 'test' };
  const statement = statementRecord({
    id: '1#1.0',
    sessionId: 8,
    startedAtMs: 5,
    durationMs,
    outcome: 'failed',
  });
  const failed = step({ statements: [statement], startedAtMs: 0, endedAtMs: 50 });
  expect(deadlocks.finish('view', [failed])).toEqual({
    source: 'view',
    found: 1,
    seen: [
      {
        server: 'rehearsal',
        notBeforeMs: 20,
        notAfterMs: 41,
        parties: [
          {
            session: {
              ...{ sessionId: 7, owner: 'load', applicationName: 'app', state: null },
              statement: "update orders set name = '?' where id = ?",
            },
            ...{ statementCut: false, waitedFor: LOCK, held: [LOCK], victim: false, statementId: null },
          },
          {
            session: {
              ...{ sessionId: 8, owner: 'migration', applicationName: '', state: null },
              statement: "update orders set name = 'Bob'",
            },
            ...{ statementCut: false, waitedFor: LOCK, held: [LOCK], victim: true, statementId: '1#1.0' },
          },
        ],
      },
    ],
  });
});

test('those that the server counted and did not keep are counted, over its restart too', () => {
  const deadlocks = tracker();
  deadlocks.add(at(0, { found: 10, latest: [] }));
  deadlocks.add(at(20, { found: 13, latest: [{ foundAgoMs: AGO, parties: [party(1, 'load')] }] }));
  deadlocks.add(at(40, { found: 2, latest: [] }));
  const { found, seen } = deadlocks.finish('view', []);
  expect([found, seen.length]).toEqual([5, 1]);
});

test('a thread of the server itself is one', () => {
  const deadlocks = tracker();
  deadlocks.add(at(0, { found: 0, latest: [] }));
  const parties = [party(1, 'load'), { ...party(2, ''), sessionId: null, user: null, statement: null }];
  deadlocks.add(at(20, { found: 1, latest: [{ foundAgoMs: AGO, parties }] }));
  expect(deadlocks.finish('view', []).seen[0]?.parties[1]?.session).toMatchObject({
    ...{ sessionId: 0, owner: 'server', statement: null },
  });
});
