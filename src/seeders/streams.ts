/** Fills tables through several streams, each on a thread of its own; a small filling through one on this thread. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { EnvironmentError } from '../errors.ts';
import { createGenerators, type GeneratorSpec } from '../generators/index.ts';
import { fillShares, type StreamProgress } from './fill-shares.ts';
import type { FromThread, ThreadStart } from './filling-thread.ts';
import { createCounters, type Share, shareOut } from './pieces.ts';
import type { FillingRequest } from './seeder.ts';
import { received } from './sent-error.ts';

/** More would not be fed by one server. */
const STREAMS_MAX = 8;
/** Below, a thread costs more than it brings: it reads the sources and makes pools of values, half a second of work. */
const ROWS_FOR_THREADS = 200_000;

/** Small tables are done before a thread for them alone is there. */
const ROWS_FOR_A_THREAD = 50_000;

/** Rows leave hardly any garbage; a larger heap for it would only make the harness larger (48 by default). */
const YOUNG_MIB = 16;

export interface StreamedFilling {
  readonly spec: GeneratorSpec;
  /** Names of the tables to be filled. */
  readonly tables: readonly string[];
  /** By the number of the stream. */
  readonly tell: (stream: number, progress: StreamProgress) => void;
}

/** Returns when every row is there. Throws what the first stream threw; the others are ended then. */
export async function fillByStreams(
  request: FillingRequest,
  filling: StreamedFilling,
  signal: AbortSignal,
): Promise<void> {
  const { engine, target } = request;
  const { spec, tell } = filling;
  const wanted = spec.tables
    .filter(({ description }) => filling.tables.includes(description.name))
    .map(({ description: { name, columns }, rows }) => ({
      table: name,
      rows,
      weight: rows * columns.length,
    }));
  const rows = wanted.reduce((sum, table) => sum + table.rows, 0);
  const inThreads = rows >= ROWS_FOR_THREADS;
  const most = request.streams ?? Math.min(STREAMS_MAX, availableParallelism());
  const streams = inThreads ? most : 1;
  const shares = shareOut(wanted, streams, engine.filling.cutting);
  const counters = createCounters(shares);
  if (!inThreads) {
    const generators = createGenerators(spec);
    const tellOne = (progress: StreamProgress) => tell(0, progress);
    return fillShares({ engine, target, generators, shares, counters, tell: tellOne, signal });
  }
  const start: ThreadStart = { engine: engine.name, target, spec, shares, counters };
  const large = shares.filter((share) => share.rows >= ROWS_FOR_A_THREAD);
  const pieces = large.reduce((sum, share) => sum + Math.ceil(share.rows / share.pieceRows), 0);
  const failure = new AbortController();
  const stop = AbortSignal.any([signal, failure.signal]);
  const threads = Array.from({ length: Math.max(1, Math.min(streams, pieces)) }, (_, stream) =>
    runThread(start, (progress) => tell(stream, progress), stop).catch((error: unknown) => {
      failure.abort(error);
      throw error;
    }),
  );
  await Promise.allSettled(threads);
  stop.throwIfAborted();
}

/** Ends with the thread; an abort ends the thread, and with it its connection. */
async function runThread(
  start: ThreadStart,
  tell: (progress: StreamProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const worker = new Worker(threadFile(), {
    workerData: start,
    name: 'rehearse-filling',
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
  });
  const terminate = () => void worker.terminate();
  signal.addEventListener('abort', terminate, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      let failure: Error | null = null;
      worker.on('message', (message: FromThread) => {
        if (message.type === 'progress') tell(message.progress);
        else failure = received(message.error);
      });
      worker.on('error', (error) => {
        failure ??= error instanceof Error ? error : new Error(String(error));
      });
      worker.on('exit', (code) => {
        if (failure !== null) reject(failure);
        else if (code === 0) resolve();
        else reject(new EnvironmentError(`a thread that fills tables ended with code ${code}`));
      });
    });
  } finally {
    signal.removeEventListener('abort', terminate);
  }
  signal.throwIfAborted();
}

/** `.ts` when running from sources, `.js` in the compiled package. */
function threadFile(): URL {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new URL(`./filling-thread.${extension}`, import.meta.url);
}

export type { Share };
