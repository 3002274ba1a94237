import { expect, test } from 'vitest';
import { exactly } from '../recording/figure.ts';
import { upkeepFacts } from './upkeep.ts';

test('upkeep that ran, that gave way and that was left undone is told', () => {
  const facts = upkeepFacts({
    source: 'pg_stat_activity',
    intervalMs: 1000,
    horizon: { transactions: 2, atMs: 5, holder: 'session 7 (reports)' },
    oldestRow: { before: exactly(5, 'age'), after: exactly(9, 'age'), limit: 200_000_000 },
    deadRows: [
      { table: 'orders', before: 10, after: 4_010 },
      { table: 'few', before: 1, after: 2 },
    ],
    lostStatistics: [{ statementId: null, table: 'orders', lost: ['total'], never: [] }],
    workers: [
      {
        sessionId: 8,
        statement: 'autovacuum: VACUUM public.orders (to prevent wraparound)',
        unyielding: true,
        firstSeenAtMs: 1,
        lastSeenAtMs: 2,
      },
    ],
    cancelled: [{ sessionId: 9, work: 'analyze', table: 'orders', atMs: 31_200 }],
    checkpoints: null,
  });
  expect(Object.fromEntries(facts.map(({ label, text }) => [label, text]))).toEqual({
    'dead rows': 'orders 10, then 4,010',
    'held horizon':
      'rows dead for up to 2 transactions could not be vacuumed, because of session 7 (reports)',
    'oldest row': '9 transactions old; forced vacuum at 200,000,000',
    'no statistics': 'orders: lost those of total',
    upkeep: 'autovacuum: VACUUM public.orders (to prevent wraparound), which gives way to nobody',
    'upkeep cancelled': 'analyze of orders, 31.2 s after the start',
    checkpoints: '',
  });
});
