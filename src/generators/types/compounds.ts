/** Sources of values made of other values: arrays, ranges and composite types, in Postgres' input forms. */
import type { CellValue, ColumnType } from '../../engines/engine.ts';
import type { ColumnRules } from '../checks/rules.ts';
import { hash } from '../random.ts';
import { DAY, HISTORY_FROM } from './calendar.ts';
import { type ScalarType, scalarType } from './scalar-types.ts';
import { sourceOf, UNBOUNDED, type ValueSource } from './source.ts';

/** Elements of an array when no check says how many. */
const USUAL_ELEMENTS = 3;

/** `{"a","b"}`: https://www.postgresql.org/docs/current/arrays.html#ARRAYS-INPUT */
export function arraySource(
  type: ColumnType,
  rules: ColumnRules,
  { seed, elements }: { readonly seed: number; readonly elements: ValueSource | null },
): ValueSource | null {
  if (elements === null || type.element === null) return null;
  const min = rules.minLength;
  const max = rules.maxLength ?? Math.max(min, USUAL_ELEMENTS);
  const list = (first: CellValue | null, count: number, row: number): string => {
    const items = first === null ? [] : [quoteElement(first)];
    for (let index = items.length; index < count; index += 1)
      items.push(quoteElement(elements.plain(row * (max + 1) + index)));
    return `{${items.join(',')}}`;
  };
  return sourceOf({
    capacity: max === 0 ? 1 : elements.capacity,
    plain: (row) => list(null, min + (hash(seed, row) % (max - min + 1)), row),
    unique: (ordinal) => (max === 0 ? '{}' : list(elements.unique(ordinal), Math.max(1, min), ordinal)),
  });
}

function quoteElement(value: CellValue): string {
  if (value === null) return 'NULL';
  const text = asText(value);
  return /^[\w.+-]+$/.test(text) && !/^null$/i.test(text) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`;
}

function asText(value: string | Uint8Array): string {
  return typeof value === 'string' ? value : `\\x${Buffer.from(value).toString('hex')}`;
}

/** `("a",1)`: https://www.postgresql.org/docs/current/rowtypes.html#ROWTYPES-IO-SYNTAX */
export function compositeSource(fields: readonly (ValueSource | null)[], seed: number): ValueSource | null {
  const known = fields.filter((field) => field !== null);
  if (known.length !== fields.length) return null;
  const widest = known.reduce(
    (best, field, index) => (field.capacity > (known[best]?.capacity ?? 0) ? index : best),
    0,
  );
  const write = (row: number, unique: boolean): string => {
    const parts = known.map((field, index) => {
      const value = unique && index === widest ? field.unique(row) : field.plain(hash(seed, row));
      return value === null ? '' : `"${asText(value).replace(/["\\]/g, '$&$&')}"`;
    });
    return `(${parts.join(',')})`;
  };
  return sourceOf({
    capacity: known[widest]?.capacity ?? 1,
    plain: (row) => write(row, false),
    unique: (ordinal) => write(ordinal, true),
  });
}

/** Subtypes of the built-in multiranges, which the catalog does not list with their subtype. */
const SUBTYPES: Readonly<Record<string, Pick<ColumnType, 'kind' | 'base'>>> = {
  int4: { kind: 'integer', base: 'int4' },
  int8: { kind: 'integer', base: 'int8' },
  num: { kind: 'decimal', base: 'numeric' },
  date: { kind: 'date', base: 'date' },
  ts: { kind: 'timestamp', base: 'timestamp' },
  tstz: { kind: 'timestamp', base: 'timestamptz' },
};

/**
 * `[1,5)`: https://www.postgresql.org/docs/current/rangetypes.html#RANGETYPES-IO. A range over a type that does not lie
 * on a line is `empty`, which every range type knows.
 */
export function rangeSource(type: ColumnType, seed: number): ValueSource {
  const several = type.base.endsWith('multirange');
  const wrap = (range: string) => (several ? `{${range}}` : range);
  const scalar = subtypeOf(type);
  if (scalar === null) {
    const nothing = several ? '{}' : 'empty';
    return sourceOf({ capacity: 1, plain: () => nothing, unique: () => nothing });
  }
  const unit = scalar.temporal ? Math.max(DAY, scalar.step) : scalar.perUnit;
  const start = scalar.temporal ? HISTORY_FROM : unit;
  const write = (at: number, length: number): string => {
    const [from, to] = [start + at * unit, start + (at + length) * unit].map(scalar.format);
    return wrap(scalar.temporal ? `["${from}","${to}")` : `[${from},${to})`);
  };
  return sourceOf({
    capacity: Math.min(UNBOUNDED, Math.floor((scalar.max - start) / unit) - 1),
    plain: (row) => write(hash(seed, row) % 1800, 1 + (hash(seed + 1, row) % 30)),
    unique: (ordinal) => write(ordinal, 1),
  });
}

function subtypeOf(type: ColumnType): ScalarType | null {
  const declared = type.fields[0]?.type;
  if (declared !== undefined) return scalarType(declared);
  const known = SUBTYPES[type.base.replace(/(multi)?range$/, '')];
  if (known === undefined) return null;
  const nothing = { declared: '', maxLength: null, precision: null, scale: null, unsigned: false };
  return scalarType({ ...known, ...nothing, labels: [], element: null, fields: [] });
}
