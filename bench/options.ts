/** The command line of a benchmark. */
import { parseArgs } from 'node:util';
import { UsageError } from '../src/errors.ts';

export interface BenchmarkOptions {
  /** Quiet pairs wanted of each figure. */
  readonly pairs: number;
  /** As in ENGINES of the tests: `postgres:18`, `mysql:9.7`, `postgres:17@container`. */
  readonly engine: string;
  /** File of the JSON result. */
  readonly json: string | null;
  /** Goes on with the pairs that the JSON file holds of an earlier run. */
  readonly resume: boolean;
  /** Only figures whose name contains this. */
  readonly only: string | null;
}

const PAIRS = 5;
const ENGINE = 'postgres';

export const USAGE = `
  --pairs N         quiet pairs wanted of each figure (default ${PAIRS})
  --engine ENGINE   server, as postgres:18, mysql:9.7 or mariadb:11.8 (default ${ENGINE}); postgres:17@container from an image
  --json FILE       writes { machine, figures: [{ name, ratio, goal, holds, pairs }] }
  --resume          goes on with the pairs that FILE holds of an earlier run on the same machine, interrupted or not
  --only TEXT       only the figures whose name contains this text

  exit code: 0 every figure holds, 1 one falls short, 2 wrong usage, 3 one could not be measured
`;

/** Null when help is asked for. UsageError for an option that is none. */
export function readOptions(args: readonly string[]): BenchmarkOptions | null {
  const values = parse(args);
  if (values.help === true) return null;
  const pairs = Number(values.pairs ?? PAIRS);
  if (!Number.isInteger(pairs) || pairs < 1)
    throw new UsageError(`--pairs ${values.pairs}: write a whole number from 1 on`);
  if (values.resume === true && values.json === undefined)
    throw new UsageError('--resume goes on with the pairs of a file: name it with --json FILE');
  return {
    pairs,
    resume: values.resume === true,
    engine: values.engine ?? ENGINE,
    json: values.json ?? null,
    only: values.only ?? null,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        pairs: { type: 'string' },
        engine: { type: 'string' },
        json: { type: 'string' },
        only: { type: 'string' },
        resume: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (cause) {
    throw new UsageError(`${cause instanceof Error ? cause.message : String(cause)}\n${USAGE}`, { cause });
  }
}
