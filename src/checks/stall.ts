import { between, exactly } from '../recording/figure.ts';
import type { LoadRecord, Recording, Stall } from '../recording/recording.ts';
import type { Check, Detail, Finding } from './check.ts';
import { finding } from './finding.ts';
import { asFarAsLoadTells } from './load-quality.ts';
import { judgedSpan, statementAt } from './span.ts';
import { poolQueuePeak } from './waits.ts';

const id = 'stall';
const SOURCE = 'load: completions by the clock';
/** Stretches shorter than this are no stall and are not recorded (load/stamps/stalls.ts). */
const SHORTEST_RECORDED_MS = 100;

export const stall: Check = {
  id,
  title: 'Application at a standstill',
  condition: 'For longer than budgets.stall operations were due and not one of them completed.',
  effect: 'Nobody gets an answer: to the users of the application this is an outage, however short.',
  workaround:
    'See which lock the operations queued for (lock-wait): a lock timeout with retries on the migration ends the ' +
    'queue, an online form of the statement does not begin one. When no lock was waited for, look at the disk and ' +
    'the processors of the server at that time.',

  check(recording, budgets) {
    const { stallMs: bound } = budgets;
    if (bound === null) return [];
    const span = judgedSpan(recording);
    if ('notMeasured' in recording.load || span === null) {
      const reason =
        'notMeasured' in recording.load ? recording.load.notMeasured : 'the migrations were not reached';
      return [finding({ ...facts, figure: { notMeasured: reason }, bound })];
    }
    const { load } = recording;
    const stalls = load.stalls
      .filter(({ fromMs, toMs }) => toMs > span.fromMs && fromMs < span.toMs)
      .toSorted((one, other) => lengthOf(other) - lengthOf(one));
    const worst = stalls[0];
    if (worst === undefined) {
      return asFarAsLoadTells(recording, budgets, [
        finding({ ...facts, figure: between(0, SHORTEST_RECORDED_MS, SOURCE), bound }),
      ]);
    }
    const breaches = stalls.filter((each) => lengthOf(each) > bound).length;
    const more: Detail = {
      what: 'stretches longer than the budget',
      figure: exactly(breaches, SOURCE),
      unit: 'count',
    };
    const found = findingOf(recording, load, worst, bound);
    return asFarAsLoadTells(recording, budgets, [
      breaches > 1 ? { ...found, details: [...found.details, more] } : found,
    ]);
  },
};

const facts = { checkId: id, subject: 'load', what: 'without a completed operation', unit: 'ms' } as const;

function lengthOf({ fromMs, toMs }: Stall): number {
  return toMs - fromMs;
}

function findingOf(recording: Recording, load: LoadRecord, each: Stall, bound: number): Finding {
  const queued = poolQueuePeak(load, each);
  const middleMs = (each.fromMs + each.toMs) / 2;
  return finding({
    ...facts,
    figure: exactly(lengthOf(each), SOURCE),
    bound,
    statementId: statementAt(recording, middleMs)?.statement.id ?? null,
    details: [
      { what: 'operations due meanwhile', figure: exactly(each.due, SOURCE), unit: 'count' },
      {
        what: 'operations at once in the queue of the pool',
        figure: exactly(queued, 'load: slots'),
        unit: 'count',
      },
    ],
  });
}
