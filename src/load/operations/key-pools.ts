/** Samples of live values, of which parameters take theirs. */
import {
  type Engine,
  type KeyExpression,
  type SampledRow,
  type Session,
  SqlError,
  type TableDescription,
} from '../../engines/engine.ts';
import type { KeyPools } from '../load.ts';
import { isBytes } from './fitting.ts';

export interface SampleRequest {
  readonly engine: Engine;
  readonly session: Session;
  readonly tables: readonly TableDescription[];
  /** Null takes each sample anew. */
  readonly keptSamples?: KeptSamples | null;
}

/** Zipf's hottest key gets 10 % of 10,000; a larger sample changes the load little, and costs memory per thread. */
const KEYS_PER_POOL = 10_000;

/** Where samples outlive a rehearsal: gives one that is kept, or keeps the one that `sample` takes. */
export interface KeptSamples {
  /** `key` is the name of a column, or an expression. */
  take(table: string, key: string, sample: () => Promise<readonly string[]>): Promise<readonly string[]>;
}

/** Rows of which several values are wanted together. */
export interface WantedRows {
  readonly table: string;
  /** At least two, each a column or an expression. */
  readonly keys: readonly (string | KeyExpression)[];
  /** The column that comes first in the order of the rows; null: the one with the fewest values. */
  readonly orderedBy: string | null;
}

export interface Pools {
  /** Index of the pool of a column's values, or of what an expression makes of them. */
  indexOf(table: string, column: string, expression?: KeyExpression): number;
  /** A pool for each key; the values of one row stand at the same index of each. */
  ofRows(wanted: WantedRows): readonly number[];
  sample(request: SampleRequest): Promise<KeyPools>;
}

interface Wanted extends WantedRows {
  /** Of the first key's pool; those of the others follow it. */
  readonly pool: number;
}

/** Collects the columns and expressions of which live values are wanted, and samples each once. */
export function createPools(): Pools {
  const wanted: Wanted[] = [];
  let count = 0;

  function ofRows(rows: WantedRows): readonly number[] {
    const known = wanted.find((each) => isSame(each, rows));
    const pool = known?.pool ?? count;
    if (known === undefined) {
      wanted.push({ ...rows, pool });
      count += rows.keys.length;
    }
    return rows.keys.map((_, index) => pool + index);
  }

  return {
    indexOf: (table, column, expression) =>
      ofRows({ table, keys: [expression ?? column], orderedBy: null })[0] ?? -1,
    ofRows,
    async sample(request) {
      const sampled: (readonly (string | null)[])[] = [];
      for (const each of wanted) sampled.push(...(await sampleOne(request, each)));
      return sampled;
    },
  };
}

function isSame(one: WantedRows, other: WantedRows): boolean {
  return (
    one.table === other.table &&
    one.orderedBy === other.orderedBy &&
    JSON.stringify(one.keys) === JSON.stringify(other.keys)
  );
}

/** One pool for each key. */
async function sampleOne(request: SampleRequest, { table, keys, orderedBy }: WantedRows): Promise<KeyPools> {
  const { keptSamples = null } = request;
  const kept = request.tables.some(({ name }) => name === table) ? keptSamples : null;
  const [key, ...others] = keys;
  if (key === undefined) return [];
  if (others.length === 0) {
    const sampled = sampledAs(request, table, key);
    const sample = () => sampleColumn(request, table, sampled);
    return [inOrder(await (kept?.take(table, nameOf(sampled), sample) ?? sample()))];
  }
  const sample = async () => (await sampleRows(request, table, keys)).map((row) => JSON.stringify(row));
  const rows = await (kept?.take(table, JSON.stringify(keys), sample) ?? sample());
  const ordered = rowsInOrder(
    fullest(rows.map((row): SampledRow => JSON.parse(row))),
    orderedBy === null ? -1 : keys.indexOf(orderedBy),
  );
  return keys.map((_, index) => ordered.map((row) => row[index] ?? null));
}

/** Bytes are no text everywhere. */
function sampledAs(
  { engine, tables }: SampleRequest,
  table: string,
  key: string | KeyExpression,
): string | KeyExpression {
  const { bytesInHex } = engine.schema;
  const description = tables.find(({ name }) => name === table);
  if (typeof key !== 'string' || bytesInHex === undefined || !isBytes(description, key)) return key;
  return { text: bytesInHex(key), alias: description?.parts.at(-1) ?? table };
}

function nameOf(key: string | KeyExpression): string {
  return typeof key === 'string' ? key : JSON.stringify(key);
}

async function sampleColumn(
  request: SampleRequest,
  table: string,
  key: string | KeyExpression,
): Promise<readonly string[]> {
  const { engine, session, tables } = request;
  const description = tables.find(({ name }) => name === table);
  if (description === undefined) return [];
  const sample = engine.schema.sampleKeys(session, description, key, KEYS_PER_POOL);
  return orNone(request, sample, typeof key !== 'string');
}

async function sampleRows(
  request: SampleRequest,
  table: string,
  keys: readonly (string | KeyExpression)[],
): Promise<readonly SampledRow[]> {
  const { engine, session, tables } = request;
  const description = tables.find(({ name }) => name === table);
  if (description === undefined) return [];
  const sample = engine.schema.sampleRows(session, description, keys, KEYS_PER_POOL);
  return orNone(
    request,
    sample,
    keys.some((key) => typeof key !== 'string'),
  );
}

/** An expression that the server cannot evaluate on these rows (a number of what is none) has no values. */
async function orNone<Value>(
  { engine }: SampleRequest,
  sample: Promise<readonly Value[]>,
  ofExpression: boolean,
): Promise<readonly Value[]> {
  try {
    return await sample;
  } catch (error) {
    if (!(error instanceof SqlError) || !ofExpression) throw error;
    if (engine.dialect.classify(error.code, error.message) === 'connection lost') throw error;
    return [];
  }
}

/** Whole numbers by value, everything else by its text; ISO dates order as text. */
function inOrder(keys: readonly string[]): readonly string[] {
  return keys.toSorted(orderOf(keys));
}

function orderOf(keys: readonly string[]): (one: string, other: string) => number {
  if (keys.every((key) => /^-?\d{1,15}$/.test(key))) return (one, other) => Number(one) - Number(other);
  return (one, other) => (one < other ? -1 : Number(one > other));
}

/** Where no row has all values, those that have the most. */
function fullest(rows: readonly SampledRow[]): readonly SampledRow[] {
  const valuesIn = (row: SampledRow): number => row.filter((value) => value !== null).length;
  const most = rows.reduce((sum, row) => Math.max(sum, valuesIn(row)), 0);
  return rows.filter((row) => valuesIn(row) === most);
}

/**
 * By column `first`, then by the columns with the fewest values: rows of one tenant stand together, in the order of what
 * tells them apart.
 */
function rowsInOrder(rows: readonly SampledRow[], first: number): readonly SampledRow[] {
  const columns = (rows[0] ?? []).map((_, index) => {
    const values = rows.map((row) => row[index] ?? '');
    return { index, distinct: index === first ? 0 : new Set(values).size, order: orderOf(values) };
  });
  const byColumn = columns.toSorted((one, other) => one.distinct - other.distinct);
  return rows.toSorted((one, other) => {
    for (const { index, order } of byColumn) {
      const sign = order(one[index] ?? '', other[index] ?? '');
      if (sign !== 0) return sign;
    }
    return 0;
  });
}
