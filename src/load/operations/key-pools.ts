/** Samples of live values, of which parameters take theirs. */
import {
  type Engine,
  type KeyExpression,
  type Session,
  SqlError,
  type TableDescription,
} from '../../engines/engine.ts';

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

export interface Pools {
  /** Index of the pool of a column's values, or of what an expression makes of them. */
  indexOf(table: string, column: string, expression?: KeyExpression): number;
  sample(request: SampleRequest): Promise<readonly (readonly string[])[]>;
}

interface Wanted {
  readonly table: string;
  readonly key: string | KeyExpression;
}

/** Collects the columns and expressions of which live values are wanted, and samples each once. */
export function createPools(): Pools {
  const wanted: Wanted[] = [];
  return {
    indexOf(table, column, expression) {
      const one: Wanted = { table, key: expression ?? column };
      const known = wanted.findIndex((each) => isSame(each, one));
      if (known >= 0) return known;
      wanted.push(one);
      return wanted.length - 1;
    },
    async sample(request) {
      const { keptSamples = null } = request;
      const sampled: (readonly string[])[] = [];
      for (const each of wanted) {
        const sample = () => sampleOne(request, each);
        const kept = request.tables.some(({ name }) => name === each.table) ? keptSamples : null;
        sampled.push(inOrder(await (kept?.take(each.table, nameOf(each), sample) ?? sample())));
      }
      return sampled;
    },
  };
}

function isSame(one: Wanted, other: Wanted): boolean {
  return one.table === other.table && JSON.stringify(one.key) === JSON.stringify(other.key);
}

function nameOf({ key }: Wanted): string {
  return typeof key === 'string' ? key : JSON.stringify(key);
}

/** An expression that the server cannot evaluate on these rows (a number of what is none) has no values. */
async function sampleOne(
  { engine, session, tables }: SampleRequest,
  { table, key }: Wanted,
): Promise<readonly string[]> {
  const description = tables.find(({ name }) => name === table);
  if (description === undefined) return [];
  try {
    return await engine.schema.sampleKeys(session, description, key, KEYS_PER_POOL);
  } catch (error) {
    if (!(error instanceof SqlError) || typeof key === 'string') throw error;
    if (engine.dialect.classify(error.code, error.message) === 'connection lost') throw error;
    return [];
  }
}

/** Whole numbers by value, everything else by its text; ISO dates order as text. */
function inOrder(keys: readonly string[]): readonly string[] {
  if (!keys.every((key) => /^-?\d{1,15}$/.test(key))) return keys.toSorted();
  return keys.toSorted((one, other) => Number(one) - Number(other));
}
