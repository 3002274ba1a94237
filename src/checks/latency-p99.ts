import { between, type Figure, notMeasured } from '../recording/figure.ts';
import { countOf, mergeHistograms, percentileMs } from '../recording/histogram.ts';
import type { LoadRecord, WindowName } from '../recording/recording.ts';
import type { Check, Detail } from './check.ts';
import { finding } from './finding.ts';
import { asFarAsLoadTells } from './load-quality.ts';

const id = 'latency-p99';
/** A p99 of fewer values than this is their maximum. */
const MIN_OPERATIONS = 100;
/** The middle of a histogram's bucket is at most this far from the value; recordings of format 1 had wider ones. */
const BUCKET_ERROR = 1 / 256;
const SOURCE = 'load: response times from the due instant';
const WORST_OPERATIONS_SHOWN = 3;

export const latencyP99: Check = {
  id,
  title: 'Latency during the migrations',
  condition:
    'The 99th percentile of the response time in the migration window, counted from the instant at which each ' +
    'operation was due, is above budgets.latencyP99: milliseconds, or a multiple of the baseline.',
  effect:
    'One request in a hundred is at least that slow; pages that make many requests meet it almost every time.',
  workaround:
    'When operations waited for locks, see lock-wait. Otherwise the migration takes disk and processor from the ' +
    'load: work in smaller batches with pauses, at a quiet hour, with less maintenance memory or fewer workers.',

  check(recording, budgets) {
    const { latencyP99: budget } = budgets;
    if (budget === null) return [];
    const { load } = recording;
    const ratio = 'ratio' in budget;
    const facts = {
      checkId: id,
      subject: 'load',
      what: ratio ? 'the response p99 of the baseline' : 'response p99 in the migration window',
      unit: ratio ? 'ratio' : 'ms',
      bound: ratio ? budget.ratio : budget.ms,
    } as const;
    if ('notMeasured' in load) return [finding({ ...facts, figure: { notMeasured: load.notMeasured } })];
    const during = p99(load, 'migration');
    const before = p99(load, 'baseline');
    return asFarAsLoadTells(recording, budgets, [
      finding({
        ...facts,
        figure: ratio ? quotient(during, before) : during,
        details: [
          { what: 'response p99 in the baseline', figure: before, unit: 'ms' },
          { what: 'response p99 in the migration window', figure: during, unit: 'ms' },
          ...worstOperations(load),
        ],
      }),
    ]);
  },
};

function p99(load: LoadRecord, window: WindowName, operation: string | null = null): Figure {
  const chosen = load.latencies.filter(
    (each) =>
      each.kind === 'response' &&
      each.window === window &&
      (operation === null || each.operation === operation),
  );
  const histogram = mergeHistograms(chosen.map((each) => each.histogram));
  const value = percentileMs(histogram, 0.99);
  if (value === null || countOf(histogram) < MIN_OPERATIONS) {
    return notMeasured(
      `fewer than ${MIN_OPERATIONS} operations in the ${window} window are no basis for a p99`,
    );
  }
  return between(value * (1 - BUCKET_ERROR), value * (1 + BUCKET_ERROR), SOURCE);
}

function quotient(during: Figure, before: Figure): Figure {
  if ('notMeasured' in during) return during;
  if ('notMeasured' in before) return before;
  if (before.lower <= 0) return notMeasured('the p99 of the baseline is below a microsecond');
  return between(during.lower / before.upper, during.upper / before.lower, SOURCE);
}

function worstOperations(load: LoadRecord): readonly Detail[] {
  return load.operations
    .map(({ name }) => ({
      what: `response p99 of ${name}`,
      figure: p99(load, 'migration', name),
      unit: 'ms' as const,
    }))
    .filter(({ figure }) => 'upper' in figure)
    .toSorted((one, other) => upperOf(other.figure) - upperOf(one.figure))
    .slice(0, WORST_OPERATIONS_SHOWN);
}

function upperOf(figure: Figure): number {
  return 'upper' in figure ? figure.upper : 0;
}
