import { expect, test } from 'vitest';
import { changeInWords } from './changes.ts';

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
