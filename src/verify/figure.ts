/** One wanted figure beside the one that was got, and how far apart they may be. Pure. */
import type { ColumnProfile, TableProfile } from '../profile/profile.ts';

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
  'share of the rows': { by: 'difference', bound: 0.02 },
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
  /** Rows that a table has at that volume; null where the profile does not tell of it. */
  rowsOf(table: string): number | null;
  /** Columns whose values the scenario gives: the profile is not asked for them. */
  readonly chosen: ReadonlySet<string>;
  /** The same of nulls alone. */
  readonly chosenNulls: ReadonlySet<string>;
  /** Bytes that a file of this size grows by: a difference of that is none. */
  growthBytes(bytes: number): number;
  /** `bloat` is a share of `tableBytes`. */
  readonly bloatInTable: boolean;
}

export interface Figure {
  readonly of: string | null;
  readonly measure: Measure;
  readonly wanted: number | null;
  readonly got: number | null | undefined;
  /** Added to what the tolerance allows. */
  readonly extra?: number;
  readonly note?: string | null;
}

export function figure({ wanted: table }: ComparisonRequest, written: Figure): Comparison {
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
