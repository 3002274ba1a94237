/**
 * Fills tables through several streams: one on this thread, which begins at once and has nothing else to do meanwhile, the
 * further ones each on a thread of its own, which has to read the sources first, a third of a second of work.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { threadEnvironment } from '../compiled.ts';
import { EnvironmentError } from '../errors.ts';
import type { GeneratorSpec, TableGenerator } from '../generators/index.ts';
import { fillShares, type StreamProgress } from './fill-shares.ts';
import type { FromThread, ThreadStart } from './filling-thread.ts';
import { createCounters, createTurn, dismisses, type Share, shareOut } from './pieces.ts';
import type { FillingRequest } from './seeder.ts';
import { received } from './sent-error.ts';

/** More would not be fed by one server. */
const STREAMS_MAX = 8;
/** Below, further threads cost more than they bring. */
const ROWS_FOR_THREADS = 200_000;

/** Small tables are done before a thread for them alone is there. */
const ROWS_FOR_A_THREAD = 50_000;

/**
 * Streams for small tables alone, beside the first one on its thread: such a table is mostly waiting for a connection
 * and a commit, some 30 ms each.
 */
const ASIDE = 2;

/** Rows leave hardly any garbage; a larger heap for it would only make the harness larger (48 by default). */
const YOUNG_MIB = 16;

export interface StreamedFilling {
  readonly spec: GeneratorSpec;
  /** Made from it. */
  readonly generators: ReadonlyMap<string, TableGenerator>;
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
  const { spec, generators, tell } = filling;
  const wanted = spec.tables
    .filter(({ description }) => filling.tables.includes(description.name))
    .map(({ description: { name, columns }, rows }) => ({
      table: name,
      rows,
      weight: rows * columns.length,
    }));
  const rows = wanted.reduce((sum, table) => sum + table.rows, 0);
  const most = request.streams ?? Math.min(STREAMS_MAX, availableParallelism());
  const streams = rows >= ROWS_FOR_THREADS ? most : 1;
  const shares = shareOut(wanted, streams, engine.filling.cutting);
  const counters = createCounters(shares);
  const isSmall = (share: Share) => share.rows < ROWS_FOR_A_THREAD;
  const pieces = shares.map((share) => (isSmall(share) ? 0 : Math.ceil(share.rows / share.pieceRows)));
  const threads = Math.min(
    streams,
    pieces.reduce((sum, each) => sum + each, 0),
  );
  const failure = new AbortController();
  const stop = AbortSignal.any([signal, failure.signal]);
  const start = { engine: engine.name, target, spec, shares, counters };
  const further = Array.from({ length: threads - 1 }, (_, index) =>
    startThread(start, (progress) => tell(index + 1, progress), stop),
  );
  const here = (stream: number, takes: (share: Share) => boolean) => {
    const tellOne = (progress: StreamProgress) => tell(stream, progress);
    return fillShares({ engine, target, generators, shares, counters, takes, tell: tellOne, signal: stop });
  };
  const first = here(0, () => true).then(() => {
    // Nothing is left to be taken.
    for (const thread of further) thread.dismiss();
  });
  const aside = Array.from({ length: Math.min(ASIDE, shares.filter(isSmall).length) }, (_, index) =>
    here(Math.max(threads, 1) + index, isSmall),
  );
  const working = [first, ...aside, ...further.map(({ ended }) => ended)];
  for (const each of working) each.catch((error: unknown) => failure.abort(error));
  await Promise.allSettled(working);
  stop.throwIfAborted();
}

interface FillingThread {
  readonly ended: Promise<void>;
  /** Ends it unless it is at work. */
  dismiss(): void;
}

/** An abort ends the thread, and with it its connection. */
function startThread(
  start: Omit<ThreadStart, 'turn'>,
  tell: (progress: StreamProgress) => void,
  signal: AbortSignal,
): FillingThread {
  const turn = createTurn();
  let dismissed = false;
  const worker = new Worker(threadFile(), {
    workerData: { ...start, turn } satisfies ThreadStart,
    name: 'rehearse-filling',
    env: threadEnvironment(),
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
  });
  const terminate = () => void worker.terminate();
  signal.addEventListener('abort', terminate, { once: true });
  const ended = new Promise<void>((resolve, reject) => {
    let failure: Error | null = null;
    worker.on('message', (message: FromThread) => {
      if (message.type === 'progress') tell(message.progress);
      else failure = received(message.error);
    });
    worker.on('error', (error) => {
      failure ??= error instanceof Error ? error : new Error(String(error));
    });
    worker.on('exit', (code) => {
      signal.removeEventListener('abort', terminate);
      if (failure !== null) reject(failure);
      else if (code === 0 || dismissed) resolve();
      else reject(new EnvironmentError(`a thread that fills tables ended with code ${code}`));
    });
  });
  return {
    ended,
    dismiss: () => {
      dismissed = dismisses(turn);
      if (dismissed) terminate();
    },
  };
}

/** `.ts` when running from sources, `.js` in the compiled package. */
function threadFile(): URL {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new URL(`./filling-thread.${extension}`, import.meta.url);
}

export type { Share };
