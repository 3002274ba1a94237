import { expect, test } from 'vitest';
import { exactly } from '../recording/figure.ts';
import type { LockWait, UpkeepRecord } from '../recording/recording.ts';
import { NO_BUDGETS, recording } from './recording.fixture.ts';
import { statisticsLost } from './statistics-lost.ts';
import { upkeepInTheWay } from './upkeep-in-the-way.ts';

const UPKEEP: UpkeepRecord = {
  source: 'catalogs',
  intervalMs: 1000,
  horizon: { transactions: 10, atMs: 2500, holder: 'session 7 (psql)' },
  oldestRow: null,
  deadRows: [],
  lostStatistics: [
    { statementId: '1#1.1', table: 'orders', lost: ['status', 'total'], never: [] },
    { statementId: '1#1.1', table: 'customers', lost: [], never: ['note'] },
  ],
  workers: [
    {
      sessionId: 99,
      statement: 'autovacuum: VACUUM public.orders (to prevent wraparound)',
      unyielding: true,
      firstSeenAtMs: 2000,
      lastSeenAtMs: 3000,
    },
  ],
  checkpoints: null,
};

test('columns that lost their statistics are told; those that never had any are not', () => {
  expect(statisticsLost.check(recording({ upkeep: UPKEEP }), NO_BUDGETS)).toMatchObject([
    {
      verdict: 'pass',
      subject: 'orders',
      figure: { upper: 2 },
      what: expect.stringContaining('status, total'),
    },
  ]);
  expect(statisticsLost.check(recording(), NO_BUDGETS)).toEqual([]);
});

test('a wait of the migration behind a worker of the server names it, and that it does not give way', () => {
  const session = { applicationName: '', statement: null, state: null };
  const wait: LockWait = {
    server: 'rehearsal',
    waiter: { ...session, sessionId: 10, owner: 'migration' },
    blockers: [{ ...session, sessionId: 99, owner: 'server' }],
    target: 'relation',
    relation: 'orders',
    mode: 'AccessExclusiveLock',
    startedAtMs: 2100,
    waitedMs: exactly(300, 'clock'),
    ended: 'lock timeout',
    statementId: '1#1.1',
  };
  const [found] = upkeepInTheWay.check(recording({ upkeep: UPKEEP, lockWaits: [wait] }), NO_BUDGETS);
  expect(found).toMatchObject({ subject: 'orders', figure: { upper: 300 }, statementId: '1#1.1' });
  expect(found?.what).toBe(
    'waited for AccessExclusiveLock behind autovacuum: VACUUM public.orders (to prevent wraparound), which does not give ' +
      'way, then gave up at the lock timeout',
  );
  const cancelled = [{ sessionId: 99, work: 'vacuum' as const, table: 'orders', atMs: 2400 }];
  const gaveWay = upkeepInTheWay.check(
    recording({ upkeep: { ...UPKEEP, cancelled }, lockWaits: [wait] }),
    NO_BUDGETS,
  );
  expect(gaveWay[1]).toMatchObject({ subject: 'orders', verdict: 'pass', statementId: '1#1.1' });
  expect(gaveWay[1]?.what).toContain('autovacuum cancelled by the migration: its vacuum');
  // Somebody else's doing: nobody of the migration waited then.
  const later = [{ sessionId: 99, work: 'vacuum' as const, table: 'orders', atMs: 4400 }];
  expect(
    upkeepInTheWay.check(
      recording({ upkeep: { ...UPKEEP, cancelled: later }, lockWaits: [wait] }),
      NO_BUDGETS,
    ),
  ).toHaveLength(1);
  const byLoad = { ...wait, waiter: { ...wait.waiter, owner: 'load' as const } };
  expect(upkeepInTheWay.check(recording({ lockWaits: [byLoad] }), NO_BUDGETS)).toEqual([]);
});
