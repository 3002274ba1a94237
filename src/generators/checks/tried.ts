/** Values that are tried against conditions which no rule says how to meet. */
import type { CellValue, ColumnType } from '../../engines/engine.ts';
import { hash } from '../random.ts';
import { type ScalarType, scalarType } from '../types/scalar-types.ts';
import { sourceOf, toldApart, type ValueSource } from '../types/source.ts';
import { holds, sqlValue } from './evaluate.ts';
import type { ColumnRules } from './rules.ts';

/** Plain values and numbered ones that are looked at; those that pass are all that there is. */
const TRIED = 4096;
/** Numbers far out, at which a condition that holds for the first ones is held to hold for all. */
const FAR_OUT: readonly number[] = [5000, 7777, 10_000, 65_536, 123_456, 1_000_000, 87_654_321];
const FEW = 16;
/** Values of scalar types at which conditions are usually met, in units. */
const LANDMARKS = 2100;

/** Whether a value passes: it meets the tests for sure, and breaks nothing else for sure. */
export function passes(
  { tests, readFrom }: Pick<ColumnRules, 'tests' | 'readFrom'>,
  type: ColumnType,
): (value: CellValue) => boolean {
  return (value) => {
    const read = sqlValue(value, type);
    return (
      tests.every((test) => holds(test, () => read) === true) &&
      readFrom.every((test) => holds(test, () => read) !== false)
    );
  };
}

export interface TriedRequest {
  readonly type: ColumnType;
  readonly seed: number;
  /** Values of the type beside those of the source, asked for when few of these pass. */
  others(): readonly CellValue[];
}

/** The values of a source that pass; null when none was found. */
export function triedSource(
  source: ValueSource,
  rules: Pick<ColumnRules, 'tests' | 'readFrom'>,
  { type, seed, others }: TriedRequest,
): ValueSource | null {
  const pass = passes(rules, type);
  const numbered = Array.from({ length: Math.min(TRIED, source.capacity) }, (_, at) => source.unique(at));
  const plain = Array.from({ length: TRIED }, (_, row) => source.plain(row));
  const prefix = numbered.findIndex((value) => !pass(value));
  const far = FAR_OUT.filter((ordinal) => ordinal < source.capacity);
  const isPrefix = prefix === -1 && far.every((ordinal) => pass(source.unique(ordinal)));
  if (isPrefix && plain.every(pass)) return source;
  const passing = (values: readonly CellValue[]) =>
    [...new Set(values)].filter((value) => value !== null && pass(value));
  let found = passing([...plain.slice(0, TRIED / 4), ...landmarks(source, type), ...numbered]);
  if (found.length < FEW) found = passing([...found, ...others()]);
  if (found.length === 0) return null;
  const made = listed(found, type, seed);
  return isPrefix && source.capacity > made.capacity
    ? { ...made, capacity: source.capacity, unique: source.unique, scalar: source.scalar }
    : made;
}

/** Numbers around zero, and the days and hours of some years. */
function landmarks({ scalar }: ValueSource, type: ColumnType): readonly CellValue[] {
  const kind = scalarType(type);
  if (kind === null || scalar === null) return [];
  const { intervals } = scalar.domain;
  return Array.from({ length: 2 * LANDMARKS }, (_, index) => {
    const units = index - LANDMARKS;
    const ticks = kind.temporal
      ? FIRST_DAY + index * (DAY_AND_HOUR - (DAY_AND_HOUR % kind.step))
      : units * kind.perUnit;
    return intervals.some(({ min, max }) => ticks >= min && ticks <= max && ticks % kind.step === 0)
      ? kind.format(ticks)
      : null;
  });
}

/** 2019-01-01, from which landmarks go on by 25 hours. */
const FIRST_DAY = 1_546_300_800;
const DAY_AND_HOUR = 90_000;

function listed(values: readonly CellValue[], type: ColumnType, seed: number): ValueSource {
  const different = toldApart(values);
  const source = sourceOf({
    capacity: different.length,
    plain: (row) => values[hash(seed, row) % values.length] ?? null,
    unique: (ordinal) => different[ordinal] ?? null,
  });
  const scalar = scalarType(type);
  const ticks = scalar === null ? [] : values.map((value) => ticksOf(scalar, value));
  if (scalar === null || ticks.some(Number.isNaN)) return source;
  const intervals = ticks.toSorted((one, other) => one - other).map((at) => ({ min: at, max: at }));
  return {
    ...source,
    scalar: {
      domain: { type: scalar, intervals, plausible: intervals, spread: false },
      plain: (row) => ticks[hash(seed, row) % ticks.length] ?? 0,
      unique: (ordinal) => ticks[ordinal] ?? 0,
      format: scalar.format,
    },
  };
}

function ticksOf(scalar: ScalarType, value: CellValue): number {
  return typeof value === 'string' ? (scalar.parse(value, 'upper') ?? Number.NaN) : Number.NaN;
}
