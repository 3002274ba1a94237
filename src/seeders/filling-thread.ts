/** A stream on a thread of its own. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { ConnectionTarget } from '../engines/engine.ts';
import { findEngine } from '../engines/index.ts';
import { createGenerators, type GeneratorSpec } from '../generators/index.ts';
import { fillShares, type StreamProgress } from './fill-shares.ts';
import { begins, type Share, type Turn } from './pieces.ts';
import { type SentError, sendable } from './sent-error.ts';

export interface ThreadStart {
  readonly engine: string;
  readonly target: ConnectionTarget;
  readonly spec: GeneratorSpec;
  readonly shares: readonly Share[];
  readonly counters: Int32Array<SharedArrayBuffer>;
  readonly turn: Turn;
}

export type FromThread =
  | { readonly type: 'progress'; readonly progress: StreamProgress }
  | { readonly type: 'failed'; readonly error: SentError };

async function serve(start: ThreadStart, port: MessagePort): Promise<void> {
  const { engine, target, spec, shares, counters, turn } = start;
  const tell = (progress: StreamProgress) =>
    port.postMessage({ type: 'progress', progress } satisfies FromThread);
  // The thread that started this one ends it when it is aborted.
  const { signal } = new AbortController();
  try {
    const generators = createGenerators(spec);
    if (begins(turn))
      await fillShares({ engine: findEngine(engine), target, generators, shares, counters, tell, signal });
  } catch (error) {
    port.postMessage({ type: 'failed', error: sendable(error) } satisfies FromThread);
  }
  port.close();
}

if (parentPort !== null) void serve(workerData as ThreadStart, parentPort);
