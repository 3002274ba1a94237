/**
 * Runs us and a peer in turn (A B A B ...) and prints the median of the ratios beside the goal. A benchmark is a file
 *
 *     await benchmark('bench:fill', async ({ options, measure, signal }) => {
 *       await using server = await startBareServer(serverSpec(options.engine));
 *       await measure({ name: '...', unit: 'rows/s', goal: { atLeast: 0.8 }, ours: async () => ..., peer: async () => ... });
 *     });
 *
 * that drives the shipped code. `ours` and `peer` each do the work once, clean up after themselves, and return one
 * figure of the same unit; what they need besides is made before `measure`.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { enableCompileCache } from 'node:module';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { EnvironmentError, exitCodeOf, explain, InterruptedError } from '../src/errors.ts';
import { cacheDirectory } from '../src/provisioners/index.ts';
import { type BenchmarkOptions, readOptions, USAGE } from './options.ts';
import { medianInterval } from './precise.ts';
import {
  countQuiet,
  type Goal,
  holds,
  type JudgedPair,
  judgePairs,
  median,
  type Pair,
  type Ratio,
} from './ratios.ts';

/** What is compared. */
export interface Compared {
  /** Short, with the peer in it: "one stream / server-side COPY of the same rows". */
  readonly name: string;
  /** Of both figures: 'rows/s', 'ms'. */
  readonly unit: string;
  readonly goal: Goal;
}

export interface Comparison extends Compared {
  ours(signal: AbortSignal): Promise<number>;
  /** EnvironmentError when the peer is not there: the message says what to install. */
  peer(signal: AbortSignal): Promise<number>;
}

/** Figures of the same runs: `ours` and `peer` give one number for each, in their order. */
export interface JointComparison {
  readonly figures: readonly Compared[];
  ours(signal: AbortSignal): Promise<readonly number[]>;
  /** Told what `ours` gave just before: a bound, or what the run's own list of arrivals predicts, is made of it. */
  peer(signal: AbortSignal, ours: readonly number[]): Promise<readonly number[]>;
  /** Left out: `--pairs` quiet ones, noisy ones made good. */
  readonly precision?: Precision;
}

/** Pairs are added until the ratios of every figure are known well enough; the median is then over all of them. */
export interface Precision {
  reached(ratios: readonly number[]): boolean;
  /** When as many were not enough, nothing is measured. */
  readonly mostPairs: number;
  /** "its 95 % interval is within 1 % of the median" */
  readonly inWords: string;
}

/** A figure of the JSON result; `ratio` is null and `notMeasured` says why when there is none. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly ratio: number | null;
  readonly least: number | null;
  readonly most: number | null;
  readonly goal: Goal;
  readonly holds: boolean;
  readonly noisy: boolean;
  readonly pairs: readonly JudgedPair[];
  readonly notMeasured?: string;
}

export interface Benchmark {
  readonly options: BenchmarkOptions;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** A line about the machine: "Postgres 18.4 (embedded), filling profile". */
  describe(what: string): void;
  /** Measures one figure and prints it. What keeps it from being measured (EnvironmentError) is told, and the next goes on. */
  measure(comparison: Comparison): Promise<void>;
  /** The same for several figures that the same runs give. */
  measureJointly(comparison: JointComparison): Promise<void>;
}

/** Noisy pairs are made good by as many further ones as were wanted. */
const MOST_ATTEMPTS = 2;

