/**
 * Values of the parameters, drawn in the order of arrival and never by what the server answers: the n-th arrival of a
 * seed has the same values in every run, also when operations before it failed or were dropped.
 */
import type { CellValue } from '../../engines/engine.ts';
import type { TableGenerator } from '../../generators/generator.ts';
import { firstAbove } from '../arrivals/arrivals.ts';
import type { Random } from '../arrivals/random.ts';
import type { KeyPick, KeyPools, KeySource, Operation, ParameterSource } from '../load.ts';

/** Values of one operation: per statement, in the order of its parameters. */
export type OperationValues = readonly (readonly CellValue[])[];

export interface ValueSources {
  readonly keyPools: KeyPools;
  readonly generators: ReadonlyMap<string, Pick<TableGenerator, 'rows' | 'cell'>>;
  readonly random: Random;
}

/** YCSB's constant: close to Zipf's law, and the hottest of 10,000 keys gets 10 % (Cooper et al., SoCC 2010). */
const ZIPF_EXPONENT = 0.99;

export function createBinder(sources: ValueSources): (operation: Operation) => OperationValues {
  /** New rows taken so far, by table: the load's inserts continue where the filling ended. */
  const newRows = new Map<string, number>();
  const newRowsByOperation = new Map<Operation, ReadonlyMap<string, number>>();
  const pickIndex = createPicker(sources.random);

  return (operation) => {
    const drawn: Drawn = { values: [], keyIndexes: [], rows: new Map(), live: new Map() };
    for (const statement of operation.statements) {
      drawn.values.push([]);
      drawn.keyIndexes.push([]);
      const values = drawn.values.at(-1) ?? [];
      for (const source of statement.parameters) values.push(draw(source, drawn));
    }
    for (const [table, count] of newRowsIn(operation)) newRows.set(table, (newRows.get(table) ?? 0) + count);
    return drawn.values;
  };

  function newRowsIn(operation: Operation): ReadonlyMap<string, number> {
    const known = newRowsByOperation.get(operation) ?? newRowsOf(operation);
    newRowsByOperation.set(operation, known);
    return known;
  }

  function draw(source: ParameterSource, drawn: Drawn): CellValue {
    switch (source.from) {
      case 'integer':
        return String(source.min + Math.floor(sources.random() * (source.max - source.min + 1)));
      case 'value':
        return source.values[Math.floor(sources.random() * source.values.length)] ?? null;
      case 'key list':
        return arrayOf(drawKeys(source, drawn));
      case 'same':
        return drawn.values[source.statement]?.[source.parameter] ?? null;
      case 'new row': {
        const generator = generatorOf(source.table);
        const row = generator.rows + (newRows.get(source.table) ?? 0) + source.row;
        return generator.cell(row, source.column);
      }
      case 'any row': {
        const generator = generatorOf(source.table);
        const key = `${source.draw} ${source.table}`;
        const row = drawn.rows.get(key) ?? Math.floor(sources.random() * generator.rows);
        drawn.rows.set(key, row);
        return generator.rows === 0 ? null : generator.cell(row, source.column);
      }
      default:
        return drawKey(source, drawn);
    }
  }

  function drawKey(source: ParameterSource & { from: 'key' | 'next key' }, drawn: Drawn): CellValue {
    const indexes = drawn.keyIndexes.at(-1) ?? [];
    const position = (drawn.values.at(-1) ?? []).length;
    if (source.from === 'key') {
      const keys = sources.keyPools[source.pool] ?? [];
      const index = indexOf(source, drawn);
      indexes[position] = { ...source, index };
      return boundAs(source, keys[index] ?? null);
    }
    const lower = drawn.keyIndexes[source.statement]?.[source.parameter];
    const keys = sources.keyPools[lower?.pool ?? -1] ?? [];
    const next = keys[Math.min((lower?.index ?? 0) + source.span, keys.length - 1)] ?? null;
    return boundAs(lower ?? {}, next);
  }

  function drawKeys(source: KeySource & { readonly count: number }, drawn: Drawn): readonly string[] {
    const { pool, pick, count, row, like = [] } = source;
    const keys = sources.keyPools[pool] ?? [];
    const alike = row === undefined ? [] : alikeAround(indexOf(source, drawn), count, like);
    // A list is as long as it is wanted where fewer are alike: the others find nothing.
    const others = Array.from({ length: count - alike.length }, () => pickIndex(pick, keys.length));
    const indexes = [...alike, ...others];
    return indexes.flatMap((index) => keys[index] ?? []);
  }

  /** Of the key itself, or of the row that it is of. */
  function indexOf(source: KeySource, drawn: Drawn): number {
    const { pool, table, pick, row, like = [] } = source;
    const draw = (): number => pickIndex(pick, sources.keyPools[pool]?.length ?? 0);
    if (row === undefined) return draw();
    const key = `${row} ${table}`;
    const known = drawn.live.get(key);
    if (known !== undefined) return known;
    const index =
      row > 0 && like.length > 0 ? behind(indexOf({ ...source, row: 0 }, drawn), row, like) : draw();
    drawn.live.set(key, index);
    return index;
  }

  /** The n-th row behind that one which is like it, as far as there are: the rows are ordered by what they share. */
  function behind(index: number, steps: number, like: readonly number[]): number {
    let found = index;
    while (found < index + steps && isAlike(found + 1, index, like)) found += 1;
    return found;
  }

  function alikeAround(index: number, count: number, like: readonly number[]): readonly number[] {
    const last = behind(index, count - 1, like);
    let first = index;
    while (last - first + 1 < count && isAlike(first - 1, index, like)) first -= 1;
    return Array.from({ length: last - first + 1 }, (_, offset) => first + offset);
  }

  function isAlike(one: number, other: number, pools: readonly number[]): boolean {
    const values = pools.map((pool) => sources.keyPools[pool] ?? []);
    return values.every((keys) => keys[one] !== undefined && keys[one] === keys[other]);
  }

  function generatorOf(table: string): Pick<TableGenerator, 'rows' | 'cell'> {
    const generator = sources.generators.get(table);
    if (generator === undefined) throw new Error(`the load plan names a table without a generator: ${table}`);
    return generator;
  }
}

