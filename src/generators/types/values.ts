/** The source of values of a column by its type, within what checks, partitions and the scenario allow. */
import type { ColumnDescription, ColumnType } from '../../engines/engine.ts';
import { UsageError } from '../../errors.ts';
import type { ColumnDataPlan } from '../../scenario/plan.ts';
import { literalsIn } from '../checks/evaluate.ts';
import type { PartitionRule } from '../checks/partitions.ts';
import { type ColumnRules, NO_RULES } from '../checks/rules.ts';
import { triedSource } from '../checks/tried.ts';
import { weightedIndex } from '../distributions.ts';
import { hash, hashBelow } from '../random.ts';
import { arraySource, compositeSource, rangeSource } from './compounds.ts';
import { unfit } from './fits.ts';
import { FALLBACKS, type Pools } from './pools.ts';
import { rangedTextSource } from './ranged-text.ts';
import { rangedUuidSource } from './ranged-uuid.ts';
import { withRaw } from './raw.ts';
import { type Interval, intervalsOf, type ScalarDomain } from './scalar-domain.ts';
import { type ScalarType, scalarType } from './scalar-types.ts';
import { plausibleIntervals, scalarSource } from './scalars.ts';
import { sourceOf, toldApart, type ValueSource } from './source.ts';
import { specialSource } from './specials.ts';
import { textSource } from './text.ts';

export interface SourceRequest {
  readonly table: string;
  readonly column: ColumnDescription;
  readonly rules: ColumnRules;
  readonly override: ColumnDataPlan | null;
  /** Set when the column is the table's partition key. */
  readonly partition: PartitionRule | null;
  readonly seed: number;
  readonly pools: Pools;
}

/** Null when the rules leave no value that could be made; UsageError for a wrong setting or an unknown type. */
export function valueSource(request: SourceRequest): ValueSource | null {
  const { column, rules, override, partition, seed } = request;
  const source = sourceByRules(request);
  const { tests, readFrom } = rules;
  if (source === null || tests.length + readFrom.length === 0 || override?.values != null) return source;
  // How text is ordered depends on its collation, so that a limit of it is no rule.
  const isOrdered = rules.lowers.length + rules.uppers.length > 0 && scalarType(column.type) === null;
  const tried = isOrdered ? { tests: [...tests, ...readFrom], readFrom: [] } : rules;
  const isOwn = override?.faker != null || override?.width != null || partition !== null;
  const others = () => (isOwn ? [] : otherValues(request));
  return triedSource(source, tried, { type: column.type, seed, others });
}

/**
 * Words in other cases and other forms of documents, for conditions that the usual ones do not meet, and the texts that the
 * conditions themselves name: `lower(mail) in ('a@x.org')`.
 */
function otherValues({ column: { type }, pools, rules }: SourceRequest): readonly string[] {
  if (type.kind === 'json') return ['[]', '[1, 2]', '"text"', '1', 'true', 'null', '{}'];
  if (type.kind !== 'text') return [];
  const words = FALLBACKS.flatMap((kind) => pools.ofKind(kind));
  const cut = (text: string) => text.slice(0, type.maxLength ?? text.length).trim();
  const named = [...rules.tests, ...rules.readFrom].flatMap(literalsIn);
  return [...named.map(cut), ...words.flatMap((word) => formsOf(word).map(cut))];
}

function formsOf(word: string): readonly string[] {
  return [
    ...[word, word.toUpperCase(), word.toLowerCase(), word.charAt(0).toUpperCase() + word.slice(1)],
    ...[word.charAt(0), word.slice(0, 3)],
  ];
}

function sourceByRules(request: SourceRequest): ValueSource | null {
  const { column, override, rules, partition, seed } = request;
  if (override?.values != null) return listSource(override.values, scalarType(column.type), seed);
  if (override?.faker != null && column.type.kind !== 'text') return fakerSource(request, override.faker);
  const scalar = scalarType(column.type);
  if (override?.range != null && scalar === null) throw withoutRange(request);
  if (rules.allowed !== null || partition?.values != null) return allowedSource(request);
  if (scalar !== null) {
    const domain = domainOf(request, scalar);
    return domain === null ? null : scalarSource(column, domain, { seed, spacing: rules.spacing });
  }
  if (partition !== null && partition.ranges.length > 0) return rangedSource(request, partition.ranges);
  const limited = rules.lowers.length + rules.uppers.length > 0 && rules.readFrom.length === 0;
  return limited ? null : typedSource(request);
}

