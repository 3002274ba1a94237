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

/** When the files were looked at, one after the other. */
export interface ReadingTime {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface GrowthTracker {
  /** Called for every reading, with the files that are not as they were at the last one; the first call names all. */
  add(reading: ReadingTime, sizes: readonly FileSize[]): void;
  /** What grew while each statement ran. */
  of(
    statements: readonly RunStatement[],
    ownerOf: (file: string) => FileOwner,
    source: string,
  ): readonly StatementGrowth[];
}

/** A size and the reading that found it, by its place in the list of readings. */
interface Point {
  readonly reading: number;
  readonly bytes: number;
}

/** Smaller growth is told of no statement: a page or two come and go. */
const LEAST_BYTES = 64 * 1024;
const MOST_PER_STATEMENT = 20;

export function trackGrowth(): GrowthTracker {
  const files = new Map<string, Point[]>();
  const readings: ReadingTime[] = [];

  return {
    add(reading, sizes) {
      const at = readings.push(reading) - 1;
      for (const { file, bytes } of sizes) {
        const points = files.get(file) ?? [];
        points.push({ reading: at, bytes });
        files.set(file, points);
      }
    },
    of: (statements, ownerOf, source) =>
      statements.flatMap((statement) => {
        const around = readingsAround(readings, statement, statements);
        return [...files]
          .map(([file, points]) => ({ ...growthIn(points, around), ...ownerOf(file) }))
          .filter(({ upper }) => upper >= LEAST_BYTES)
          .toSorted((one, other) => other.upper - one.upper)
          .slice(0, MOST_PER_STATEMENT)
          .map(({ relation, kind, newFile, lower, upper }) => ({
            statementId: statement.record.id,
            relation,
            kind,
            newFile,
            grewBytes: between(lower, upper, source),
          }));
      }),
  };
}

/** Places in the list of readings; -1 where there is none. */
interface Around {
  /** The last one that was over before the statement began. */
  readonly before: number;
  /** The first and the last one that lie within it whole. */
  readonly first: number;
  readonly last: number;
  /** The first one that began after its end, else the last of all. */
  readonly after: number;
  /** No other statement ran between the reading before and this one's start, so a file that was not there is its own. */
  readonly alone: boolean;
}

function readingsAround(
  readings: readonly ReadingTime[],
  statement: RunStatement,
  statements: readonly RunStatement[],
): Around {
  const { fromMs, toMs } = statement;
  const before = readings.findLastIndex((reading) => reading.toMs <= fromMs);
  const seenMs = readings[before]?.toMs ?? Number.NEGATIVE_INFINITY;
  const isWithin = (reading: ReadingTime): boolean => reading.fromMs >= fromMs && reading.toMs <= toMs;
  const after = readings.findIndex((reading) => reading.fromMs >= toMs);
  return {
    before,
    first: readings.findIndex(isWithin),
    last: readings.findLastIndex(isWithin),
    after: after === -1 ? readings.length - 1 : after,
    alone: statements.every((other) => other === statement || other.toMs <= seenMs || other.fromMs >= fromMs),
  };
}

/**
 * From the start to the largest size meanwhile. At most: the reading after the end counts too, and what is there was
 * there at the reading before the start. At least: only readings while it ran count.
 */
function growthIn(points: readonly Point[], { before, first, last, after, alone }: Around) {
  const sizeAt = (reading: number): number =>
    points.findLast((point) => point.reading <= reading)?.bytes ?? 0;
  const largest = (from: number, to: number): number =>
    points.reduce(
      (most, point) => (point.reading > from && point.reading <= to ? Math.max(most, point.bytes) : most),
      sizeAt(from),
    );
  const start = sizeAt(before);
  const base = start === 0 && alone ? 0 : sizeAt(first);
  const least = first === -1 ? 0 : largest(first, last) - base;
  return { newFile: start === 0, lower: Math.max(0, least), upper: largest(before, after) - start };
}
