/**
 * The arrival list of a load: instants, operations and parameters together, made one by one as they become due.
 *
 * Its hash is SHA-256 over the first {@link HASHED_ARRIVALS} arrivals, whatever the length of the run: those that were
 * due are hashed as they came, the rest is made for the hash at the end. Two runs of the same plan and seed therefore
 * show the same hash, also when one was interrupted; a plan with another seed, rate, operation or key does not.
 */
import { createHash } from 'node:crypto';
import type { TableGenerator } from '../../generators/generator.ts';
import type { LoadPlan, Operation } from '../load.ts';
import { createBinder, type OperationValues } from '../operations/values.ts';
import { createChooser, createInstants } from './arrivals.ts';
import { createRandom } from './random.ts';

/** Ten seconds at 1,000/s; making them all at the end of a short run takes some 50 ms. */
export const HASHED_ARRIVALS = 10_000;

export interface Arrival {
  /** 0-based. */
  readonly number: number;
  /** Milliseconds since the load's start. */
  readonly atMs: number;
  readonly operationIndex: number;
  readonly operation: Operation;
  readonly values: OperationValues;
}

export interface ArrivalList {
  /** Instant of the arrival that {@link next} gives next. */
  readonly nextAtMs: number;
  next(): Arrival;
  /** Hash of the list, hex; the list is used up by it. */
  hash(): string;
}

export function createArrivalList(
  plan: Pick<LoadPlan, 'settings' | 'operations' | 'keyPools' | 'randomSeed'>,
  generators: ReadonlyMap<string, Pick<TableGenerator, 'rows' | 'cell'>>,
): ArrivalList {
  const instants = createInstants(plan.settings, plan.randomSeed);
  const choose = createChooser(
    plan.operations.map(({ record }) => record.weight),
    createRandom(plan.randomSeed, 'operations'),
  );
  const bind = createBinder({
    keyPools: plan.keyPools,
    generators,
    random: createRandom(plan.randomSeed, 'values'),
  });
  const hashed = createHash('sha256');
  let number = 0;
  let nextAtMs = instants();

  function next(): Arrival {
    const operationIndex = choose();
    const operation = plan.operations[operationIndex];
    if (operation === undefined) throw new Error('a load plan needs at least one operation');
    const arrival = { number, atMs: nextAtMs, operationIndex, operation, values: bind(operation) };
    if (number < HASHED_ARRIVALS) hashed.update(describe(arrival));
    number += 1;
    nextAtMs = instants();
    return arrival;
  }

  return {
    get nextAtMs() {
      return nextAtMs;
    },
    next,
    hash() {
      while (number < HASHED_ARRIVALS) next();
      return hashed.digest('hex');
    },
  };
}

/** Reads of a plan with values of a random stream of their own, so that the list is not touched; null when it has none. */
export function createReads(
  plan: Pick<LoadPlan, 'operations' | 'keyPools' | 'randomSeed'>,
  generators: ReadonlyMap<string, Pick<TableGenerator, 'rows' | 'cell'>>,
): () => Pick<Arrival, 'operationIndex' | 'operation' | 'values'> | null {
  const reads = plan.operations.flatMap((operation, operationIndex) =>
    operation.record.kind === 'read' && operation.record.server === undefined
      ? [{ operation, operationIndex }]
      : [],
  );
  const random = createRandom(plan.randomSeed, 'reads');
  const choose = createChooser(
    reads.map(({ operation }) => operation.record.weight),
    random,
  );
  const bind = createBinder({ keyPools: plan.keyPools, generators, random });
  return () => {
    const chosen = reads.length === 0 ? undefined : reads[choose()];
    return chosen === undefined ? null : { ...chosen, values: bind(chosen.operation) };
  };
}

function describe({ atMs, operation, values }: Arrival): string {
  const cells = values.map((row) => row.map((cell) => (cell instanceof Uint8Array ? [...cell] : cell)));
  return `${JSON.stringify([atMs, operation.record.name, operation.record.statements, cells])}\n`;
}
