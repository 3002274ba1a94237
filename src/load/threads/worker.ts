/** A load thread: a runner behind messages. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { explain, isKnown } from '../../errors.ts';
import type { Priority } from '../self-check.ts';
import { PULSE_MS } from '../stamps/recent.ts';
import type { FromWorker, ToWorker, WorkerStart } from './messages.ts';
import { takePrecedence, takeRealTime } from './precedence.ts';
import { type Runner, startRunner } from './runner.ts';

async function serve(start: WorkerStart, port: MessagePort): Promise<void> {
  let priority: Priority = takePrecedence() ? 'raised' : 'ordinary';
  const tell = (message: FromWorker): void => port.postMessage(message);
  let runner: Runner;
  try {
    runner = await startRunner(start);
  } catch (error) {
    if (!isKnown(error)) throw error;
    tell({ type: 'refused', message: explain(error) });
    port.close();
    return;
  }
  const pulses = setInterval(() => tell({ type: 'pulse', pulse: runner.pulse() }), PULSE_MS);

  async function finish(graceMs: number): Promise<void> {
    try {
      const facts = await runner.finish(graceMs);
      tell({ type: 'facts', facts: { ...facts, health: { ...facts.health, priority } } });
    } finally {
      clearInterval(pulses);
      await runner.close();
      port.close();
    }
  }

  async function probe(atMs: number, durationMs: number): Promise<void> {
    tell({ type: 'probed', probe: await runner.probe(atMs, durationMs) });
  }

  // Not before the probe, which keeps a processor busy. The next ticker inherits it.
  function resume(shiftMs: number): void {
    if (takeRealTime()) priority = 'real-time';
    runner.resume(shiftMs);
  }

  function open({ id, window, atMs }: ToWorker & { type: 'open' }): void {
    runner.open(window, atMs);
    tell({ type: 'opened', id });
  }

  port.on('message', (message: ToWorker) => {
    if (message.type === 'begin') runner.begin(message.startMs);
    else if (message.type === 'open') open(message);
    else if (message.type === 'probe') void probe(message.atMs, message.durationMs);
    else if (message.type === 'resume') resume(message.shiftMs);
    else if (message.type === 'stop') runner.stop();
    else void finish(message.graceMs);
  });
  tell({ type: 'ready' });
}

// A rejection of `serve` is an uncaught error of this thread, which the thread that started it is told.
if (parentPort !== null) {
  void serve(workerData as WorkerStart, parentPort);
}
