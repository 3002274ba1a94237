/**
 * A log-linear histogram of microseconds: 1,024 buckets per power of two, each at most 0.1 % of its values wide, which is
 * the three digits of an HdrHistogram. What is stored are plain values and counts, so that a recording can be written, read
 * back, merged and judged again without the run, by a harness with other buckets too: histograms of node:perf_hooks
 * cannot be read back. Recording a value takes 10 to 20 ns (`npm run bench:load -- --only recording`).
 */
const SUB_BUCKET_BITS = 10;
const SUB_BUCKETS = 2 ** SUB_BUCKET_BITS;
/** Width of a bucket as a share of its values; the middle is at most half of it away from them. */
export const RELATIVE_ERROR = 1 / SUB_BUCKETS;
/** 2^36 us = 19 h: longer than any rehearsal's window. */
const MAX_EXPONENT = 36;
const BUCKETS = (MAX_EXPONENT - SUB_BUCKET_BITS + 2) * SUB_BUCKETS;
/** Below this, bits tell the bucket; `Math.log2` takes three times as long. */
const FAST_BELOW = 2 ** 31;

/** Live counts, one per bucket; make it with {@link createHistogram}. Pages that are never touched take no memory. */
export type Histogram = Float64Array;

/** As stored: the middle of a bucket in whole microseconds and its count, ascending, empty buckets left out. */
export type StoredHistogram = readonly (readonly [microseconds: number, count: number])[];

export function createHistogram(): Histogram {
  return new Float64Array(BUCKETS);
}

/** Bucket of a value in microseconds; values below 0 count as 0, values past the end as the last bucket. */
export function bucketOf(microseconds: number): number {
  if (microseconds < FAST_BELOW) {
    const value = microseconds > 0 ? microseconds | 0 : 0;
    if (value < SUB_BUCKETS) return value;
    const shift = 31 - Math.clz32(value) - SUB_BUCKET_BITS;
    return shift * SUB_BUCKETS + (value >>> shift);
  }
  const shift = Math.floor(Math.log2(microseconds)) - SUB_BUCKET_BITS;
  return Math.min(shift * SUB_BUCKETS + Math.floor(microseconds / 2 ** shift), BUCKETS - 1);
}

/** Middle of a bucket in whole microseconds; it lies in the bucket. */
export function bucketValue(bucket: number): number {
  if (bucket < SUB_BUCKETS) return bucket;
  const shift = Math.floor(bucket / SUB_BUCKETS) - 1;
  const width = 2 ** shift;
  return (SUB_BUCKETS + (bucket % SUB_BUCKETS)) * width + Math.floor(width / 2);
}

export function record(histogram: Histogram, microseconds: number): void {
  const bucket = bucketOf(microseconds);
  histogram[bucket] = (histogram[bucket] ?? 0) + 1;
}

export function storeHistogram(histogram: Histogram): StoredHistogram {
  const stored: [number, number][] = [];
  for (let bucket = 0; bucket < histogram.length; bucket += 1) {
    const count = histogram[bucket] ?? 0;
    if (count > 0) stored.push([bucketValue(bucket), count]);
  }
  return stored;
}

/** Adds any number of stored histograms; percentiles are taken from the sum, never averaged. */
export function mergeHistograms(histograms: Iterable<StoredHistogram>): StoredHistogram {
  const counts = new Map<number, number>();
  for (const histogram of histograms) {
    for (const [microseconds, count] of histogram) {
      const bucket = bucketOf(microseconds);
      counts.set(bucket, (counts.get(bucket) ?? 0) + count);
    }
  }
  return storeCounts(counts);
}

/** Counts by bucket, in any order. */
export function storeCounts(counts: ReadonlyMap<number, number>): StoredHistogram {
  return [...counts]
    .sort(([one], [other]) => one - other)
    .map(([bucket, count]) => [bucketValue(bucket), count] as const);
}

export function countOf(histogram: StoredHistogram): number {
  return histogram.reduce((sum, [, count]) => sum + count, 0);
}

/** Value in milliseconds at or below which `fraction` (0..1) of the counted values lie; null when empty. */
export function percentileMs(histogram: StoredHistogram, fraction: number): number | null {
  const total = countOf(histogram);
  if (total === 0) return null;
  const wanted = Math.max(1, Math.ceil(total * fraction));
  let seen = 0;
  for (const [microseconds, count] of histogram) {
    seen += count;
    if (seen >= wanted) return microseconds / 1000;
  }
  return null;
}

/** Number of counted values above `milliseconds`, exact to the width of one bucket. */
export function countAboveMs(histogram: StoredHistogram, milliseconds: number): number {
  const limit = milliseconds * 1000;
  return histogram.reduce((sum, [microseconds, count]) => (microseconds > limit ? sum + count : sum), 0);
}
