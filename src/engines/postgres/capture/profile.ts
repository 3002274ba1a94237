/** What the catalogs and statistics say, as tables of a profile. Pure. */
import type {
  ColumnProfile,
  ForeignKeyProfile,
  IndexProfile,
  TableProfile,
} from '../../../profile/profile.ts';
import { groupBy } from '../groups.ts';
import { nameOf } from '../schema/schema.ts';
import { bloatOf } from './bloat.ts';
import type { CombinedStatistics } from './combined-statistics.ts';
import type { SizedIndex, SizedTable } from './sizes.ts';
import type { ColumnStatistics, DistinctGroup, ForeignKeyColumns } from './statistics.ts';

export interface CatalogFacts {
  readonly tables: readonly SizedTable[];
  readonly indexes: readonly SizedIndex[];
  readonly columns: readonly ColumnStatistics[];
  readonly combined: readonly CombinedStatistics[];
  readonly foreignKeys: readonly ForeignKeyColumns[];
  readonly distinctGroups: readonly DistinctGroup[];
}

export interface ProfiledTables {
  readonly tables: readonly TableProfile[];
  readonly missing: readonly { readonly what: string; readonly reason: string }[];
}

type Missing = ProfiledTables['missing'][number];

/** Heap tables fill their pages unless told otherwise. */
const FULL = 100;
/** Of a B-tree: https://www.postgresql.org/docs/current/sql-createindex.html */
const TUPLE_OVERHEAD = 28;
/** What the planner takes for a value of variable length that it knows nothing of: get_typavgwidth. */
const UNKNOWN_WIDTH = 32;
const PAGE_HEADER = 24;

/** One table for each that is no partition; what partitions hold is summed up in the one at the top. */
export function profileTables(facts: CatalogFacts): ProfiledTables {
  const lookUps = lookUpsOf(facts);
  const missing: Missing[] = [];
  const tables = facts.tables
    .filter(({ root }) => root === null)
    .map((table) => {
      missing.push(...missingOf(table, lookUps));
      return profileOf(table, lookUps);
    });
  return { tables, missing };
}

interface LookUps {
  readonly tables: ReadonlyMap<number, SizedTable>;
  /** Partitions that hold rows, by the table at the top. */
  readonly leaves: ReadonlyMap<number, readonly SizedTable[]>;
  readonly indexes: ReadonlyMap<number, readonly SizedIndex[]>;
  readonly columns: ReadonlyMap<number, readonly ColumnStatistics[]>;
  readonly combined: ReadonlySet<number>;
  readonly foreignKeys: ReadonlyMap<number, readonly ForeignKeyColumns[]>;
  readonly distinctGroups: readonly DistinctGroup[];
}

function lookUpsOf(facts: CatalogFacts): LookUps {
  const combinedBy = groupBy(facts.combined, ({ table }) => table);
  const columns = groupBy(facts.columns, ({ table }) => table);
  const combined = new Set<number>();
  for (const [table, own] of columns) {
    const parts = combinedBy.get(table);
    if (parts === undefined || own.some(({ nullFraction }) => nullFraction !== null)) continue;
    combined.add(table);
    columns.set(
      table,
      own.map((column) => ({ ...column, ...parts.find(({ attribute }) => attribute === column.attribute) })),
    );
  }
  const leaves = facts.tables.filter(({ root, isParent }) => root !== null && !isParent);
  return {
    tables: new Map(facts.tables.map((table) => [table.oid, table])),
    leaves: groupBy(leaves, ({ root }) => root ?? 0),
    indexes: groupBy(facts.indexes, ({ table }) => table),
    columns,
    combined,
    foreignKeys: groupBy(facts.foreignKeys, ({ table }) => table),
    distinctGroups: facts.distinctGroups,
  };
}

