/**
 * Which stream makes which rows. A table is cut into pieces; a stream takes the next piece that nobody has taken, so that
 * none of them waits for another. The counters lie in shared memory: no message is needed to take one.
 */

export interface Share {
  /** As in TableDescription.name. */
  readonly table: string;
  readonly rows: number;
  /** Rows of a piece; when that is all of them, one stream fills the table alone. */
  readonly pieceRows: number;
}

export interface WantedTable {
  readonly table: string;
  readonly rows: number;
  /** How much work it is, in any unit. */
  readonly weight: number;
}

/** How an engine wants a table cut that several streams fill. */
export interface Cutting {
  /** With fewer streams each table is filled by one of them. */
  readonly fromStreams: number;
  /** Null: one range for each stream. */
  readonly pieceRows: number | null;
}

/** A table of so few rows is not worth a second stream. */
const LEAST_ROWS = 100_000;

/**
 * In the order in which streams look for work: tables with one stream first, the largest of them ahead, so that all
 * streams end with those that they share. Shared are tables that would keep one stream at work when the others are done.
 */
export function shareOut(
  tables: readonly WantedTable[],
  streams: number,
  cutting: Cutting,
): readonly Share[] {
  const total = tables.reduce((sum, { weight }) => sum + weight, 0);
  const isShared = ({ rows, weight }: WantedTable) =>
    streams > 1 && streams >= cutting.fromStreams && rows >= LEAST_ROWS && weight > total / streams;
  const pieceOf = (table: WantedTable) =>
    isShared(table) ? (cutting.pieceRows ?? Math.ceil(table.rows / streams)) : table.rows;
  return tables
    .toSorted((one, other) => Number(isShared(one)) - Number(isShared(other)) || other.weight - one.weight)
    .map((each) => ({ table: each.table, rows: each.rows, pieceRows: pieceOf(each) }));
}

/** One counter for each share: the number of its next piece. */
export function createCounters(shares: readonly Share[]): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(shares.length * Int32Array.BYTES_PER_ELEMENT));
}

type Range = readonly [from: number, to: number];

/**
 * The ranges of one stream in one share: null when the whole table has been taken by others. Iterated again, it gives the
 * same ranges again, and then further ones: what a broken connection took with it can be made once more.
 */
export function takeRanges(
  { rows, pieceRows }: Share,
  counters: Int32Array<SharedArrayBuffer>,
  index: number,
): Iterable<Range> | null {
  const take = (): Range | null => {
    const from = Atomics.add(counters, index, 1) * pieceRows;
    return from >= rows ? null : [from, Math.min(rows, from + pieceRows)];
  };
  const first = take();
  if (first === null) return null;
  const taken: Range[] = [first];
  return {
    *[Symbol.iterator]() {
      for (let place = 0; ; place += 1) {
        if (place === taken.length) {
          const next = take();
          if (next === null) return;
          taken.push(next);
        }
        const range = taken[place];
        if (range !== undefined) yield range;
      }
    },
  };
}

/** In shared memory too: whether a thread has begun, or need not any more because everything has been taken meanwhile. */
export type Turn = Int32Array<SharedArrayBuffer>;

const WAITING = 0;
const BEGUN = 1;
const DISMISSED = 2;

export function createTurn(): Turn {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
}

/** False when the thread has been dismissed. */
export function begins(turn: Turn): boolean {
  return Atomics.compareExchange(turn, 0, WAITING, BEGUN) === WAITING;
}

/** From now on the thread does not begin; false when it has. */
export function dismisses(turn: Turn): boolean {
  return Atomics.compareExchange(turn, 0, WAITING, DISMISSED) === WAITING;
}
