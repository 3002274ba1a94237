/** Sources of the values that are neither text nor numbers: uuid, json, bytes, bits, networks, shapes, sets. */
import type { CellValue, ColumnDescription, ColumnType } from '../../engines/engine.ts';
import { UsageError } from '../../errors.ts';
import type { ColumnDataPlan } from '../../scenario/plan.ts';
import type { ColumnRules } from '../checks/rules.ts';
import { hash } from '../random.ts';
import { bytesSource, vectorSource } from './bytes.ts';
import { type Pools, textKindOf } from './pools.ts';
import { withRaw } from './raw.ts';
import { shapeSource } from './shapes.ts';
import { sourceOf, UNBOUNDED, type ValueSource } from './source.ts';

interface SpecialRequest {
  readonly table: string;
  readonly column: ColumnDescription;
  readonly override: ColumnDataPlan | null;
  readonly rules: ColumnRules;
  readonly seed: number;
  readonly pools: Pools;
}

const UINT32 = 4_294_967_296;

/** UsageError for a type that no value is known for and that cannot be null. */
export function specialSource(request: SpecialRequest): ValueSource {
  const { column, seed } = request;
  const { type } = column;
  switch (type.kind) {
    case 'uuid':
      return sourceOf({
        capacity: UINT32,
        plain: uuidCell(seed),
        unique: uuidCell(seed),
      });
    case 'json':
      return jsonSource(request);
    case 'bytes':
      return bytesSource(request);
    case 'vector':
      return vectorSource(type, seed);
    case 'shape':
      return shapeSource(type, seed);
    case 'bits':
      return bitsSource(type, seed);
    case 'set':
      return setSource(type, seed);
    case 'network':
      return networkSource(type, seed);
    case 'textSearch':
      return textSearchSource(type, request);
    case 'geometry':
      return geometrySource(type.base, seed);
    default:
      return otherSource(request);
  }
}

/** Numbered shapes lie apart from each other, three degrees in each direction; places on the globe are not numbered. */
function geometrySource(base: string, seed: number): ValueSource {
  const write = (at: number) => shape(base, (at % 180_000) - 90_000, ((at >>> 3) % 360_000) - 180_000);
  const plain = (row: number) => write(hash(seed, row));
  if (base === 'geometry' || base === 'geography') return same(seed, write);
  const place = (at: number) => 3000 * at;
  return sourceOf({
    capacity: UINT32,
    plain,
    unique: (ordinal) => shape(base, place(ordinal % SIDE), place(Math.floor(ordinal / SIDE))),
  });
}

/** Shapes in a line, before the next line begins. */
const SIDE = 65_536;

/** A source whose unique values are its plain ones by number, as far as they are told apart at all. */
function same(seed: number, make: (at: number) => string, capacity = 1): ValueSource {
  return sourceOf({ capacity, plain: (row) => make(hash(seed, row)), unique: make });
}

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

function uuidCell(seed: number): (row: number) => CellValue {
  return withRaw(
    (row) => uuid(seed, row),
    () => ({
      kind: 'words',
      read: (row, into) => {
        into[0] = hash(seed, row);
        into[1] = (hash(seed ^ 0x2545f491, row) & 0xffff_0fff) | 0x4000;
        into[2] = (hash(seed ^ 0x6a09e667, row) & 0x3fff_ffff) | 0x8000_0000;
        into[3] = hash(seed ^ 0x3c6ef372, row);
        return true;
      },
    }),
  );
}

/** Version 4 in form; its first 32 bits are a bijection of the row, so that no two rows share one. */
function uuid(seed: number, row: number): string {
  const one = hash(seed, row);
  const two = hash(seed ^ 0x2545f491, row);
  const three = hash(seed ^ 0x6a09e667, row);
  const four = hash(seed ^ 0x3c6ef372, row);
  return (
    `${word(one)}-${half(two >>> 16)}-${half((two & 0x0fff) | 0x4000)}-` +
    `${half(((three >>> 16) & 0x3fff) | 0x8000)}-${half(three & 0xffff)}${word(four)}`
  );
}

function half(bits: number): string {
  return `${HEX[(bits >>> 8) & 255]}${HEX[bits & 255]}`;
}

function word(bits: number): string {
  return half(bits >>> 16) + half(bits & 0xffff);
}

function jsonSource({ seed, pools }: SpecialRequest): ValueSource {
  const words = pools.ofKind(textKindOf('words', null));
  const write = (row: number): string => {
    const at = hash(seed, row);
    const note = words[at & 4095] ?? '';
    const tag = words[(at >>> 12) & 4095]?.split(' ')[0] ?? '';
    return `{"id": ${row}, "note": ${JSON.stringify(note)}, "tags": [${JSON.stringify(tag)}], "score": ${at % 1000}, "active": ${(at & 64) === 0}}`;
  };
  return sourceOf({ capacity: UNBOUNDED, plain: write, unique: write });
}

const USUAL_BITS = 16;

function bitsSource(type: ColumnType, seed: number): ValueSource {
  const length = type.maxLength ?? (type.base === 'bit' ? 1 : USUAL_BITS);
  const capacity = Math.min(UNBOUNDED, 2 ** length);
  const write = (at: number): string => at.toString(2).padStart(length, '0').slice(-length);
  return sourceOf({ capacity, plain: (row) => write(hash(seed, row) % capacity), unique: write });
}

