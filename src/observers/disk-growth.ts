/** Which statement made which relation grow, from the sizes of single files over time. Pure. */
import { between } from '../recording/figure.ts';
import type { StatementGrowth } from '../recording/recording.ts';
import type { RunStatement } from './statements.ts';

/** Bytes of one file of a relation, all its segments together, at a reading at which they had changed. */
export interface FileSize {
  /** Names the file, not the relation: a rewritten table has another one. */
  readonly file: string;
  readonly bytes: number;
  /** When it was made, by the file system; null or left out: not known. */
  readonly bornMs?: number | null;
  /** When it was last written to: from then to the reading it was as long as now. */
  readonly writtenMs?: number | null;
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
  readonly writtenMs: number | null;
}

interface KnownFile {
  readonly bornMs: number | null;
  readonly points: Point[];
}

/** From one clock to the other. */
const CLOCK_MS = 2;
/** File systems stamp by the tick of the kernel (4 or 10 ms), the start of which may lie so long before the event. */
const TICK_MS = 10 + CLOCK_MS;

/** Smaller growth is told of no statement: a page or two come and go. */
const LEAST_BYTES = 64 * 1024;
const MOST_PER_STATEMENT = 20;

export function trackGrowth(): GrowthTracker {
  const files = new Map<string, KnownFile>();
  const readings: ReadingTime[] = [];

  return {
    add(reading, sizes) {
      const at = readings.push(reading) - 1;
      for (const { file, bytes, bornMs = null, writtenMs = null } of sizes) {
        const known = files.get(file) ?? { bornMs, points: [] };
        known.points.push({ reading: at, bytes, writtenMs });
        files.set(file, known);
      }
    },
    of: (statements, ownerOf, source) =>
      statements.flatMap((statement) => {
        const around = readingsAround(readings, statement, statements);
        return [...files]
          .map(([file, known]) => ({ ...growthIn(known, around), ...ownerOf(file) }))
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
  readonly statement: RunStatement;
  /** Began when the statement already ran. */
  isSince(reading: number): boolean;
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
    statement,
    isSince: (reading) => (readings[reading]?.fromMs ?? Number.NEGATIVE_INFINITY) >= fromMs,
    before,
    first: readings.findIndex(isWithin),
    last: readings.findLastIndex(isWithin),
    after: after === -1 ? readings.length - 1 : after,
    alone: statements.every((other) => other === statement || other.toMs <= seenMs || other.fromMs >= fromMs),
  };
}

/**
 * From the start to the largest size meanwhile. At most: the reading after the end counts too, and what is there was
 * there at the reading before the start. At least: only readings while it ran count. The times of the file itself tell more
 * where they are certain: made after the end it is none of it, made in between it is all of it, and a reading after the start
 * or the end tells the size at that instant when the file was written last before.
 */
function growthIn({ points, bornMs }: KnownFile, around: Around) {
  const { before, first, last, after, alone, isSince, statement } = around;
  const { fromMs, toMs } = statement;
  if (bornMs !== null && bornMs > toMs + CLOCK_MS) return NO_GROWTH;
  const madeBefore = bornMs !== null && bornMs + TICK_MS < fromMs;
  const madeWithin = bornMs !== null && bornMs >= fromMs + CLOCK_MS && bornMs + TICK_MS <= toMs;
  const sizeAt = (reading: number): number =>
    points.findLast((point) => point.reading <= reading)?.bytes ?? 0;
  const largest = (from: number, to: number): number =>
    points.reduce(
      (most, point) => (point.reading > from && point.reading <= to ? Math.max(most, point.bytes) : most),
      sizeAt(from),
    );
  /** What it was as long as at an instant, or before it, by readings since the start. */
  const lengthsBy = (atMs: number): readonly number[] =>
    points
      .filter(({ reading }) => reading > before && reading <= after && isSince(reading))
      .filter(({ writtenMs }) => writtenMs !== null && writtenMs + TICK_MS < atMs)
      .map(({ bytes }) => bytes);
  const known = madeWithin ? 0 : lengthsBy(fromMs)[0];
  const start = known ?? sizeAt(before);
  const isNew = start === 0 && alone && !madeBefore;
  const base = known ?? (isNew ? 0 : first === -1 ? Number.POSITIVE_INFINITY : sizeAt(first));
  const least = Math.max(first === -1 ? 0 : largest(first, last), ...lengthsBy(toMs)) - base;
  const upper = Math.max(0, largest(before, after) - start);
  return {
    newFile: start === 0 && !madeBefore,
    lower: Math.min(upper, Math.max(0, least)),
    upper,
  };
}

const NO_GROWTH = { newFile: false, lower: 0, upper: 0 };
