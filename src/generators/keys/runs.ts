/**
 * A run is a stretch of rows with the same parent. Within it rows are counted, and what must differ between them
 * follows from the count, in a mixed radix over as many columns or other parents as are needed.
 */
import { parentsFor } from '../distributions.ts';
import { hash } from '../random.ts';
import { UNBOUNDED } from '../types/source.ts';

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

/** Steps through the other parents; all but one of them have no divisor in common with their number. */
const STEPS: readonly number[] = [7919, 104_729, 611_953, 31, 1];

/** The rows of each parent come in turns: every parent has its first `perParent` rows before any has more. */
export function createRun({ parents, rows, room, seed, ordered }: RunRequest): Run {
  const exact = Math.max(1, Math.ceil(rows / Math.max(1, parents)));
  const perParent = parents === 1 ? UNBOUNDED : Math.max(1, Math.min(room, exact));
  const turn = perParent * parents;
  const parentOf = (row: number) => (parents === 1 ? 0 : Math.floor((row % turn) / perParent));
  const countOf = (row: number) =>
    parents === 1 ? row : Math.floor(row / turn) * perParent + ((row % turn) % perParent);
  const leader: Leader = { parentOf, countOf, perParent, rows, seed, scattered: !ordered };
  return {
    parentOf,
    count: (digits) => {
      const product = roomOf(digits);
      const turns = parents === 1 ? 1 : Math.floor(product / perParent);
      const capacity = parents === 1 ? product : Math.min(UNBOUNDED, turns * turn);
      return { capacity, ordinals: digits.map((_, index) => digitOf(leader, digits, index)) };
    },
  };
}

interface Leader {
  readonly parentOf: (row: number) => number;
  /** Number of the row among those of its parent. */
  readonly countOf: (row: number) => number;
  readonly perParent: number;
  readonly rows: number;
  readonly seed: number;
  readonly scattered: boolean;
}

/** Values of a column are counted; other parents start at a place of each parent's own and go on in steps. */
function digitOf(leader: Leader, digits: readonly Digit[], index: number): (row: number) => number {
  const { parentOf, countOf, perParent, rows } = leader;
  const digit = digits[index];
  const size = digit === undefined ? 1 : Math.max(1, sizeOf(digit));
  const below = roomOf(digits.slice(0, index));
  const seed = leader.seed + index;
  const counted = (row: number) => Math.floor(countOf(row) / below) % size;
  if (digit?.parents !== true || !leader.scattered) return counted;
  return (row) => {
    const count = counted(row);
    const parent = parentOf(row);
    const there = parentsFor(parent * perParent, size, rows);
    const within = Math.max(Math.min(perParent, size), there);
    const value = count < within ? (hash(seed, parent) + count * stepFor(within)) % within : count;
    return digit.avoidsLeader && value >= parent ? value + 1 : value;
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

/** A step that visits every number below `size` once. */
function stepFor(size: number): number {
  return STEPS.find((step) => step === 1 || size % step !== 0) ?? 1;
}
