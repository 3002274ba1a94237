import { expect, test } from 'vitest';
import type { LogRecord } from './record.ts';
import { trackLoggedWaits } from './waits.ts';

function line(atMs: number, message: string, changes: Partial<LogRecord> = {}): LogRecord {
  return {
    atMs,
    sessionId: 12,
    user: 'load',
    database: 'rehearsal',
    applicationName: 'app',
    virtualTransaction: '4/2',
    transactionId: null,
    severity: 'LOG',
    sqlState: '00000',
    message,
    detail: null,
    context: null,
    statement: null,
    position: null,
    queryId: null,
    ...changes,
  };
}

const ON = 'AccessShareLock on relation 16390 of database 16384';
const waiting = (after: number): string =>
  `process 12 still waiting for ${ON} after ${after} ms at character 15`;

test('a wait has its length, its lock, and those that held it or waited for it', () => {
  const waits = trackLoggedWaits();
  const detail = 'Process holding the lock: 4711. Wait queue: 13, 12, 14.';
  expect(waits.add(line(5010, waiting(10.123), { detail }))).toEqual([]);
  expect(waits.add(line(5200, `process 12 acquired ${ON} after 200.456 ms`))).toMatchObject([
    {
      waitedMs: 200.456,
      ending: 'granted',
      relationOid: 16390,
      databaseOid: 16384,
      target: 'relation',
      sessions: { holders: [4711], waiters: [13, 14] },
    },
  ]);
});

test('several holders, a queue of one, and a line without any', () => {
  for (const [detail, sessions] of [
    ['Processes holding the lock: 1, 22, 333. Wait queue: 12.', { holders: [1, 22, 333], waiters: [] }],
    ['Process holding the lock: 1. Wait queue: .', { holders: [1], waiters: [] }],
    ['Something else: 1.', { holders: [], waiters: [] }],
    [null, { holders: [], waiters: [] }],
  ] as const) {
    const waits = trackLoggedWaits();
    waits.add(line(5010, waiting(10), { detail }));
    expect(waits.add(line(5200, `process 12 acquired ${ON} after 200 ms`))).toMatchObject([{ sessions }]);
  }
});

test('a reload in the middle of a wait repeats its line: it stays one wait with its first blockers', () => {
  const waits = trackLoggedWaits();
  waits.add(line(5010, waiting(10), { detail: 'Process holding the lock: 1. Wait queue: 12.' }));
  waits.add(line(5100, waiting(100), { detail: 'Process holding the lock: 2. Wait queue: 12.' }));
  const ended = waits.add(line(5200, `process 12 acquired ${ON} after 200 ms`));
  expect(ended).toMatchObject([{ waitedMs: 200, sessions: { holders: [1] } }]);
  expect(waits.add(line(5201, `process 12 acquired ${ON} after 5 ms`))).toMatchObject([{ waitedMs: 5 }]);
});

test('a line that a busy machine wrote long after it had counted belongs to the same wait', () => {
  const waits = trackLoggedWaits();
  waits.add(line(5040, waiting(10), { detail: 'Process holding the lock: 1. Wait queue: 12.' }));
  const ended = waits.add(line(5200, `process 12 acquired ${ON} after 200 ms`));
  expect(ended).toMatchObject([{ sessions: { holders: [1] } }]);
});

test('a later wait of the session for the same lock is another one', () => {
  const waits = trackLoggedWaits();
  waits.add(line(5010, waiting(10), { detail: 'Process holding the lock: 1. Wait queue: 12.' }));
  const later = waits.add(line(9000, `process 12 acquired ${ON} after 20 ms`));
  expect(later).toMatchObject([{ sessions: { holders: [] }, started: { notBeforeMs: 8980 } }]);
});

test('a timeout ends it without a length of its own', () => {
  const waits = trackLoggedWaits();
  waits.add(line(5010, waiting(10)));
  const error = { severity: 'ERROR', sqlState: '55P03' };
  const message = 'canceling statement due to lock timeout';
  expect(waits.add(line(5300, message, error))).toMatchObject([
    { waitedMs: null, ending: 'lock timeout', started: { notBeforeMs: 5000 }, ended: { notBeforeMs: 5300 } },
  ]);
});
