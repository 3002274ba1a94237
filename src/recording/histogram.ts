/**
 * A log-linear histogram of microseconds: 128 sub-buckets per power of two, hence a relative error of at most
 * 1/128 = 0.8 %. Pure data, so that it can be written into a recording, read back and merged without loss;
 * node:perf_hooks histograms cannot be read back, and a recording must be judged again without the run.
 */
const SUB_BUCKET_BITS = 7;
const SUB_BUCKETS = 2 ** SUB_BUCKET_BITS;
/** Width of a bucket as a share of its values. */
export const RELATIVE_ERROR = 1 / SUB_BUCKETS;
/** 2^36 us = 19 h: longer than any rehearsal's window. */
const MAX_EXPONENT = 36;
const BUCKETS = (MAX_EXPONENT - SUB_BUCKET_BITS + 2) * SUB_BUCKETS;

/** Live counts, one per bucket; make it with {@link createHistogram}. */
export type Histogram = Float64Array;

/** As stored: pairs of bucket index and count, ascending, empty buckets left out. */
export type StoredHistogram = readonly (readonly [bucket: number, count: number])[];

export function createHistogram(): Histogram {
  return new Float64Array(BUCKETS);
}

/** Bucket of a value in microseconds; values below 0 count as 0, values past the end as the last bucket. */
export function bucketOf(microseconds: number): number {
  const value = microseconds > 0 ? Math.floor(microseconds) : 0;
  if (value < SUB_BUCKETS) return value;
  const exponent = Math.floor(Math.log2(value));
  const shift = exponent - SUB_BUCKET_BITS;
  const bucket = (shift + 1) * SUB_BUCKETS + Math.floor(value / 2 ** shift) - SUB_BUCKETS;
  return Math.min(bucket, BUCKETS - 1);
}

/** Middle of a bucket in microseconds. */
export function bucketValue(bucket: number): number {
  if (bucket < SUB_BUCKETS) return bucket;
  const shift = Math.floor(bucket / SUB_BUCKETS) - 1;
  const lower = (SUB_BUCKETS + (bucket % SUB_BUCKETS)) * 2 ** shift;
  return lower + (2 ** shift - 1) / 2;
}

export function record(histogram: Histogram, microseconds: number): void {
  const bucket = bucketOf(microseconds);
  histogram[bucket] = (histogram[bucket] ?? 0) + 1;
}

export function storeHistogram(histogram: Histogram): StoredHistogram {
  const stored: [number, number][] = [];
  histogram.forEach((count, bucket) => {
    if (count > 0) stored.push([bucket, count]);
  });
  return stored;
}

/** Adds any number of stored histograms; percentiles are taken from the sum, never averaged. */
export function mergeHistograms(histograms: Iterable<StoredHistogram>): StoredHistogram {
  const merged = createHistogram();
  for (const histogram of histograms) {
    for (const [bucket, count] of histogram) merged[bucket] = (merged[bucket] ?? 0) + count;
  }
  return storeHistogram(merged);
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
  for (const [bucket, count] of histogram) {
    seen += count;
    if (seen >= wanted) return bucketValue(bucket) / 1000;
  }
  return null;
}

/** Number of counted values above `milliseconds`, exact to the width of one bucket. */
export function countAboveMs(histogram: StoredHistogram, milliseconds: number): number {
  const limit = milliseconds * 1000;
  return histogram.reduce((sum, [bucket, count]) => (bucketValue(bucket) > limit ? sum + count : sum), 0);
}
