import { expect, test } from 'vitest';
import { compareDictionaries, type Dictionary } from './dictionary.ts';

/** Tables and partitions by name, each with its TABLE_ID, row versions, and the ids of its indexes by their names. */
const dictionary = (
  tables: Readonly<Record<string, readonly [id: number, versions: number, indexes: Record<string, number>]>>,
): Dictionary =>
  new Map(
    Object.entries(tables).map(([name, [id, rowVersions, indexes]]) => [
      name,
      {
        table: name.replace(/#p#.*/, ''),
        id,
        rowVersions,
        indexes: new Map(Object.entries(indexes).map(([index, number]) => [number, index])),
      },
    ]),
  );

test('two tables that take turns with their names are no rebuild', () => {
  const changes = compareDictionaries(
    dictionary({ t: [1, 3, { PRIMARY: 11 }], t_new: [2, 0, { PRIMARY: 12 }] }),
    dictionary({ t_old: [1, 3, { PRIMARY: 11 }], t: [2, 0, { PRIMARY: 12 }] }),
  );
  expect(changes).toMatchObject({
    rebuilt: [],
    exchanged: ['t'],
    replaced: [],
    workedOn: [],
    rowVersions: {},
  });
});

test('a renamed table keeps its row versions, and counts on', () => {
  const changes = compareDictionaries(
    dictionary({ t: [1, 3, { PRIMARY: 11 }] }),
    dictionary({ t2: [1, 4, { PRIMARY: 11 }] }),
  );
  expect(changes).toMatchObject({ replaced: [], workedOn: [], rowVersions: { t2: [3, 4] } });
});

test('a rebuild, a new index and new partitions each say on which table was worked', () => {
  const before = dictionary({
    a: [1, 2, { PRIMARY: 11 }],
    b: [2, 0, { PRIMARY: 12 }],
    c: [3, 0, { PRIMARY: 13 }],
    d: [4, 0, { PRIMARY: 14 }],
  });
  const changes = compareDictionaries(
    before,
    dictionary({
      a: [5, 0, { PRIMARY: 15 }],
      b: [2, 0, { PRIMARY: 12, extra: 16 }],
      'c#p#p0': [6, 0, { PRIMARY: 17 }],
      d: [4, 0, { PRIMARY: 14 }],
    }),
  );
  expect(changes).toEqual({
    rebuilt: ['a'],
    exchanged: [],
    replaced: ['c', 'c#p#p0'],
    newIndexes: ['PRIMARY', 'extra'],
    workedOn: ['a', 'b', 'c'],
    rowVersions: { a: [2, 0] },
  });
});

test('what only came, as a table made from rows of another, is in the place of nothing', () => {
  const made = dictionary({ t: [1, 0, { PRIMARY: 11 }], copy: [2, 0, { GEN_CLUST_INDEX: 12 }] });
  const changes = compareDictionaries(dictionary({ t: [1, 0, { PRIMARY: 11 }] }), made);
  expect(changes).toMatchObject({ rebuilt: [], replaced: [], workedOn: [] });
});
