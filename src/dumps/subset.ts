/**
 * Which rows a share of a dump keeps, so that every foreign key still holds:
 *
 *  1. A lookup table (at most a thousand rows, and other tables refer to it) stays whole.
 *  2. Of the tables that refer to no other, the one with the most rows below it is sampled: it keeps the share, chosen by a
 *     hash of the key. So is each further one that has none of its tables below it in common with those before.
 *  3. What refers to a sampled table, directly or not, follows: a row stays when all those of its parents stay. One without
 *     a parent stays when it is in the share.
 *  4. Every other table keeps its share and whatever a row that stays refers to.
 */
import type { Reference, TableDescription, Thinning } from '../engines/engine.ts';
import { fillingOrder } from '../generators/index.ts';

/** Larger ones are no lookups. */
const LOOKUP_ROWS = 1000;

export interface SubsetStep {
  readonly thinning: Thinning;
  readonly how: 'sampled' | 'follows' | 'share';
}

export interface Subset {
  /** In the order of their running. Those of a stage are run again until none of them deletes a row any more. */
  readonly stages: readonly (readonly SubsetStep[])[];
  readonly whole: readonly string[];
}

/** Pure. `rows` by the name of the table, exact or not. */
export function planSubset(
  tables: readonly TableDescription[],
  rows: ReadonlyMap<string, number>,
  share: number,
): Subset {
  const order = fillingOrder(tables);
  const graph = createGraph(order);
  const whole = lookups(order, graph, rows);
  const sampled = chooseSampled(order, graph, { rows, whole });
  const following = new Set([...sampled].flatMap((name) => [...graph.below(name, whole)]));
  for (const name of sampled) following.delete(name);
  const step = (table: TableDescription, how: SubsetStep['how']): SubsetStep => {
    const leaves = ({ references }: { readonly references: string }): boolean =>
      following.has(references) || sampled.has(references);
    const follows = how === 'follows' ? graph.parentsOf(table).filter(({ key }) => leaves(key)) : [];
    const children = graph.childrenOf(table);
    const keptBy = how === 'follows' ? [] : how === 'share' ? children : children.filter(({ own }) => own);
    return { how, thinning: { table, share, shareColumns: keyOf(table), follows, keptBy } };
  };
  const left = order.filter(({ name }) => !whole.has(name));
  const of = (names: ReadonlySet<string>) => left.filter(({ name }) => names.has(name));
  const others = left.filter(({ name }) => !sampled.has(name) && !following.has(name)).reverse();
  return {
    stages: [
      of(sampled).map((table) => step(table, 'sampled')),
      of(following).map((table) => step(table, 'follows')),
      others.map((table) => step(table, 'share')),
    ].filter((stage) => stage.length > 0),
    whole: [...whole],
  };
}

/** True when a second run of the stage could find more to delete: its tables refer to themselves or in circles. */
export function mayRepeat(stage: readonly SubsetStep[]): boolean {
  const position = new Map(stage.map(({ thinning }, index) => [thinning.table.name, index]));
  return stage.some(({ thinning: { table, follows, keptBy } }, index) =>
    [
      ...follows.map(({ key }) => key.references),
      ...(keptBy.some(({ own }) => own) ? [table.name] : []),
    ].some((name) => (position.get(name) ?? -1) >= index),
  );
}

function keyOf(table: TableDescription): readonly string[] {
  return table.primaryKey;
}

interface Graph {
  parentsOf(table: TableDescription): readonly Reference[];
  childrenOf(table: TableDescription): readonly Reference[];
  /** The table and all that refers to it, directly or not, without those of `except`. */
  below(name: string, except: ReadonlySet<string>): ReadonlySet<string>;
}

function createGraph(order: readonly TableDescription[]): Graph {
  const byName = new Map(order.map((table) => [table.name, table]));
  const children = new Map<string, Reference[]>();
  for (const table of order)
    for (const key of table.foreignKeys) {
      const list = children.get(key.references) ?? [];
      list.push({ key, parts: table.parts, own: key.references === table.name });
      children.set(key.references, list);
    }
  const referring = (name: string): readonly string[] =>
    order
      .filter(({ foreignKeys }) => foreignKeys.some(({ references }) => references === name))
      .map((table) => table.name);
  return {
    parentsOf: (table) =>
      table.foreignKeys.flatMap((key) => {
        const parent = byName.get(key.references);
        return parent === undefined ? [] : [{ key, parts: parent.parts, own: parent === table }];
      }),
    childrenOf: (table) => children.get(table.name) ?? [],
    below(name, except) {
      const found = new Set<string>();
      const open = [name];
      for (let next = open.pop(); next !== undefined; next = open.pop()) {
        if (found.has(next) || except.has(next)) continue;
        found.add(next);
        open.push(...referring(next));
      }
      return found;
    },
  };
}

function lookups(
  order: readonly TableDescription[],
  graph: Graph,
  rows: ReadonlyMap<string, number>,
): ReadonlySet<string> {
  const whole = new Set<string>();
  for (const table of order) {
    const small = (rows.get(table.name) ?? 0) <= LOOKUP_ROWS;
    const referenced = graph.childrenOf(table).some(({ own }) => !own);
    const parentsStay = graph.parentsOf(table).every(({ key, own }) => own || whole.has(key.references));
    if (small && referenced && parentsStay) whole.add(table.name);
  }
  return whole;
}

interface Sizes {
  readonly rows: ReadonlyMap<string, number>;
  readonly whole: ReadonlySet<string>;
}

function chooseSampled(
  order: readonly TableDescription[],
  graph: Graph,
  { rows, whole }: Sizes,
): ReadonlySet<string> {
  const sizeOf = (names: ReadonlySet<string>) =>
    [...names].reduce((sum, name) => sum + (rows.get(name) ?? 0), 0);
  const roots = order
    .filter(({ name }) => !whole.has(name))
    .filter((table) => graph.parentsOf(table).every(({ key, own }) => own || whole.has(key.references)))
    .map(({ name }) => ({ name, below: graph.below(name, whole) }))
    .toSorted((one, other) => sizeOf(other.below) - sizeOf(one.below));
  const sampled = new Set<string>();
  const taken = new Set<string>();
  for (const { name, below } of roots) {
    if ([...below].some((each) => taken.has(each))) continue;
    sampled.add(name);
    for (const each of below) taken.add(each);
  }
  return sampled;
}
