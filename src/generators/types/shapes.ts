/** Shapes in the form that MySQL keeps them in: number of the reference system, then well-known binary. */
import type { ColumnType } from '../../engines/engine.ts';
import { hash } from '../random.ts';
import { sourceOf, type ValueSource } from './source.ts';

/** Numbers of the types: https://dev.mysql.com/doc/refman/en/gis-data-formats.html */
const POINT = 1;
const LINESTRING = 2;
const POLYGON = 3;
const MULTIPOINT = 4;
const MULTILINESTRING = 5;
const MULTIPOLYGON = 6;
const COLLECTION = 7;

const TYPES: Readonly<Record<string, number>> = {
  ...{ point: POINT, linestring: LINESTRING, polygon: POLYGON, multipoint: MULTIPOINT },
  ...{ multilinestring: MULTILINESTRING, multipolygon: MULTIPOLYGON },
  ...{ geometrycollection: COLLECTION, geomcollection: COLLECTION },
};
/** A column for any shape has each of these as often as the others. */
const ANY: readonly number[] = [POINT, LINESTRING, POLYGON];

/**
 * Longitude and latitude in ten-thousandths of a degree, apart from the poles and the date line, so that a shape of some
 * corners is a right one in every reference system. Distinct for the first 5.4e12 numbers.
 */
const LONGITUDES = 3_400_000;
const LATITUDES = 1_600_000;
const UNITS = 10_000;

type Position = readonly [x: number, y: number];

export function shapeSource({ base, referenceSystem = 0 }: ColumnType, seed: number): ValueSource {
  const make = (at: number, variety: number): Uint8Array => {
    const type = TYPES[base] ?? ANY[variety % ANY.length] ?? POINT;
    const position: Position = [
      ((at % LONGITUDES) - LONGITUDES / 2) / UNITS,
      ((Math.floor(at / LONGITUDES) % LATITUDES) - LATITUDES / 2) / UNITS,
    ];
    const head = Buffer.alloc(4);
    head.writeUInt32LE(referenceSystem);
    return Buffer.concat([head, ...shape(type, position)]);
  };
  return sourceOf({
    capacity: LONGITUDES * LATITUDES,
    plain: (row) => {
      const mixed = hash(seed, row);
      return make((mixed % LONGITUDES) + (hash(seed + 1, row) % LATITUDES) * LONGITUDES, mixed >>> 20);
    },
    unique: (ordinal) => make(ordinal, 0),
  });
}

/** Hundredth of a degree, about a kilometre. */
const SIDE = 0.01;

function shape(type: number, position: Position): readonly Buffer[] {
  const [x, y] = position;
  const beside: Position = [x + 2 * SIDE, y];
  switch (type) {
    case POINT:
      return [header(POINT), coordinates([position])];
    case LINESTRING:
      return [header(LINESTRING, 3), coordinates([position, [x + SIDE, y], [x + SIDE, y + SIDE]])];
    case POLYGON:
      return [header(POLYGON, 1), count(5), coordinates(square(position))];
    case MULTIPOINT:
      return [header(MULTIPOINT, 2), ...shape(POINT, position), ...shape(POINT, beside)];
    case MULTILINESTRING:
      return [header(MULTILINESTRING, 2), ...shape(LINESTRING, position), ...shape(LINESTRING, beside)];
    case MULTIPOLYGON:
      return [header(MULTIPOLYGON, 2), ...shape(POLYGON, position), ...shape(POLYGON, beside)];
    default:
      return [header(COLLECTION, 2), ...shape(POINT, position), ...shape(LINESTRING, beside)];
  }
}

/** Against the clock, and closed. */
function square([x, y]: Position): readonly Position[] {
  return [
    [x, y],
    [x + SIDE, y],
    [x + SIDE, y + SIDE],
    [x, y + SIDE],
    [x, y],
  ];
}

const LITTLE_ENDIAN = 1;

function header(type: number, parts?: number): Buffer {
  const bytes = Buffer.alloc(parts === undefined ? 5 : 9);
  bytes.writeUInt8(LITTLE_ENDIAN);
  bytes.writeUInt32LE(type, 1);
  if (parts !== undefined) bytes.writeUInt32LE(parts, 5);
  return bytes;
}

function count(parts: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(parts);
  return bytes;
}

function coordinates(positions: readonly Position[]): Buffer {
  const bytes = Buffer.alloc(positions.length * 16);
  positions.forEach(([x, y], index) => {
    bytes.writeDoubleLE(x, index * 16);
    bytes.writeDoubleLE(y, index * 16 + 8);
  });
  return bytes;
}
