/**
 * Rows that differ in two or more columns together (a composite key), each with its own distribution: an order and the
 * number of its line, a film and an actor; a shop, a day and a product.
 */
import type { FreeColumn, GroupFacts, OrdinalOf, Paired } from '../keys/uniqueness.ts';
import { seedOf } from '../random.ts';
import type { TableRequest } from '../table.ts';
import { columnProfile, isProfiled, productionDistinct } from './column.ts';
import { orderFor } from './correlation.ts';
import { everyCombination, type Joint, jointly } from './joint.ts';
import {
  type Half,
  isAlike,
  isNumbered,
  type Leader,
  largest,
  numberedLeader,
  plainLeader,
} from './leaders.ts';
import { levelled } from './levels.ts';
import { permutation, placement } from './permutation.ts';
import { type Occurrence, spectrum } from './spectrum.ts';

/** For a set of unique columns, how its rows differ; null where it is none that the profile knows. */
export function pairing(
  request: TableRequest,
  free: ReadonlyMap<string, FreeColumn>,
  groups: readonly GroupFacts[],
): (set: readonly string[]) => Paired | null {
  return (set) => {
    if (request.spec.profile === undefined || set.length < 2 || request.spec.rows === 0) return null;
    const halves = set.map((name) => halfOf(request, name, { free, groups })).filter((half) => half !== null);
    if (halves.length < 2 || (set.length === 2 && halves[0]?.column === halves[1]?.column)) return null;
    // The one that the rows lie in order of; the first where nothing tells, since a clustered key orders by it.
    const orderOf = ({ profile }: Half, index: number) =>
      Math.abs(profile.correlation ?? (index === 0 ? 1 : 0));
    const leadingOf = (among: readonly Half[]) =>
      among.reduce<Half | null>((best, half) => {
        const nearer =
          best === null || orderOf(half, halves.indexOf(half)) > orderOf(best, halves.indexOf(best));
        return nearer ? half : best;
      }, null);
    const apart = halves.filter(({ distinct }) => distinct >= request.spec.rows);
    // A counter differs by itself: the other column keeps production's values.
    const counters = apart.filter(({ column }) => free.get(column)?.counter === true);
    const alone = leadingOf(counters) ?? leadingOf(apart);
    if (alone !== null) return single(request, alone);
    const leading = leadingOf(halves);
    if (leading === null) return null;
    const others = halves.filter((half) => half !== leading);
    // Two columns that differ are enough: the others are as they would be without the key.
    for (const other of others.toSorted((one, two) => two.distinct - one.distinct)) {
      const pair = pairOf(request, leading, { ...other, whole: set.length > 2 });
      if (pair !== null) return pair;
    }
    return others.length < 2 ? null : joined(request, leading, others);
  };
}

/** A column of which each row has another value, so that the others of the key are as they would be without it. */
function single({ spec, randomSeed }: TableRequest, { group, column, capacity, profile }: Half): Paired {
  const { rows, description } = spec;
  const { correlation } = profile;
  const stretches = [{ share: 1, values: rows }];
  const order = correlation === null ? { share: 1, descending: false } : orderFor(stretches, correlation);
  const place = placement(seedOf(randomSeed, description.name, column), rows, order);
  const ordinalOf: OrdinalOf = (row) => (row < rows ? place(row) : row);
  if (group === null) return { columns: new Map([[column, ordinalOf]]), groups: new Map(), capacity };
  const parentOf: OrdinalOf = (row) => Math.floor(((ordinalOf(row) + 0.5) * capacity) / rows);
  return { columns: new Map(), groups: new Map([[group, parentOf]]), capacity: rows };
}

/**
 * The leading half and all the others together. No combination of the others is more frequent than the largest group of the
 * leading one lets it be: where that is less than production's, the shares of the others are nearer to each other.
 */
