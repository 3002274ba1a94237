/**
 * Rows that differ in two or more columns together (a composite key), each with its own distribution: an order and the
 * number of its line, a film and an actor; a shop, a day and a product.
 */
import type { ColumnProfile } from '../../profile/profile.ts';
import type { FreeColumn, GroupFacts, OrdinalOf, Paired } from '../keys/uniqueness.ts';
import { seedOf } from '../random.ts';
import type { TableRequest } from '../table.ts';
import { columnProfile, isProfiled, productionDistinct } from './column.ts';
import { orderFor, type Stretch } from './correlation.ts';
import { jointly } from './joint.ts';
import { permutation, placement } from './permutation.ts';
import { type Occurrence, type Spectrum, spectrum } from './spectrum.ts';

/** A column, or a foreign key, of the pair. */
interface Half {
  readonly column: string;
  readonly group: GroupFacts['group'] | null;
  /** Values, or parents, there are. */
  readonly capacity: number;
  readonly profile: ColumnProfile;
  readonly distinct: number;
  readonly counts: readonly number[];
  readonly integer: boolean;
  /** Its values are those of `counts`, in that order. */
  readonly listed?: boolean;
  /** Rather no pair than one in which a value is rarer than in production. */
  readonly whole?: boolean;
}

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
    const leading = halves.reduce((best, half, index) =>
      orderOf(half, index) > orderOf(best, halves.indexOf(best)) ? half : best,
    );
    const others = halves.filter((half) => half !== leading);
    // Two columns that differ are enough: the others are as they would be without the key.
    for (const other of others.toSorted((one, two) => two.distinct - one.distinct)) {
      const pair = pairOf(request, leading, { ...other, whole: set.length > 2 });
      if (pair !== null) return pair;
    }
    return others.length < 2 ? null : joined(request, leading, others);
  };
}

/**
 * The leading half and all the others together. No combination of the others is more frequent than the largest group of the
 * leading one lets it be: where that is less than production's, the shares of the others are nearer to each other.
 */
function joined(request: TableRequest, leading: Half, others: readonly Half[]): Paired | null {
  const { rows, description } = request.spec;
  const seed = seedOf(request.randomSeed, description.name, ...others.map(({ column }) => column));
  const joint = jointly({ marginals: others, rows, most: Math.floor(rows / largest(leading, rows)), seed });
  if (joint === null) return null;
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
  return { columns, groups, capacity: rows };
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
  const distinct = Math.min(capacity, rows, productionDistinct(table, profile, rows) ?? 0);
  if (distinct < 2) return null;
  const counts = profile.frequencies.map((share) => Math.round(share * rows)).filter((count) => count > 0);
  const integer = facts === undefined && column.type.kind === 'integer';
  return { column: name, group: facts?.group ?? null, capacity, profile, distinct, counts, integer };
}

/** Rows by the value of the leading half, each knowing how many of the same value come before it. */
interface Leader {
  readonly distinct: number;
  readonly most: number;
  readonly stretches: readonly Stretch[];
  occurrenceAt(place: number): Occurrence;
}

