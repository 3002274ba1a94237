/** Rows, log bytes and what ran inside, put on the statements that the log tells, from what the server counted. Pure. */
import { between, exactly, type Figure, isMeasured, notMeasured } from '../../../recording/figure.ts';
import type { ToldMessage } from '../../engine.ts';
import { dialect } from '../text/dialect.ts';
import type { Counted } from './counted.ts';
import { blankStatement, LINES, type TrackedMessage, type TrackedStatement } from './message.ts';
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

/** What was counted of one statement between two readings. */
interface Delta extends Counted {
  readonly shape: string;
}

interface Group {
  readonly statements: TrackedStatement[];
  readonly deltas: readonly Delta[];
}

export function openAccount(first: readonly Counted[]): Account {
  let base = summed(first);
  let unplacedRuns = 0;
  return {
    settle(messages, counted, final) {
      const now = summed(counted);
      const deltas = differences(base, now);
      const outer = messages.flatMap(({ statements }) => statements.filter(({ within }) => within === null));
      const top = groupsOf(
        outer.filter(({ outcome }) => outcome === 'ok'),
        deltas.filter(({ topLevel }) => topLevel !== false),
      );
      if (!final && top.some((group) => callsOf(group.deltas) !== group.statements.length)) return null;
      base = now;
      const used = new Set(top.flatMap((group) => group.deltas));
      const left = deltas.filter((delta) => delta.topLevel !== true && !used.has(delta));
      const nested = messages.flatMap(({ statements }) => statements.filter(({ within }) => within !== null));
      const inside = groupsOf(nested, left);
      for (const { deltas: each } of inside) for (const delta of each) used.add(delta);
      const figures = new Map([...top.flatMap(topFigures), ...inside.flatMap(insideFigures)]);
      const untold = left.filter((delta) => !used.has(delta));
      const able = outer.filter(({ text, outcome }) => outcome !== 'not run' && mayRunOthers(text));
      const sole = able.length === 1 ? able[0] : undefined;
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
            : withoutLines(sole, message.statements.indexOf(sole), untold)),
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

/** Users apart, and equal statements together. */
function summed(counted: readonly Counted[]): ReadonlyMap<string, Counted> {
  const sums = new Map<string, Counted>();
  for (const each of counted) {
    const key = `${each.queryId} ${each.topLevel}`;
    const known = sums.get(key);
    sums.set(key, known === undefined ? each : { ...each, ...added(known, each) });
  }
  return sums;
}

function added(one: Counted, other: Counted, sign = 1): Omit<Counted, 'queryId' | 'topLevel' | 'text'> {
  return {
    calls: other.calls + sign * one.calls,
    rows: other.rows + sign * one.rows,
    logBytes: one.logBytes === null || other.logBytes === null ? null : other.logBytes + sign * one.logBytes,
    executionMs: other.executionMs + sign * one.executionMs,
  };
}

/** What was counted anew, the server having forgotten it or been told to, counts from zero. */
function differences(
  base: ReadonlyMap<string, Counted>,
  now: ReadonlyMap<string, Counted>,
): readonly Delta[] {
  return [...now].flatMap(([key, each]) => {
    const before = base.get(key);
    const since =
      before === undefined || before.calls > each.calls ? each : { ...each, ...added(before, each, -1) };
    return since.calls > 0 ? [{ ...since, shape: shapeOf(each.text) }] : [];
  });
}

/** Together by the number that the server gives a statement, where the log tells it, else by their shape. */
function groupsOf(statements: readonly TrackedStatement[], deltas: readonly Delta[]): readonly Group[] {
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
    const { queryId, text } = statement;
    const isKnown = queryId !== null && known.has(queryId);
    const shape = isKnown ? '' : shapeOf(text);
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

function grouped<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
): ReadonlyMap<string, readonly Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}

function callsOf(deltas: readonly Counted[]): number {
  return deltas.reduce((sum, { calls }) => sum + calls, 0);
}

interface Total {
  readonly calls: number;
  readonly rows: number;
  readonly logBytes: number | null;
  readonly executionMs: number;
}

function totalOf(deltas: readonly Delta[]): Total {
  const [first, ...rest] = deltas;
  if (first === undefined) return { calls: 0, rows: 0, logBytes: null, executionMs: 0 };
  return rest.reduce<Total & Counted>((sum, each) => ({ ...each, ...added(sum, each) }), first);
}

type Figures = readonly [TrackedStatement, Partial<TrackedStatement>];
type Inside = Required<Pick<TrackedStatement, 'outcome' | 'runs' | 'durationMs' | 'rows' | 'logBytes'>>;

/** Exact for one run, or where none of several had any; else each had between nothing and all. */
function topFigures({ statements, deltas }: Group): readonly Figures[] {
  const total = totalOf(deltas);
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

/** Statements of functions in SQL, of plans that were kept, and of foreign keys: it is not told when in the other one they ran. */
function withoutLines(
  outer: TrackedStatement,
  within: number,
  deltas: readonly Delta[],
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
      ...ofAllRuns(delta),
      within,
    }));
}

function bare({ queryId: _, expression: __, ...told }: TrackedStatement): ToldMessage['statements'][number] {
  return told;
}
