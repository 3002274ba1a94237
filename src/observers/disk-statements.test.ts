import { expect, test } from 'vitest';
import { statementRecord } from '../checks/recording.fixture.ts';
import { trackStatementDisks } from './disk-statements.ts';

const reading = (atMs: number, tables: number, temporary = 0) => ({ atMs, areas: { tables, temporary } });
const ran = (id: string, fromMs: number, toMs: number) => ({
  record: statementRecord({ id }),
  fromMs,
  toMs,
});

test('each statement has its own peak, and readings of others are none of it', () => {
  const disks = trackStatementDisks();
  for (const each of [
    reading(0, 10),
    reading(50, 10),
    reading(100, 10, 30),
    reading(150, 20, 5),
    reading(200, 20),
    reading(250, 20, 90),
    reading(300, 25),
  ])
    disks.add(each);
  expect(disks.of([ran('1', 60, 160), ran('2', 210, 290), ran('3', 291, 295)])).toEqual([
    { statementId: '1', before: reading(50, 10), peak: reading(100, 10, 30), after: reading(200, 20) },
    { statementId: '2', before: reading(200, 20), peak: reading(250, 20, 90), after: reading(300, 25) },
    { statementId: '3', before: reading(250, 20, 90), peak: reading(250, 20, 90), after: reading(300, 25) },
  ]);
  expect(disks.of([ran('4', -10, 20)])).toEqual([]);
});