function joined(request: TableRequest, leading: Half, others: readonly Half[]): Paired | null {
  const { rows, description } = request.spec;
  const seed = seedOf(request.randomSeed, description.name, ...others.map(({ column }) => column));
  const values = others.reduce((product, half) => product * half.distinct, 1);
  const most = Math.floor(rows / mostOf(leading, values, rows));
  return (
    joinedBy(request, { leading, others, joint: jointly({ marginals: others, rows, most, seed }) }) ??
    joinedBy(request, { leading, others, joint: everyCombination(others) })
  );
}

function joinedBy(
  request: TableRequest,
  {
    leading,
    others,
    joint,
  }: { readonly leading: Half; readonly others: readonly Half[]; readonly joint: Joint | null },
): Paired | null {
  if (joint === null || joint.distinct < 2) return null;
  const { distinct, counts } = joint;
  const following = {
    ...leading,
    column: JOINT,
    group: null,
    integer: false,
    capacity: distinct,
    distinct,
    counts,
  };
  const pair = pairOf(request, leading, { ...following, listed: true });
  const ordinalOf = pair?.columns.get(JOINT);
  if (pair === null || ordinalOf === undefined) return null;
  const columns = new Map(pair.columns);
  const groups = new Map(pair.groups);
  columns.delete(JOINT);
  for (const [index, { column, group, capacity, distinct: values }] of others.entries()) {
    const partOf: OrdinalOf = (row) => joint.partOf(Math.min(distinct - 1, ordinalOf(row)), index);
    if (group === null) columns.set(column, partOf);
    else groups.set(group, (row) => Math.floor(((partOf(row) + 0.5) * capacity) / values));
  }
  return { columns, groups, capacity: request.spec.rows };
}

/** Stands for the columns that follow together. */
const JOINT = '';

function halfOf(
  { spec }: TableRequest,
  name: string,
  {
    free,
    groups,
  }: { readonly free: ReadonlyMap<string, FreeColumn>; readonly groups: readonly GroupFacts[] },
): Half | null {
  const { profile: table, rows, description } = spec;
  const profile = columnProfile(table, name);
  const column = description.columns.find((each) => each.name === name);
  if (table === undefined || profile === null || column === undefined || !isProfiled(spec, name)) return null;
  if (column.nullable && !description.primaryKey.includes(name)) return null;
  const facts = groups.find(({ group }) => group.columns.includes(name));
  const alone = facts?.group.columns.length === 1 && facts.differsFrom === null;
  const source = free.get(name);
  if ((facts !== undefined && !alone) || (facts === undefined && source === undefined)) return null;
  const capacity = facts?.parents ?? source?.capacity ?? 0;
  const counts = profile.frequencies.map((share) => Math.round(share * rows)).filter((count) => count > 0);
  const wanted = Math.max(counts.length, productionDistinct(table, profile, rows) ?? 0);
  const distinct = Math.min(capacity, rows, wanted);
  if (distinct < 2) return null;
  const integer = facts === undefined && column.type.kind === 'integer';
  return { column: name, group: facts?.group ?? null, capacity, profile, distinct, counts, integer };
}

function pairOf(request: TableRequest, leading: Half, following: Half): Paired | null {
  const { spec, randomSeed } = request;
  const { rows, description } = spec;
  const seed = seedOf(randomSeed, description.name, leading.column, following.column);
  const dealt =
    counted(leading, following, rows) ??
    spreadOut(leading, following, { rows, seed }) ??
    grid(leading, following, { rows, seed });
  if (dealt === null) return null;
  const { leader, within, used } = dealt;
  const { correlation } = leading.profile;
  const order =
    correlation === null ? { share: 1, descending: false } : orderFor(leader.stretches, correlation);
  const placed = placement(seed, rows, order);
  const place: OrdinalOf = (row) => Math.floor((placed(row) * dealt.places) / rows);
  // Rows that come later have a value of the following half that no row had before, as long as there is one.
  const later = following.group === null ? Math.max(0, following.capacity - used) : 0;
  const leads: OrdinalOf = (row) =>
    row < rows ? leader.occurrenceAt(place(row)).rank : (row - rows) % leader.distinct;
  const follows: OrdinalOf = (row) =>
    row < rows ? within(leader.occurrenceAt(place(row))) : used + Math.floor((row - rows) / leader.distinct);
  const columns = new Map<string, OrdinalOf>();
  const groups = new Map<GroupFacts['group'], OrdinalOf>();
  for (const [half, ordinalOf, distinct] of [
    [leading, leads, leader.distinct],
    [following, follows, following.distinct],
  ] as const) {
    const { group, capacity, column } = half;
    if (group === null) columns.set(column, ordinalOf);
    else groups.set(group, (row) => Math.floor(((ordinalOf(row) + 0.5) * capacity) / distinct));
  }
  return { columns, groups, capacity: rows + later * leader.distinct };
}