function profileOf(table: SizedTable, lookUps: LookUps): TableProfile {
  const parts = table.isParent ? (lookUps.leaves.get(table.oid) ?? []) : [table];
  const columns = lookUps.columns.get(table.oid) ?? [];
  const rows = sum(parts, (part) => rowsOf(part, columns));
  return {
    name: nameOf(table),
    rows: Math.round(rows),
    tableBytes: sum(parts, (part) => part.tableBytes),
    toastBytes: sum(parts, (part) => part.toastBytes),
    bloat: bloatOfAll(parts, columns),
    fillfactor: fillfactorOf(parts),
    columns: columns.map((column) => columnProfile(column, rows)),
    indexes: (lookUps.indexes.get(table.oid) ?? []).map((index) =>
      indexProfile(index, columns, rows, lookUps),
    ),
    foreignKeys: (lookUps.foreignKeys.get(table.oid) ?? []).flatMap((key) =>
      foreignKeyProfile(key, rows, lookUps),
    ),
    ...(table.isParent && {
      partitions: parts.map((part) => ({
        name: nameOf(part),
        rows: Math.round(rowsOf(part, columns)),
        tableBytes: part.tableBytes,
        ...(part.bound !== null && { bound: part.bound }),
      })),
    }),
  };
}

/** Without any statistics as many as the planner would guess from the pages and the types. */
function rowsOf(part: SizedTable, columns: readonly ColumnStatistics[]): number {
  if (part.rows !== null) return part.rows;
  const width = sum(columns, ({ typeLength }) => (typeLength < 0 ? UNKNOWN_WIDTH : typeLength));
  return part.pages * Math.floor((part.pageBytes - PAGE_HEADER) / (TUPLE_OVERHEAD + width));
}

function fillfactorOf(parts: readonly SizedTable[]): number | null {
  const all = new Set(parts.map(({ fillfactor }) => fillfactor));
  return all.size === 1 ? (parts[0]?.fillfactor ?? FULL) : null;
}

/** By the bytes of each partition, those of which it is known. */
function bloatOfAll(parts: readonly SizedTable[], columns: readonly ColumnStatistics[]): number | null {
  const known = parts.flatMap((part) => {
    const bloat = partBloat(part, columns);
    return bloat === null ? [] : [{ bloat, bytes: part.tableBytes }];
  });
  const bytes = sum(known, (each) => each.bytes);
  return bytes === 0 ? null : sum(known, (each) => each.bloat * each.bytes) / bytes;
}

function partBloat(part: SizedTable, columns: readonly ColumnStatistics[]): number | null {
  const known = columns.flatMap(({ nullFraction, averageBytes, ...type }) =>
    nullFraction === null || averageBytes === null ? [] : [{ ...type, nullFraction, averageBytes }],
  );
  if (part.rows === null || known.length < columns.length || part.pages === 0) return part.deadShare;
  const fillfactor = part.fillfactor ?? FULL;
  return bloatOf({
    columns: known,
    rows: part.rows,
    pages: part.pages,
    pageBytes: part.pageBytes,
    fillfactor,
  });
}

function columnProfile(column: ColumnStatistics, rows: number): ColumnProfile {
  return {
    name: column.name,
    nullFraction: column.nullFraction ?? 0,
    distinct: distinctOf(column, rows),
    averageBytes: column.averageBytes,
    correlation: column.correlation,
    frequencies: column.frequencies ?? [],
    values: column.values === null ? null : column.frequencies === null ? null : column.values,
    bounds: column.bounds,
  };
}

/** A negative one is a share of the rows, 0 is unknown. */
function distinctOf({ distinct }: ColumnStatistics, rows: number): number | null {
  if (distinct === null || distinct === 0) return null;
  return Math.round(distinct < 0 ? -distinct * rows : distinct);
}

function indexProfile(
  index: SizedIndex,
  columns: readonly ColumnStatistics[],
  rows: number,
  lookUps: LookUps,
): IndexProfile {
  const { name, bytes, fillfactor, unique, attributes } = index;
  const found = unique ? rows : groupDistinct(index.table, attributes, columns, rows, lookUps);
  const cardinality = found === null ? null : Math.round(found);
  return { name, columns: index.columns, bytes, fillfactor, cardinality };
}

