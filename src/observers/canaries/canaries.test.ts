import { expect, test } from 'vitest';
import type { TableDescription } from '../../engines/engine.ts';
import { trackOutages } from './outages.ts';
import { chooseTables, TABLES_WATCHED } from './tables.ts';

const neverLate = (): number => 0;
const granted = (sentMs: number, answeredMs: number) => ({ sentMs, answeredMs, granted: true });
const gaveUp = (sentMs: number, answeredMs: number) => ({ sentMs, answeredMs, granted: false });

test('probes that are answered at once are no outage', () => {
  const tracker = trackOutages(0, neverLate);
  for (let at = 0; at < 1000; at += 50) tracker.add(granted(at, at + 2));
  expect(tracker.outages(1000)).toEqual([]);
});

test('a probe that waits is an outage: at least its wait, at most since the last one that did not', () => {
  const tracker = trackOutages(0, neverLate);
  tracker.add(granted(0, 3));
  tracker.add(granted(50, 52));
  tracker.add(granted(100, 800));
  expect(tracker.outages(1000)).toMatchObject([
    { fromMs: 100, toMs: 800, lastedMs: { lower: 700 - 3, upper: 750 }, lockTimeouts: 0 },
  ]);
});

test('probes that give up are one outage until one is answered, however quickly that is', () => {
  const tracker = trackOutages(0, neverLate);
  tracker.add(granted(0, 1));
  tracker.add(gaveUp(50, 1050));
  tracker.add(gaveUp(1051, 2051));
  tracker.add(granted(2052, 2054));
  expect(tracker.outages(9000)).toMatchObject([
    { fromMs: 50, toMs: 2054, lastedMs: { lower: 1999, upper: 2054 }, lockTimeouts: 2 },
  ]);
});

test('what our own thread was late is not put on the table', () => {
  const tracker = trackOutages(0, (fromMs, toMs) => (fromMs <= 200 && toMs >= 200 ? 300 : 0));
  tracker.add(granted(0, 1));
  tracker.add(granted(50, 450));
  expect(tracker.outages(500)).toMatchObject([{ lastedMs: { lower: 99, upper: 450 } }]);
});

test('an outage that is open at the end ends there', () => {
  const tracker = trackOutages(0, neverLate);
  tracker.add(granted(0, 0));
  tracker.add(gaveUp(50, 1050));
  expect(tracker.outages(1100)).toMatchObject([
    { fromMs: 50, toMs: 1100, lastedMs: { lower: 1000, upper: 1100 } },
  ]);
});

function table(name: string, references: readonly string[] = []): TableDescription {
  return {
    name,
    parts: ['public', name],
    columns: [],
    primaryKey: [],
    uniques: [],
    foreignKeys: references.map((each) => ({
      name: '',
      columns: [],
      references: each,
      referencedColumns: [],
    })),
    checks: [],
    partitioning: 'none',
    partitionBounds: [],
    partitionKey: null,
    hasRows: true,
  };
}

const names = (tables: readonly TableDescription[]): readonly string[] => tables.map(({ name }) => name);

test('the tables of a migration are those whose names stand in it, then their foreign keys', () => {
  const tables = [
    table('audit'),
    table('customers'),
    table('lines', ['orders']),
    table('orders', ['customers']),
  ];
  const chosen = chooseTables(tables, ['ALTER TABLE public."Orders" ADD COLUMN audit_note text']);
  expect(names(chosen.watched)).toEqual(['orders', 'customers', 'lines']);
  expect(chosen.leftOut).toEqual([]);
});

test('where no name stands there, as many as there may be of all, and the others are told', () => {
  const tables = ['a1', 'a2', 'a3', 'a4', 'a5', 'a6'].map((name) => table(name));
  const chosen = chooseTables(tables, ['select migrate()']);
  expect(chosen.watched).toHaveLength(TABLES_WATCHED);
  expect(chosen.leftOut).toEqual(['a4', 'a5', 'a6']);
});

test('a name with a character of a pattern is a name', () => {
  expect(names(chooseTables([table('a.b'), table('axb')], ['drop table "a.b"']).watched)).toEqual(['a.b']);
});
