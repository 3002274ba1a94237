import { exactly, isMeasured, notMeasured } from '../recording/figure.ts';
import type { CanaryOutage, CanaryRecord, ObservedChange, Recording } from '../recording/recording.ts';
import type { Check, Finding } from './check.ts';
import { breachesFirst, finding, statement } from './finding.ts';
import { judgedSpan, statementAt } from './span.ts';

const id = 'table-outage';
const ASKED = { read: 'read', write: 'written' } as const;
const WHAT = { read: 'in which it could not be read', write: 'in which it could not be written' } as const;

export const tableOutage: Check = {
  id,
  title: 'Table out of service',
  condition:
    'A canary, which asks every 200 ms whether a table can be read, or written, got no answer for longer than budgets.stall. ' +
    'A table that the migration drops or renames is judged until then.',
  effect:
    'Every request that needs the table waits or fails, also where the load of the rehearsal did not touch it or other ' +
    'tables kept the application busy.',
  workaround:
    'Reads that stop: the statement holds an exclusive lock, or waits for one with everybody behind it: set a lock ' +
    'timeout with retries, and use a form that does not rewrite the table. Writes that stop while reads go on: build ' +
    'indexes CONCURRENTLY (LOCK=NONE on MySQL), add constraints NOT VALID and validate them afterwards.',

  check(recording, { stallMs: bound }) {
    const { canaries } = recording;
    if (bound === null || canaries === undefined || judgedSpan(recording) === null) return [];
    const findings = canaries.flatMap((canary) => findingOf(recording, canary, bound));
    return breachesFirst(findings);
  },
};

/** The longest outage of one canary; none when it saw none. */
function findingOf(recording: Recording, canary: CanaryRecord, bound: number): readonly Finding[] {
  const [worst] = judgedOutages(recording, canary).toSorted(
    (one, other) => longestOf(other) - longestOf(one),
  );
  const rest = restFinding(recording, canary, bound);
  if (worst === undefined) return rest;
  const found = finding({
    checkId: id,
    subject: canary.table,
    what: WHAT[canary.kind],
    figure: worst.lastedMs,
    unit: 'ms',
    bound,
    statementId: statementAt(recording, worst.fromMs)?.statement.id ?? null,
  });
  return found.verdict === 'pass' ? rest : [found, ...rest];
}

/**
 * A canary that ended before the judged windows did says nothing of the rest, unless there was no rest: a table that the
 * migration drops is judged by what was seen of it until then.
 */
function restFinding(recording: Recording, canary: CanaryRecord, bound: number): readonly Finding[] {
  const span = judgedSpan(recording);
  const { ended, table, kind } = canary;
  if (span === null || ended === null || ended.atMs >= span.toMs) return [];
  const gone = recording.changes.find((change) => endsTable(change, table));
  if (gone !== undefined && ended.atMs >= span.fromMs)
    return [
      statement({
        checkId: id,
        verdict: 'pass',
        subject: table,
        what: `from the start of the migrations on in which a canary asked whether it could be ${ASKED[kind]}: then the migration ${gone.detail === DROPPED ? 'dropped' : 'renamed'} it`,
        figure: exactly(ended.atMs - span.fromMs, 'instants of the canary'),
        unit: 'ms',
        statementId: gone.statementId,
      }),
    ];
  return [
    finding({
      checkId: id,
      subject: table,
      what: WHAT[kind],
      figure: notMeasured(`the canary ended before the rehearsal did: ${ended.reason}`),
      unit: 'ms',
      bound,
    }),
  ];
}

/** As every engine words it. */
const DROPPED = 'table dropped';

/** After it there is no table of this name. */
function endsTable({ relation, detail }: ObservedChange, table: string): boolean {
  if (relation === table && detail === DROPPED) return true;
  return detail.split('; ').includes(`renamed from ${table}`);
}

/** Those that reach into the migration or recovery window. */
export function judgedOutages(recording: Recording, { outages }: CanaryRecord): readonly CanaryOutage[] {
  const span = judgedSpan(recording);
  if (span === null) return [];
  return outages.filter(({ fromMs, toMs }) => fromMs < span.toMs && toMs > span.fromMs);
}

function longestOf({ lastedMs }: CanaryOutage): number {
  return isMeasured(lastedMs) ? lastedMs.upper : 0;
}