/** Within the ranges of partitions, of types that are ordered though they have no scale. */
function rangedSource(
  { column: { type }, seed, pools }: SourceRequest,
  ranges: PartitionRule['ranges'],
): ValueSource | null {
  if (type.kind === 'enum') return labelsIn(type.labels, ranges, seed);
  if (type.kind === 'text') return rangedTextSource({ ranges, maxLength: type.maxLength, seed, pools });
  return type.kind === 'uuid' ? rangedUuidSource(ranges, seed) : null;
}

function withoutRange({ table, column }: SourceRequest): UsageError {
  return new UsageError(
    `data.tables."${table}".columns."${column.name}".range: a column of type ${column.type.declared} has no range; use values.`,
  );
}

/** Values of a type that does not lie on a line; also the elements of arrays and the fields of composites. */
function typedSource(request: SourceRequest): ValueSource | null {
  const { column, seed } = request;
  const { type } = column;
  if (type.element !== null)
    return arraySource(type, request.rules, { seed, elements: inner(request, type.element, 'element') });
  switch (type.kind) {
    case 'text':
      return textSource(request);
    case 'boolean':
      return flagSource(request);
    case 'enum':
      return listOf(type.labels, seed);
    case 'range':
      return rangeSource(type, seed);
    case 'composite':
      return compositeSource(
        type.fields.map((field) => inner(request, field.type, field.name)),
        seed,
      );
    default:
      return specialSource(request);
  }
}

/** Labels in the order in which they were declared, which is how Postgres compares them; MySQL has no ranges of them. */
function labelsIn(
  labels: readonly string[],
  ranges: PartitionRule['ranges'],
  seed: number,
): ValueSource | null {
  const place = (label: string | null, open: number) => (label === null ? open : labels.indexOf(label));
  const inside = labels.filter((_, at) =>
    ranges.some(({ from, to }) => at >= place(from, 0) && at < place(to, labels.length)),
  );
  return inside.length === 0 ? null : listOf(inside, seed);
}

function flagSource({ column: { type }, rules, seed }: SourceRequest): ValueSource | null {
  const labels = type.labels.length > 0 ? type.labels : ['true', 'false'];
  const left = labels.filter((label) => !rules.excluded.includes(label));
  return left.length === 0 ? null : listOf(left, seed);
}

/** The source of a part of the column's values, without rules of its own. */
function inner(request: SourceRequest, type: ColumnType, name: string): ValueSource | null {
  const column: ColumnDescription = {
    name: request.column.type.element === null ? name : request.column.name,
    type,
    nullable: false,
    defaultExpression: null,
    generated: 'no',
  };
  const seed = hash(request.seed, name.length + 1) | 0;
  return valueSource({ ...request, column, seed, rules: NO_RULES, override: null, partition: null });
}

/** Literal values with their weights; unique cells take them in order. */
function listSource(
  values: readonly { readonly value: string; readonly weight: number }[],
  scalar: ScalarType | null,
  seed: number,
): ValueSource {
  const texts = values.map(({ value }) => value);
  const index = weightedIndex(
    seed,
    values.map(({ weight }) => weight),
  );
  return withScalar(texts, scalar, (row) => index(row));
}

function listOf(texts: readonly string[], seed: number): ValueSource {
  return withScalar(texts, null, (row) => hashBelow(seed, row, texts.length));
}

function withScalar(
  texts: readonly string[],
  scalar: ScalarType | null,
  index: (row: number) => number,
): ValueSource {
  const values = () => texts;
  const different = toldApart(texts);
  const plain = withRaw(
    (row) => texts[index(row)] ?? '',
    () => ({ kind: 'choice', values, at: index }),
  );
  const unique = withRaw(
    (ordinal) => different[ordinal] ?? '',
    () => ({ kind: 'choice', values: () => different, at: (ordinal) => ordinal }),
  );
  const source = sourceOf({ capacity: different.length, plain, unique });
  const ticks = texts.map((text) => scalar?.parse(text, 'upper') ?? Number.NaN);
  if (scalar === null || ticks.some(Number.isNaN)) return source;
  const intervals = ticks.toSorted((one, other) => one - other).map((at) => ({ min: at, max: at }));
  return {
    ...source,
    scalar: {
      domain: { type: scalar, intervals, plausible: intervals, spread: false },
      plain: (row) => ticks[index(row)] ?? 0,
      unique: (ordinal) => ticks[ordinal] ?? 0,
      format: scalar.format,
    },
  };
}

