/** Samples of live values, of which parameters take theirs. */
import type { Engine, Session, TableDescription } from '../../engines/engine.ts';

export interface SampleRequest {
  readonly engine: Engine;
  readonly session: Session;
  readonly tables: readonly TableDescription[];
}

/** Zipf's hottest key gets 10 % of 10,000; a larger sample changes the load little, and costs memory per thread. */
const KEYS_PER_POOL = 10_000;

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
    async sample({ engine, session, tables }) {
      const sampled: (readonly string[])[] = [];
      for (const { table, column } of wanted) {
        const description = tables.find(({ name }) => name === table);
        const keys =
          description === undefined
            ? []
            : await engine.schema.sampleKeys(session, description, column, KEYS_PER_POOL);
        sampled.push(inOrder(keys));
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
