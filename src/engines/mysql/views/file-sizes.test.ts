import { expect, test } from 'vitest';
import type { DataFile } from './data-files.ts';
import { trackFileSizes } from './file-sizes.ts';

const file = (node: string, relation: string | null, bytes: number): DataFile => ({
  node,
  path: `shop/${relation ?? '#sql-1'}.ibd`,
  area: relation === null ? 'temporary' : 'tables',
  relation,
  kind: 'table',
  bytes,
});

test('a table that is built under another name is the table in the end, and the old one goes as what it was', () => {
  const sizes = trackFileSizes();
  sizes.see([file('1', 'orders', 100)], 0);
  expect(sizes.changed()).toEqual([
    { file: 'hidden', bytes: 0 },
    { file: '1', bytes: 100 },
  ]);
  sizes.see([file('1', 'orders', 100), file('2', null, 60)], 40);
  expect(sizes.changed()).toEqual([
    { file: 'hidden', bytes: 40 },
    { file: '2', bytes: 60 },
  ]);
  expect(sizes.ownerOf('2')).toEqual({ relation: null, kind: 'temporary' });
  sizes.see([file('1', null, 100), file('2', 'orders', 90)], 0);
  expect(sizes.changed()).toEqual([
    { file: 'hidden', bytes: 0 },
    { file: '2', bytes: 90 },
  ]);
  sizes.see([file('2', 'orders', 90)], 0);
  expect(sizes.changed()).toEqual([{ file: '1', bytes: 0 }]);
  expect(['1', '2'].map((node) => sizes.ownerOf(node).relation)).toEqual(['orders', 'orders']);
  expect(sizes.ownerOf('hidden').kind).toBe('temporary');
});
