/** Readings of the disk, compared by their sums. Pure. */
import type { DiskReading } from '../recording/recording.ts';

/** All areas at one instant. */
export function sumBytes({ areas }: DiskReading): number {
  return Object.values(areas).reduce((sum, bytes) => sum + bytes, 0);
}

/** The one with the larger sum; of equals the earlier one. */
export function larger(one: DiskReading, other: DiskReading): DiskReading {
  return sumBytes(other) > sumBytes(one) ? other : one;
}
