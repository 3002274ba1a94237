/**
 * Which ALGORITHM and LOCK clauses the server takes for a statement: asked by running it with each of them on the twin.
 * Nothing is deduced from what the statement says, since that depends on version, row format, keys and row versions.
 */
import { SqlError } from '../../engine.ts';
import { serverKind } from '../server/server-kind.ts';
import { type Placement, placementsOf } from './clauses.ts';
import type { Twin } from './twin.ts';

/** ER_PARSE_ERROR: no clause may stand there. */
const NOT_GRAMMAR = '1064';

const ALGORITHMS = {
  mysql: ['INSTANT', 'INPLACE', 'COPY'],
  mariadb: ['INSTANT', 'NOCOPY', 'INPLACE', 'COPY'],
} as const;
const LOCKS = ['NONE', 'SHARED', 'EXCLUSIVE'] as const;

export interface AskedClauses {
  /** The cheapest first; true where the server takes it, else its error number and message. */
  readonly algorithms: Readonly<Record<string, true | string>>;
  /** Of each algorithm that it takes: the locks that it takes with it. */
  readonly locks: Readonly<Record<string, readonly string[]>>;
  /** The grammar has a place for them, and the server does not look at them. */
  readonly ignored: boolean;
}

/** Null where the grammar has no place for the clauses in this statement. */
export async function askClauses(twin: Twin, statement: string): Promise<AskedClauses | null> {
  for (const placement of placementsOf(statement)) {
    const asked = await askAt(twin, placement);
    if (asked !== null) return asked;
  }
  return null;
}

async function askAt(twin: Twin, write: Placement): Promise<AskedClauses | null> {
  const algorithms: Record<string, true | string> = {};
  const locks: Record<string, readonly string[]> = {};
  const flavor = await flavorOf(twin);
  for (const algorithm of ALGORITHMS[flavor]) {
    const answer = await answerTo(twin, write({ algorithm }));
    if (answer !== null && answer.code === NOT_GRAMMAR) return null;
    algorithms[algorithm] = answer === null ? true : `${answer.code} ${answer.message}`;
    if (answer !== null) continue;
    const taken: string[] = [];
    for (const lock of LOCKS)
      if ((await answerTo(twin, write({ algorithm, lock }))) === null) taken.push(lock);
    locks[algorithm] = taken;
  }
  // No copy of MySQL's lets writers in: EXCHANGE, TRUNCATE or OPTIMIZE PARTITION take whatever is written.
  return { algorithms, locks, ignored: flavor === 'mysql' && (locks.COPY?.includes('NONE') ?? false) };
}

async function flavorOf(twin: Twin): Promise<keyof typeof ALGORITHMS> {
  await twin.renew('none');
  await using session = await twin.open();
  return (await serverKind(session)).flavor;
}

/** The server's refusal on empty tables, or null when the statement ran. */
export async function answerTo(twin: Twin, statement: string): Promise<SqlError | null> {
  await twin.renew('none');
  await using session = await twin.open();
  try {
    await session.execute(twin.retarget(statement));
    twin.spoil();
    return null;
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    return error;
  }
}