/** MySQL's set: any combination of the labels, of up to 64 of them. */
function setSource(type: ColumnType, seed: number): ValueSource {
  const capacity = 2 ** Math.min(53, type.labels.length);
  const write = (at: number): string =>
    type.labels.filter((_, index) => Math.floor(at / 2 ** index) % 2 === 1).join(',');
  const values = Math.min(capacity, UINT32);
  if (type.labels.length > 32) {
    // Labels behind the 32nd come by a second number.
    const plain = (row: number) =>
      write(hash(seed, row) + (hash(seed + 1, row) % (capacity / UINT32)) * UINT32);
    return sourceOf({ capacity, plain, unique: write });
  }
  return sourceOf({ capacity, plain: (row) => write(hash(seed, row) % values), unique: write });
}

function networkSource(type: ColumnType, seed: number): ValueSource {
  if (type.base === 'macaddr' || type.base === 'macaddr8') {
    const prefix = type.base === 'macaddr' ? '02:00' : '02:00:00:00';
    return same(
      seed,
      (at) =>
        `${prefix}:${bytesOf(at)
          .map((byte) => HEX[byte])
          .join(':')}`,
      UINT32,
    );
  }
  if (type.base === 'inet6')
    return same(
      seed,
      (at) => `2001:db8::${half(at >>> 16)}:${half(at & 0xffff)}`.replace(/:0+(?=[0-9a-f])/g, ':'),
      UINT32,
    );
  const mask = type.base === 'cidr' ? '/32' : '';
  return same(seed, (at) => bytesOf(at ^ 0x0a000000).join('.') + mask, UINT32);
}

function bytesOf(at: number): readonly number[] {
  return [(at >>> 24) & 255, (at >>> 16) & 255, (at >>> 8) & 255, at & 255];
}

function textSearchSource(type: ColumnType, { seed, pools }: SpecialRequest): ValueSource {
  const words = pools.ofKind(textKindOf('words', null));
  const query = type.base === 'tsquery';
  const write = (at: number, row: number): string => {
    const lexemes = [`w${row}`, ...(words[at & 4095] ?? '').split(' ')];
    const quoted = lexemes.map(
      (lexeme, index) => `'${lexeme.replaceAll("'", "''")}'${query ? '' : `:${index + 1}`}`,
    );
    return quoted.join(query ? ' & ' : ' ');
  };
  return sourceOf({
    capacity: UNBOUNDED,
    plain: (row) => write(hash(seed, row), hash(seed + 1, row) % 50_000),
    unique: (ordinal) => write(hash(seed, ordinal), ordinal),
  });
}

/**
 * https://www.postgresql.org/docs/current/datatype-geometric.html; WKT for PostGIS' types. Thousandths of a degree.
 */
function shape(base: string, xThousandths: number, yThousandths: number): string {
  const [x, right, y, top] = [xThousandths, xThousandths + 1000, yThousandths, yThousandths + 1000].map(
    (at) => at / 1000,
  );
  switch (base) {
    case 'line':
      return `{1,${x},${y}}`;
    case 'lseg':
      return `[(${x},${y}),(${right},${top})]`;
    case 'box':
      return `(${right},${top}),(${x},${y})`;
    case 'path':
      return `[(${x},${y}),(${right},${y}),(${right},${top})]`;
    case 'polygon':
      return `((${x},${y}),(${right},${y}),(${right},${top}))`;
    case 'circle':
      return `<(${x},${y}),1>`;
    case 'point':
      return `(${x},${y})`;
    default:
      return `POINT(${x} ${y})`;
  }
}

/** Types that are known by name only. */
const OTHERS: Readonly<Record<string, (at: number) => string>> = {
  xml: (at) => `<row id="${at}"/>`,
  hstore: (at) => `"id"=>"${at}"`,
  ltree: (at) => `top.n${at % 100}.n${at}`,
  jsonpath: (at) => `$."k${at}"`,
  pg_lsn: (at) => `0/${at.toString(16).toUpperCase()}`,
  xid: (at) => String(3 + (at % 1_000_000_000)),
  xid8: (at) => String(3 + at),
  cid: (at) => String(at % 1_000_000),
  tid: (at) => `(${at % 1_000_000},1)`,
  regclass: () => 'pg_class',
  regtype: () => 'integer',
  int2vector: (at) => `${at % 100} ${at % 7}`,
  oidvector: (at) => `${at % 100} ${at % 7}`,
  txid_snapshot: () => '10:20:10,14,15',
  pg_snapshot: () => '10:20:10,14,15',
};
/** Those of them that name a different value for each number. */
const TOLD_APART = new Set(['hstore', 'ltree', 'pg_lsn']);

function otherSource({ table, column, seed }: SpecialRequest): ValueSource {
  const make = OTHERS[column.type.base];
  if (make !== undefined) return same(seed, make, TOLD_APART.has(column.type.base) ? UINT32 : 1);
  if (column.nullable) return sourceOf({ capacity: 0, plain: () => null, unique: () => null });
  throw new UsageError(
    `${table}: no value is known for the type ${column.type.declared} of the column "${column.name}". ` +
      `Name some in the scenario: data.tables."${table}".columns."${column.name}".values: { "...": 1 }`,
  );
}
