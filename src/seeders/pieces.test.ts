import { expect, test } from 'vitest';
import { begins, createCounters, createTurn, dismisses, shareOut, takeRanges } from './pieces.ts';

const table = (name: string, rows: number, weight = rows) => ({ table: name, rows, weight });
const TURNS = { fromStreams: 2, pieceRows: 4096 };

test('tables that keep a stream at work are shared, and come last', () => {
  const tables = [table('small', 10), table('large', 10_000_000), table('middle', 1_000_000)];
  expect(shareOut(tables, 2, TURNS)).toEqual([
    { table: 'middle', rows: 1_000_000, pieceRows: 1_000_000 },
    { table: 'small', rows: 10, pieceRows: 10 },
    { table: 'large', rows: 10_000_000, pieceRows: 4096 },
  ]);
});

test('one stream, or an engine that wants more of them, leaves tables whole', () => {
  const tables = [table('small', 10), table('large', 10_000_000)];
  for (const [streams, fromStreams] of [
    [1, 2],
    [2, 3],
  ] as const) {
    const shares = shareOut(tables, streams, { fromStreams, pieceRows: 4096 });
    expect(shares.map(({ rows, pieceRows }) => rows === pieceRows)).toEqual([true, true]);
    expect(shares[0]?.table).toBe('large');
  }
});

test('an engine that wants ranges gets one for each stream', () => {
  const [share] = shareOut([table('large', 1_000_001)], 4, { fromStreams: 2, pieceRows: null });
  expect(share?.pieceRows).toBe(250_001);
});

test('every row is taken once, by whichever stream comes', () => {
  const share = { table: 't', rows: 10_000, pieceRows: 4096 };
  const counters = createCounters([share]);
  const one = takeRanges(share, counters, 0);
  const other = takeRanges(share, counters, 0);
  const ofOther = [...(other ?? [])];
  expect([...(one ?? [])]).toEqual([[0, 4096]]);
  expect(ofOther).toEqual([
    [4096, 8192],
    [8192, 10_000],
  ]);
  expect(takeRanges(share, counters, 0)).toBeNull();
});

test('ranges that were taken are given again from the start', () => {
  const share = { table: 't', rows: 10_000, pieceRows: 4096 };
  const ranges = takeRanges(share, createCounters([share]), 0);
  const pulled = (ranges ?? [])[Symbol.iterator]();
  pulled.next();
  pulled.next();
  expect([...(ranges ?? [])]).toEqual([
    [0, 4096],
    [4096, 8192],
    [8192, 10_000],
  ]);
});

test('a thread begins or is dismissed, whichever comes first', () => {
  const begun = createTurn();
  expect([begins(begun), dismisses(begun)]).toEqual([true, false]);
  const dismissed = createTurn();
  expect([dismisses(dismissed), begins(dismissed)]).toEqual([true, false]);
});
