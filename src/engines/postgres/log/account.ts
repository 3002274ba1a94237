/** Rows, log bytes and what ran inside, put on the statements that the log tells, from what the server counted. Pure. */
import { between, exactly, type Figure, isMeasured, notMeasured } from '../../../recording/figure.ts';
import type { ToldMessage } from '../../engine.ts';
import { dialect } from '../text/dialect.ts';
import type { Counted } from './counted.ts';
import { callsOf, type Delta, differences, grouped, summed, type Total, totalOf } from './deltas.ts';
import { blankStatement, LINES, type TrackedMessage, type TrackedStatement } from './message.ts';
import { trackPrepared } from './prepared.ts';
import { shapeOf } from './shape.ts';

const SOURCE = 'pg_stat_statements';
const FAILED = 'the server counts nothing of a statement that failed';
const NOT_RUN = 'it was not run';
const RUNNING = 'it was still running';
const NO_LOG_BYTES = 'pg_stat_statements counts the log from 13 on';
/** Of what ran inside one statement and has no line of its own, the longest. */
const MOST_INSIDE = 100;

export interface Account {
  /**
   * The messages with what was counted since the last ones were given; null when the counts do not agree with them yet,
   * which is no answer when it has to be one (`final`).
   */
  settle(
    messages: readonly TrackedMessage[],
    counted: readonly Counted[],
    final: boolean,
  ): readonly ToldMessage[] | null;
  /** Runs inside of statements that could be put on none of several. */
  readonly unplacedRuns: number;
}

interface Group {
  readonly statements: TrackedStatement[];
  readonly deltas: readonly Delta[];
}

export function openAccount(first: readonly Counted[]): Account {
  let base = summed(first);
  const prepared = trackPrepared();
  let unplacedRuns = 0;
  return {
    settle(messages, counted, final) {
      const now = summed(counted);
      const deltas = differences(base, now);
      const outer = messages.flatMap(({ statements }) => statements.filter(({ within }) => within === null));
      const countedAs = new Map(
        messages.flatMap(({ sessionId, statements }) =>
          statements
            .filter(({ within, outcome }) => within === null && outcome === 'ok')
            .map((each) => [each, prepared.countedAs(sessionId, each.text)] as const),
        ),
      );
      const top = groupsOf(
        [...countedAs].flatMap(([each, text]) => (text === null ? [] : [each])),
        deltas.filter(({ topLevel }) => topLevel !== false),
        (each) => countedAs.get(each) ?? each.text,
      );
      if (!final && top.some((group) => callsOf(meant(group)) !== group.statements.length)) return null;
      base = now;
      const used = new Set(top.flatMap((group) => group.deltas));
      const left = deltas.filter((delta) => delta.topLevel !== true && !used.has(delta));
      const nested = messages.flatMap(({ statements }) => statements.filter(({ within }) => within !== null));
      const inside = groupsOf(nested, left);
      for (const { deltas: each } of inside) for (const delta of each) used.add(delta);
      const figures = new Map([...top.flatMap(topFigures), ...inside.flatMap(insideFigures)]);
      const untold = left.filter((delta) => !used.has(delta));
      const able = outer.filter(({ text, outcome }) => outcome !== 'not run' && mayRunOthers(text));
      const ran = able.length === 1 ? able : able.filter(({ untoldInside }) => untoldInside);
      const sole = ran.length === 1 ? ran[0] : undefined;
      if (sole === undefined) unplacedRuns += callsOf(untold);
      return messages.map((message) => ({
        ...message,
        statements: [
          ...message.statements.flatMap((each) => {
            const told = figures.get(each);
            if (told === undefined && each.within !== null && each.expression) return [];
            return [bare({ ...each, ...(told ?? withoutCounts(each)) })];
          }),
          ...(sole === undefined || !message.statements.includes(sole)
            ? []
            : withoutLines(sole, message.statements.indexOf(sole), {
                deltas: untold,
                exact: able.length === 1,
              })),
        ],
      }));
    },
    get unplacedRuns() {
      return unplacedRuns;
    },
  };
}

/** All of them without counts, for one reason. */
export function uncounted(messages: readonly TrackedMessage[], reason: string): readonly ToldMessage[] {
  return messages.map((message) => ({
    ...message,
    statements: message.statements
      .filter(({ within, expression }) => within === null || !expression)
      .map((each) => {
        const { outcome } = each;
        const why = outcome === 'ok' || each.within !== null ? reason : reasonOf(outcome);
        return bare({ ...each, rows: notMeasured(why), logBytes: notMeasured(why) });
      }),
  }));
}

/** Together by the number that the server gives a statement, where the log tells it, else by their shape. */
function groupsOf(
  statements: readonly TrackedStatement[],
  deltas: readonly Delta[],
  textOf: (statement: TrackedStatement) => string = ({ text }) => text,
): readonly Group[] {
  const byId = grouped(deltas, ({ queryId }) => queryId);
  const known = new Set(
    statements.flatMap(({ queryId }) => (queryId !== null && byId.has(queryId) ? [queryId] : [])),
  );
  const byShape = grouped(
    deltas.filter(({ queryId }) => !known.has(queryId)),
    ({ shape }) => shape,
  );
  const groups = new Map<string, Group>();
  for (const statement of statements) {
    const { queryId } = statement;
    const isKnown = queryId !== null && known.has(queryId);
    const shape = isKnown ? '' : shapeOf(textOf(statement));
    const key = isKnown ? `number ${queryId}` : `shape ${shape}`;
    const group: Group = groups.get(key) ?? {
      statements: [],
      deltas: (isKnown ? byId.get(queryId) : byShape.get(shape)) ?? [],
    };
    group.statements.push(statement);
    groups.set(key, group);
  }
  return [...groups.values()];
}

