import { expect, test } from 'vitest';
import { deadlockIn } from './deadlocks.ts';
import type { LogRecord } from './record.ts';

function error(changes: Partial<LogRecord>): LogRecord {
  return {
    ...{ atMs: 5000, sessionId: 12, user: 'load', database: 'shop', applicationName: 'app' },
    ...{ virtualTransaction: '3/1', transactionId: '801', severity: 'ERROR', sqlState: '40P01' },
    ...{ message: 'deadlock detected', detail: null, context: null, statement: null, position: null },
    queryId: null,
    ...changes,
  };
}

const DETAIL = `Process 12 waits for RowExclusiveLock on relation 16396 of database 16384; blocked by process 9.
Process 9 waits for ShareLock on transaction 801; blocked by process 12.
Process 12: update customers set name = $1
  where id = $2
Process 9: alter table orders add column tax int
Process 77: this is a line of the statement`;

test('all that waited for each other, with their statements of several lines, and who was rolled back', () => {
  expect(deadlockIn(error({ detail: DETAIL }))).toEqual({
    atMs: 5000,
    parties: [
      {
        ...{ sessionId: 12, victim: true, mode: 'RowExclusiveLock', target: 'relation', relationOid: 16396 },
        statement: 'update customers set name = $1\n  where id = $2',
      },
      {
        ...{ sessionId: 9, victim: false, mode: 'ShareLock', target: 'transaction', relationOid: null },
        statement: 'alter table orders add column tax int\nProcess 77: this is a line of the statement',
      },
    ],
  });
});

test('a statement that the server does not tell is none, and other errors are no deadlocks', () => {
  const untold = DETAIL.replace('alter table orders add column tax int', '<insufficient privilege>').split(
    '\n',
  );
  const found = deadlockIn(error({ detail: untold.slice(0, -1).join('\n') }));
  expect(found?.parties.map(({ statement }) => statement)).toMatchObject([expect.any(String), null]);
  expect(deadlockIn(error({ detail: null }))).toBeNull();
  expect(deadlockIn(error({ detail: 'See server log for query details.' }))).toBeNull();
  expect(deadlockIn(error({ detail: DETAIL, sqlState: '55P03' }))).toBeNull();
});
