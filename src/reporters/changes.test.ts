import { expect, test } from 'vitest';
import { recording, statementRecord, step } from '../checks/recording.fixture.ts';
import { changeInWords } from './changes.ts';
import { tablesOf } from './tables.ts';

const change = { statementId: null, relation: 'orders', algorithm: 'instant', detail: '', source: 'ids' };

test('row versions are told where they changed', () => {
  expect(changeInWords(change)).toEqual(['instant']);
  expect(changeInWords({ ...change, rowVersions: { before: 3, after: 3, limit: 255 } })).toEqual(['instant']);
  expect(changeInWords({ ...change, rowVersions: { before: 3, after: 4, limit: 255 } })).toEqual([
    'instant',
    'row versions 3 to 4 of 255',
  ]);
  expect(changeInWords({ ...change, algorithm: null })).toEqual([]);
});

test('what several statements of a step may have done stands beside the step', () => {
  const statements = [statementRecord({ id: '1#1.0' }), statementRecord({ id: '1#1.1' })];
  const told = tablesOf(
    recording({
      steps: [step({ version: '1', statements }), step({ version: '2', statements: [] })],
      changes: [
        { ...change, version: '1', rowVersions: { before: 0, after: 2, limit: 255 } },
        { ...change, version: '1', algorithm: 'in place' },
        { ...change, version: '1', relation: 'events', algorithm: 'catalog only' },
      ],
    }),
  ).find(({ title }) => title === 'Migrations');
  const outcomes = told?.rows.filter(([name]) => !name?.startsWith(' ')).map((row) => row.at(-1));
  expect(outcomes).toEqual([
    'applied; orders: instant, row versions 0 to 2 of 255, in place; events: catalog only',
    'applied',
  ]);
});
