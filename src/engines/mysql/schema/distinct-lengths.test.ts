import { expect, test } from 'vitest';
import { table } from '../../../../tests/tables.ts';
import { withReferredLengths } from './distinct-lengths.ts';

test('where a unique key looks at six characters of a foreign key, the parents differ in six, and theirs', () => {
  const key = { columns: { id: 'varchar(255)', other: 'text' }, primaryKey: ['id'] };
  const child = table('child', { ...key, foreignKeys: ['id -> parent(id)'] });
  const limited = { ...child, columns: child.columns.map((each) => ({ ...each, distinctLength: 6 })) };
  const parent = table('parent', { ...key, foreignKeys: ['id -> top(id)'] });
  const tables = withReferredLengths([limited, parent, table('top', key), table('alone', key)]);
  const lengths = tables.map(({ columns }) => columns.map(({ distinctLength }) => distinctLength ?? null));
  expect(lengths).toEqual([
    [6, 6],
    [6, null],
    [6, null],
    [null, null],
  ]);
});
