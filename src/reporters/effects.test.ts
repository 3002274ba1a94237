import { expect, test } from 'vitest';
import type { ProbedStatement, RelationLocks, StatementEffects } from '../recording/recording.ts';
import { effectGaps, effectsTable } from './effects.ts';

const LOCKS: RelationLocks = {
  kind: 'relation locks',
  locks: [
    { relation: 'orders', modes: ['AccessExclusiveLock', 'ShareLock'] },
    { relation: 'orders_pkey', modes: ['AccessExclusiveLock'] },
    { relation: 'customers', modes: ['ShareRowExclusiveLock'] },
  ],
  newFiles: ['orders', 'orders_pkey'],
  scans: ['orders'],
  rebuiltIndexes: ['orders_pkey'],
  reusedIndexFiles: [],
  refusedInTransaction: null,
};

const REWRITE: StatementEffects = {
  transactional: true,
  source: 'test',
  rewrites: ['orders'],
  blocks: { reads: ['orders'], selectsForUpdate: ['orders'], writes: ['customers', 'orders'] },
  waitsFor: null,
  details: LOCKS,
};

function statement(effects: ProbedStatement['effects']): ProbedStatement {
  return { version: '1', file: '1.sql', index: 0, line: 3, text: 'alter table orders', effects };
}

function partsOf(effects: ProbedStatement['effects']): readonly (string | undefined)[] {
  return effectsTable({ rowsPerTable: 2000, statements: [statement(effects)] }).rows.map(([, part]) => part);
}

test('locks by mode with the strongest first, rewrites, scans, and what is blocked on the same relations together', () => {
  expect(partsOf(REWRITE)).toEqual([
    'takes ACCESS EXCLUSIVE on orders, orders_pkey',
    'takes SHARE ROW EXCLUSIVE on customers',
    'rewrites orders',
    'reads all of orders',
    'rebuilds orders_pkey',
    'blocks reads of orders',
    'blocks writes of customers, orders',
  ]);
});

test('a statement outside of transactions says what it waits for, and what is not known is not told as none', () => {
  const unknown = { notMeasured: '90 uses would have to be tried' };
  const effects: StatementEffects = {
    ...REWRITE,
    transactional: false,
    rewrites: [],
    blocks: { reads: [], selectsForUpdate: unknown, writes: unknown },
    waitsFor: { idleReader: false, snapshotElsewhere: true, idleWriter: true },
    details: { ...LOCKS, locks: [], scans: [], rebuiltIndexes: [] },
  };
  expect(partsOf(effects)).toEqual([
    'whether it blocks SELECT FOR UPDATE and writes is not measured',
    'cannot run in a transaction',
    'waits for transactions that have written to its tables or hold any snapshot',
  ]);
});

test('what could not be measured has its reason among the gaps', () => {
  const failed = statement({ notMeasured: 'on the small copy: division by zero' });
  expect(partsOf(failed.effects)).toEqual(['not measured']);
  expect(effectGaps({ rowsPerTable: 2000, statements: [failed, statement(REWRITE)] })).toEqual([
    'what 1.sql:3 does: on the small copy: division by zero',
  ]);
  expect(effectGaps({ notMeasured: 'no server' })).toEqual(['what the statements do: no server']);
  expect(effectGaps(undefined)).toEqual([]);
});
