/** Partitions of random tables of Postgres. */
import { type Column, quote } from './postgres-types.ts';
import { pick, type TableSeed } from './seeds.ts';

/** How a table is partitioned. */
export interface Partition {
  readonly by: string;
  readonly column: Column;
  readonly statements: readonly string[];
}

/** Null where the columns that were chosen cannot be a key of partitions. */
export function partitionOf(
  { partitions }: TableSeed,
  { name, columns, key }: { name: string; columns: readonly Column[]; key: readonly Column[] },
): Partition | null {
  if (partitions === null) return null;
  const of = (suffix: string) => `${name.slice(0, -4)}${suffix}"`;
  const column = pick(columns, partitions);
  const at = quote(column.name);
  const { family, sql } = column.type;
  const child = (suffix: string, bound: string, parent = name) =>
    `create table ${of(suffix)} partition of ${parent} ${bound}`;
  const hash = (parent: string, suffix: string) =>
    [0, 1].map(
      (remainder) =>
        `${child(`${suffix}${remainder}`, `for values with (modulus 2, remainder ${remainder})`, parent)};`,
    );
  const byHash = pick(
    [...key, ...columns.filter(({ type }) => type.unique)].slice(0, 2).concat(column),
    partitions,
  );
  if (family === 'instant') {
    const months = ['2024-01-01', '2024-02-01', '2024-07-01', '2025-03-01'];
    const ranges = months.slice(1).map((to, index) => `for values from ('${months[index]}') to ('${to}')`);
    const [first = '', second = '', third = ''] = ranges;
    const last = partitions % 2 === 0 ? [`${child('_d', 'default')};`] : [];
    if (partitions % 3 === 0)
      return {
        by: `partition by range (${at})`,
        column,
        statements: [
          `${child('_a', first)};`,
          `${child('_b', second)} partition by hash (${at});`,
          ...hash(of('_b'), '_b'),
          `${child('_c', third)} partition by range (${at});`,
          `create table ${of('_c1')} partition of ${of('_c')} for values from ('2024-09-01') to ('2024-10-01');`,
          ...last,
        ],
      };
    return {
      by: `partition by range (${at})`,
      column,
      statements: [...ranges.map((range, index) => `${child(`_r${index}`, range)};`), ...last],
    };
  }
  if (family === 'number' && sql !== 'positive' && sql !== 'small_positive')
    return {
      by: `partition by range (${at})`,
      column,
      statements: [
        `${child('_a', 'for values from (minvalue) to (10)')};`,
        `${child('_b', 'for values from (10) to (1000)')};`,
      ],
    };
  if (family === 'enum')
    return {
      by: `partition by list (${at})`,
      column,
      statements: [
        `${child('_a', "for values in ('sad', 'ok')")};`,
        `${child('_b', "for values in ('it''s', null)")};`,
      ],
    };
  if (family === 'text')
    return {
      by: `partition by list (${at})`,
      column,
      statements: [
        `${child('_a', "for values in ('abc', 'ABC')")};`,
        `${child('_b', "for values in ('x', 'xyz')")};`,
      ],
    };
  if (!byHash.type.unique || byHash.type.family === 'bits') return null;
  return { by: `partition by hash (${quote(byHash.name)})`, column: byHash, statements: hash(name, '_h') };
}
