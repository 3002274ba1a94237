/** Which statement made which relation grow, from the sizes of single files over time. Pure. */
import { between } from '../recording/figure.ts';
import type { StatementGrowth } from '../recording/recording.ts';
import type { RunStatement } from './statements.ts';

/** Bytes of one file of a relation, all its segments together, at a reading at which they had changed. */
export interface FileSize {
  /** Names the file, not the relation: a rewritten table has another one. */
  readonly file: string;
  readonly bytes: number;
}

export interface FileOwner {
  /** Null: gone before anybody could name it. */
  readonly relation: string | null;
  readonly kind: StatementGrowth['kind'];
}

export interface GrowthTracker {
  /** Files that are not as they were at the last reading; the first call names all. */
  add(atMs: number, sizes: readonly FileSize[]): void;
  /** What grew while each statement ran. */
  of(
    statements: readonly RunStatement[],
    ownerOf: (file: string) => FileOwner,
    source: string,
  ): readonly StatementGrowth[];
}

interface Point {
  readonly atMs: number;
  readonly bytes: number;
}

/** Smaller growth is told of no statement: a page or two come and go. */
const LEAST_BYTES = 64 * 1024;
const MOST_PER_STATEMENT = 20;
/** Of one file; then neighbours are joined, which widens the bounds of short statements. */
const MOST_POINTS = 20_000;

export function trackGrowth(): GrowthTracker {
  const files = new Map<string, Point[]>();
  let firstAtMs: number | null = null;

  return {
    add(atMs, sizes) {
      const isFirst = firstAtMs === null;
      firstAtMs ??= atMs;
      for (const { file, bytes } of sizes) {
        // A file that is seen for the first time was not there at the reading before.
        const points = files.get(file) ?? (isFirst ? [] : [{ atMs: firstAtMs, bytes: 0 }]);
        points.push({ atMs, bytes });
        files.set(file, points.length > MOST_POINTS ? points.filter((_, index) => index % 2 === 0) : points);
      }
    },
    of: (statements, ownerOf, source) =>
      statements.flatMap((statement) =>
        [...files]
          .map(([file, points]) => ({ ...growthIn(points, statement), ...ownerOf(file) }))
          .filter(({ upper }) => upper >= LEAST_BYTES)
          .toSorted((one, other) => other.upper - one.upper)
          .slice(0, MOST_PER_STATEMENT)
          .map(({ relation, kind, newFile, lower, upper }) => ({
            statementId: statement.record.id,
            relation,
            kind,
            newFile,
            grewBytes: between(lower, upper, source),
          })),
      ),
  };
}

/**
 * From the start to the largest size meanwhile. At most: the first reading after the end counts too, and what is there was
 * there at the last reading before the start. At least: only readings while it ran count.
 */
function growthIn(points: readonly Point[], { fromMs, toMs }: RunStatement) {
  const before = points.findLast(({ atMs }) => atMs <= fromMs);
  const within = points.filter(({ atMs }) => atMs > fromMs && atMs <= toMs);
  const after = points.find(({ atMs }) => atMs > toMs);
  const start = before?.bytes ?? 0;
  const firstWithin = within[0];
  const most = Math.max(start, ...within.map(({ bytes }) => bytes), after?.bytes ?? 0);
  const least =
    firstWithin === undefined
      ? 0
      : Math.max(...within.map(({ bytes }) => bytes)) - (start === 0 ? 0 : firstWithin.bytes);
  return { newFile: start === 0, lower: Math.max(0, least), upper: Math.max(0, most - start) };
}
