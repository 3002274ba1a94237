/** What one stream does: takes pieces of tables and loads them over a connection of its own. */
import { setTimeout as wait } from 'node:timers/promises';
import { type ConnectionTarget, type Engine, LostRows } from '../engines/engine.ts';
import { EnvironmentError } from '../errors.ts';
import type { TableGenerator } from '../generators/index.ts';
import { type Share, takeRanges } from './pieces.ts';

export interface Stream {
  readonly engine: Engine;
  readonly target: ConnectionTarget;
  readonly generators: ReadonlyMap<string, TableGenerator>;
  readonly shares: readonly Share[];
  readonly counters: Int32Array<SharedArrayBuffer>;
  /** Rows and bytes of the table that this stream has handed over so far; the last report of a table is `done`. */
  readonly tell: (told: StreamProgress) => void;
  readonly signal: AbortSignal;
  /** Leaves the others to other streams; left out: takes all. */
  readonly takes?: (share: Share) => boolean;
}

export interface StreamProgress {
  readonly table: string;
  readonly rows: number;
  readonly bytes: number;
  readonly done: boolean;
}

/** A server that a crash restarts is back in a second or two; each attempt makes the same rows again. */
const ATTEMPTS = 3;
const PAUSE_MS = 2_000;

/** Between two reports of the same table. */
const REPORT_MS = 100;

export async function fillShares(stream: Stream): Promise<void> {
  for (const [index, share] of stream.shares.entries()) {
    if (stream.takes?.(share) === false) continue;
    const ranges = takeRanges(share, stream.counters, index);
    if (ranges === null) continue;
    for (let attempt = 1; ; attempt += 1) {
      try {
        await load(stream, share, ranges);
        break;
      } catch (error) {
        // A server that is not back yet cannot be connected to.
        const passes = error instanceof LostRows || (attempt > 1 && error instanceof EnvironmentError);
        if (!passes || attempt === ATTEMPTS) throw error;
        await wait(PAUSE_MS, undefined, { signal: stream.signal });
      }
    }
  }
}

async function load(
  stream: Stream,
  share: Share,
  ranges: Iterable<readonly [number, number]>,
): Promise<void> {
  const { engine, target, generators, signal } = stream;
  const generator = generators.get(share.table);
  if (generator === undefined) throw new Error(`${share.table} has no generator`);
  const tell = sparingly(stream.tell);
  const told = { table: share.table, rows: 0, bytes: 0 };
  tell({ ...told, done: false });
  await engine.filling.bulkLoad({
    target,
    table: generator.table,
    columns: generator.columns,
    rows: rowsIn(generator, ranges),
    numbered: { ranges, cells: generator.cellSources() },
    alone: share.pieceRows >= share.rows,
    onProgress: (rows, bytes) => {
      Object.assign(told, { rows, bytes });
      tell({ ...told, done: false });
    },
    signal,
  });
  tell({ ...told, done: true });
}

/** The first report, the last one, and between them one in {@link REPORT_MS}. */
function sparingly(tell: Stream['tell']): Stream['tell'] {
  let reportedAt = Number.NEGATIVE_INFINITY;
  return (progress) => {
    const now = performance.now();
    if (!progress.done && progress.rows > 0 && now - reportedAt < REPORT_MS) return;
    reportedAt = now;
    tell(progress);
  };
}

/** Can be pulled more than once, as the ranges can. */
function rowsIn(
  { row }: TableGenerator,
  ranges: Iterable<readonly [number, number]>,
): Iterable<ReturnType<TableGenerator['row']>> {
  return {
    *[Symbol.iterator]() {
      for (const [from, to] of ranges) for (let number = from; number < to; number += 1) yield row(number);
    },
  };
}