/** The values of an IN list or of list partitions that the other rules allow too. */
function allowedSource({ column, rules, partition, seed }: SourceRequest): ValueSource | null {
  const scalar = scalarType(column.type);
  const wanted = rules.allowed ?? partition?.values ?? [];
  const inPartition = (text: string) => partition?.values?.includes(text) ?? true;
  const intervals = scalar === null ? null : intervalsOf(scalar, rules, rangesOf(scalar, partition));
  const inside = (text: string): boolean => {
    if (scalar === null || intervals === null) return true;
    const ticks = scalar.parse(text, 'upper');
    return ticks !== null && intervals.some(({ min, max }) => ticks >= min && ticks <= max);
  };
  const { maxLength } = column.type;
  const values = wanted.filter(
    (text) =>
      inPartition(text) &&
      inside(text) &&
      (column.type.kind !== 'text' || maxLength === null || text.length <= maxLength) &&
      (column.type.kind !== 'enum' || column.type.labels.includes(text)),
  );
  if (values.length === 0) return null;
  return withScalar(values, scalar, (row) => hashBelow(seed, row, values.length));
}

function fakerSource({ table, column, pools, seed }: SourceRequest, path: string): ValueSource {
  const values = [...new Set(pools.ofFaker(path))];
  for (const value of values) {
    const problem = unfit(value, column.type);
    if (problem !== null)
      throw new UsageError(
        `data.tables."${table}".columns."${column.name}".faker: ${path} makes "${value.slice(0, 40)}", which ${problem}.`,
      );
  }
  return listOf(values, seed);
}

function domainOf(request: SourceRequest, type: ScalarType): ScalarDomain | null {
  const { column, rules, override, partition } = request;
  const ranges = rangesOf(type, partition);
  let intervals = intervalsOf(type, rules, ranges);
  if (intervals === null) return null;
  const spread = ranges.length > 0 || override?.range != null;
  if (override?.range != null) intervals = intersectRange(request, type, intervals);
  if (intervals.length === 0) return null;
  return {
    type,
    intervals,
    plausible: plausibleIntervals(column, type, { allowed: intervals, spread }),
    spread,
  };
}

function intersectRange(
  { table, column, override }: SourceRequest,
  type: ScalarType,
  intervals: readonly Interval[],
): readonly Interval[] {
  const range = override?.range;
  const [min, max] = [type.parse(range?.from ?? '', 'lower'), type.parse(range?.to ?? '', 'upper')];
  if (min === null || max === null || min > max)
    throw new UsageError(
      `data.tables."${table}".columns."${column.name}".range: "${range?.from}" to "${range?.to}" is no range of ` +
        `${column.type.declared}.`,
    );
  const [first, last] = [Math.ceil(min / type.step) * type.step, Math.floor(max / type.step) * type.step];
  return intervals
    .map((interval) => ({ min: Math.max(first, interval.min), max: Math.min(last, interval.max) }))
    .filter((interval) => interval.min <= interval.max);
}

/** Ranges of the partitions in ticks; the upper bound of a partition is not part of it. */
function rangesOf(type: ScalarType, partition: PartitionRule | null): readonly Interval[] {
  const { step } = type;
  return (partition?.ranges ?? [])
    .flatMap(({ from, to }) => {
      const [lower, upper] = [
        from === null ? type.min : type.parse(from, 'lower'),
        to === null ? type.max + step : type.parse(to, 'upper'),
      ];
      if (lower === null || upper === null) return [];
      const first = Math.ceil(lower / step) * step + (partition?.strict === true && from !== null ? step : 0);
      const last = Math.ceil(upper / step) * step - step;
      return first <= last ? [{ min: Math.max(type.min, first), max: Math.min(type.max, last) }] : [];
    })
    .toSorted((one, other) => one.min - other.min);
}
