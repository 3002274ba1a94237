/** Samples of live values, of which parameters take theirs. */
import type { Engine, Session, TableDescription } from '../../engines/engine.ts';

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
  take(table: string, column: string, sample: () => Promise<readonly string[]>): Promise<readonly string[]>;
}

export interface Pools {
  indexOf(table: string, column: string): number;
  sample(request: SampleRequest): Promise<readonly (readonly string[])[]>;
}

/** Collects the columns of which live keys are wanted, and samples each once. */
export function createPools(): Pools {
  const wanted: { table: string; column: string }[] = [];
  return {
    indexOf(table, column) {
      const known = wanted.findIndex((each) => each.table === table && each.column === column);
      if (known >= 0) return known;
      wanted.push({ table, column });
      return wanted.length - 1;
    },
    async sample({ engine, session, tables, keptSamples = null }) {
      const sampled: (readonly string[])[] = [];
      for (const { table, column } of wanted) {
        const description = tables.find(({ name }) => name === table);
        if (description === undefined) {
          sampled.push([]);
          continue;
        }
        const sample = () => engine.schema.sampleKeys(session, description, column, KEYS_PER_POOL);
        sampled.push(inOrder(await (keptSamples?.take(table, column, sample) ?? sample())));
      }
      return sampled;
    },
  };
}

/** Whole numbers by value, everything else by its text; ISO dates order as text. */
function inOrder(keys: readonly string[]): readonly string[] {
  if (!keys.every((key) => /^-?\d{1,15}$/.test(key))) return keys.toSorted();
  return keys.toSorted((one, other) => Number(one) - Number(other));
}
