/** Partitions of partitions. */
import type { ColumnDescription, PartitionStep } from '../../engine.ts';

/** https://www.postgresql.org/docs/current/catalog-pg-inherits.html */
export const PARTITIONS = `
  select
    i.inhparent as parent,
    i.inhrelid as partition,
    c.relkind = 'p' as "isParent",
    pg_get_partkeydef(i.inhparent) as key,
    pg_get_expr(c.relpartbound, c.oid) as bound
  from pg_inherits i
    join pg_class c on c.oid = i.inhrelid and c.relispartition and c.relkind in ('r', 'p', 'f')
  order by i.inhrelid`;

export interface PartitionRow {
  readonly parent: number;
  readonly partition: number;
  readonly isParent: boolean;
  readonly key: string;
  readonly bound: string;
}

/** The way down to each partition that holds rows. */
export function leavesOf(
  table: number,
  partitions: readonly PartitionRow[],
): readonly (readonly PartitionStep[])[] {
  const own = partitions.filter(({ parent }) => parent === table);
  return own.flatMap(({ partition, isParent, key, bound }) => {
    const siblings = own.filter((each) => each.partition !== partition).map((each) => each.bound);
    const step: PartitionStep = { key, bound, siblings };
    return isParent ? leavesOf(partition, partitions).map((steps) => [step, ...steps]) : [[step]];
  });
}

/** The server prints literals of a `character(n)` key with the blanks behind them, which do not count. */
export function boundsOf(
  columns: readonly ColumnDescription[],
  key: string | null,
): <Row extends { readonly bound: string }>(row: Row) => Row {
  const padded = columns.some(({ name, type }) => type.base === 'bpchar' && key?.includes(name) === true);
  return (row) => (padded ? { ...row, bound: row.bound.replaceAll(/ +'/g, "'") } : row);
}
