/** What the server says of its tables, as tables of a profile. Pure. */
import type {
  ColumnProfile,
  ForeignKeyProfile,
  IndexProfile,
  TableProfile,
} from '../../../profile/profile.ts';
import type { ColumnDescription, ForeignKey } from '../../engine.ts';
import type { ColumnHistogram } from './histograms.ts';
import type { SizedIndex, SizedPartition, SizedTable } from './sizes.ts';
import { estimateWidths, fixedBytes, storedBytes } from './widths.ts';

/** All that was read of one table. */
export interface TableFacts {
  readonly table: SizedTable;
  readonly partitions: readonly SizedPartition[];
  readonly columns: readonly ColumnDescription[];
  readonly indexes: readonly SizedIndex[];
  readonly foreignKeys: readonly ForeignKey[];
  readonly histograms: readonly ColumnHistogram[];
}

interface Known {
  readonly column: ColumnDescription;
  readonly histogram: ColumnHistogram | null;
  /** By the indexes that begin with the column. */
  readonly distinct: number | null;
  readonly isUnique: boolean;
}

const PRIMARY = 'PRIMARY';
/** More free space than this belongs to a tablespace that the table shares. */
const MOST_FREE = 0.95;

export function profileTable(facts: TableFacts): TableProfile {
  const { table, indexes, foreignKeys, partitions } = facts;
  const columns = knownColumns(facts);
  const widths = widthsOf(table, columns);
  return {
    name: table.name,
    rows: table.rows,
    tableBytes: table.tableBytes,
    toastBytes: 0,
    bloat: bloatOf(table),
    fillfactor: null,
    columns: columns.map((known, index) => columnProfile(known, widths[index] ?? null, facts)),
    indexes: indexes.map((index) => indexProfile(index, facts)),
    foreignKeys: foreignKeys.map((key) => foreignKeyProfile(key, columns, facts)),
    ...(partitions.length > 0 && {
      partitions: partitions.map(({ name, rows, tableBytes }) => ({ name, rows, tableBytes })),
    }),
  };
}

/** Columns of which nothing tells how often a value or NULL occurs; no server makes a histogram of a unique one. */
export function columnsWithoutStatistics(facts: TableFacts): readonly ColumnDescription[] {
  return knownColumns(facts)
    .filter(({ histogram, isUnique }) => histogram === null && !isUnique)
    .map(({ column }) => column);
}

/** Columns whose width is neither that of their type nor told by statistics. */
export function columnsWithoutWidth({ columns, histograms }: TableFacts): readonly ColumnDescription[] {
  const measured = new Set(
    histograms.filter(({ contentBytes }) => contentBytes !== null).map(({ name }) => name),
  );
  return columns.filter(
    ({ name, type, generated }) =>
      generated !== 'virtual' && fixedBytes(type) === null && !measured.has(name),
  );
}

function knownColumns({ columns, indexes, histograms }: TableFacts): readonly Known[] {
  return columns.map((column) => {
    const leading = indexes.filter((index) => index.columns[0] === column.name);
    const counts = leading.map((index) => index.distinct[0]).filter((each) => typeof each === 'number');
    return {
      column,
      histogram: histograms.find(({ name }) => name === column.name) ?? null,
      distinct: counts.length === 0 ? null : Math.max(...counts),
      isUnique: leading.some((index) => index.unique && index.columns.length === 1),
    };
  });
}

/** Whole extents that are free; half-empty pages are not known without a scan. */
function bloatOf({ tableBytes, indexBytes, freeBytes }: SizedTable): number | null {
  const bytes = tableBytes + indexBytes + freeBytes;
  if (bytes === 0) return null;
  const share = freeBytes / bytes;
  return share > MOST_FREE ? null : share;
}

function widthsOf(table: SizedTable, columns: readonly Known[]): readonly (number | null)[] {
  if (table.rows === 0) return columns.map(() => null);
  return estimateWidths({
    rowBytes: table.tableBytes / table.rows,
    columns: columns.map(({ column, histogram }) => {
      const { type } = column;
      const content = histogram?.contentBytes ?? null;
      const bytes = fixedBytes(type) ?? (content === null ? null : storedBytes(content));
      // A virtual column is not in the row.
      if (column.generated === 'virtual')
        return { bytes: bytes ?? 1, nullFraction: 1, maxLength: type.maxLength };
      return { bytes, nullFraction: histogram?.nullFraction ?? 0, maxLength: type.maxLength };
    }),
  });
}

function columnProfile(
  { column, histogram, distinct, isUnique }: Known,
  averageBytes: number | null,
  { table, indexes }: TableFacts,
): ColumnProfile {
  const values = histogram?.values?.map((value) => labelled(value, column)) ?? null;
  // The clustered index keeps the rows in the order of the primary key.
  const isFirst = indexes.some(({ name, columns }) => name === PRIMARY && columns[0] === column.name);
  return {
    name: column.name,
    nullFraction: histogram?.nullFraction ?? 0,
    distinct: isUnique && !column.nullable ? table.rows : (histogram?.distinct ?? distinct),
    averageBytes,
    correlation: isFirst ? 1 : null,
    frequencies: histogram?.frequencies ?? [],
    values,
    bounds: histogram?.bounds?.map((value) => labelled(value, column)) ?? null,
  };
}

/** MySQL's histograms have an enum by its number and a set by its bits. */
function labelled(value: string, { type }: ColumnDescription): string {
  if (!/^\d+$/.test(value)) return value;
  if (type.kind === 'enum' && type.base === 'enum') return type.labels[Number(value) - 1] ?? value;
  if (type.kind !== 'set') return value;
  return type.labels.filter((_, bit) => (BigInt(value) >> BigInt(bit)) & 1n).join(',');
}

function indexProfile(index: SizedIndex, { table, indexes }: TableFacts): IndexProfile {
  const isClustered = index.name === PRIMARY;
  const secondary = indexes.filter(({ name }) => name !== PRIMARY).length;
  const even = secondary === 0 ? 0 : Math.round(table.indexBytes / secondary);
  return {
    name: index.name,
    columns: index.columns,
    // The primary key is the table; its bytes are told there.
    bytes: isClustered ? 0 : (index.bytes ?? even),
    fillfactor: null,
    cardinality: index.unique ? table.rows : (index.distinct.at(-1) ?? null),
  };
}

/** InnoDB has an index that begins with the key's columns, and counts its entries. */
function foreignKeyProfile(
  key: ForeignKey,
  columns: readonly Known[],
  { indexes }: TableFacts,
): ForeignKeyProfile {
  const leading = indexes.find(
    (index) =>
      index.columns.length >= key.columns.length &&
      index.columns.slice(0, key.columns.length).every((name) => key.columns.includes(name)),
  );
  const counted = leading?.distinct[key.columns.length - 1] ?? null;
  const [only, ...more] = columns.filter(({ column }) => key.columns.includes(column.name));
  const histogram = more.length === 0 ? (only?.histogram ?? null) : null;
  const share = 1 - (histogram?.nullFraction ?? 0);
  return {
    columns: key.columns,
    references: key.references,
    parentsReferred: histogram?.distinct ?? counted,
    frequencies: share <= 0 ? [] : (histogram?.frequencies ?? []).map((each) => Math.min(1, each / share)),
  };
}
