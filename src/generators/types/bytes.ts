/** Sources of binary values: bytes, several bits, vectors of floats. */
import type { ColumnDescription, ColumnType } from '../../engines/engine.ts';
import type { ColumnDataPlan } from '../../scenario/plan.ts';
import type { ColumnRules } from '../checks/rules.ts';
import { hash } from '../random.ts';
import { sourceOf, UNBOUNDED, type ValueSource } from './source.ts';

const USUAL_BYTES = 32;
/** Numbers up to here are told apart by a double. */
const NUMBER_BYTES = 6;
const UINT32 = 2 ** 32;

/** Most bytes that are ever made. */
const LONGEST = 1_000_000;

export interface BytesRequest {
  readonly column: ColumnDescription;
  readonly rules: ColumnRules;
  readonly override: ColumnDataPlan | null;
  readonly seed: number;
}

/** A value begins with its number, so that short keys of it differ too. */
export function bytesSource({ column, rules, override, seed }: BytesRequest): ValueSource {
  const { type, distinctLength } = column;
  if (type.precision !== null) return bitsSource(type.precision, seed);
  const longest = Math.min(type.maxLength ?? LONGEST, rules.maxLength ?? LONGEST);
  const length = Math.max(rules.minLength, Math.min(override?.width ?? USUAL_BYTES, longest));
  const told = Math.min(length, NUMBER_BYTES, distinctLength ?? NUMBER_BYTES);
  const capacity = Math.min(UNBOUNDED, 256 ** told);
  const write = (at: number, row: number): Uint8Array => {
    const bytes = new Uint8Array(length);
    let rest = at;
    for (let index = 0; index < told; index += 1) {
      bytes[index] = rest & 255;
      rest = Math.floor(rest / 256);
    }
    for (let index = told; index < length; index += 4) {
      const four = hash(seed + index, row);
      bytes[index] = four;
      bytes[index + 1] = four >>> 8;
      bytes[index + 2] = four >>> 16;
      bytes[index + 3] = four >>> 24;
    }
    return bytes;
  };
  return sourceOf({
    capacity,
    plain: (row) => {
      const at = hash(seed, row);
      return write(at % Math.min(capacity, UINT32), at);
    },
    unique: (ordinal) => write(ordinal, ordinal),
  });
}

/** A number of so many bits, the highest byte first. */
function bitsSource(bits: number, seed: number): ValueSource {
  const length = Math.ceil(bits / 8);
  const capacity = Math.min(UNBOUNDED, 2 ** bits);
  const write = (at: number): Uint8Array => {
    const bytes = new Uint8Array(length);
    let rest = at;
    for (let index = length - 1; index >= 0; index -= 1) {
      bytes[index] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    return bytes;
  };
  const low = Math.min(capacity, UINT32);
  const plain = (row: number) =>
    write((hash(seed, row) % low) + (hash(seed + 1, row) % (capacity / low)) * low);
  return sourceOf({ capacity, plain, unique: write });
}

/** Components between -1 and 1, as embeddings have them. */
export function vectorSource(type: ColumnType, seed: number): ValueSource {
  const length = type.maxLength ?? 4;
  const write = (row: number): Uint8Array => {
    const bytes = Buffer.alloc(length);
    for (let at = 0; at + 4 <= length; at += 4)
      bytes.writeFloatLE((hash(seed + at, row) % 2_000_001) / 1_000_000 - 1, at);
    return bytes;
  };
  // No key takes a vector.
  return sourceOf({ capacity: 1, plain: write, unique: write });
}
