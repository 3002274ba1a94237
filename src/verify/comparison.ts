/** What a profile says of a table against what the server's own statistics say of the filled one. Pure. */
import type { ColumnProfile, ForeignKeyProfile, TableProfile } from '../profile/profile.ts';

export type Verdict = 'within' | 'outside' | 'not measured';

/** A wanted figure beside the one that was got. */
export interface Comparison {
  readonly table: string;
  /** Column, index or foreign key; null for the table itself. */
  readonly of: string | null;
  readonly measure: Measure;
  readonly wanted: number | null;
  readonly got: number | null;
  /** Largest difference that is within tolerance, in the unit of the figures. */
  readonly allowed: number;
  readonly verdict: Verdict;
  /** Why it was not measured, or what there is to know of the figures. */
  readonly note: string | null;
}

export type Measure = keyof typeof TOLERANCES;

interface Tolerance {
  /** Part of the wanted figure, or the difference itself. */
  readonly by: 'share' | 'difference';
  readonly bound: number;
}

/** The largest deviations of a filling from its profile, as the README tells them. */
export const TOLERANCES = {
  rows: { by: 'share', bound: 0 },
  'bytes per row': { by: 'share', bound: 0.05 },
  'toast per row': { by: 'share', bound: 0.05 },
  'index bytes per row': { by: 'share', bound: 0.05 },
  nulls: { by: 'difference', bound: 0.02 },
  frequencies: { by: 'difference', bound: 0.02 },
  distinct: { by: 'share', bound: 0.1 },
  correlation: { by: 'difference', bound: 0.1 },
  'parents referred': { by: 'share', bound: 0.1 },
  'children of a parent': { by: 'difference', bound: 0.02 },
} as const satisfies Readonly<Record<string, Tolerance>>;

export interface ComparisonRequest {
  readonly wanted: TableProfile;
  /** Null when the filled server told nothing of the table. */
  readonly got: TableProfile | null;
  /** Rows that were to be filled. */
  readonly rows: number;
  /** Number of different values of a column at that volume. */
  distinctAt(column: ColumnProfile): number | null;
  /** Columns whose values the scenario gives: the profile is not asked for them. */
  readonly chosen: ReadonlySet<string>;
  /** The same of nulls alone. */
  readonly chosenNulls: ReadonlySet<string>;
  /** Bytes that a file of this size grows by: a difference of that is none. */
  growthBytes(bytes: number): number;
  /** `bloat` is a share of `tableBytes`. */
  readonly bloatInTable: boolean;
}

/**
 * Postgres 16 and later extend a table that is loaded in bulk by up to 64 pages at once, and VACUUM gives what is left of
 * them back only from a sixteenth of the table on (RelationAddBlocks in hio.c, REL_TRUNCATE_FRACTION in vacuumlazy.c).
 */
const RESERVE_BYTES = 524_288;
const RESERVE_SHARE = 1 / 16;

/** Every figure of a table, in the order of the profile. */
export function compareTable(request: ComparisonRequest): readonly Comparison[] {
  const { wanted, got, chosen } = request;
  if (got === null) return [figure(request, { of: null, measure: 'rows', wanted: request.rows, got: null })];
  const found = sizes(request, got);
  // A table without a row has no statistics: rows alone can be held against each other.
  if (request.rows === 0 || wanted.rows === 0 || got.rows === 0) return found;
  return [
    ...found,
    ...wanted.columns
      .filter(({ name }) => !chosen.has(name))
      .flatMap((column) =>
        columnFigures(
          request,
          column,
          got.columns.find(({ name }) => name === column.name),
        ),
      ),
    ...wanted.foreignKeys
      .filter(({ columns }) => !columns.some((name) => chosen.has(name)))
      .flatMap((key) =>
        keyFigures(
          request,
          key,
          got.foreignKeys.find((each) => each.columns.join() === key.columns.join()),
        ),
      ),
  ];
}

interface Figure {
  readonly of: string | null;
  readonly measure: Measure;
  readonly wanted: number | null;
  readonly got: number | null | undefined;
  /** Added to what the tolerance allows. */
  readonly extra?: number;
  readonly note?: string | null;
}

function figure({ wanted: table }: ComparisonRequest, written: Figure): Comparison {
  const { of, measure, wanted, extra = 0, note = null } = written;
  const got = written.got ?? null;
  const { by, bound } = TOLERANCES[measure];
  const allowed = Math.max(extra, by === 'share' ? Math.abs(wanted ?? 0) * bound : bound);
  const named = { table: table.name, of, measure, wanted, got, allowed };
  if (wanted === null || got === null) {
    const reason = wanted === null ? 'the profile does not tell' : 'the filled server does not tell';
    return { ...named, verdict: 'not measured', note: note ?? reason };
  }
  const within = Math.abs(got - wanted) <= allowed + Number.EPSILON * Math.abs(wanted);
  return { ...named, verdict: within ? 'within' : 'outside', note };
}

