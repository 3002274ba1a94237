/** Partitions of random tables of MySQL and MariaDB. */
import { type Column, quote } from './mysql-types.ts';
import { pick, type TableSeed } from './seeds.ts';

/** How a table is partitioned. */
export interface Partition {
  readonly by: string;
  readonly column: Column;
}

/** Null where the columns that were chosen cannot be a key of partitions. */
export function partitionOf(
  { partitions }: TableSeed,
  columns: readonly Column[],
  key: readonly Column[],
): Partition | null {
  if (partitions === null) return null;
  const column = pick([...columns, ...key], partitions);
  const at = quote(column.name);
  const { family, sql } = column.type;
  if (family === 'instant' && sql !== 'timestamp') {
    const ends = ['2024-02-01', '2024-07-01', '2025-03-01'];
    const last = partitions % 2 === 0 ? ', partition pm values less than (maxvalue)' : '';
    const parts = (write: (end: string) => string) =>
      ends.map((end, index) => `partition p${index} values less than (${write(end)})`).join(', ');
    const forms = [
      `partition by range columns (${at}) (${parts((end) => `'${end}'`)}${last})`,
      `partition by range (to_days(${at})) (${parts((end) => `to_days('${end}')`)}${last})`,
      `partition by range (to_days(${at})) subpartition by hash (year(${at})) subpartitions 2 (${parts((end) => `to_days('${end}')`)}${last})`,
      `partition by range (year(${at})) (partition a values less than (2024), partition b values less than (2026))`,
    ];
    return { by: pick(forms, partitions), column };
  }
  if (family === 'number' && !/decimal|float|double/.test(sql)) {
    const forms = [
      `partition by range (${at}) (partition a values less than (10), partition b values less than (120))`,
      `partition by list (${at}) (partition a values in (1, 3, 5), partition b values in (2, 4, 6, null))`,
      `partition by hash (${at}) partitions 3`,
      `partition by range (${at}) (partition a values less than (10), partition b values less than maxvalue)`,
      `partition by hash (${at} % 5) partitions 2`,
    ];
    return { by: pick(forms, partitions), column };
  }
  if (family === 'text')
    return {
      by: `partition by list columns (${at}) (partition a values in ('a', 'x'), partition b values in ('abc', 'b'))`,
      column,
    };
  if (column.type.index !== 'whole') return null;
  return { by: `partition by key (${at}) partitions 3`, column };
}
