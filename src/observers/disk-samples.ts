/** Keeps readings of the disk in bounded memory: the largest of each stretch stays, and so the peak. Pure. */
import type { DiskReading } from '../recording/recording.ts';

export interface DiskSamples {
  add(reading: DiskReading): void;
  /** In the order of time, at most `MOST_SAMPLES`. */
  list(): readonly DiskReading[];
}

/** An hour at 50 ms is 72,000 readings; a chart shows no more than these. */
export const MOST_SAMPLES = 2_000;

export function keepDiskSamples(): DiskSamples {
  let samples: DiskReading[] = [];
  /** Readings that one sample stands for. */
  let stride = 1;
  let stretch: { best: DiskReading; count: number } | null = null;

  return {
    add(reading) {
      stretch =
        stretch === null
          ? { best: reading, count: 1 }
          : { best: larger(stretch.best, reading), count: stretch.count + 1 };
      if (stretch.count < stride) return;
      samples.push(stretch.best);
      stretch = null;
      if (samples.length < MOST_SAMPLES) return;
      samples = halved(samples);
      stride *= 2;
    },
    list: () => (stretch === null ? samples : [...samples, stretch.best]),
  };
}

/** All areas at one instant. */
export function sumBytes({ areas }: DiskReading): number {
  return Object.values(areas).reduce((sum, bytes) => sum + bytes, 0);
}

/** The one with the larger sum; of equals the earlier one. */
export function larger(one: DiskReading, other: DiskReading): DiskReading {
  return sumBytes(other) > sumBytes(one) ? other : one;
}

function halved(samples: readonly DiskReading[]): DiskReading[] {
  return samples.flatMap((sample, index) => {
    if (index % 2 === 1) return [];
    const next = samples[index + 1];
    return [next === undefined ? sample : larger(sample, next)];
  });
}
