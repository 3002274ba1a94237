/** Keeps samples in bounded memory: the worst of each stretch stays, and so the worst of all. Pure. */

export interface BoundedSamples<Sample> {
  add(sample: Sample): void;
  /** In the order of time, at most as many as were asked for. */
  list(): readonly Sample[];
}

/** An hour at 50 ms is 72,000 readings; a chart shows no more than these. */
export const MOST_SAMPLES = 2_000;

/** `worse`: the one of two neighbours that stays. */
export function keepSamples<Sample>(
  worse: (one: Sample, other: Sample) => Sample,
  most = MOST_SAMPLES,
): BoundedSamples<Sample> {
  let samples: Sample[] = [];
  /** Readings that one sample stands for. */
  let stride = 1;
  let stretch: { worst: Sample; count: number } | null = null;

  return {
    add(sample) {
      stretch =
        stretch === null
          ? { worst: sample, count: 1 }
          : { worst: worse(stretch.worst, sample), count: stretch.count + 1 };
      if (stretch.count < stride) return;
      samples.push(stretch.worst);
      stretch = null;
      if (samples.length < most) return;
      samples = samples.flatMap((each, index) => {
        if (index % 2 === 1) return [];
        const next = samples[index + 1];
        return [next === undefined ? each : worse(each, next)];
      });
      stride *= 2;
    },
    list: () => (stretch === null ? samples : [...samples, stretch.worst]),
  };
}