function sizes(request: ComparisonRequest, got: TableProfile): readonly Comparison[] {
  const { wanted, growthBytes, rows } = request;
  const found = [figure(request, { of: null, measure: 'rows', wanted: rows, got: got.rows })];
  if (wanted.rows === 0 || got.rows === 0) return found;
  const extraOf = (bytes: number) => growthBytes(bytes) / got.rows;
  found.push(rowBytes(request, got));
  if (Math.max(wanted.toastBytes, got.toastBytes) > growthBytes(0))
    found.push(
      figure(request, {
        of: null,
        measure: 'toast per row',
        wanted: wanted.toastBytes / wanted.rows,
        got: got.toastBytes / got.rows,
        extra: extraOf(wanted.toastBytes),
      }),
    );
  for (const index of wanted.indexes) {
    const its = got.indexes.find(({ name }) => name === index.name);
    found.push(
      figure(request, {
        of: index.name,
        measure: 'index bytes per row',
        wanted: index.bytes / wanted.rows,
        got: its === undefined ? null : its.bytes / got.rows,
        extra: extraOf(index.bytes),
      }),
    );
  }
  return found;
}

/** As the files are; when these differ, without what is dead or free by the same estimate on both sides. */
function rowBytes(request: ComparisonRequest, got: TableProfile): Comparison {
  const { wanted, growthBytes, bloatInTable } = request;
  const grown = Math.max(growthBytes(wanted.tableBytes), growthBytes(got.tableBytes));
  const extra = Math.max(grown, Math.min(RESERVE_BYTES, got.tableBytes * RESERVE_SHARE)) / got.rows;
  const compared = (part: (table: TableProfile) => number, note: string | null) =>
    figure(request, {
      of: null,
      measure: 'bytes per row',
      wanted: part(wanted) / wanted.rows,
      got: part(got) / got.rows,
      extra,
      note,
    });
  const files = compared(({ tableBytes }) => tableBytes, null);
  const [theirs, ours] = [wanted.bloat, got.bloat];
  if (files.verdict === 'within' || !bloatInTable || theirs === null || ours === null) return files;
  if (theirs === 0 && ours === 0) return files;
  const live = compared(
    (table) => table.tableBytes * (1 - (table.bloat ?? 0)),
    `without the dead and free space, ${percent(theirs)} in production and ${percent(ours)} here: data.age makes such`,
  );
  const away = ({ got: figure, wanted: goal }: Comparison) => Math.abs((figure ?? 0) / (goal || 1) - 1);
  return away(live) < away(files) ? live : files;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function columnFigures(
  request: ComparisonRequest,
  wanted: ColumnProfile,
  got: ColumnProfile | undefined,
): readonly Comparison[] {
  const of = wanted.name;
  const figures: Comparison[] = [];
  if (!request.chosenNulls.has(of))
    figures.push(
      figure(request, { of, measure: 'nulls', wanted: wanted.nullFraction, got: got?.nullFraction }),
    );
  if (wanted.frequencies.length > 0 || (got?.frequencies.length ?? 0) > 0)
    figures.push(shares(request, { of, measure: 'frequencies', wanted, got }));
  const distinct = request.distinctAt(wanted);
  figures.push(
    figure(request, { of, measure: 'distinct', wanted: distinct, got: got?.distinct, extra: 0.5 }),
    figure(request, { of, measure: 'correlation', wanted: wanted.correlation, got: got?.correlation }),
  );
  return figures;
}

function keyFigures(
  request: ComparisonRequest,
  wanted: ForeignKeyProfile,
  got: ForeignKeyProfile | undefined,
): readonly Comparison[] {
  const of = `(${wanted.columns.join(', ')}) -> ${wanted.references}`;
  const same = request.rows === request.wanted.rows;
  const figures: Comparison[] = [];
  if (same)
    figures.push(
      figure(request, {
        of,
        measure: 'parents referred',
        wanted: wanted.parentsReferred,
        got: got?.parentsReferred,
        extra: 0.5,
      }),
    );
  if (wanted.frequencies.length > 0)
    figures.push(shares(request, { of, measure: 'children of a parent', wanted, got }));
  return figures;
}

interface Shares {
  readonly of: string;
  readonly measure: 'frequencies' | 'children of a parent';
  readonly wanted: { readonly frequencies: readonly number[] };
  readonly got: { readonly frequencies: readonly number[] } | undefined;
}

/** The pair of shares at the same place that differs most; one that is not in a list counts as none. */
function shares(request: ComparisonRequest, { of, measure, wanted, got }: Shares): Comparison {
  if (got === undefined)
    return figure(request, { of, measure, wanted: wanted.frequencies[0] ?? 0, got: null });
  const length = Math.max(wanted.frequencies.length, got.frequencies.length);
  let worst = { wanted: wanted.frequencies[0] ?? 0, got: got.frequencies[0] ?? 0, place: 1 };
  for (let index = 1; index < length; index += 1) {
    const pair = { wanted: wanted.frequencies[index] ?? 0, got: got.frequencies[index] ?? 0 };
    if (Math.abs(pair.got - pair.wanted) > Math.abs(worst.got - worst.wanted))
      worst = { ...pair, place: index + 1 };
  }
  const note = worst.place === 1 ? null : `of the most common value number ${worst.place}`;
  return figure(request, { of, measure, wanted: worst.wanted, got: worst.got, note });
}

/** The same with a figure that was counted instead of estimated. */
export function withExact(comparison: Comparison, got: number): Comparison {
  const { wanted, allowed } = comparison;
  const within = wanted !== null && Math.abs(got - wanted) <= allowed;
  const estimate = comparison.got === null ? '' : `; the server estimates ${Math.round(comparison.got)}`;
  return { ...comparison, got, verdict: within ? 'within' : 'outside', note: `counted${estimate}` };
}
