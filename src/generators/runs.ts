/**
 * A run is a stretch of rows with the same parent. Within it rows are counted, and what must differ between them
 * follows from the count, in a mixed radix over as many columns or other parents as are needed.
 */
import { parentsFor } from './distributions.ts';
import { hash } from './random.ts';
import { UNBOUNDED } from './source.ts';

/** One thing that can differ between rows of the same parent. */
export interface Digit {
  /** How many values (or parent rows) there are. */
  readonly values: number;
  /** Rows of another parent table, which grow with this table; else values of a column. */
  readonly parents: boolean;
  /** It must not be the row that the leader refers to. */
  readonly avoidsLeader: boolean;
}

export interface Run {
  readonly parentOf: (row: number) => number;
  /** Numbers below each digit's values; two rows of one parent never have all of them equal. */
  count(digits: readonly Digit[]): {
    readonly ordinals: readonly ((row: number) => number)[];
    /** Rows until the numbers are used up. */
    readonly capacity: number;
  };
}

export interface RunRequest {
  readonly parents: number;
  readonly rows: number;
  /** Rows of one parent that can differ at all. */
  readonly room: number;
  readonly seed: number;
  /** The numbers follow the rows, instead of being scattered. */
  readonly ordered: boolean;
}

/** Products beyond this are not scattered, since the arithmetic would not be exact. */
const MAX_SCATTERED = 2 ** 31;
const STEPS: readonly number[] = [7919, 104_729, 611_953, 31, 1];

/** The rows of each parent come in turns: every parent has its first `perParent` rows before any has more. */
export function createRun({ parents, rows, room, seed, ordered }: RunRequest): Run {
  const exact = Math.max(1, Math.ceil(rows / Math.max(1, parents)));
  const rounded = Math.max(1, Math.ceil(Number((rows / Math.max(1, parents)).toPrecision(2))));
  // All rows fit into one turn with `exact`; `rounded` makes volumes in proportion agree, and fits too or nearly.
  const perParent = parents === 1 ? UNBOUNDED : Math.max(1, Math.min(room, Math.max(exact, rounded)));
  const turn = perParent * parents;
  const parentOf = (row: number) => (parents === 1 ? 0 : Math.floor((row % turn) / perParent));
  const countOf = (row: number) =>
    parents === 1 ? row : Math.floor(row / turn) * perParent + ((row % turn) % perParent);
  return {
    parentOf,
    count: (digits) => {
      const sizes = digits.map(sizeOf);
      const product = roomOf(digits);
      const turns = parents === 1 ? 1 : Math.floor(product / perParent);
      const capacity = parents === 1 ? product : Math.min(UNBOUNDED, turns * turn);
      const [only] = digits;
      const scatter = digits.length === 1 && only?.parents === true ? only : null;
      const reach = (parent: number) =>
        scatter === null
          ? product
          : Math.max(
              Math.min(perParent, product),
              Math.min(product, parentsFor(parent * perParent, product, rows)),
            );
      const plain = ordered || product > MAX_SCATTERED || (digits.length === 1 && scatter === null);
      const numberOf = (row: number): number => {
        const count = countOf(row);
        if (plain) return count;
        const parent = parentOf(row);
        const within = reach(parent);
        return count < within ? (hash(seed, parent) + count * stepFor(within)) % within : count;
      };
      return {
        capacity,
        ordinals: digits.map((digit, index) => digitOf(digit, { index, sizes, numberOf, parentOf })),
      };
    },
  };
}

/** How many rows the digits can tell apart. */
export function roomOf(digits: readonly Digit[]): number {
  return Math.min(
    UNBOUNDED,
    digits.reduce((all, digit) => all * Math.max(0, sizeOf(digit)), 1),
  );
}

function sizeOf({ values, avoidsLeader }: Digit): number {
  return values - (avoidsLeader ? 1 : 0);
}

function digitOf(
  digit: Digit,
  {
    index,
    sizes,
    numberOf,
    parentOf,
  }: {
    readonly index: number;
    readonly sizes: readonly number[];
    readonly numberOf: (row: number) => number;
    readonly parentOf: (row: number) => number;
  },
): (row: number) => number {
  const size = Math.max(1, sizes[index] ?? 1);
  const below = sizes.slice(0, index).reduce((all, each) => all * Math.max(1, each), 1);
  return (row) => {
    const value = Math.floor(numberOf(row) / below) % size;
    return digit.avoidsLeader && value >= parentOf(row) ? value + 1 : value;
  };
}

/** A step that visits every number below `size` once. */
function stepFor(size: number): number {
  return STEPS.find((step) => step === 1 || size % step !== 0) ?? 1;
}
