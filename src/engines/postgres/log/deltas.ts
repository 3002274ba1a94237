/** What the server counted between two readings. Pure. */
import type { Counted } from './counted.ts';
import { shapeOf } from './shape.ts';

/** What was counted of one statement between two readings. */
export interface Delta extends Counted {
  readonly shape: string;
}

/** Equal statements of the migration's user together, and those of all others. */
export function summed(counted: readonly Counted[]): ReadonlyMap<string, Counted> {
  const sums = new Map<string, Counted>();
  for (const each of counted) {
    const key = `${each.queryId} ${each.topLevel} ${each.own}`;
    const known = sums.get(key);
    sums.set(key, known === undefined ? each : { ...each, ...added(known, each) });
  }
  return sums;
}

function added(
  one: Counted,
  other: Counted,
  sign = 1,
): Omit<Counted, 'queryId' | 'topLevel' | 'own' | 'text'> {
  return {
    calls: other.calls + sign * one.calls,
    rows: other.rows + sign * one.rows,
    logBytes: one.logBytes === null || other.logBytes === null ? null : other.logBytes + sign * one.logBytes,
    executionMs: other.executionMs + sign * one.executionMs,
  };
}

/** What was counted anew, the server having forgotten it or been told to, counts from zero. */
export function differences(
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

export function grouped<Item>(
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

export function callsOf(deltas: readonly Counted[]): number {
  return deltas.reduce((sum, { calls }) => sum + calls, 0);
}

export interface Total {
  readonly calls: number;
  readonly rows: number;
  readonly logBytes: number | null;
  readonly executionMs: number;
}

export function totalOf(deltas: readonly Delta[]): Total {
  const [first, ...rest] = deltas;
  if (first === undefined) return { calls: 0, rows: 0, logBytes: null, executionMs: 0 };
  return rest.reduce<Total & Counted>((sum, each) => ({ ...each, ...added(sum, each) }), first);
}
