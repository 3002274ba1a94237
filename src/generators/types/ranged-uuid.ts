/** Uuids that lie in the ranges of partitions, in Postgres's order, which is that of their bytes. */
import type { PartitionRange } from '../checks/partitions.ts';
import { hash, hashBelow } from '../random.ts';
import { sourceOf, UNBOUNDED, type ValueSource } from './source.ts';

const HASHES = 2n ** 32n;
const END = 2n ** 128n;

/** Null when no range holds one. A wide range is cut into 2^32 pieces, of which different rows get different ones. */
export function rangedUuidSource(ranges: readonly PartitionRange[], seed: number): ValueSource | null {
  const spans = ranges
    .map(({ from, to }) => ({ from: numberOf(from, 0n), to: numberOf(to, END) }))
    .filter(({ from, to }) => from < to);
  if (spans.length === 0) return null;
  const narrowest = Math.min(...spans.map(({ from, to }) => Number(to - from < HASHES ? to - from : HASHES)));
  const made = (place: number, number: number): string => {
    const { from, to } = spans[place] ?? { from: 0n, to: END };
    const width = to - from;
    const step = width < HASHES ? BigInt(number) % width : (width * BigInt(hash(seed, number))) / HASHES;
    return textOf(from + step);
  };
  return sourceOf({
    capacity: Math.min(UNBOUNDED, narrowest * spans.length),
    plain: (row) => made(hashBelow(seed + 1, row, spans.length), row),
    unique: (ordinal) => made(ordinal % spans.length, Math.floor(ordinal / spans.length)),
  });
}

function numberOf(bound: string | null, open: bigint): bigint {
  return bound === null ? open : BigInt(`0x${bound.replaceAll(/[{}-]/g, '')}`);
}

function textOf(value: bigint): string {
  const digits = value.toString(16).padStart(32, '0');
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    digits.slice(12, 16),
    digits.slice(16, 20),
    digits.slice(20),
  ].join('-');
}