/** Of one column, or of several where extended statistics were made for just these. */
function groupDistinct(
  table: number,
  attributes: readonly number[],
  columns: readonly ColumnStatistics[],
  rows: number,
  lookUps: LookUps,
): number | null {
  const [only, ...more] = attributes;
  const column = columns.find(({ attribute }) => attribute === only);
  if (more.length === 0) return column === undefined ? null : distinctOf(column, rows);
  const wanted = [...attributes].sort(byNumber).join();
  const group = lookUps.distinctGroups.find(
    (each) => each.table === table && [...each.attributes].sort(byNumber).join() === wanted,
  );
  return group?.distinct ?? null;
}

function byNumber(one: number, other: number): number {
  return one - other;
}

/**
 * Shares are of the children that have a parent. Of a key of several columns the most selective one stands for all: no
 * fewer parents than it has values, and no parent with a larger share than its value's.
 */
function foreignKeyProfile(
  key: ForeignKeyColumns,
  rows: number,
  lookUps: LookUps,
): readonly ForeignKeyProfile[] {
  const parent = lookUps.tables.get(key.references);
  if (parent === undefined) return [];
  const columns = lookUps.columns.get(key.table) ?? [];
  const own = key.attributes.flatMap((wanted) => columns.filter(({ attribute }) => attribute === wanted));
  const leading = own.reduce<ColumnStatistics | null>(
    (best, each) =>
      best === null || (distinctOf(each, rows) ?? 0) > (distinctOf(best, rows) ?? 0) ? each : best,
    null,
  );
  const distinct = groupDistinct(key.table, key.attributes, columns, rows, lookUps);
  const share = 1 - (leading?.nullFraction ?? 0);
  return [
    {
      columns: own.map(({ name }) => name),
      references: nameOf(parent),
      parentsReferred: distinct ?? (leading === null ? null : distinctOf(leading, rows)),
      frequencies: share <= 0 ? [] : (leading?.frequencies ?? []).map((each) => Math.min(1, each / share)),
    },
  ];
}

function missingOf(table: SizedTable, lookUps: LookUps): readonly Missing[] {
  const name = nameOf(table);
  const parts = table.isParent ? (lookUps.leaves.get(table.oid) ?? []) : [table];
  const columns = lookUps.columns.get(table.oid) ?? [];
  const guessed = parts.filter(({ rows }) => rows === null).length;
  const found: Missing[] = [];
  if (guessed > 0)
    found.push({
      what: `rows of ${name}`,
      reason: `never analysed${table.isParent ? ` in ${guessed} of ${parts.length} partitions` : ''}: guessed from its pages. Run: analyze ${name}`,
    });
  return [...found, ...missingStatistics(table, { name, parts, columns }, lookUps)];
}

interface Held {
  readonly name: string;
  readonly parts: readonly SizedTable[];
  readonly columns: readonly ColumnStatistics[];
}

function missingStatistics(
  table: SizedTable,
  { name, parts, columns }: Held,
  lookUps: LookUps,
): readonly Missing[] {
  const what = `column statistics of ${name}`;
  if (parts.every(({ pages }) => pages === 0)) return [];
  if (lookUps.combined.has(table.oid))
    return [
      {
        what,
        reason: `put together from its partitions: it was never analysed as a whole. Run: analyze ${name}`,
      },
    ];
  const lacking = columns.filter(({ nullFraction }) => nullFraction === null);
  if (lacking.length === 0) return [];
  if (table.secured)
    return [{ what, reason: 'row security hides them: capture as the owner or with BYPASSRLS' }];
  if (!table.readable) return [{ what, reason: `no privilege: grant select on ${name}` }];
  if (lacking.length === columns.length) return [{ what, reason: `never analysed. Run: analyze ${name}` }];
  return lacking.map((column) => ({
    what: `column statistics of ${name}.${column.name}`,
    reason: column.readable
      ? `there are none. Run: analyze ${name}`
      : `no privilege: grant select on ${name}`,
  }));
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
