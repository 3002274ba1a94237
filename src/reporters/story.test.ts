import { expect, test } from 'vitest';
import {
  loadRecord,
  loadSession,
  lockWaitRecord,
  MIGRATION,
  READER,
  recording,
} from '../checks/recording.fixture.ts';
import type { LockWait, Recording } from '../recording/recording.ts';
import { storyOf } from './story.ts';

const TABLES = ['orders', 'carts', 'items', 'people', 'visits'];

/** One operation for each table: get_orders, get_carts, … */
function loadOf(tables: readonly string[]): Recording['load'] {
  const load = loadRecord();
  const operations = load.operations.flatMap((operation) =>
    tables.map((table) => ({
      ...operation,
      name: `get_${table}`,
      statements: [`select * from ${table} where id = $1`],
    })),
  );
  return { ...load, operations };
}

/** The migration waits behind a reader, and as many operations of each table behind the migration. */
function waitsBehind(counts: Readonly<Record<string, number>>): readonly LockWait[] {
  const queued = Object.entries(counts).flatMap(([table, count]) => Array<string>(count).fill(table));
  const behind = queued.map((table, index) =>
    lockWaitRecord(100 + index, {
      waiter: { ...loadSession(100 + index), statement: `select * from ${table} where id = $1` },
      blockers: [READER, MIGRATION],
      statementId: null,
      startedAtMs: 2150,
    }),
  );
  return [lockWaitRecord(900), ...behind];
}

function crowdOf(lockWaits: readonly LockWait[], load = loadOf(TABLES)): string {
  return storyOf(recording({ load, lockWaits })).at(-1)?.text ?? '';
}

test('the crowd names the three most frequent operations and adds up to all that waited', () => {
  const crowd = crowdOf(waitsBehind({ visits: 1, orders: 4, people: 1, carts: 3, items: 2 }));
  expect(crowd).toContain(
    '11 operations behind it in the database (4 get_orders, 3 get_carts, 2 get_items, 2 more), up to 110 ms',
  );
});

test('what is left unnamed are operations, not kinds of them', () => {
  expect(crowdOf(waitsBehind({ orders: 4, carts: 3, items: 2, people: 1 }))).toContain(
    '(4 get_orders, 3 get_carts, 2 get_items, 1 more)',
  );
  expect(crowdOf(waitsBehind({ orders: 9, carts: 8, items: 7, people: 5 }))).toContain(
    '29 operations behind it in the database (9 get_orders, 8 get_carts, 7 get_items, 5 more)',
  );
});

test('three kinds of operations are all named, and nothing more is claimed', () => {
  expect(crowdOf(waitsBehind({ orders: 4, carts: 3, items: 1 }))).toContain(
    '8 operations behind it in the database (4 get_orders, 3 get_carts, 1 get_items), up to',
  );
});

test('a statement that no operation has counts by its first word, so that the sum still holds', () => {
  expect(crowdOf(waitsBehind({ orders: 2, elsewhere: 1 }))).toContain('(2 get_orders, 1 select)');
});

test('a crowd in the queue of the pool alone is told as such', () => {
  const load = loadRecord();
  const slots = load.slots.map((slot) => ({ ...slot, poolQueue: slot.atMs === 2500 ? 7 : 0 }));
  expect(crowdOf([lockWaitRecord(900)], { ...load, slots })).toBe(
    'no operation waited behind it in the database; 7 operations at once in the queue of the pool',
  );
});

test('the chain goes from the one who held the lock down to the migration and the crowd', () => {
  const links = storyOf(recording({ load: loadOf(TABLES), lockWaits: waitsBehind({ orders: 1 }) }));
  expect(links.map(({ text }) => text)).toEqual([
    'session 20 (psql) held orders',
    'the migration (1_tax_rate.sql:1) waited 900 ms for AccessExclusiveLock on orders, then got it',
    expect.stringMatching(/^1 operation behind it in the database \(1 get_orders\), up to 100 ms/),
  ]);
  expect(links[0]?.sql).toBe(READER.statement);
});

test('operations side by side in the queue before the migration are one link, not a chain of their own', () => {
  const queue = Array.from({ length: 20 }, (_, index) => loadSession(100 + index));
  const writes = queue.map((waiter, index) =>
    lockWaitRecord(400 + index, { waiter, mode: 'RowExclusiveLock', startedAtMs: 2050, statementId: null }),
  );
  const alter = lockWaitRecord(300, { blockers: [READER, ...queue] });
  const texts = storyOf(recording({ lockWaits: [...writes, alter] })).map(({ text }) => text);
  expect(texts.slice(0, 3)).toEqual([
    'session 20 (psql) held orders',
    '20 operations of the load waited up to 419 ms for RowExclusiveLock on orders',
    'the migration (1_tax_rate.sql:1) waited 300 ms for AccessExclusiveLock on orders, then got it',
  ]);
});

test('who blocks whom over two tables is told with the table of each, and a row as a row', () => {
  const other = { ...READER, sessionId: 21, applicationName: 'dba' };
  const told = [
    lockWaitRecord(900, { blockers: [READER, other] }),
    lockWaitRecord(950, {
      ...{ waiter: other, blockers: [READER], relation: 'carts', target: 'transaction', mode: 'ShareLock' },
      statementId: null,
    }),
  ];
  expect(storyOf(recording({ lockWaits: told })).map(({ text }) => text)).toMatchObject([
    'session 20 (psql) held a row of carts',
    'session 21 (dba) waited 950 ms for ShareLock on a row of carts, then got it',
    'the migration (1_tax_rate.sql:1) waited 900 ms for AccessExclusiveLock on orders, then got it',
  ]);
});

test('a transaction that is waited for is told as not ended, and another lock by its kind', () => {
  const root = (target: string): string | undefined =>
    storyOf(recording({ lockWaits: [lockWaitRecord(900, { relation: null, target })] }))[0]?.text;
  expect(root('virtual transaction')).toBe('session 20 (psql) had not ended its transaction');
  expect(root('advisory lock')).toBe('session 20 (psql) held the advisory lock');
});

test('nothing that waited, no story', () => {
  expect(storyOf(recording())).toEqual([]);
});
