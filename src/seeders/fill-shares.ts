/** What one stream does: takes pieces of tables and loads them over a connection of its own. */
import { setTimeout as wait } from 'node:timers/promises';
import { type BrokenLoad, type ConnectionTarget, type Engine, LostRows } from '../engines/engine.ts';
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

/**
 * A server that a crash restarts is back in a second or two; each attempt makes the same rows again. Attempts that bring
 * rows are not counted.
 */
const ATTEMPTS = 3;
const PAUSE_MS = 2_000;

/** Between two reports of the same table. */
const REPORT_MS = 100;

export async function fillShares(stream: Stream): Promise<void> {
  for (const [index, share] of stream.shares.entries()) {
    if (stream.takes?.(share) === false) continue;
    const ranges = takeRanges(share, stream.counters, index);
    if (ranges === null) continue;
    await loadAgain(stream, share, ranges);
  }
}

async function loadAgain(stream: Stream, share: Share, ranges: Ranges): Promise<void> {
  let broken: BrokenLoad | null = null;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await load(stream, share, { ranges, broken });
    } catch (error) {
      // A server that is not back yet cannot be connected to.
      const passes = error instanceof LostRows || (attempt > 1 && error instanceof EnvironmentError);
      if (!passes) throw error;
      const further = error instanceof LostRows ? error.broken : null;
      if (further !== null && further.confirmedRows > (broken?.confirmedRows ?? 0)) attempt = 1;
      if (attempt === ATTEMPTS) throw error;
      broken = further ?? broken;
      await wait(PAUSE_MS, undefined, { signal: stream.signal });
    }
  }
}

type Ranges = Iterable<readonly [from: number, to: number]>;

async function load(
  stream: Stream,
  share: Share,
  { ranges, broken }: { readonly ranges: Ranges; readonly broken: BrokenLoad | null },
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
    broken,
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
function rowsIn({ row }: TableGenerator, ranges: Ranges): Iterable<ReturnType<TableGenerator['row']>> {
  return {
    *[Symbol.iterator]() {
      for (const [from, to] of ranges) for (let number = from; number < to; number += 1) yield row(number);
    },
  };
}
