/** Recordings of earlier format versions, read as today's. */
import type { StoredHistogram } from './histogram.ts';
import type { LoadRecord } from './load-record.ts';

/** Version 1 stored the number of a bucket in place of its value; a power of two had this many. */
const SUB_BUCKETS_V1 = 128;

/** The load of a recording of version 1. */
export function loadFromVersion1(load: LoadRecord | { readonly notMeasured: string }): typeof load {
  if ('notMeasured' in load) return load;
  const latencies = load.latencies.map((each) => ({ ...each, histogram: fromBuckets(each.histogram) }));
  return { ...load, latencies };
}

function fromBuckets(histogram: StoredHistogram): StoredHistogram {
  return histogram.map(([bucket, count]) => [middleOf(bucket), count]);
}

function middleOf(bucket: number): number {
  if (bucket < SUB_BUCKETS_V1) return bucket;
  const width = 2 ** (Math.floor(bucket / SUB_BUCKETS_V1) - 1);
  return (SUB_BUCKETS_V1 + (bucket % SUB_BUCKETS_V1)) * width + Math.floor(width / 2);
}
