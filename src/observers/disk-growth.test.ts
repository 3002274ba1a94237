import { expect, test } from 'vitest';
import { statementRecord } from '../checks/recording.fixture.ts';
import { exactly } from '../recording/figure.ts';
import { trackGrowth } from './disk-growth.ts';
import type { RunStatement } from './statements.ts';

const MB = 2 ** 20;

function ran(id: string, fromMs: number, toMs: number): RunStatement {
  return { record: statementRecord({ id, durationMs: exactly(toMs - fromMs, 'clock') }), fromMs, toMs };
}

/** A reading that takes 4 ms and ends at that instant. */
const at = (toMs: number) => ({ fromMs: toMs - 4, toMs });

const ownerOf = (file: string) => ({ relation: `relation of ${file}`, kind: 'table' as const });

test('a file that appears while a statement runs is its growth, and not that of the next one', () => {
  const growth = trackGrowth();
  growth.add(at(0), [{ file: 'old', bytes: 100 * MB }]);
  growth.add(at(150), [{ file: 'new', bytes: 40 * MB }]);
  growth.add(at(250), [{ file: 'new', bytes: 90 * MB }]);
  growth.add(at(310), [{ file: 'new', bytes: 100 * MB }]);
  expect(growth.of([ran('1', 100, 300), ran('2', 400, 500)], ownerOf, 'walk')).toEqual([
    {
      statementId: '1',
      relation: 'relation of new',
      kind: 'table',
      newFile: true,
      grewBytes: { lower: 90 * MB, upper: 100 * MB, source: 'walk' },
    },
  ]);
});

test('a file that was there grows by what came on top, and that is where the next one begins', () => {
  const growth = trackGrowth();
  growth.add(at(0), [{ file: 'a', bytes: 100 * MB }]);
  growth.add(at(120), [{ file: 'a', bytes: 110 * MB }]);
  growth.add(at(180), [{ file: 'a', bytes: 150 * MB }]);
  growth.add(at(260), [{ file: 'a', bytes: 160 * MB }]);
  growth.add(at(400), [{ file: 'a', bytes: 170 * MB }]);
  expect(growth.of([ran('1', 100, 200), ran('2', 300, 500)], ownerOf, 'walk')).toMatchObject([
    { statementId: '1', newFile: false, grewBytes: { lower: 40 * MB, upper: 60 * MB } },
    { statementId: '2', newFile: false, grewBytes: { lower: 0, upper: 10 * MB } },
  ]);
});

test('a page or two are told of no statement', () => {
  const growth = trackGrowth();
  growth.add(at(0), [{ file: 'a', bytes: MB }]);
  growth.add(at(150), [{ file: 'a', bytes: MB + 8192 }]);
  expect(growth.of([ran('1', 100, 200)], ownerOf, 'walk')).toEqual([]);
});

test('what grows long after a statement is none of its growth, though the file did not change before', () => {
  const growth = trackGrowth();
  growth.add(at(0), [{ file: 'a', bytes: MB }]);
  for (const atMs of [50, 100, 150, 200, 250]) growth.add(at(atMs), []);
  growth.add(at(300), [
    { file: 'a', bytes: 9 * MB },
    { file: 'new', bytes: 5 * MB },
  ]);
  expect(growth.of([ran('1', 60, 140)], ownerOf, 'walk')).toEqual([]);
});

test('a reading that began before the end of a statement may have missed the end of its growth', () => {
  const growth = trackGrowth();
  growth.add(at(0), [{ file: 'a', bytes: MB }]);
  growth.add({ fromMs: 195, toMs: 215 }, [{ file: 'a', bytes: 2 * MB }]);
  growth.add(at(260), [{ file: 'a', bytes: 7 * MB }]);
  growth.add(at(300), [{ file: 'a', bytes: 8 * MB }]);
  expect(growth.of([ran('1', 100, 200)], ownerOf, 'walk')).toMatchObject([
    { grewBytes: { lower: 0, upper: 6 * MB } },
  ]);
});

test('a new file that an earlier statement may have made is at least by what it grew', () => {
  const growth = trackGrowth();
  growth.add(at(0), [{ file: 'old', bytes: MB }]);
  growth.add(at(160), [{ file: 'new', bytes: 5 * MB }]);
  growth.add(at(180), [{ file: 'new', bytes: 6 * MB }]);
  growth.add(at(260), []);
  expect(growth.of([ran('1', 100, 150), ran('2', 150, 200)], ownerOf, 'walk')).toMatchObject([
    { statementId: '1', grewBytes: { lower: 0, upper: 5 * MB } },
    { statementId: '2', newFile: true, grewBytes: { lower: MB, upper: 6 * MB } },
  ]);
});

test('the times of a file itself tell which of two statements between two readings made it, and all of its growth', () => {
  const growth = trackGrowth();
  growth.add(at(0), [{ file: 'old', bytes: MB }]);
  growth.add(at(400), [{ file: 'new', bytes: 5 * MB, bornMs: 150, writtenMs: 180 }]);
  const statements = [ran('1', 20, 100), ran('2', 120, 200), ran('3', 220, 390)];
  expect(growth.of(statements, ownerOf, 'walk')).toMatchObject([
    { statementId: '2', newFile: true, grewBytes: { lower: 5 * MB, upper: 5 * MB } },
  ]);
});

test('a file that was last written before a statement did not grow by it', () => {
  const growth = trackGrowth();
  growth.add(at(0), [{ file: 'a', bytes: MB, bornMs: -1000, writtenMs: -500 }]);
  growth.add(at(400), [{ file: 'a', bytes: 5 * MB, bornMs: -1000, writtenMs: 180 }]);
  const written = (first: RunStatement, second: RunStatement) => growth.of([first, second], ownerOf, 'walk');
  expect(written(ran('1', 120, 200), ran('2', 220, 380))).toMatchObject([
    { statementId: '1', newFile: false, grewBytes: { lower: 0, upper: 4 * MB } },
  ]);
  // Within a tick of the clock either may have written it.
  expect(written(ran('1', 120, 175), ran('2', 185, 380))).toHaveLength(2);
});
