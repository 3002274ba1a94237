/** Sources of values for scalar columns, with ranges that fit their names. */
import type { ColumnDescription } from '../../engines/engine.ts';
import { arrivalOf, DAY, HISTORY_FROM, HISTORY_TO, parseInstant } from './calendar.ts';
import { withRaw } from './raw.ts';
import {
  clip,
  countValues,
  type Interval,
  type ScalarDomain,
  valueByOrdinal,
  valueByRow,
} from './scalar-domain.ts';
import type { ScalarType } from './scalar-types.ts';
import type { ScalarValues, ValueSource } from './source.ts';

const ASCENDING =
  /(^|_)(created|inserted|registered|ordered|placed|posted|joined|logged|occurred|recorded)(_|$)/i;

interface NamedRange {
  readonly name: RegExp;
  readonly from: number;
  readonly to: number;
}

/** In units. The first name that matches counts. */
const NUMBERS: readonly NamedRange[] = [
  { name: /(^|_)(qty|quantity|seats|guests|items?_count|pieces)(_|$)/i, from: 1, to: 10 },
  { name: /(^|_)(age)(_|$)/i, from: 18, to: 90 },
  { name: /(^|_)(year)(_|$)/i, from: 1990, to: 2024 },
  { name: /(^|_)(month)(_|$)/i, from: 1, to: 12 },
  { name: /(^|_)(day)(_|$)/i, from: 1, to: 28 },
  { name: /(^|_)(hour)(_|$)/i, from: 0, to: 23 },
  { name: /(^|_)(minute|second)(_|$)/i, from: 0, to: 59 },
  { name: /(^|_)(rating|stars)(_|$)/i, from: 1, to: 5 },
  { name: /(^|_)(percent|percentage|pct|discount|score|progress)(_|$)/i, from: 0, to: 100 },
  { name: /(^|_)(latitude|lat)(_|$)/i, from: -85, to: 85 },
  { name: /(^|_)(longitude|lng|lon)(_|$)/i, from: -180, to: 180 },
  { name: /(^|_)(price|cost|amount|total|subtotal|fee|paid|balance|salary|tax)(_|$)/i, from: 1, to: 1000 },
  { name: /(^|_)(priority|level|rank|position|sort|sequence|seq|line)(_|$)/i, from: 1, to: 20 },
  { name: /(^|_)(count|stock|points|visits|views|likes|attempts|retries)(_|$)/i, from: 0, to: 1000 },
  { name: /(^|_)(port)(_|$)/i, from: 1024, to: 65_535 },
];
const ANY_NUMBER = { from: 0, to: 100_000 };

/**
 * What of the allowed values looks plausible under this name; all that is allowed when nothing does. `spread` keeps a
 * part of every interval: those are partitions, and each shall get rows.
 */
export function plausibleIntervals(
  column: ColumnDescription,
  type: ScalarType,
  { allowed, spread }: { readonly allowed: readonly Interval[]; readonly spread: boolean },
): readonly Interval[] {
  const usual = usualRange(column, type);
  const inside = {
    min: Math.ceil(usual.min / type.step) * type.step,
    max: Math.floor(usual.max / type.step) * type.step,
  };
  if (!spread) {
    const found = clip(allowed, inside);
    return found.length > 0 ? found : allowed.slice(0, 1).flatMap((interval) => near(interval, inside, type));
  }
  return allowed.flatMap((interval) => {
    if (interval.min > type.min && interval.max < type.max) return [interval];
    const found = clip([interval], inside);
    return found.length > 0 ? found : near(interval, inside, type);
  });
}

/** As many values as usual, at that end of the interval which is nearer to the usual ones. */
function near(interval: Interval, usual: Interval, type: ScalarType): readonly Interval[] {
  const span = Math.max(type.step, usual.max - usual.min);
  if (interval.max < usual.min) return clip([interval], { min: interval.max - span, max: interval.max });
  return clip([interval], { min: interval.min, max: interval.min + span });
}

function usualRange(column: ColumnDescription, type: ScalarType): Interval {
  if (type.temporal) {
    if (/birth|(^|_)dob(_|$)/i.test(column.name)) return instants('1950-01-01', '2005-12-31');
    return { min: HISTORY_FROM, max: HISTORY_TO - DAY };
  }
  if (column.type.kind === 'time') return { min: 0, max: DAY - 1 };
  if (column.type.kind === 'interval') return { min: 60, max: 30 * DAY };
  if (column.type.base === 'year') return { min: 1990, max: 2024 };
  const { from, to } = NUMBERS.find(({ name }) => name.test(column.name)) ?? ANY_NUMBER;
  return { min: from * type.perUnit, max: to * type.perUnit };
}

function instants(from: string, to: string): Interval {
  return { min: parseInstant(from) ?? HISTORY_FROM, max: parseInstant(to) ?? HISTORY_TO };
}

/**
 * Values of a domain, different ones `spacing` units apart: plausible ones for plain cells, all allowed ones from 1 (or the limit) on for unique cells.
 */
export function scalarSource(
  column: ColumnDescription,
  domain: ScalarDomain,
  { seed, spacing }: { readonly seed: number; readonly spacing: number | null },
): ValueSource {
  const { type } = domain;
  const counted = countedIntervals(domain);
  const apart = Math.max(type.step, (spacing ?? 0) * type.perUnit);
  const capacity = countValues(counted, apart);
  const byOrdinal = valueByOrdinal(counted, apart);
  const scalar: ScalarValues = {
    domain,
    plain: ascending(column, domain) ?? valueByRow(domain.plausible, type.step, seed),
    unique: byOrdinal,
    format: type.format,
  };
  const { plain } = scalar;
  const { format } = type;
  return {
    capacity,
    plain: withRaw(
      (row) => format(plain(row)),
      () => ({ kind: 'number', perUnit: type.perUnit, at: plain }),
    ),
    unique: withRaw(
      (ordinal) => format(byOrdinal(ordinal)),
      () => ({ kind: 'number', perUnit: type.perUnit, at: byOrdinal }),
    ),
    scalar,
  };
}

/** Counting starts at 1 for numbers and at the start of history for dates, unless a limit says otherwise. */
function countedIntervals(domain: ScalarDomain): readonly Interval[] {
  const { type, intervals } = domain;
  const start = type.temporal ? HISTORY_FROM : type.min <= 0 ? type.perUnit : type.min;
  const [first] = intervals;
  const limited = first !== undefined && first.min > type.min;
  if (limited) return intervals;
  const step = type.step;
  const after = clip(intervals, { min: Math.ceil(start / step) * step, max: type.max });
  return after.length > 0 ? after : intervals;
}

/** `created_at` and its like ascend in row order; not on a partition key, whose rows must reach every partition. */
function ascending(column: ColumnDescription, domain: ScalarDomain): ((row: number) => number) | null {
  const { type, plausible } = domain;
  const [only] = plausible;
  if (!type.temporal || domain.spread || plausible.length !== 1 || only === undefined) return null;
  if (!ASCENDING.test(column.name) || only.min > HISTORY_FROM) return null;
  const { step } = type;
  const { max } = only;
  return (row) => Math.min(max, Math.floor(arrivalOf(row) / step) * step);
}