/** How places become pairs, each another one. */
interface Dealt {
  readonly leader: Leader;
  /** Ordinal of the following half. */
  readonly within: (occurrence: Occurrence) => number;
  /** Ordinals of the following half that rows have. */
  readonly used: number;
  /** As many as rows, or more: then the rows are at equal distances among them. */
  readonly places: number;
}

interface Rows {
  readonly rows: number;
  readonly seed: number;
}

/** Numbers counted within each value of the leading half; null where they tell of other values than that half does. */
function counted(leading: Half, following: Half, rows: number): Dealt | null {
  if (!isNumbered(leading, following, rows)) return null;
  const leader = numberedLeader(leading, following, rows);
  if (leader === null || !isAlike(leader.distinct, leading.distinct)) return null;
  return { leader, within: ({ before }) => before, used: leader.most, places: rows };
}

/** Rows that one value of the leading half has at most, so that the rows differ in this many values of the other. */
function mostOf(leading: Half, values: number, rows: number): number {
  return Math.min(largest(leading, rows), Math.floor(rows / Math.ceil(rows / values)));
}

/** Shares of either half are nearer to each other than production's where its rows could not differ otherwise. */
function spreadOut(leading: Half, following: Half, { rows, seed }: Rows): Dealt | null {
  const most = mostOf(leading, following.distinct, rows);
  if (following.whole === true && most < largest(leading, rows)) return null;
  const leader = plainLeader(leading, { rows, most, seed });
  if (leader === null) return null;
  const within = spread(leader, following, { rows, seed: seed ^ 0x2545f491 });
  return within === null ? null : { leader, within, used: following.distinct, places: rows };
}

/** Nearly every value of one half with every value of the other: of all these pairs some are left out, evenly. */
function grid(leading: Half, following: Half, { rows, seed }: Rows): Dealt | null {
  const places = leading.distinct * following.distinct;
  if (following.whole === true || places < rows) return null;
  const dealt = spreadOut({ ...leading, counts: [] }, { ...following, counts: [] }, { rows: places, seed });
  return dealt === null ? null : { ...dealt, places };
}

/**
 * The values of the following half at equal distances over their own distribution, beginning at another place for each
 * value of the leading one: never twice, as long as none takes more than one part of the largest group.
 */
function spread(
  { distinct: groups, most }: Leader,
  { counts, distinct, listed = false, whole = false }: Half,
  { rows, seed }: Rows,
): ((occurrence: Occurrence) => number) | null {
  const cap = Math.floor(rows / most);
  const common = levelled({ counts, distinct, rows, most: cap });
  if (common === null || (whole && (counts[0] ?? 0) > cap)) return null;
  const scatter = permutation(seed, distinct);
  const values = spectrum({
    present: rows,
    counts: common,
    distinct,
    ranks: common.map((_, index) => (listed ? index : scatter(index))),
    even: true,
  });
  const start = permutation(seed ^ 0x51ed270b, groups);
  // Whole numbers are divided: a fraction that is a little off would bring two rows nearer than the most common value is long.
  return ({ rank, before, all }) => {
    const from = Math.floor(((start(rank) + 0.5) / groups) * rows);
    return values.rankAt(Math.min(rows - 1, Math.floor((from + before * rows) / all)));
  };
}