/** Runs `body`, prints, writes the JSON file and sets the exit code: 0, 1 short of a goal, 2 wrong usage, 3 not measured. */
export async function benchmark(name: string, body: (benchmark: Benchmark) => Promise<void>): Promise<void> {
  const interruption = new AbortController();
  const interrupt = (signal: 'SIGINT' | 'SIGTERM') => interruption.abort(new InterruptedError(signal));
  // Not `once`: libraries with a handler of their own (signal-exit) end the process when they find themselves the last one.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupt);
  let keep = async (): Promise<void> => undefined;
  try {
    const options = readOptions(process.argv.slice(2));
    if (options === null) return void process.stdout.write(`npm run ${name} -- [OPTION...]\n${USAGE}`);
    // As bin/rehearse.js does, so that threads start as they do there.
    enableCompileCache(join(await cacheDirectory(), 'compiled'));
    const figures: Figure[] = [];
    const earlier = await earlierFigures(options);
    const descriptions: string[] = [];
    const machine = readMachine();
    print(
      `${name}: ${machine.cores} cores (${machine.processor}), node ${machine.node}, load ${machine.load}`,
    );
    let begun: readonly Figure[] = [];
    keep = async () => {
      if (options.json === null) return;
      const now = [...figures, ...begun];
      const untouched = [...earlier.values()].filter(({ name }) => now.every((each) => each.name !== name));
      const result = {
        machine: { ...machine, descriptions, loadAfter: loadavg()[0] },
        figures: [...now, ...untouched],
      };
      await writeFile(options.json, `${JSON.stringify(result, null, 2)}\n`);
    };
    const measureJointly = async (comparison: JointComparison): Promise<void> => {
      const wanted = ({ name }: Compared) => options.only === null || name.includes(options.only);
      if (!comparison.figures.some(wanted)) return;
      const onPair = (pairs: readonly (readonly Pair[])[]): void => {
        begun = comparison.figures.map((compared, index) =>
          unmeasured(compared, pairs[index] ?? [], 'interrupted'),
        );
      };
      const request = { ...comparison, earlier, onPair };
      const measured = await figuresOf(request, options.pairs, interruption.signal);
      begun = [];
      for (const figure of measured.filter(wanted)) {
        figures.push(figure);
        print(lineOf(figure));
      }
    };
    await body({
      options,
      signal: interruption.signal,
      describe(what) {
        descriptions.push(what);
        print(what);
      },
      measure: ({ ours, peer, ...compared }) =>
        measureJointly({
          figures: [compared],
          ours: async (signal) => [await ours(signal)],
          peer: async (signal) => [await peer(signal)],
        }),
      measureJointly,
    });
    await keep();
    process.exitCode = exitCode(figures);
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    process.exitCode = exitCodeOf(error);
    // What was measured so far is there for --resume.
    await keep().catch((cause: unknown) => void process.stderr.write(`${explain(cause)}\n`));
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupt);
  }
}

function readMachine() {
  return {
    cores: availableParallelism(),
    processor: cpus()[0]?.model ?? 'unknown',
    memoryBytes: totalmem(),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    /** Average of the last minute, before the first pair. */
    load: Number((loadavg()[0] ?? 0).toFixed(2)),
  };
}

/** By the name of their figure; none where the file is not there yet. */
async function earlierFigures({ resume, json }: BenchmarkOptions): Promise<ReadonlyMap<string, Figure>> {
  if (!resume || json === null) return new Map();
  const text = await readFile(json, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  const { figures } = text === null ? { figures: [] } : (JSON.parse(text) as { figures: readonly Figure[] });
  return new Map(figures.map((figure) => [figure.name, figure]));
}

async function figuresOf(
  {
    figures,
    ours,
    peer,
    precision,
    earlier,
    onPair,
  }: JointComparison & {
    readonly earlier: ReadonlyMap<string, Figure>;
    onPair(pairs: readonly (readonly Pair[])[]): void;
  },
  wanted: number,
  signal: AbortSignal,
): Promise<readonly Figure[]> {
  const pairs: Pair[][] = figures.map(({ name }) => [...(earlier.get(name)?.pairs ?? [])]);
  const known = pairs[0]?.length ?? 0;
  const attempts = () => pairs[0]?.length ?? 0;
  // A figure whose peer moved needs more pairs, and the others get them too.
  const quiet = () => Math.min(...pairs.map(countQuiet));
  const ratios = (of: readonly Pair[]) => of.map((pair) => pair.ours / pair.peer);
  const precise = (): boolean =>
    precision !== undefined && pairs.every((of) => precision.reached(ratios(of)));
  const goesOn = (): boolean => {
    if (precision === undefined) return quiet() < wanted && attempts() < wanted * MOST_ATTEMPTS;
    return attempts() < wanted || (!precise() && attempts() - known < precision.mostPairs);
  };
  onPair(pairs);
  try {
    while (goesOn()) {
      signal.throwIfAborted();
      const left = await ours(signal);
      const right = await peer(signal, left);
      for (const [index, { name, unit }] of figures.entries()) {
        const pair = { ours: left[index] ?? Number.NaN, peer: right[index] ?? Number.NaN };
        pairs[index]?.push(pair);
        process.stderr.write(
          `  ${name}: pair ${attempts()}: ${rounded(pair.ours)} and ${rounded(pair.peer)} ${unit}, ` +
            `${rounded(pair.ours / pair.peer)}\n`,
        );
      }
      onPair(pairs);
    }
    if (precision !== undefined && !precise())
      throw new EnvironmentError(
        `after ${attempts()} pairs not so far that ${precision.inWords}${spread(pairs)}`,
      );
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof EnvironmentError)) throw error;
    return figures.map((compared, index) => unmeasured(compared, pairs[index] ?? [], explain(error)));
  }
  return figures.map((compared, index) => {
    const judged =
      precision === undefined ? judgePairs(pairs[index] ?? [], wanted) : allOf(pairs[index] ?? []);
    return { ...compared, holds: holds(judged.ratio, compared.goal), ...judged };
  });
}