type Figures = readonly [TrackedStatement, Partial<TrackedStatement>];
type Inside = Required<Pick<TrackedStatement, 'outcome' | 'runs' | 'durationMs' | 'rows' | 'logBytes'>>;

/** What others ran alike does not count, unless the user took their role. */
function meant({ statements, deltas }: Group): readonly Delta[] {
  const own = deltas.filter((delta) => delta.own);
  return callsOf(own) === statements.length ? own : deltas;
}

/** Exact for one run, or where none of several had any; else each had between nothing and all. */
function topFigures(group: Group): readonly Figures[] {
  const { statements } = group;
  const total = totalOf(meant(group));
  const { calls } = total;
  if (calls < statements.length) {
    const why = notMeasured(
      calls === 0
        ? 'pg_stat_statements did not count it'
        : `pg_stat_statements counted ${calls} of ${statements.length} equal statements`,
    );
    return statements.map((each) => [each, { rows: why, logBytes: why }]);
  }
  const shared = { rows: share(total.rows, calls), logBytes: logShare(total, calls) };
  return statements.map((each) => [
    each,
    { ...shared, ...(calls === 1 ? { durationMs: noShorter(each.durationMs, total.executionMs) } : {}) },
  ]);
}

/** Times of lines have an error of milliseconds, the server's timer has none; it leaves out parsing and planning. */
function noShorter(durationMs: Figure, executionMs: number): Figure {
  if (!isMeasured(durationMs) || durationMs.source !== LINES) return durationMs;
  const { lower, upper } = durationMs;
  return executionMs <= lower || executionMs > upper
    ? durationMs
    : between(executionMs, upper, `${LINES}, no shorter than its execution by ${SOURCE}`);
}

/** All runs of a text inside one statement together. */
function insideFigures({ statements, deltas }: Group): readonly Figures[] {
  const total = totalOf(deltas);
  const count = statements.length;
  if (total.calls < count) return [];
  if (count === 1) return statements.map((each) => [each, ofAllRuns(total)]);
  return statements.map((each) => [
    each,
    {
      outcome: 'ok' as const,
      runs: between(1, total.calls - count + 1, SOURCE),
      durationMs: between(0, total.executionMs, SOURCE),
      rows: share(total.rows, count),
      logBytes: logShare(total, count),
    },
  ]);
}

function ofAllRuns(total: Total): Inside {
  return {
    outcome: 'ok',
    runs: exactly(total.calls, SOURCE),
    durationMs: exactly(total.executionMs, `${SOURCE}: execution`),
    rows: exactly(total.rows, SOURCE),
    logBytes: logShare(total, 1),
  };
}

function atMost(total: Total): Inside {
  const { logBytes } = total;
  return {
    outcome: 'ok',
    runs: between(1, Math.max(1, total.calls), SOURCE),
    durationMs: between(0, total.executionMs, `${SOURCE}: execution`),
    rows: between(0, total.rows, SOURCE),
    logBytes: logBytes === null ? notMeasured(NO_LOG_BYTES) : between(0, logBytes, SOURCE),
  };
}

function share(total: number, among: number): Figure {
  return among === 1 || total === 0
    ? exactly(total, SOURCE)
    : between(0, total, `${SOURCE}: of ${among} equal statements together`);
}

function logShare({ logBytes }: Total, among: number): Figure {
  return logBytes === null ? notMeasured(NO_LOG_BYTES) : share(logBytes, among);
}

function withoutCounts({ outcome, within }: TrackedStatement): Pick<TrackedStatement, 'rows' | 'logBytes'> {
  const why = notMeasured(
    within === null ? reasonOf(outcome) : 'pg_stat_statements did not count it, or not apart from others',
  );
  return { rows: why, logBytes: why };
}

function reasonOf(outcome: TrackedStatement['outcome']): string {
  return outcome === 'not run' ? NOT_RUN : outcome === 'failed' ? FAILED : RUNNING;
}

function mayRunOthers(text: string): boolean {
  return !['transaction', 'session'].includes(dialect.kindOf(text));
}

interface Untold {
  readonly deltas: readonly Delta[];
  /** False: others that may have run some of it have no line of that. */
  readonly exact: boolean;
}

/** Statements of functions in SQL, of plans that were kept, and of foreign keys: it is not told when in the other one they ran. */
function withoutLines(
  outer: TrackedStatement,
  within: number,
  { deltas, exact }: Untold,
): ToldMessage['statements'] {
  const { started, durationMs, transaction, transactionId } = outer;
  const span = isMeasured(durationMs)
    ? { ...started, notAfterMs: started.notAfterMs + durationMs.upper }
    : started;
  return deltas
    .toSorted((one, other) => other.executionMs - one.executionMs)
    .slice(0, MOST_INSIDE)
    .map((delta) => ({
      ...blankStatement(delta.text, span, { virtualTransaction: transaction, transactionId }),
      ...(exact ? ofAllRuns(delta) : atMost(delta)),
      within,
    }));
}

function bare({
  queryId: _,
  expression: __,
  untoldInside: ___,
  ...told
}: TrackedStatement): ToldMessage['statements'][number] {
  return told;
}