function boundAs({ inHex }: Pick<KeySource, 'inHex'>, key: string | null): CellValue {
  return inHex && key !== null ? Buffer.from(key, 'hex') : key;
}

/** https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO */
function arrayOf(items: readonly string[]): string {
  return `{${items.map((item) => `"${item.replace(/["\\]/g, '\\$&')}"`).join(',')}}`;
}

interface Drawn {
  readonly values: CellValue[][];
  /** Which key of which pool a parameter got; sparse. */
  readonly keyIndexes: (Pick<KeySource, 'pool' | 'inHex'> & { readonly index: number })[][];
  /** Row numbers of 'any row', by draw and table. */
  readonly rows: Map<string, number>;
  /** Indexes of live rows in their pools, by row and table. */
  readonly live: Map<string, number>;
}

/** How many new rows of each table one operation takes. */
export function newRowsOf(operation: Pick<Operation, 'statements'>): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { parameters } of operation.statements) {
    for (const source of parameters) {
      if (source.from !== 'new row') continue;
      counts.set(source.table, Math.max(counts.get(source.table) ?? 0, source.row + 1));
    }
  }
  return counts;
}

/** Picks an index below `size`; the sums of Zipf's shares are made once per size. */
function createPicker(random: Random): (pick: KeyPick, size: number) => number {
  const zipfSums = new Map<number, Float64Array>();
  function zipfRank(size: number): number {
    let sums = zipfSums.get(size);
    if (sums === undefined) {
      sums = sumsOfZipf(size);
      zipfSums.set(size, sums);
    }
    return firstAbove(sums, random() * (sums.at(-1) ?? 0));
  }
  return (pick, size) => {
    if (size === 0) return 0;
    if (pick === 'uniform') return Math.floor(random() * size);
    const rank = zipfRank(size);
    return pick === 'latest' ? size - 1 - rank : scatter(rank, size);
  };
}

function sumsOfZipf(size: number): Float64Array {
  const sums = new Float64Array(size);
  let total = 0;
  for (let rank = 0; rank < size; rank += 1) {
    total += (rank + 1) ** -ZIPF_EXPONENT;
    sums[rank] = total;
  }
  return sums;
}

/** The golden ratio's share of the size: steps of it fall far apart. */
const GOLDEN = 0.618034;

/** Spreads the hot ranks over the whole ordered pool, so that they do not share one page; a permutation. */
function scatter(rank: number, size: number): number {
  let step = Math.max(1, Math.round(size * GOLDEN));
  while (greatestCommonDivisor(step, size) !== 1) step += 1;
  return (rank * step) % size;
}

function greatestCommonDivisor(one: number, other: number): number {
  return other === 0 ? one : greatestCommonDivisor(other, one % other);
}