function unmeasured({ name, unit, goal }: Compared, pairs: readonly Pair[], notMeasured: string): Figure {
  const none = { ratio: null, least: null, most: null, holds: false, noisy: false };
  return { name, unit, goal, ...none, pairs: judged(pairs), notMeasured };
}

function judged(pairs: readonly Pair[]): readonly JudgedPair[] {
  return pairs.length === 0 ? [] : judgePairs(pairs, 0).pairs;
}

/** Nothing is left out: the interval of the median bears with what is far away. */
function allOf(pairs: readonly Pair[]): Ratio {
  const judged = judgePairs(pairs, 0);
  const all = judged.pairs.map(({ ratio }) => ratio);
  const interval = medianInterval(all);
  return {
    ratio: median(all),
    least: interval?.lower ?? Math.min(...all),
    most: interval?.upper ?? Math.max(...all),
    noisy: false,
    pairs: judged.pairs.map((pair) => ({ ...pair, noisy: false })),
  };
}

function spread(pairs: readonly (readonly Pair[])[]): string {
  const texts = pairs.map((of) => {
    const all = of.map(({ ours, peer }) => ours / peer);
    const interval = medianInterval(all);
    return interval === null
      ? 'no interval'
      : `median ${rounded(median(all))}, ${rounded(interval.lower)} to ${rounded(interval.upper)}`;
  });
  return ` (${texts.join('; ')})`;
}

function lineOf({ name, ratio, least, most, goal, holds: held, noisy, pairs, notMeasured }: Figure): string {
  const wanted = goalInWords(goal);
  if (ratio === null) return `${name}: not measured: ${notMeasured}`;
  const left = pairs.filter((pair) => pair.noisy).length;
  const note = noisy
    ? `, NOISY: the peer's own figure moved by more than 15 % in ${left} of ${pairs.length} pairs, all counted`
    : left > 0
      ? `, ${left} noisy of ${pairs.length} pairs left out`
      : `, ${pairs.length} pairs`;
  const spread = `(${rounded(least ?? ratio)} to ${rounded(most ?? ratio)}${note})`;
  return `${name}: ${rounded(ratio)} ${spread}, goal ${wanted}: ${held ? 'holds' : 'FALLS SHORT'}`;
}

function goalInWords(goal: Goal): string {
  if ('within' in goal) return `1 within ${goal.within * 100} %`;
  return 'atLeast' in goal ? `at least ${goal.atLeast}` : `at most ${goal.atMost}`;
}

function rounded(value: number): string {
  return value >= 1000 ? Math.round(value).toString() : value.toPrecision(3);
}

/** No figure at all is nothing measured. */
function exitCode(figures: readonly Figure[]): 0 | 1 | 3 {
  if (figures.length === 0 || figures.some(({ ratio }) => ratio === null)) return 3;
  return figures.every((figure) => figure.holds) ? 0 : 1;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