function pairOf(request: TableRequest, leading: Half, following: Half): Paired | null {
  const { spec, randomSeed } = request;
  const { rows, description } = spec;
  const seed = seedOf(randomSeed, description.name, leading.column, following.column);
  const numbers = isNumbered(leading, following, rows);
  const leader = numbers ? numberedLeader(leading, following, rows) : plainLeader(leading, rows, seed);
  if (leader === null) return null;
  const within = numbers
    ? ({ before }: Occurrence) => before
    : spread(leader, following, { rows, seed: seed ^ 0x2545f491 });
  if (within === null) return null;
  const { correlation } = leading.profile;
  const order =
    correlation === null ? { share: 1, descending: false } : orderFor(leader.stretches, correlation);
  const place = placement(seed, rows, order);
  // Rows that come later have a value of the following half that no row had before, as long as there is one.
  const used = numbers ? leader.most : following.distinct;
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

function plainLeader({ counts, distinct }: Half, rows: number, seed: number): Leader {
  const scatter = permutation(seed ^ 0x3c6ef372, distinct);
  const ranks = counts.slice(0, distinct).map((_, index) => scatter(index));
  const values = spectrum({ present: rows, counts: counts.slice(0, distinct), distinct, ranks, even: true });
  return { ...parts(values), most: largest({ counts, distinct }, rows) };
}

/** Rows that one of its values has at most. */
function largest({ counts, distinct }: Pick<Half, 'counts' | 'distinct'>, rows: number): number {
  const others =
    (rows - counts.reduce((sum, count) => sum + count, 0)) / Math.max(1, distinct - counts.length);
  return Math.max(counts[0] ?? 0, Math.ceil(others) + 1);
}

function parts({ distinct, stretches, occurrenceAt }: Spectrum): Omit<Leader, 'most'> {
  return { distinct, stretches, occurrenceAt };
}

/** The server's estimate of how many values the first half has is no better than this share. */
const ALIKE = 0.3;
const MOST_NUMBERS = 1000;

/** True when the second half counts 1, 2, 3 within the first: as many rows have its first number as the first has values. */
function isNumbered(leading: Half, { integer, distinct, counts }: Half, rows: number): boolean {
  const [first] = counts;
  if (!integer || first === undefined || distinct > MOST_NUMBERS || counts.length < distinct * ALIKE)
    return false;
  return Math.abs(first - leading.distinct) <= leading.distinct * ALIKE && leading.distinct * 1.2 < rows;
}

const TEMPLATE = 1000;

/** Sizes of the values of the leading half from the numbers within them: as many reach k as rows have the number k. */
function numberedLeader(leading: Half, { counts }: Half, rows: number): Leader | null {
  const groups = Math.min(TEMPLATE, leading.distinct);
  const first = Math.max(1, counts[0] ?? 1);
  const sizes = Array.from({ length: groups }, () => 0);
  for (const count of counts) {
    const reaching = Math.round((groups * count) / first);
    for (let index = 0; index < reaching; index += 1) sizes[index] = (sizes[index] ?? 0) + 1;
  }
  const most = sizes[0] ?? 1;
  const room = leading.group === null ? Number.POSITIVE_INFINITY : leading.capacity;
  // There may be fewer parents than the numbers tell of: then the smallest ones get a row more.
  for (let index = 0; index <= groups * most; index += 1) {
    const leader = sizedLeader(sizes, rows);
    if (leader.distinct <= room) return { ...leader, most };
    const at = groups - 1 - (index % groups);
    if ((sizes[at] ?? 0) < most) sizes[at] = (sizes[at] ?? 0) + 1;
  }
  return null;
}

/** Values with these numbers of rows, mixed, again and again. */
function sizedLeader(sizes: readonly number[], rows: number): Omit<Leader, 'most'> {
  const groups = sizes.length;
  const scatter = permutation(7, groups);
  const mixed = sizes.map((_, index) => sizes[scatter(index)] ?? 1);
  const ends = new Float64Array(groups);
  const sum = mixed.reduce((end, size, index) => {
    ends[index] = end + size;
    return end + size;
  }, 0);
  const occurrenceAt = (place: number): Occurrence => {
    const turn = Math.floor(place / sum);
    const at = place - turn * sum;
    let low = 0;
    let high = groups - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ends[middle] ?? 0) > at) high = middle;
      else low = middle + 1;
    }
    const size = mixed[low] ?? 1;
    return { rank: turn * groups + low, before: at - ((ends[low] ?? 0) - size), all: size };
  };
  const distinct = occurrenceAt(rows - 1).rank + 1;
  return { distinct, stretches: [{ share: 1, values: distinct }], occurrenceAt };
}

/**
 * The values of the following half at equal distances over their own distribution, beginning at another place for each
 * value of the leading one: never twice, as long as none takes more than one part of the largest group.
 */
function spread(
  { distinct: groups, most }: Leader,
  { counts, distinct, listed = false, whole = false }: Half,
  { rows, seed }: { readonly rows: number; readonly seed: number },
): ((occurrence: Occurrence) => number) | null {
  const cap = Math.floor(rows / most);
  const common = counts.slice(0, distinct).map((count) => Math.min(count, cap));
  const others = distinct - common.length;
  const left = rows - common.reduce((sum, count) => sum + count, 0);
  if (cap < 1 || left > others * cap || (whole && (counts[0] ?? 0) > cap)) return null;
  const scatter = permutation(seed, distinct);
  const values = spectrum({
    present: rows,
    counts: common,
    distinct,
    ranks: common.map((_, index) => (listed ? index : scatter(index))),
    even: true,
  });
  const start = permutation(seed ^ 0x51ed270b, groups);
  return ({ rank, before, all }) => {
    const from = (start(rank) + 0.5) / groups;
    return values.rankAt(Math.min(rows - 1, Math.floor(((from + before) * rows) / all)));
  };
}
