/**
 * How many rows a call of an operation reads or changes: measured by calling it, before the load begins, in transactions
 * that are rolled back, with values from a random stream of their own.
 */
import { type CellValue, type Session, SqlError } from '../../engines/engine.ts';
import type { GeneratorSpec } from '../../generators/generator.ts';
import { createGenerators } from '../../generators/index.ts';
import { exactly, type Figure } from '../../recording/figure.ts';
import { createRandom } from '../arrivals/random.ts';
import type { KeyPools, Operation } from '../load.ts';
import { createBinder } from './values.ts';

export interface RowsPerCallRequest {
  /** A session with a statement timeout, which is closed at the end. */
  connect(): Promise<Session>;
  readonly operations: readonly Operation[];
  readonly keyPools: KeyPools;
  readonly generator: GeneratorSpec;
  readonly randomSeed: number;
  /** No call begins after so long; what was not called by then is not measured. */
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

const CALLS = 20;
const SOURCE = `mean of ${CALLS} calls before the load, rolled back`;

/** By the name of the operation; for one of several statements the rows of all of them. */
export async function measureRowsPerCall(request: RowsPerCallRequest): Promise<ReadonlyMap<string, Figure>> {
  const { operations, keyPools, generator, randomSeed, limitMs, signal } = request;
  await using session = await request.connect();
  const generators = createGenerators(generator);
  const bind = createBinder({ keyPools, generators, random: createRandom(randomSeed, 'rows per call') });
  const deadline = performance.now() + limitMs;
  const measured = new Map<string, Figure>();
  for (const operation of operations) {
    let rows = 0;
    let trouble: string | null = null;
    for (let call = 0; call < CALLS && trouble === null; call += 1) {
      signal.throwIfAborted();
      if (performance.now() > deadline) trouble = `the calls before it took ${limitMs / 1000} s`;
      else {
        const called = await callOnce(session, operation, bind(operation));
        if (typeof called === 'string') trouble = called;
        else rows += called;
      }
    }
    measured.set(
      operation.record.name,
      trouble === null ? exactly(rows / CALLS, SOURCE) : { notMeasured: trouble },
    );
  }
  return measured;
}

/** Rows of one call, or what the server said against it. */
async function callOnce(
  session: Session,
  { statements }: Operation,
  values: readonly (readonly CellValue[])[],
): Promise<number | string> {
  await session.execute('begin');
  try {
    let rows = 0;
    for (const [index, { text }] of statements.entries())
      rows += (await session.execute(text, values[index] ?? [])).rows ?? 0;
    return rows;
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    return `a call failed (${error.code ?? 'no code'}): ${error.message}`;
  } finally {
    await session.execute('rollback');
  }
}
